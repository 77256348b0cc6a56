import * as z from 'zod'
import { BillingError } from '../../core/errors.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import type { Invoice, InvoicePdf, InvoicesCapability } from '../../core/ports/capabilities/invoices.js'
import { type LagoCall, parseAnswer, part } from './call.js'
import { invoiceSchema, invoiceStatus, type LagoInvoice, type MeterOf, statusQuery, toInvoice } from './invoice.js'
import { payInvoice } from './invoice-payment.js'
import { listed } from './listed.js'
import { poll } from './poll.js'

const answerSchema = z.object({ invoice: invoiceSchema })
const rowSchema = z.object({ lago_id: z.string().min(1) })

/** Lago writes a file in seconds, or when its workers have time. */
const retryAfterMs = 5_000

/** Lago makes invoices of subscriptions by itself: there is nothing to generate. */
export type LagoInvoiceVerbs = Required<Pick<InvoicesCapability, 'list' | 'get' | 'finalize' | 'pay' | 'void' | 'pdf'>>

/**
 * Invoices as Lago has them now, by Lago's ids.
 *
 * @see https://docs.getlago.com/api-reference/invoices/invoice-object
 */
export function lagoInvoices(call: LagoCall, meterOf: MeterOf): LagoInvoiceVerbs {
  const get = async (externalId: string, options: CallOptions) =>
    toInvoice(await readInvoice(call, externalId, options), meterOf)

  /** A step of an invoice's life; one that it has gone already is answered as it is. */
  const step = async (
    externalId: string,
    options: CallOptions,
    isDone: (before: Invoice) => boolean,
    send: Parameters<LagoCall['write']>[1],
  ): Promise<Invoice> => {
    const before = await get(externalId, options)
    if (isDone(before)) return before
    try {
      await call.write(options, send)
    } catch (error) {
      throw inState(error, before)
    }
    return get(externalId, options)
  }

  return {
    get,
    async list({ customerId, status, subscriptionId, ...page }, options) {
      const filter = status === undefined ? {} : statusQuery(status)
      if (filter === null) return { items: [], next: null }
      const query = { external_customer_id: customerId, ...filter }
      // What an invoice charges for is told where it is asked for alone.
      const found = await listed(
        'invoices',
        rowSchema,
        page,
        (at) => call.read(options, (client, request) => client.invoices.findAllInvoices({ ...query, ...at }, request)),
        ({ lago_id: id }) => get(id, options),
      )
      const items = found.items.filter(
        (invoice) => subscriptionId === undefined || invoice.subscriptionId === subscriptionId,
      )
      return { ...found, items }
    },
    finalize: (externalId, options) =>
      step(
        externalId,
        options,
        ({ status }) => status !== 'draft' && status !== 'void' && status !== 'deleted',
        (client, request) => client.invoices.finalizeInvoice(part(externalId), request),
      ),
    void: (externalId, options) =>
      step(
        externalId,
        options,
        ({ status }) => status === 'void',
        (client, request) => client.invoices.voidInvoice(part(externalId), {}, request),
      ),
    async pay(asked, options) {
      const before = await get(asked.externalId, options)
      if (before.status === 'paid') return { invoice: before, payment: { status: 'succeeded' } }
      if (before.status === 'draft' || before.status === 'void' || before.status === 'deleted')
        throw new BillingError('invalid_state', `Invoice ${asked.externalId} is ${before.status}: it cannot be paid.`)
      const payment = await payInvoice(call, { ...asked, customerId: before.customerId }, options)
      return { invoice: await get(asked.externalId, options), payment }
    },
    pdf: (externalId, options) => pdfOf(call, externalId, options),
  }
}

/** @throws BillingError `not_found` */
export async function readInvoice(call: LagoCall, externalId: string, options: CallOptions): Promise<LagoInvoice> {
  // Without an id the address would be that of the list.
  if (externalId === '') throw new BillingError('not_found', 'An invoice has an id.')
  const answer = await call.read(options, (client, request) => client.invoices.findInvoice(part(externalId), request))
  return parseAnswer(answerSchema, answer).invoice
}

/** Asks for the file, which Lago writes after an empty answer, and looks for it a few times. */
async function pdfOf(call: LagoCall, externalId: string, options: CallOptions): Promise<InvoicePdf> {
  const invoice = await readInvoice(call, externalId, options)
  const status = invoiceStatus(invoice)
  if (status === 'draft' || status === 'processing')
    throw new BillingError('invalid_state', `Invoice ${externalId} is ${status}: it has no PDF until it is final.`)
  if (invoice.file_url) return { status: 'ready', url: invoice.file_url }
  const answer = await call.write(options, (client, request) =>
    client.invoices.downloadInvoice(part(externalId), request),
  )
  const asked = answer === null ? null : parseAnswer(answerSchema, answer).invoice.file_url
  const url =
    asked ?? (await poll(options, async () => (await readInvoice(call, externalId, options)).file_url ?? null))
  return url === null ? { status: 'not_ready', retryAfterMs } : { status: 'ready', url }
}

/** A refusal because of how the invoice stands. */
function inState(error: unknown, { externalId, status }: Invoice): unknown {
  if (!BillingError.is(error)) return error
  const { status: answered } = error.details
  if (answered !== 404 && answered !== 405 && answered !== 422) return error
  return new BillingError('invalid_state', `Invoice ${externalId} is ${status}: ${error.message}`, {
    details: { ...error.details, invoiceId: externalId, status },
    cause: error.cause,
  })
}
