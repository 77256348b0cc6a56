import { customers } from './customers.js'
import { schedule } from './due.js'
import { emit } from './events.js'
import { type Invoice, invoices, subscriptionOf } from './invoice-object.js'
import { intentOf, openInvoicePayment } from './invoice-payments.js'
import { failInvoice, finalizeInvoice, payInvoice } from './invoices.js'
import { attemptPayment } from './payment-attempt.js'
import { type PaymentIntent, paymentIntents } from './payment-intents.js'
import { defaultMethodOf, type PaymentMethod, paymentMethods } from './payment-methods.js'
import { subscriptions } from './subscription-object.js'
import type { Decline } from './test-cards.js'
import type { StripeWorld } from './world.js'

/** What came of trying to collect an invoice. `invoice` and `intent` are as they are now. */
export interface Collection {
  readonly kind: 'paid' | 'processing' | 'requires_action' | 'failed' | 'no_payment_method'
  readonly invoice: Invoice
  readonly intent?: PaymentIntent
  readonly decline?: Decline
}

export interface CollectionTerms {
  /** Instead of the default one. */
  readonly method?: PaymentMethod | undefined
  /** Nobody is there to authenticate; the default. */
  readonly offSession?: boolean
  /** 3-D Secure was passed already. */
  readonly authenticated?: boolean
  readonly returnUrl?: string | undefined
}

/**
 * Charges what an open invoice still asks for. The invoice follows the payment intent (see payment-followers.ts), so it is read
 * back afterwards.
 */
export function collectInvoice(world: StripeWorld, invoice: Invoice, terms: CollectionTerms = {}): Collection {
  if (invoice.status === 'paid') return { kind: 'paid', invoice }
  if (invoice.amount_due === 0) return { kind: 'paid', invoice: payInvoice(world, invoice) }
  const method = terms.method ?? methodFor(world, invoice)
  if (method === undefined) return { kind: 'no_payment_method', invoice: failInvoice(world, invoice) }
  const intent = payableIntent(world, invoice)
  const attempt = attemptPayment(world, intent, method, {
    offSession: terms.offSession ?? true,
    waitsForPayer: true,
    authenticated: terms.authenticated ?? false,
    returnUrl: terms.returnUrl,
  })
  const after = {
    invoice: invoices(world).get(invoice.id) ?? invoice,
    intent: paymentIntents(world).get(intent.id) ?? attempt.intent,
  }
  if (attempt.decline !== undefined) return { kind: 'failed', ...after, decline: attempt.decline }
  if (attempt.intent.status === 'requires_action') return { kind: 'requires_action', ...after }
  return { kind: attempt.intent.status === 'processing' ? 'processing' : 'paid', ...after }
}

/** What an invoice is charged to when nothing is said: its own method, its subscription's, its customer's. */
export function methodFor(world: StripeWorld, invoice: Invoice): PaymentMethod | undefined {
  const subscription = subscriptions(world).get(subscriptionOf(invoice) ?? '')
  const customer = customers(world).get(invoice.customer)
  return (
    paymentMethods(world).get(invoice.default_payment_method ?? '') ??
    paymentMethods(world).get(subscription?.default_payment_method ?? '') ??
    (customer === undefined ? undefined : defaultMethodOf(world, customer))
  )
}

/** A draft's hour is over. */
export function advanceDraft(world: StripeWorld, id: string): void {
  const draft = invoices(world).get(id)
  if (draft?.status !== 'draft') return
  const open = finalizeInvoice(world, draft)
  if (open.status !== 'open') return
  if (open.collection_method === 'charge_automatically' || open.amount_due === 0) collectInvoice(world, open)
  else emit(world, 'invoice.sent', open)
}

/** A failed invoice is tried again. */
export function retryInvoice(world: StripeWorld, id: string): void {
  const invoice = invoices(world).get(id)
  if (invoice?.status === 'open') collectInvoice(world, invoice)
}

/** An invoice that was sent is not paid on its day. */
export function noteOverdue(world: StripeWorld, id: string): void {
  const invoice = invoices(world).get(id)
  if (invoice?.status === 'open') emit(world, 'invoice.overdue', invoice)
}

/** Finalized on request: paid at once when nothing is due, collected an hour later if it advances by itself. */
export function finalizeOnRequest(world: StripeWorld, draft: Invoice): Invoice {
  const invoice = finalizeInvoice(world, draft)
  if (invoice.amount_due === 0) return payInvoice(world, invoice)
  if (invoice.status !== 'open' || !invoice.auto_advance) return invoice
  if (invoice.collection_method !== 'charge_automatically') return invoice
  const dueAtMs = world.now() + 3_600_000
  schedule(world, { kind: 'collect_invoice', target: invoice.id, dueAtMs })
  const after: Invoice = { ...invoice, next_payment_attempt: Math.floor(dueAtMs / 1000) }
  invoices(world).put(after.id, after)
  return after
}

/** One intent serves all attempts, unless it was canceled meanwhile. */
function payableIntent(world: StripeWorld, invoice: Invoice): PaymentIntent {
  const intent = intentOf(world, invoice.id)
  if (intent !== undefined && intent.status !== 'canceled') return intent
  const payment = openInvoicePayment(world, invoice)
  const made = paymentIntents(world).get(payment.payment.payment_intent)
  if (made === undefined) throw new Error(`The invoice ${invoice.id} has no payment intent.`)
  return made
}
