import { takeIn } from './balance-transactions.js'
import { charges, saveCharge } from './charges.js'
import { type StripeErrorDetails, stripeFailure } from './errors.js'
import { mergeMetadata } from './form.js'
import { succeed } from './payment-attempt.js'
import { type PaymentIntent, saveIntent } from './payment-intents.js'
import { type StripeWorld, seconds } from './world.js'

/** Takes what was held, or a part of it; the rest is released. */
export function capturePayment(
  world: StripeWorld,
  intent: PaymentIntent,
  amount: number | undefined,
  metadata: Readonly<Record<string, string>> | undefined,
): PaymentIntent {
  if (intent.status === 'succeeded') {
    throw aboutIntent(intent, {
      code: 'payment_intent_unexpected_state',
      message:
        'The remaining amount on this PaymentIntent could not be captured because the remainder of the authorized amount has been released.',
    })
  }
  if (intent.status !== 'requires_capture') {
    throw aboutIntent(intent, {
      code: 'payment_intent_unexpected_state',
      message: `This PaymentIntent could not be captured because it has a status of ${intent.status}. Only a PaymentIntent with one of the following statuses may be captured: requires_capture.`,
    })
  }
  const taken = amount ?? intent.amount_capturable
  if (taken < 0) throw aboutIntent(intent, { param: 'amount_to_capture', message: 'Invalid non-negative integer' })
  if (taken === 0) {
    throw aboutIntent(intent, {
      code: 'parameter_invalid_integer',
      param: 'amount',
      message: 'This value must be greater than or equal to 1.',
    })
  }
  if (taken > intent.amount_capturable) {
    throw aboutIntent(intent, {
      code: 'amount_too_large',
      param: 'amount_to_capture',
      message: `The payment could not be captured because the requested capture amount is greater than the amount you can capture for this charge.`,
    })
  }
  const charge = charges(world).get(intent.latest_charge ?? '')
  if (charge !== undefined) {
    const balance_transaction = takeIn(world, charge, taken, charge.payment_method_details.type === 'card')
    const captured = { captured: true, amount_captured: taken, balance_transaction }
    // What is released shows as refunded, as on a charge captured in part.
    saveCharge(world, { ...charge, ...captured, amount_refunded: charge.amount - taken }, 'charge.captured')
  }
  return succeed(world, { ...intent, metadata: mergeMetadata(intent.metadata, metadata) }, taken)
}

const cancelable = [
  'requires_payment_method',
  'requires_capture',
  'requires_confirmation',
  'requires_action',
  'processing',
]

/** Gives up on a payment that has not succeeded. */
export function cancelPayment(world: StripeWorld, intent: PaymentIntent, reason: string | null): PaymentIntent {
  if (!cancelable.includes(intent.status)) {
    throw aboutIntent(intent, {
      code: 'payment_intent_unexpected_state',
      message: `You cannot cancel this PaymentIntent because it has a status of ${intent.status}. Only a PaymentIntent with one of the following statuses may be canceled: requires_payment_method, requires_capture, requires_reauthorization, requires_confirmation, requires_action, expired, processing.`,
    })
  }
  const held = intent.status === 'requires_capture' ? charges(world).get(intent.latest_charge ?? '') : undefined
  if (held !== undefined) {
    saveCharge(world, { ...held, amount_refunded: held.amount, refunded: true }, 'charge.refunded')
  }
  const after: PaymentIntent = {
    ...intent,
    status: 'canceled',
    amount_capturable: 0,
    canceled_at: seconds(world),
    cancellation_reason: reason,
    next_action: null,
  }
  return saveIntent(world, after, 'payment_intent.canceled')
}

/** A refusal that carries the intent it is about. */
export function aboutIntent(intent: PaymentIntent, details: Omit<StripeErrorDetails, 'type'>): Error {
  return stripeFailure(400, { type: 'invalid_request_error', ...details, payment_intent: intent })
}
