import * as z from 'zod'
import { cardError, invalidRequest, notFound, stripeFailure } from './errors.js'
import { emit } from './events.js'
import { flag, text, tolerated } from './form.js'
import { type Collection, collectInvoice, finalizeOnRequest } from './invoice-collection.js'
import {
  finalizeInvoice,
  type Invoice,
  invoices,
  markUncollectible,
  payInvoice,
  payOutOfBand,
  voidInvoice,
} from './invoices.js'
import { declinedAnswer } from './payment-attempt.js'
import { resolvePaymentMethod } from './payment-methods.js'
import { noParameters, route } from './route.js'
import type { StripeWorld } from './world.js'

/** The steps of an invoice's life, from draft to its end. */
export const invoiceStepRoutes = [
  route(
    'POST /v1/invoices/:id/finalize',
    z.strictObject({ auto_advance: flag.optional() }),
    ({ world, path, params }) => {
      const draft = requireInvoice(world, path.id, 'id')
      if (draft.status !== 'draft') {
        throw invalidRequest("This invoice is already finalized, you can't re-finalize a non-draft invoice.")
      }
      checkTaxable(draft)
      const advancing = params.auto_advance ?? draft.auto_advance
      return finalizeOnRequest(world, { ...draft, auto_advance: advancing })
    },
  ),
  route(
    'POST /v1/invoices/:id/pay',
    z.strictObject({
      payment_method: text.optional(),
      paid_out_of_band: flag.optional(),
      off_session: flag.optional(),
      ...tolerated('forgive', 'mandate'),
    }),
    ({ world, path, params }) => {
      const found = requireInvoice(world, path.id, 'id')
      if (found.status === 'paid') throw invalidRequest('Invoice is already paid')
      if (found.status === 'void') throw invalidRequest('This invoice can no longer be paid')
      if (found.status === 'draft') checkTaxable(found)
      const invoice = found.status === 'draft' ? finalizeInvoice(world, found) : found
      if (invoice.status === 'paid') return invoice
      if (params.paid_out_of_band === true) return payOutOfBand(world, invoice)
      const method =
        params.payment_method === undefined ? undefined : payingMethod(world, invoice, params.payment_method)
      const collection = collectInvoice(world, invoice, { method, offSession: params.off_session ?? true })
      return answerTo(world, collection)
    },
  ),
  route('POST /v1/invoices/:id/send', noParameters, ({ world, path }) => {
    const found = requireInvoice(world, path.id)
    if (found.status === 'draft') checkTaxable(found)
    const invoice = found.status === 'draft' ? finalizeInvoice(world, found) : found
    if (found.status !== 'draft' && found.status !== 'open') {
      throw invalidRequest(
        'This invoice cannot be sent right now. Please contact us via https://support.stripe.com/contact with details, so we can help.',
      )
    }
    emit(world, 'invoice.sent', invoice)
    return invoice.amount_due === 0 ? payInvoice(world, invoice) : invoice
  }),
  route('POST /v1/invoices/:id/void', noParameters, ({ world, path }) => {
    const invoice = requireInvoice(world, path.id, 'id')
    if (invoice.status === 'paid') throw invalidRequest('Invoices with `paid` payments cannot be voided.')
    mustBeOpen(invoice)
    return voidInvoice(world, invoice)
  }),
  route('POST /v1/invoices/:id/mark_uncollectible', noParameters, ({ world, path }) => {
    const invoice = requireInvoice(world, path.id, 'id')
    if (invoice.status === 'uncollectible') {
      throw invalidRequest('This invoice has already been marked uncollectible.')
    }
    mustBeOpen(invoice)
    return markUncollectible(world, invoice)
  }),
]

/** The invoice, or the refusal that leaves it open. */
function answerTo(world: StripeWorld, { kind, invoice, intent, decline }: Collection): unknown {
  if (kind === 'no_payment_method') {
    return invalidRequest(
      'There is no `default_payment_method` set on this Customer or Invoice. Please set either an Invoice-specific or Customer default payment method to charge a payment method for this Invoice.',
    )
  }
  if (kind === 'failed' && decline !== undefined && intent !== undefined) {
    return declinedAnswer(world, { intent, decline })
  }
  if (kind === 'requires_action') {
    const message =
      'This payment requires additional user action before it can be completed successfully. Payment can be completed using the PaymentIntent associated with the invoice. For more details see: https://stripe.com/docs/billing/subscriptions/overview#requires-action'
    return cardError({ code: 'invoice_payment_intent_requires_action', message }, { payment_intent: intent })
  }
  return invoices(world).get(invoice.id)
}

export function requireInvoice(world: StripeWorld, id = '', param = 'invoice'): Invoice {
  const invoice = invoices(world).get(id)
  if (invoice === undefined) throw notFound('invoice', id, param)
  return invoice
}

function mustBeOpen({ status }: Invoice): void {
  if (status !== 'open') throw invalidRequest("You can only pass in open invoices. This invoice isn't open.")
}

function checkTaxable(invoice: Invoice): void {
  if (invoice.automatic_tax.status !== 'requires_location_inputs') return
  throw stripeFailure(400, {
    type: 'invalid_request_error',
    code: 'customer_tax_location_invalid',
    message:
      "We could not determine the customer's tax location based on the provided customer address. Please update the customer's address.",
  })
}

function payingMethod(world: StripeWorld, invoice: Invoice, id: string) {
  const method = resolvePaymentMethod(world, id)
  if (method.customer === invoice.customer) return method
  throw invalidRequest(
    `The payment method \`${id}\` does not belong to the customer \`${invoice.customer}\`. Please attach the payment method to this customer first.`,
    { param: 'payment_method' },
  )
}
