import { BillingError } from '../../core/errors.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import type { Invoice, InvoicesCapability } from '../../core/ports/capabilities/invoices.js'
import { billOnce } from './bill.js'
import { parseAnswer, type StripeCall } from './call.js'
import { stripeFault } from './errors.js'
import { fromStripeInvoice, invoicePreview, invoiceSchema, stripeStatus, toInvoice } from './invoice.js'
import { pageWhere } from './page.js'
import { isOfAnother } from './payment-methods.js'
import { collected, declined } from './payment-outcome.js'
import { invoiceWaiting } from './waiting-invoice.js'

/**
 * Invoices as Stripe has them now. Subscriptions make their own; `generate` makes one of what waits beside them.
 *
 * @see https://docs.stripe.com/api/invoices
 */
export function stripeInvoices(call: StripeCall, now: () => number): Required<InvoicesCapability> {
  const get = async (externalId: string, options: CallOptions): Promise<Invoice> => {
    if (externalId === '') throw new BillingError('not_found', 'An invoice has an id.')
    return fromStripeInvoice(
      await call.read(options, (client, request) => client.invoices.retrieve(externalId, {}, request)),
      now(),
    )
  }

  /** A step of an invoice's life; one that it has gone already, by somebody else at the same time too, is answered as it is. */
  const step = async (
    externalId: string,
    options: CallOptions,
    wanted: Invoice['status'],
    send: Parameters<StripeCall['write']>[1],
  ): Promise<Invoice> => {
    const before = await get(externalId, options)
    if (before.status === wanted) return before
    try {
      await call.write(options, send)
    } catch (error) {
      const after = isRefusal(error) ? await get(externalId, options) : before
      if (after.status === wanted || (wanted === 'open' && hasBeenOpened(before, after))) return after
      throw inState(error, before)
    }
    return get(externalId, options)
  }

  return {
    get,
    async list(query, options) {
      const { customerId: customer, status, subscriptionId: subscription, ...page } = query
      const word = status === undefined ? undefined : stripeStatus(status)
      if (word === null) return { items: [], next: null }
      const filter = { customer, ...(word ? { status: word } : {}), ...(subscription ? { subscription } : {}) }
      const at = now()
      return pageWhere(page, invoiceSchema, {
        list: (start) =>
          call.read(options, (client, request) => client.invoices.list({ ...filter, ...start }, request)),
        map: (invoice) => toInvoice(invoice, at),
        fits: (invoice) => status === undefined || invoice.status === status,
      })
    },
    async upcoming({ customerId: customer, subscriptionId: subscription }, options) {
      try {
        const answer = await call.read(options, (client, request) =>
          client.invoices.createPreview(subscription ? { customer, subscription } : { customer }, request),
        )
        return invoicePreview(answer)
      } catch (error) {
        if (codeOf(error) === 'invoice_upcoming_none' || codeOf(error) === 'invoice_no_customer_line_items') return null
        throw error
      }
    },
    async generate(request, options) {
      const id = await invoiceWaiting(call, request, options)
      return id === null ? null : get(id, options)
    },
    bill: async (request, options) => get(await billOnce(call, request, options), options),
    finalize: (externalId, options) =>
      step(externalId, options, 'open', (client, request) => client.invoices.finalizeInvoice(externalId, {}, request)),
    void: (externalId, options) =>
      step(externalId, options, 'void', (client, request) => client.invoices.voidInvoice(externalId, {}, request)),
    markUncollectible: (externalId, options) =>
      step(externalId, options, 'uncollectible', (client, request) =>
        client.invoices.markUncollectible(externalId, {}, request),
      ),
    async pay({ externalId, paymentMethodId }, options) {
      const before = await get(externalId, options)
      if (before.status === 'paid') return { invoice: before, payment: { status: 'succeeded' } }
      if (before.status === 'draft' || before.status === 'void')
        throw new BillingError('invalid_state', `Invoice ${externalId} is ${before.status}: it cannot be paid.`)
      const method = paymentMethodId === null ? {} : { payment_method: paymentMethodId }
      try {
        await call.write(options, (client, request) => client.invoices.pay(externalId, method, request))
      } catch (error) {
        const { status, code, message, declineCode } = stripeFault(BillingError.is(error) ? error.cause : error)
        const isBare = lacksMethod(code, message)
        const isUnknown = paymentMethodId !== null && BillingError.is(error) && error.code === 'not_found'
        if (!isRefusal(error) && !isUnknown) throw error
        const invoice = await get(externalId, options)
        // Somebody else has collected it in the meantime.
        if (invoice.status === 'paid') return { invoice, payment: { status: 'succeeded' } }
        if (status !== 402 && !isBare) {
          if (paymentMethodId !== null && (await isOfAnother(call, before.customerId, paymentMethodId, options)))
            throw new BillingError('not_found', `No payment method ${paymentMethodId}.`)
          throw inState(error, before)
        }
        if (code === 'invoice_payment_intent_requires_action' || code === 'authentication_required')
          return { invoice, payment: { status: 'requires_action', url: invoice.url } }
        if (isBare) return { invoice, payment: { status: 'declined', reason: 'no_payment_method', message } }
        return { invoice, payment: declined({ code, decline_code: declineCode, message }) }
      }
      return { invoice: await get(externalId, options), payment: await collected(call, externalId, options) }
    },
    async pdf(externalId, options) {
      const answer = parseAnswer(
        invoiceSchema,
        await call.read(options, (client, request) => client.invoices.retrieve(externalId, {}, request)),
      )
      if (answer.invoice_pdf) return { status: 'ready', url: answer.invoice_pdf }
      if (answer.status === 'draft')
        throw new BillingError('invalid_state', `Invoice ${externalId} is a draft: it has no PDF until it is final.`)
      return { status: 'not_ready', retryAfterMs: 2_000 }
    },
  }
}

/** There is nothing to charge: Stripe says so in words, and not by a code of its own. */
function lacksMethod(code: string | undefined, message: string): boolean {
  return code === 'missing_payment_method' || /no `?default_payment_method`?|no attached payment source/i.test(message)
}

function codeOf(error: unknown): string | undefined {
  return BillingError.is(error) ? stripeFault(error.cause).code : undefined
}

function isRefusal(error: unknown): error is BillingError {
  return BillingError.is(error) && error.code === 'provider_rejected'
}

/** What was a draft a moment ago was made final, and may be paid by now. */
function hasBeenOpened(before: Invoice, { status }: Invoice): boolean {
  return before.status === 'draft' && status !== 'draft' && status !== 'deleted' && status !== 'void'
}

/** A refusal because of how the invoice stands. */
function inState(error: unknown, { externalId, status }: Invoice): unknown {
  if (!isRefusal(error)) return error
  return new BillingError('invalid_state', `Invoice ${externalId} is ${status}: ${error.message}`, {
    details: { ...error.details, invoiceId: externalId, status },
    cause: error.cause,
  })
}
