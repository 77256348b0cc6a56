import {
  type CheckoutSession,
  checkoutSessions,
  lineItems,
  type SessionPlan,
  sessionPlans,
} from './checkout-session.js'
import { type Customer, createCustomer, customers } from './customers.js'
import { collectInvoice } from './invoice-collection.js'
import { attemptPayment, completeAuthentication } from './payment-attempt.js'
import { createPaymentIntent, type PaymentIntent, paymentIntents, saveIntent } from './payment-intents.js'
import {
  attachPaymentMethod,
  createPaymentMethod,
  markSetUp,
  mustAuthenticate,
  noBillingDetails,
  type PaymentMethod,
  paymentMethods,
  testCardOf,
} from './payment-methods.js'
import { completeSession } from './session-settlement.js'
import { attemptSetup, completeSetup, type SetupIntent, saveSetup, setupIntents } from './setup-intents.js'
import { createSubscription } from './subscriptions.js'
import { testCardNumbered } from './test-cards.js'
import { type StripeWorld, tableOf } from './world.js'

export type PaymentResult =
  | { readonly kind: 'complete'; readonly session: CheckoutSession }
  | { readonly kind: 'declined'; readonly message: string }
  | { readonly kind: 'authenticate'; readonly id: string }
  | { readonly kind: 'closed'; readonly session: CheckoutSession }

/** The method a buyer chose, while 3-D Secure is under way. */
const chosenMethods = tableOf<{ readonly id: string; readonly method: string; readonly email: string }>(
  'chosen_methods',
)

/** Pays for an open session. A complete one stays as it is, so that paying twice is harmless. */
export function paySession(
  world: StripeWorld,
  session: CheckoutSession,
  given: { readonly card: string; readonly email: string | null },
): PaymentResult {
  if (session.status === 'complete') return { kind: 'complete', session }
  if (session.status === 'expired') return { kind: 'closed', session }
  const card = testCardNumbered(given.card)
  if (card === undefined)
    return { kind: 'declined', message: 'Your card number is incorrect. Pick one of the test cards.' }
  const email = emailOf(world, session, given.email)
  const method = createPaymentMethod(world, { card, billing: { ...noBillingDetails, email } })
  chosenMethods(world).put(session.id, { id: session.id, method: method.id, email })
  if (session.mode === 'setup') return save(world, session, method, email, false)
  return session.mode === 'subscription'
    ? subscribe(world, session, method, email, false)
    : pay(world, session, method, email, false)
}

/** 3-D Secure was passed, or failed. */
export function authenticateSession(world: StripeWorld, session: CheckoutSession, passes: boolean): PaymentResult {
  if (session.status === 'complete') return { kind: 'complete', session }
  const chosen = chosenMethods(world).get(session.id)
  const method = paymentMethods(world).get(chosen?.method ?? '')
  if (session.status === 'expired' || chosen === undefined || method === undefined) return { kind: 'closed', session }
  if (!passes) {
    const intent = paymentIntents(world).get(session.payment_intent ?? '')
    if (intent !== undefined) completeAuthentication(world, intent, false)
    const setup = setupIntents(world).get(session.setup_intent ?? '')
    if (setup !== undefined) completeSetup(world, setup, false)
    return {
      kind: 'declined',
      message:
        'We are unable to authenticate your payment method. Please choose a different payment method and try again.',
    }
  }
  if (session.mode === 'setup') return save(world, session, method, chosen.email, true)
  return session.mode === 'subscription'
    ? subscribe(world, session, method, chosen.email, true)
    : pay(world, session, method, chosen.email, true)
}

const emptyPlan: SessionPlan = {
  payment: { metadata: {}, description: null, receiptEmail: null, setupFutureUsage: null },
  subscription: { metadata: {}, description: null, trialDays: 0 },
}

function emailOf(world: StripeWorld, session: CheckoutSession, email: string | null): string {
  const customer = session.customer === null ? undefined : customers(world).get(session.customer)
  return customer?.email ?? session.customer_email ?? email ?? 'buyer@example.com'
}

/** A guest stays a guest unless the session asks for a customer. */
function ensureCustomer(world: StripeWorld, session: CheckoutSession, email: string): Customer | undefined {
  if (session.customer !== null) return customers(world).get(session.customer)
  return session.customer_creation === 'always' ? createCustomer(world, { email }) : undefined
}

function pay(
  world: StripeWorld,
  session: CheckoutSession,
  method: PaymentMethod,
  email: string,
  authenticated: boolean,
): PaymentResult {
  const plan = sessionPlans(world).get(session.id) ?? emptyPlan
  // A refusal leaves no customer behind.
  const refused = testCardOf(world, method).decline !== undefined
  if (session.payment_status === 'no_payment_required') {
    const customer = ensureCustomer(world, session, email)
    return {
      kind: 'complete',
      session: completeSession(world, session, { customer: customer?.id ?? null, customer_email: email }, true),
    }
  }
  const started = paymentIntents(world).get(session.payment_intent ?? '')
  const waits = !authenticated && mustAuthenticate(world, method, false)
  const customer = refused || waits ? undefined : ensureCustomer(world, session, email)
  const owner = customer?.id ?? session.customer
  const before: PaymentIntent = started ?? intentFor(world, session, plan, owner, email)
  const intent = before.customer === owner ? before : saveIntent(world, { ...before, customer: owner })
  const attempt = attemptPayment(world, intent, method, { offSession: false, authenticated })
  const bought: Partial<CheckoutSession> = { payment_intent: intent.id, customer: owner, customer_email: email }
  if (attempt.decline !== undefined || attempt.intent.status === 'requires_action') {
    checkoutSessions(world).put(session.id, { ...session, payment_intent: intent.id })
    if (attempt.decline !== undefined) return { kind: 'declined', message: attempt.decline.message }
    return { kind: 'authenticate', id: session.id }
  }
  const paid = attempt.intent.status !== 'processing'
  return { kind: 'complete', session: completeSession(world, session, bought, paid) }
}

function intentFor(
  world: StripeWorld,
  session: CheckoutSession,
  plan: SessionPlan,
  customer: string | null,
  email: string,
): PaymentIntent {
  return createPaymentIntent(world, {
    amount: session.amount_total ?? 0,
    currency: session.currency ?? 'usd',
    customer,
    description: plan.payment.description,
    metadata: plan.payment.metadata,
    receiptEmail: plan.payment.receiptEmail ?? (customer === null ? email : null),
    setupFutureUsage: plan.payment.setupFutureUsage,
  })
}

/** Nothing exists before the card is known to be good: Stripe makes the subscription with its payment. */
function subscribe(
  world: StripeWorld,
  session: CheckoutSession,
  method: PaymentMethod,
  email: string,
  authenticated: boolean,
): PaymentResult {
  const card = testCardOf(world, method)
  const bank = card.settles !== undefined
  if (!authenticated && mustAuthenticate(world, method, false)) return { kind: 'authenticate', id: session.id }
  const free = session.payment_status === 'no_payment_required'
  if (card.decline !== undefined && !bank && (!free || card.refusesToBeSaved)) {
    return { kind: 'declined', message: card.decline.message }
  }
  const customer = ensureCustomer(world, session, email)
  if (customer === undefined) return { kind: 'closed', session }
  const plan = sessionPlans(world).get(session.id) ?? emptyPlan
  attachPaymentMethod(world, method, customer.id)
  markSetUp(world, method)
  const chosen = (lineItems(world).get(session.id)?.items ?? []).filter(({ price }) => price.recurring !== null)
  const { subscription, invoice } = createSubscription(
    world,
    {
      customer,
      items: chosen.map(({ price, quantity }) => ({ price, quantity: quantity ?? 1 })),
      metadata: plan.subscription.metadata,
      description: plan.subscription.description,
      trialDays: plan.subscription.trialDays,
      defaultPaymentMethod: method.id,
    },
    // The card is known to be good by now, and a bank has yet to answer.
    'on_its_way',
  )
  const owes = invoice !== undefined && invoice.status === 'open' && invoice.amount_due > 0
  if (owes) collectInvoice(world, invoice, { method, offSession: false, authenticated: true })
  const bought: Partial<CheckoutSession> = {
    customer: customer.id,
    subscription: subscription.id,
    invoice: invoice?.id ?? null,
  }
  return { kind: 'complete', session: completeSession(world, session, bought, !bank || !owes) }
}

/** Keeps a method for later. */
function save(
  world: StripeWorld,
  session: CheckoutSession,
  method: PaymentMethod,
  email: string,
  authenticated: boolean,
): PaymentResult {
  const before = setupIntents(world).get(session.setup_intent ?? '')
  if (before === undefined) return { kind: 'closed', session }
  const refused = testCardOf(world, method).refusesToBeSaved === true
  const waits = !authenticated && mustAuthenticate(world, method, false)
  const customer = refused || waits ? undefined : ensureCustomer(world, session, email)
  const owner = customer?.id ?? session.customer
  const intent: SetupIntent = before.customer === owner ? before : saveSetup(world, { ...before, customer: owner })
  const attempt = attemptSetup(world, intent, method, { authenticated })
  if (attempt.decline !== undefined) return { kind: 'declined', message: attempt.decline.message }
  if (attempt.intent.status === 'requires_action') return { kind: 'authenticate', id: session.id }
  return {
    kind: 'complete',
    session: completeSession(world, session, { customer: owner, customer_email: email }, true),
  }
}
