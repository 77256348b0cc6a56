import * as z from 'zod'
import { customers } from './customers.js'
import { stripeFailure } from './errors.js'
import { clearable, email, flag, text, tolerated, webUrl } from './form.js'
import { attemptPayment, declinedAnswer } from './payment-attempt.js'
import { aboutIntent } from './payment-capture.js'
import { type PaymentIntent, paymentIntents } from './payment-intents.js'
import { makePaymentMethod, paymentMethodData } from './payment-method-routes.js'
import {
  checkUsable,
  defaultMethodOf,
  type PaymentMethod,
  paymentMethods,
  resolvePaymentMethod,
} from './payment-methods.js'
import type { StripeWorld } from './world.js'

export const confirmable = {
  off_session: z.union([flag, z.enum(['one_off', 'recurring']).transform(() => true)]).optional(),
  error_on_requires_action: flag.optional(),
  return_url: webUrl.optional(),
  ...tolerated('mandate', 'mandate_data', 'radar_options', 'use_stripe_sdk'),
}

export const confirmation = z.strictObject({
  payment_method: text.optional(),
  payment_method_data: paymentMethodData.optional(),
  receipt_email: clearable(email).optional(),
  setup_future_usage: clearable(z.enum(['off_session', 'on_session'])).optional(),
  capture_method: z.enum(['automatic', 'automatic_async', 'manual']).optional(),
  ...confirmable,
  ...tolerated('payment_method_options'),
})

/** Confirms, and answers 402 when the payment is refused. */
export function confirmPayment(
  world: StripeWorld,
  found: PaymentIntent,
  params: z.output<typeof confirmation>,
): unknown {
  const given = chosenMethod(world, params)
  if (!['requires_payment_method', 'requires_confirmation', 'requires_action'].includes(found.status)) {
    throw aboutIntent(found, {
      code: 'payment_intent_unexpected_state',
      message:
        found.status === 'succeeded'
          ? 'You cannot confirm this PaymentIntent because it has already succeeded after being previously confirmed.'
          : `You cannot confirm this PaymentIntent because it has a status of ${found.status}. Only a PaymentIntent with one of the following statuses may be confirmed: requires_confirmation, requires_action.`,
    })
  }
  const customer = found.customer === null ? undefined : customers(world).get(found.customer)
  const method =
    given ??
    paymentMethods(world).get(found.payment_method ?? '') ??
    (customer === undefined ? undefined : defaultMethodOf(world, customer))
  if (method === undefined) throw withoutMethod(found)
  checkOwner(world, found, method)
  if (
    params.return_url === undefined &&
    params.off_session !== true &&
    found.automatic_payment_methods.allow_redirects === 'always'
  ) {
    throw aboutIntent(found, { message: needsReturnUrl, param: 'return_url' })
  }
  const intent: PaymentIntent = {
    ...found,
    capture_method: params.capture_method ?? found.capture_method,
    receipt_email: params.receipt_email === undefined ? found.receipt_email : params.receipt_email,
    setup_future_usage: params.setup_future_usage === undefined ? found.setup_future_usage : params.setup_future_usage,
  }
  const attempt = attemptPayment(world, intent, method, {
    offSession: params.off_session ?? false,
    returnUrl: params.return_url,
  })
  if (attempt.decline !== undefined) return declinedAnswer(world, { ...attempt, decline: attempt.decline })
  if (attempt.intent.status === 'requires_action' && params.error_on_requires_action === true) {
    throw stripeFailure(402, {
      type: 'card_error',
      code: 'authentication_required',
      decline_code: 'authentication_not_handled',
      message: 'This payment required an authentication action to complete, but `error_on_requires_action` was set.',
      payment_intent: found,
    })
  }
  return paymentIntents(world).get(attempt.intent.id)
}

const needsReturnUrl =
  "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of these payment methods might redirect your customer off of your page, you must provide a `return_url`. If you don't want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true` and `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and Payment Intents."

/** The method that is named, or made for this payment. */
export function chosenMethod(
  world: StripeWorld,
  params: { payment_method?: string | undefined; payment_method_data?: z.output<typeof paymentMethodData> | undefined },
): PaymentMethod | undefined {
  if (params.payment_method_data !== undefined) return makePaymentMethod(world, params.payment_method_data)
  return params.payment_method === undefined ? undefined : resolvePaymentMethod(world, params.payment_method)
}

/** A saved method pays for its own customer only. */
export function checkOwner(world: StripeWorld, intent: PaymentIntent, method: PaymentMethod): void {
  if (method.customer !== null && intent.customer === null) {
    throw aboutIntent(intent, {
      code: 'parameter_missing',
      param: 'source',
      message: `The \`payment_method\` parameter supplied ${method.id} belongs to the Customer ${method.customer}. Please include the Customer in the \`customer\` parameter on the PaymentIntent.`,
    })
  }
  if (method.customer !== null && method.customer !== intent.customer) {
    throw aboutIntent(intent, {
      param: 'payment_method',
      message: `The PaymentMethod ${method.id} does not belong to the Customer you supplied ${intent.customer}. Please use this PaymentMethod with the Customer that it belongs to instead.`,
    })
  }
  checkUsable(world, method)
}

function withoutMethod(intent: PaymentIntent): Error {
  const missing = "You cannot confirm this PaymentIntent because it's missing a payment method."
  return aboutIntent(intent, {
    code: 'payment_intent_unexpected_state',
    message:
      intent.customer === null
        ? `${missing} You can either update the PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a payment method or ConfirmationToken.`
        : `${missing} To confirm the PaymentIntent with ${intent.customer}, specify a payment method attached to this customer along with the customer ID.`,
  })
}
