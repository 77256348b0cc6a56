import {
  type CheckoutSession,
  checkoutSessions,
  lineItems,
  type SessionPlan,
  sessionPlans,
} from './checkout-session.js'
import { choicesOf, lineOf, recountSession } from './checkout-totals.js'
import { type Customer, createCustomer, customers } from './customers.js'
import { applyDiscounts } from './discounts.js'
import { collectInvoice } from './invoice-collection.js'
import { createInvoiceItem } from './invoice-items.js'
import { draftInvoice, finalizeInvoice } from './invoices.js'
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
import type { TaxLocation } from './tax-rates.js'
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
  found: CheckoutSession,
  given: { readonly card: string; readonly email: string | null; readonly location?: TaxLocation | null },
): PaymentResult {
  if (found.status === 'complete') return { kind: 'complete', session: found }
  if (found.status === 'expired') return { kind: 'closed', session: found }
  const session = given.location == null ? found : locate(world, found, given.location)
  if (session.automatic_tax.status === 'requires_location_inputs') {
    return { kind: 'declined', message: 'Choose your country, so that tax can be counted.' }
  }
  if (given.card === '' && needsNoMethod(session))
    return subscribe(world, session, undefined, emailOf(world, session, given.email), false)
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

/** A trial may begin without a payment method when the session says so. */
export function needsNoMethod(session: CheckoutSession): boolean {
  return (
    session.mode === 'subscription' &&
    session.payment_method_collection === 'if_required' &&
    session.payment_status === 'no_payment_required'
  )
}

/** Where the buyer is, for tax. It stays with the customer. */
const locations = tableOf<TaxLocation & { readonly id: string }>('session_locations')

function locate(world: StripeWorld, session: CheckoutSession, location: TaxLocation): CheckoutSession {
  locations(world).put(session.id, { id: session.id, ...location })
  return recountSession(world, session, location)
}

const emptyPlan: SessionPlan = {
  payment: { metadata: {}, description: null, receiptEmail: null, setupFutureUsage: null },
  subscription: {
    metadata: {},
    description: null,
    trialDays: 0,
    trialEnd: null,
    missingPaymentMethod: 'create_invoice',
    defaultTaxRates: [],
  },
}

function emailOf(world: StripeWorld, session: CheckoutSession, email: string | null): string {
  const customer = session.customer === null ? undefined : customers(world).get(session.customer)
  return customer?.email ?? session.customer_email ?? email ?? 'buyer@example.com'
}

/** A guest stays a guest unless the session asks for a customer. */
function ensureCustomer(world: StripeWorld, session: CheckoutSession, email: string): Customer | undefined {
  const place = locations(world).get(session.id)
  const address = place === undefined ? undefined : { country: place.country, state: place.state }
  if (session.customer !== null) {
    const customer = customers(world).get(session.customer)
    if (customer === undefined || address === undefined || customer.address !== null) return customer
    const located: Customer = { ...customer, address: { ...noBillingDetails.address, ...address } }
    customers(world).put(located.id, located)
    return located
  }
  if (session.customer_creation !== 'always') return undefined
  return createCustomer(world, { email, ...(address === undefined ? {} : { address }) })
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
  if (session.invoice_creation?.enabled === true) {
    return payByInvoice(world, session, method, email, authenticated)
  }
  const started = paymentIntents(world).get(session.payment_intent ?? '')
  const waits = !authenticated && mustAuthenticate(world, method, false)
  const customer = refused || waits ? undefined : ensureCustomer(world, session, email)
  const owner = customer?.id ?? session.customer
  const before: PaymentIntent = started ?? intentFor(world, session, plan, owner, email)
  // A code may have changed the amount since the last attempt.
  const amount = session.amount_total ?? 0
  const same = before.customer === owner && before.amount === amount
  const intent = same ? before : saveIntent(world, { ...before, customer: owner, amount })
  const attempt = attemptPayment(world, intent, method, { offSession: false, authenticated })
  const bought: Partial<CheckoutSession> = { payment_intent: intent.id, customer: owner, customer_email: email }
  if (attempt.decline !== undefined || attempt.intent.status === 'requires_action') {
    checkoutSessions(world).put(session.id, { ...session, payment_intent: intent.id })
    if (attempt.decline !== undefined) return { kind: 'declined', message: attempt.decline.message }
    return { kind: 'authenticate', id: session.id }
  }
  const paid = attempt.intent.status !== 'processing'
  redeem(world, session, owner)
  return { kind: 'complete', session: completeSession(world, session, bought, paid) }
}

/** The coupon of a completed session has been used. */
function redeem(world: StripeWorld, session: CheckoutSession, customer: string | null): void {
  applyDiscounts(world, choicesOf(session), { customer, checkoutSession: session.id })
}

/** One payment with an invoice to show for it. */
function payByInvoice(
  world: StripeWorld,
  session: CheckoutSession,
  method: PaymentMethod,
  email: string,
  authenticated: boolean,
): PaymentResult {
  const card = testCardOf(world, method)
  const bank = card.settles !== undefined
  if (!authenticated && mustAuthenticate(world, method, false)) return { kind: 'authenticate', id: session.id }
  if (card.decline !== undefined && !bank) return { kind: 'declined', message: card.decline.message }
  const customer = ensureCustomer(world, session, email)
  if (customer === undefined) return { kind: 'closed', session }
  const stored = lineItems(world).get(session.id)
  const terms = session.invoice_creation?.invoice_data
  const draft = draftInvoice(world, {
    customer,
    currency: session.currency ?? 'usd',
    subscription: null,
    billingReason: 'manual',
    lines: (stored?.items ?? []).map((item, index) => lineOf(world, item, stored?.taxRates[index] ?? [])),
    metadata: {},
    invoiceMetadata: terms?.metadata ?? {},
    description: terms?.description ?? null,
    footer: terms?.footer ?? null,
    discounts: applyDiscounts(world, choicesOf(session), { customer: customer.id, checkoutSession: session.id }),
    automaticTax: session.automatic_tax.enabled,
  })
  const { intent } = collectInvoice(world, finalizeInvoice(world, draft), {
    method,
    offSession: false,
    authenticated: true,
  })
  const bought: Partial<CheckoutSession> = {
    customer: customer.id,
    invoice: draft.id,
    payment_intent: intent?.id ?? null,
  }
  return { kind: 'complete', session: completeSession(world, session, bought, !bank) }
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
  method: PaymentMethod | undefined,
  email: string,
  authenticated: boolean,
): PaymentResult {
  const card = method === undefined ? undefined : testCardOf(world, method)
  const bank = card?.settles !== undefined
  if (method !== undefined && !authenticated && mustAuthenticate(world, method, false))
    return { kind: 'authenticate', id: session.id }
  const free = session.payment_status === 'no_payment_required'
  if (card?.decline !== undefined && !bank && (!free || card.refusesToBeSaved)) {
    return { kind: 'declined', message: card.decline.message }
  }
  const customer = ensureCustomer(world, session, email)
  if (customer === undefined) return { kind: 'closed', session }
  const plan = sessionPlans(world).get(session.id) ?? emptyPlan
  if (method !== undefined) {
    attachPaymentMethod(world, method, customer.id)
    markSetUp(world, method)
  }
  const stored = lineItems(world).get(session.id)
  const chosen = (stored?.items ?? []).filter(({ price }) => price.recurring !== null)
  addOnce(world, session, customer)
  const { subscription, invoice } = createSubscription(
    world,
    {
      customer,
      items: chosen.map(({ price, quantity }) => ({ price, quantity: quantity ?? 1 })),
      metadata: plan.subscription.metadata,
      description: plan.subscription.description,
      ...(plan.subscription.trialEnd === null
        ? { trialDays: plan.subscription.trialDays }
        : { trialEnd: plan.subscription.trialEnd }),
      missingPaymentMethod: plan.subscription.missingPaymentMethod,
      defaultPaymentMethod: method?.id ?? null,
      discounts: choicesOf(session),
      automaticTax: session.automatic_tax.enabled,
      defaultTaxRates:
        plan.subscription.defaultTaxRates.length > 0 ? plan.subscription.defaultTaxRates : (stored?.taxRates[0] ?? []),
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

/** One-time items of a subscription's checkout are on its first invoice. */
function addOnce(world: StripeWorld, session: CheckoutSession, customer: Customer): void {
  for (const { price, quantity, amount_subtotal: amount, description } of lineItems(world).get(session.id)?.items ??
    []) {
    if (price.recurring !== null) continue
    createInvoiceItem(world, { customer: customer.id, price, quantity: quantity ?? 1, amount, description })
  }
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
