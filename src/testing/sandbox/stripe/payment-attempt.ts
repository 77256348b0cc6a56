import { move } from './balance-transactions.js'
import { type Charge, charges, createCharge, saveCharge } from './charges.js'
import { openDispute, warnOfFraud } from './disputes.js'
import { schedule } from './due.js'
import { cardError, declineFields, type StripeFailure } from './errors.js'
import {
  authenticationStep,
  type PaymentError,
  type PaymentIntent,
  paymentIntents,
  saveIntent,
} from './payment-intents.js'
import {
  attachPaymentMethod,
  markSetUp,
  markSpent,
  mustAuthenticate,
  type PaymentMethod,
  paymentMethods,
  testCardOf,
} from './payment-methods.js'
import { authenticationFailed, authenticationRequired, type Decline } from './test-cards.js'
import type { StripeWorld } from './world.js'

/** How long a bank takes. */
export const settlementMs = 60_000

export interface AttemptTerms {
  /** The payer is away: nobody can authenticate. */
  readonly offSession: boolean
  readonly authenticated?: boolean
  /** The payer can be asked later, as for an invoice: the intent waits rather than fail. */
  readonly waitsForPayer?: boolean
  readonly returnUrl?: string | undefined
}

export interface Attempt {
  readonly intent: PaymentIntent
  /** Set when the payment was refused. */
  readonly decline?: Decline
}

/** Tries to take the money. Whatever comes of it is in the intent, and in the events. */
export function attemptPayment(
  world: StripeWorld,
  before: PaymentIntent,
  method: PaymentMethod,
  terms: AttemptTerms,
): Attempt {
  const card = testCardOf(world, method)
  const authenticated = terms.authenticated ?? false
  const intent: PaymentIntent = { ...before, payment_method: method.id, last_payment_error: null, next_action: null }
  if (!authenticated && mustAuthenticate(world, method, terms.offSession)) {
    if (terms.offSession && terms.waitsForPayer !== true) return refuse(world, intent, method, authenticationRequired)
    const next_action = authenticationStep(world, intent.id, terms.returnUrl)
    const waiting = saveIntent(
      world,
      { ...intent, status: 'requires_action', next_action },
      'payment_intent.requires_action',
    )
    return { intent: waiting }
  }
  if (card.settles !== undefined) return { intent: sendToBank(world, intent, method) }
  if (card.decline !== undefined) {
    const charge = createCharge(world, {
      intent,
      method,
      status: 'failed',
      captured: false,
      authenticated,
      decline: card.decline,
    })
    return refuse(world, { ...intent, latest_charge: charge.id }, method, card.decline, charge)
  }
  const captured = intent.capture_method !== 'manual'
  const charge = createCharge(world, { intent, method, status: 'succeeded', captured, authenticated })
  keep(world, intent, method, authenticated)
  const held: PaymentIntent = { ...intent, latest_charge: charge.id }
  if (!captured) {
    const waiting: PaymentIntent = { ...held, status: 'requires_capture', amount_capturable: intent.amount }
    return { intent: saveIntent(world, waiting, 'payment_intent.amount_capturable_updated') }
  }
  const paid = succeed(world, held, intent.amount)
  if (card.dispute !== undefined) openDispute(world, charge, card.dispute)
  if (card.fraudWarning) warnOfFraud(world, charge)
  return { intent: paid }
}

/** The holder proved who they are, or failed to. */
export function completeAuthentication(world: StripeWorld, intent: PaymentIntent, passes: boolean): Attempt {
  const method = paymentMethods(world).get(intent.payment_method ?? '')
  if (intent.status !== 'requires_action' || method === undefined) return { intent }
  if (passes) return attemptPayment(world, intent, method, { offSession: false, authenticated: true })
  return refuse(world, { ...intent, next_action: null }, method, authenticationFailed)
}

/** A bank answers. */
export function settleIntent(world: StripeWorld, id: string): void {
  const intent = paymentIntents(world).get(id)
  if (intent?.status !== 'processing') return
  const method = paymentMethods(world).get(intent.payment_method ?? '')
  const charge = charges(world).get(intent.latest_charge ?? '')
  if (method === undefined || charge === undefined) return
  const card = testCardOf(world, method)
  if (card.settles === 'succeeds') {
    saveCharge(world, { ...charge, status: 'succeeded', paid: true }, 'charge.succeeded')
    keep(world, intent, method, false)
    succeed(world, intent, intent.amount)
    return
  }
  const decline = card.decline ?? bankRefused
  const failure = {
    failure_balance_transaction: move(world, {
      amount: -charge.amount,
      currency: charge.currency,
      description: `Payment failure refund for ${charge.id}`,
      source: charge.id,
      type: 'payment_failure_refund',
      category: 'charge_failure',
    }).id,
    failure_code: decline.code,
    failure_message: decline.message,
  }
  saveCharge(world, { ...charge, status: 'failed', captured: false, amount_captured: 0, ...failure }, 'charge.failed')
  refuse(world, intent, method, decline, charge)
}

export function succeed(world: StripeWorld, intent: PaymentIntent, received: number): PaymentIntent {
  const after: PaymentIntent = {
    ...intent,
    status: 'succeeded',
    amount_received: received,
    amount_capturable: 0,
    last_payment_error: null,
    next_action: null,
  }
  return saveIntent(world, after, 'payment_intent.succeeded')
}

/** The answer to a request that was declined: 402 with the objects it is about. */
export function declinedAnswer(world: StripeWorld, { intent, decline }: Required<Attempt>): StripeFailure {
  const error = intent.last_payment_error
  return cardError(decline, {
    ...(error?.charge === undefined ? {} : { charge: error.charge }),
    payment_intent: paymentIntents(world).get(intent.id) ?? intent,
    ...(error?.payment_method === undefined ? {} : { payment_method: error.payment_method }),
  })
}

const bankRefused: Decline = {
  code: 'payment_intent_payment_attempt_failed',
  message: 'The payment failed.',
}

function sendToBank(world: StripeWorld, intent: PaymentIntent, method: PaymentMethod): PaymentIntent {
  const charge = createCharge(world, { intent, method, status: 'pending', captured: true, authenticated: false })
  schedule(world, { kind: 'settle_intent', target: intent.id, dueAtMs: world.now() + settlementMs })
  const after: PaymentIntent = { ...intent, status: 'processing', latest_charge: charge.id }
  return saveIntent(world, after, 'payment_intent.processing')
}

function refuse(
  world: StripeWorld,
  intent: PaymentIntent,
  method: PaymentMethod,
  decline: Decline,
  charge?: Charge,
): Attempt {
  const last_payment_error: PaymentError = {
    ...declineFields(decline),
    ...(charge === undefined ? {} : { charge: charge.id }),
    payment_method: method,
  }
  const after: PaymentIntent = {
    ...intent,
    status: 'requires_payment_method',
    last_payment_error,
    payment_method: null,
  }
  return { intent: saveIntent(world, after, 'payment_intent.payment_failed'), decline }
}

/** A method that is to be used again belongs to the customer from now on; another is used up. */
function keep(world: StripeWorld, intent: PaymentIntent, method: PaymentMethod, authenticated: boolean): void {
  if (intent.setup_future_usage === null || intent.customer === null) {
    if (method.customer === null) markSpent(world, method)
    return
  }
  attachPaymentMethod(world, method, intent.customer)
  if (intent.setup_future_usage === 'off_session' || authenticated) markSetUp(world, method)
}
