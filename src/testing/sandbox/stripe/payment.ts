import {
  type CheckoutSession,
  checkoutSessions,
  details,
  lineItems,
  type SessionPlan,
  sessionPlans,
} from './checkout-session.js'
import { type Customer, createCustomer, customers } from './customers.js'
import { schedule, unschedule } from './due.js'
import { emit } from './events.js'
import { failInvoice, invoices, payInvoice } from './invoices.js'
import {
  createPaymentIntent,
  type Decline,
  failPayment,
  paymentIntents,
  processPayment,
  succeedPayment,
} from './payment-intents.js'
import { subscriptions } from './subscription-object.js'
import { createSubscription, updateSubscription } from './subscriptions.js'
import { newId, type StripeWorld } from './world.js'

/** A card or account number that does a known thing, as on Stripe's testing page. */
export interface TestCard {
  readonly number: string
  readonly label: string
  readonly does: string
  readonly outcome: 'succeeds' | 'declined' | 'succeeds_later' | 'fails_later'
  readonly decline?: Decline
}

export const settlementMs = 60_000

export const testCards: readonly TestCard[] = [
  { number: '4242424242424242', label: 'Visa ···· 4242', does: 'Succeeds at once', outcome: 'succeeds' },
  {
    number: '4000000000000002',
    label: 'Visa ···· 0002',
    does: 'Is declined',
    outcome: 'declined',
    decline: { code: 'card_declined', declineCode: 'generic_decline', message: 'Your card was declined.' },
  },
  {
    number: '4000000000009995',
    label: 'Visa ···· 9995',
    does: 'Is declined: insufficient funds',
    outcome: 'declined',
    decline: { code: 'card_declined', declineCode: 'insufficient_funds', message: 'Your card has insufficient funds.' },
  },
  {
    number: '000123456789',
    label: 'Bank account ···· 6789',
    does: 'Completes unpaid, the money arrives after a minute',
    outcome: 'succeeds_later',
  },
  {
    number: '000111111116',
    label: 'Bank account ···· 1116',
    does: 'Completes unpaid, the debit fails after a minute',
    outcome: 'fails_later',
  },
]

export type PaymentResult =
  | { readonly kind: 'complete'; readonly session: CheckoutSession }
  | { readonly kind: 'declined'; readonly message: string }
  | { readonly kind: 'closed'; readonly session: CheckoutSession }

/** Pays for an open session. A complete one stays as it is, so that paying twice is harmless. */
export function paySession(
  world: StripeWorld,
  session: CheckoutSession,
  given: { readonly card: string; readonly email: string | null },
): PaymentResult {
  if (session.status === 'complete') return { kind: 'complete', session }
  if (session.status === 'expired') return { kind: 'closed', session }
  const number = given.card.replace(/[\s-]/g, '')
  const card = testCards.find((each) => each.number === number)
  if (card === undefined)
    return { kind: 'declined', message: 'Your card number is incorrect. Pick one of the test cards.' }
  const plan = sessionPlans(world).get(session.id) ?? emptyPlan
  const free = session.payment_status === 'no_payment_required'
  const payer = payerOf(world, session, given.email)
  if (card.decline !== undefined && !free) return decline(world, session, plan, payer, card.decline)
  const now = free || card.outcome === 'succeeds' || card.outcome === 'declined'
  const customer = ensureCustomer(world, session, payer)
  const bought =
    session.mode === 'subscription'
      ? subscribe(world, session, plan, customer, now)
      : pay(world, session, plan, customer, payer, now)
  const complete: CheckoutSession = {
    ...session,
    ...bought,
    customer: customer?.id ?? session.customer,
    customer_details: details(payer.email, payer.name),
    payment_status: free ? 'no_payment_required' : now ? 'paid' : 'unpaid',
    status: 'complete',
    url: null,
  }
  checkoutSessions(world).put(complete.id, complete)
  unschedule(world, 'expire_session', complete.id)
  emit(world, 'checkout.session.completed', complete)
  if (!now) {
    const succeeds = card.outcome === 'succeeds_later'
    schedule(world, { kind: 'settle_payment', target: complete.id, succeeds, dueAtMs: world.now() + settlementMs })
  }
  return { kind: 'complete', session: complete }
}

/** A delayed payment arrives, or does not. */
export function settleSession(world: StripeWorld, id: string, succeeds: boolean): void {
  const session = checkoutSessions(world).get(id)
  if (session === undefined || session.payment_status !== 'unpaid') return
  const intent = session.payment_intent === null ? undefined : paymentIntents(world).get(session.payment_intent)
  const invoice = session.invoice === null ? undefined : invoices(world).get(session.invoice)
  const subscription = session.subscription === null ? undefined : subscriptions(world).get(session.subscription)
  if (succeeds) {
    const paid: CheckoutSession = { ...session, payment_status: 'paid' }
    checkoutSessions(world).put(id, paid)
    if (intent !== undefined) succeedPayment(world, intent)
    if (invoice !== undefined) payInvoice(world, invoice)
    emit(world, 'checkout.session.async_payment_succeeded', paid)
    return
  }
  if (intent !== undefined)
    failPayment(world, intent, {
      code: 'payment_intent_payment_attempt_failed',
      message: 'The bank account was closed.',
    })
  if (invoice !== undefined) failInvoice(world, invoice)
  if (subscription !== undefined && subscription.status === 'active') {
    updateSubscription(world, subscription, { status: 'past_due' })
  }
  emit(world, 'checkout.session.async_payment_failed', session)
}

interface Payer {
  readonly email: string
  readonly name: string | null
}

const emptyPlan: SessionPlan = {
  payment: { metadata: {}, description: null, receiptEmail: null, setupFutureUsage: null },
  subscription: { metadata: {}, description: null, trialDays: 0 },
}

function payerOf(world: StripeWorld, session: CheckoutSession, email: string | null): Payer {
  const customer = session.customer === null ? undefined : customers(world).get(session.customer)
  return {
    email: customer?.email ?? session.customer_email ?? email ?? 'buyer@example.com',
    name: customer?.name ?? null,
  }
}

/** A guest stays a guest unless the session asks for a customer. */
function ensureCustomer(world: StripeWorld, session: CheckoutSession, payer: Payer): Customer | undefined {
  if (session.customer !== null) return customers(world).get(session.customer)
  if (session.customer_creation !== 'always') return undefined
  return createCustomer(world, { email: payer.email })
}

function decline(
  world: StripeWorld,
  session: CheckoutSession,
  plan: SessionPlan,
  payer: Payer,
  why: Decline,
): PaymentResult {
  const { message } = why
  if (session.mode !== 'payment') return { kind: 'declined', message }
  const before = session.payment_intent === null ? undefined : paymentIntents(world).get(session.payment_intent)
  const intent = before ?? intentFor(world, session, plan, session.customer, payer)
  failPayment(world, intent, why)
  checkoutSessions(world).put(session.id, { ...session, payment_intent: intent.id })
  return { kind: 'declined', message }
}

function pay(
  world: StripeWorld,
  session: CheckoutSession,
  plan: SessionPlan,
  customer: Customer | undefined,
  payer: Payer,
  now: boolean,
): Partial<CheckoutSession> {
  if (session.mode === 'setup' || session.payment_status === 'no_payment_required') return {}
  const before = session.payment_intent === null ? undefined : paymentIntents(world).get(session.payment_intent)
  const intent = before ?? intentFor(world, session, plan, customer?.id ?? null, payer)
  if (now) succeedPayment(world, intent)
  else processPayment(world, intent)
  return { payment_intent: intent.id }
}

function intentFor(
  world: StripeWorld,
  session: CheckoutSession,
  plan: SessionPlan,
  customer: string | null,
  payer: Payer,
) {
  return createPaymentIntent(world, {
    amount: session.amount_total ?? 0,
    currency: session.currency ?? 'usd',
    customer,
    description: plan.payment.description,
    metadata: plan.payment.metadata,
    receiptEmail: plan.payment.receiptEmail ?? (customer === null ? payer.email : null),
    setupFutureUsage: plan.payment.setupFutureUsage,
  })
}

function subscribe(
  world: StripeWorld,
  session: CheckoutSession,
  plan: SessionPlan,
  customer: Customer | undefined,
  now: boolean,
): Partial<CheckoutSession> {
  if (customer === undefined) return {}
  const chosen = (lineItems(world).get(session.id)?.items ?? []).filter(({ price }) => price.recurring !== null)
  const { subscription, invoice } = createSubscription(
    world,
    {
      customer,
      items: chosen.map(({ price, quantity }) => ({ price, quantity: quantity ?? 1 })),
      metadata: plan.subscription.metadata,
      description: plan.subscription.description,
      trialDays: plan.subscription.trialDays,
      defaultPaymentMethod: newId('pm_1', 23),
    },
    now ? 'paid' : 'on_its_way',
  )
  return { subscription: subscription.id, invoice: invoice?.id ?? null }
}
