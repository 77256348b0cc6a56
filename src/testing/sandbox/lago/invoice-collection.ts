import { asksForAuthentication, type TestCard, testCardNumbered } from '../stripe/test-cards.js'
import { doLater } from './background.js'
import { customers } from './customers.js'
import { emitInvoice, invoices, type LagoInvoice, putInvoice, totalCents } from './invoices.js'
import { paymentLink } from './payment-link.js'
import { defaultMethod, paymentMethods } from './payment-methods.js'
import { type LagoPayment, payments, shownPayment } from './payments.js'
import { settleTopUp } from './wallets.js'
import { emitWebhook } from './webhooks.js'
import { type LagoWorld, newLagoId } from './world.js'

const bankDelayMs = 60_000

/** What a customer pays with: a method that is saved, or a card given on a page. */
export interface CollectTerms {
  readonly methodId?: string | null
  /** Given by the customer, who is there. */
  readonly card?: TestCard
}

/**
 * Tries to collect an invoice through the payment service. Without a service, or without a method there, Lago does nothing and says
 * nothing.
 */
export function collect(world: LagoWorld, invoiceId: string, terms: CollectTerms): LagoPayment | undefined {
  const invoice = invoices(world).get(invoiceId)
  if (invoice === undefined || invoice.status !== 'finalized' || invoice.payment_status === 'succeeded')
    return undefined
  const customer = customers(world).get(invoice.external_customer_id)
  const link = customer === undefined ? null : paymentLink(customer)
  if (link === null) return undefined
  if (isBeingPaid(world, invoiceId) && terms.card === undefined) return undefined
  const method = terms.methodId ? paymentMethods(world).get(terms.methodId) : defaultMethod(world, invoice)
  const card = terms.card ?? (method && testCardNumbered(method.card))
  if (card === undefined) return undefined
  dropUnfinished(world, invoiceId)
  const payment: LagoPayment = {
    lago_id: newLagoId(),
    invoiceId,
    external_customer_id: invoice.external_customer_id,
    cents: totalCents(invoice),
    currency: invoice.currency,
    status: 'pending',
    payment_status: 'pending',
    methodId: terms.card === undefined ? (method?.lago_id ?? null) : null,
    card: card.number,
    providerId: `pi_${newLagoId().replaceAll('-', '').slice(0, 24)}`,
    nextActionUrl: null,
    createdAtMs: world.now(),
  }
  return attempt(world, invoice, payment, card, terms.card !== undefined)
}

function attempt(
  world: LagoWorld,
  invoice: LagoInvoice,
  payment: LagoPayment,
  card: TestCard,
  isThere: boolean,
): LagoPayment {
  if (card.settles !== undefined) {
    doLater(world, 'settle_payment', payment.lago_id, { delayMs: bankDelayMs })
    return put(world, { ...payment, status: 'processing', payment_status: 'processing' })
  }
  if (!isThere && asksForAuthentication(card, { offSession: true, setUp: true })) {
    const nextActionUrl = world.pageUrl(`/lago/pay/${invoice.lago_id}`)
    const waiting = put(world, { ...payment, status: 'requires_action', payment_status: 'processing', nextActionUrl })
    emitWebhook(world, 'payment.requires_action', 'payment', shownPayment(world, waiting))
    return waiting
  }
  if (card.decline !== undefined) return fail(world, invoice, payment, card)
  return succeed(world, invoice, payment)
}

/** What a bank says in the end. */
export function settlePayment(world: LagoWorld, paymentId: string): void {
  const payment = payments(world).get(paymentId)
  const invoice = payment && invoices(world).get(payment.invoiceId)
  const card = payment && testCardNumbered(payment.card)
  if (payment?.payment_status !== 'processing' || invoice === undefined || card === undefined) return
  if (card.settles === 'succeeds') succeed(world, invoice, payment)
  else fail(world, invoice, payment, card)
}

function succeed(world: LagoWorld, invoice: LagoInvoice, payment: LagoPayment): LagoPayment {
  const paid = put(world, { ...payment, status: 'succeeded', payment_status: 'succeeded', nextActionUrl: null })
  markPaid(world, invoice)
  emitWebhook(world, 'payment.succeeded', 'payment', shownPayment(world, paid))
  return paid
}

/** However the money came. */
export function markPaid(world: LagoWorld, invoice: LagoInvoice): LagoInvoice {
  const paid = putInvoice(world, { ...invoice, payment_status: 'succeeded', paidAtMs: world.now(), overdue: false })
  if (paid.type === 'credit') settleTopUp(world, paid)
  emitInvoice(world, 'invoice.payment_status_updated', paid)
  return paid
}

function fail(world: LagoWorld, invoice: LagoInvoice, payment: LagoPayment, card: TestCard): LagoPayment {
  const failed = put(world, { ...payment, status: 'failed', payment_status: 'failed', nextActionUrl: null })
  putInvoice(world, { ...invoice, payment_status: 'failed' })
  const customer = customers(world).get(invoice.external_customer_id)
  const link = customer === undefined ? null : paymentLink(customer)
  emitWebhook(world, 'invoice.payment_failure', 'payment_provider_invoice_payment_error', {
    lago_invoice_id: invoice.lago_id,
    lago_customer_id: customer?.lago_id ?? '',
    external_customer_id: invoice.external_customer_id,
    provider_customer_id: link?.customerId ?? '',
    payment_provider: link?.provider ?? 'stripe',
    payment_provider_code: link?.code ?? '',
    provider_error: {
      message: card.decline?.message ?? 'Declined.',
      error_code: card.decline?.code ?? 'card_declined',
    },
  })
  return failed
}

/** Whether the payment service works on one now: then Lago begins no other. */
export function isBeingPaid(world: LagoWorld, invoiceId: string): boolean {
  return [...payments(world).values()].some(
    (payment) => payment.invoiceId === invoiceId && payment.status === 'processing',
  )
}

/** One that waited for the customer is over when another one begins. */
function dropUnfinished(world: LagoWorld, invoiceId: string): void {
  for (const payment of [...payments(world).values()])
    if (payment.invoiceId === invoiceId && payment.status === 'requires_action')
      put(world, { ...payment, status: 'canceled', payment_status: 'failed', nextActionUrl: null })
}

function put(world: LagoWorld, payment: LagoPayment): LagoPayment {
  payments(world).put(payment.lago_id, payment)
  return payment
}
