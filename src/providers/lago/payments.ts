import * as z from 'zod'
import { BillingError } from '../../core/errors.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import type { PaymentsCapability, ProviderPayment } from '../../core/ports/capabilities/payments.js'
import { type LagoCall, parseAnswer, part } from './call.js'
import { type CreditNote, creditNotesOf, refundedOf, toRefund } from './credit-notes.js'
import { intentOf } from './invoice.js'
import { readInvoice } from './invoices.js'
import { listed } from './listed.js'
import { type LagoPayment, paymentSchema, toPayment } from './payment.js'
import { refundOnce } from './refund.js'

/** The description leaves out the object around it. */
const answerSchema = z.union([z.object({ payment: paymentSchema }).transform(({ payment }) => payment), paymentSchema])

/** Lago collects by itself. */
export type LagoPaymentVerbs = Required<Pick<PaymentsCapability, 'list' | 'get' | 'reversals' | 'refund'>>

/**
 * What Lago collected through its payment service. Money goes back by credit notes; disputes Lago does not tell of.
 *
 * @see https://docs.getlago.com/api-reference/payments/payment-object
 */
export function lagoPayments(call: LagoCall): LagoPaymentVerbs {
  const read = async (externalId: string, options: CallOptions): Promise<LagoPayment> => {
    if (externalId === '') throw new BillingError('not_found', 'A payment has an id.')
    const answer = await call.read(options, (client, request) => client.payments.findPayment(part(externalId), request))
    return parseAnswer(answerSchema, answer)
  }

  const view = async (
    payment: LagoPayment,
    notes: readonly CreditNote[],
    options: CallOptions,
  ): Promise<ProviderPayment> => {
    const invoiceId = payment.invoice_ids?.[0]
    const invoice = invoiceId === undefined ? null : await readInvoice(call, invoiceId, options)
    return toPayment(payment, refundedOf(notes, payment), invoice && intentOf(invoice))
  }

  const notesOf = (payment: LagoPayment, options: CallOptions) =>
    creditNotesOf(call, payment.external_customer_id ?? '', options)

  return {
    async list({ customerId, status, ...page }, options) {
      const notes = await creditNotesOf(call, customerId, options)
      const found = await listed(
        'payments',
        paymentSchema,
        page,
        (at) =>
          call.read(options, (client, request) =>
            client.payments.findAllPayments({ external_customer_id: customerId, ...at }, request),
          ),
        (payment) => view(payment, notes, options),
      )
      return { ...found, items: found.items.filter((payment) => status === undefined || payment.status === status) }
    },
    async get(externalId, options) {
      const payment = await read(externalId, options)
      return view(payment, await notesOf(payment, options), options)
    },
    async reversals(externalId, options) {
      const payment = await read(externalId, options)
      const notes = await notesOf(payment, options)
      const own = notes.filter(
        (note) => note.lago_invoice_id === payment.invoice_ids?.[0] && note.refund_amount_cents > 0,
      )
      return { refunds: own.map((note) => toRefund(note, externalId)), disputes: [] }
    },
    async refund({ paymentId, amount, reason }, options) {
      const payment = await read(paymentId, options)
      return refundOnce(call, { payment, amount, reason }, options)
    },
  }
}
