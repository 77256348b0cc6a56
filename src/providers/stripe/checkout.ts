import type Stripe from 'stripe'
import * as z from 'zod'
import { BillingError } from '../../core/errors.js'
import type {
  CheckoutCapability,
  CheckoutRequest,
  CheckoutSession,
  CheckoutStatus,
} from '../../core/ports/capabilities/checkout.js'
import { fromStripeAmount, toStripeAmount } from './amount.js'
import { parseAnswer, type StripeCall } from './call.js'
import { createOnce } from './create-once.js'
import { reference } from './reference.js'

const sessionSchema = z.object({
  id: z.string().min(1),
  client_reference_id: z.string().nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
  customer: reference.nullish(),
  status: z.string().nullish(),
  payment_status: z.string(),
  amount_total: z.number().nullish(),
  currency: z.string().nullish(),
  url: z.string().nullish(),
  expires_at: z.number().nullish(),
  subscription: reference.nullish(),
  payment_intent: reference.nullish(),
})

const newestSchema = z.object({ data: z.array(z.unknown()) })

const paymentSchema = z.object({ status: z.string() })

/**
 * Checkout sessions on Stripe's own page. Which payment methods it offers is decided in the Dashboard: the API takes no
 * `payment_method_types` any more.
 *
 * @see https://docs.stripe.com/api/checkout/sessions/object
 * @see https://docs.stripe.com/checkout/fulfillment
 */
export function stripeCheckout(call: StripeCall): CheckoutCapability {
  return {
    async create(request, options) {
      const params = toStripeSession(request)
      return createOnce(
        options,
        async (keyed) =>
          fromStripeSession(
            await call.create(keyed, (client, settings) => client.checkout.sessions.create(params, settings)),
          ),
        async () => {
          const { customerId: customer, intentId } = request
          const { signal } = options
          const answer = await call.read(signal === undefined ? {} : { signal }, (client, settings) =>
            client.checkout.sessions.list({ customer, limit: 100 }, settings),
          )
          const sessions = parseAnswer(newestSchema, answer).data.map(fromStripeSession)
          // Newest first. Nobody has the address of a session whose answer was lost, so it is open unless its time is over.
          return sessions.find((session) => session.intentId === intentId && session.status === 'open')
        },
      )
    },
    async get(externalId, options) {
      if (externalId === '') throw new BillingError('not_found', 'A checkout session has an id.')
      const answer = await call.read(options, (client, settings) =>
        client.checkout.sessions.retrieve(externalId, {}, settings),
      )
      const session = fromStripeSession(answer)
      const { status, payment_status: paid, payment_intent: paymentId } = parseAnswer(sessionSchema, answer)
      if (status !== 'complete' || paid !== 'unpaid' || paymentId == null) return session
      const payment = await call.read(options, (client, settings) =>
        client.paymentIntents.retrieve(paymentId, {}, settings),
      )
      return { ...session, status: statusOfDelayed(parseAnswer(paymentSchema, payment).status) }
    },
  }
}

/** What Stripe is asked for. @throws BillingError `invalid_request` for a subscription without an interval */
export function toStripeSession(request: CheckoutRequest): Stripe.Checkout.SessionCreateParams {
  const { currency, minor } = toStripeAmount(request.amount)
  const metadata = { billfold_intent_id: request.intentId, billfold_account_id: request.accountId }
  const price = { currency, unit_amount: minor, product_data: { name: request.title } }
  const common = {
    customer: request.customerId,
    client_reference_id: request.intentId,
    success_url: request.successUrl,
    cancel_url: request.cancelUrl,
    metadata,
  }
  if (request.mode === 'payment')
    return { ...common, mode: 'payment', line_items: [{ quantity: 1, price_data: price }] }
  if (request.interval === null) throw new BillingError('invalid_request', 'A subscription needs an interval.')
  const recurring = { interval: request.interval }
  return {
    ...common,
    mode: 'subscription',
    line_items: [{ quantity: 1, price_data: { ...price, recurring } }],
    subscription_data: { metadata: { ...metadata, ...(request.plan === null ? {} : { billfold_plan: request.plan }) } },
  }
}

/** A session in our words. @throws BillingError `provider_response_invalid` */
export function fromStripeSession(answer: unknown): CheckoutSession {
  const session = parseAnswer(sessionSchema, answer)
  const { amount_total: total, currency, expires_at: expiresAt } = session
  return {
    externalId: session.id,
    intentId: session.client_reference_id ?? session.metadata?.billfold_intent_id ?? null,
    customerId: session.customer ?? null,
    status: checkoutStatus(session.status, session.payment_status),
    amount: total == null || currency == null ? null : fromStripeAmount(total, currency),
    url: session.url ?? null,
    expiresAt: expiresAt == null ? null : expiresAt * 1000,
    subscriptionId: session.subscription ?? null,
  }
}

/**
 * How a payment stands that the customer has made and that has not come. A session does not say that it failed: it stays complete and
 * unpaid, while its payment goes back to the start.
 *
 * @see https://docs.stripe.com/payments/paymentintents/lifecycle
 */
function statusOfDelayed(paymentStatus: string): CheckoutStatus {
  return paymentStatus === 'requires_payment_method' || paymentStatus === 'canceled' ? 'failed' : 'processing'
}

/** `complete` alone is not paid: a bank debit is complete days before the money is there. Words we do not know never pay. */
function checkoutStatus(status: string | null | undefined, paymentStatus: string): CheckoutStatus {
  if (status === 'open' || status === 'expired') return status
  if (status !== 'complete') return 'processing'
  return paymentStatus === 'paid' || paymentStatus === 'no_payment_required' ? 'paid' : 'processing'
}
