import type Stripe from 'stripe'
import * as z from 'zod'
import type { PaymentOutcome } from '../../core/domain/payment-outcome.js'
import { BillingError } from '../../core/errors.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import type {
  CheckoutCapability,
  CheckoutRequest,
  CheckoutSession,
  CheckoutStatus,
} from '../../core/ports/capabilities/checkout.js'
import { withoutKey } from '../door/door.js'
import type { MeterNames } from '../door/meter-names.js'
import { fromStripeAmount, toStripeAmount } from './amount.js'
import { parseAnswer, type StripeCall } from './call.js'
import { withoutCharged } from './collection.js'
import { createOnce } from './create-once.js'
import { stripeFault } from './errors.js'
import { collected } from './payment-outcome.js'
import type { StripePriceList, StripePrices } from './prices.js'
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
  amount_subtotal: z.number().nullish(),
  subscription: reference.nullish(),
  payment_intent: reference.nullish(),
  invoice: reference.nullish(),
  setup_intent: z.union([z.string(), z.object({ id: z.string(), payment_method: reference.nullish() })]).nullish(),
})

const newestSchema = z.object({ data: z.array(z.unknown()) })

const paymentSchema = z.object({ status: z.string() })

/** What holds for all pages of an app. */
export interface CheckoutSettings {
  /** Lets Stripe Tax work out the tax, from the address that the page then asks for. Default false. */
  readonly automaticTax?: boolean
  /** Makes an invoice for single payments too, so that every purchase is in the list of invoices. Default true. */
  readonly invoices?: boolean
}

/**
 * Checkout sessions on Stripe's own page. Which payment methods it offers is decided in the Dashboard: the API takes no
 * `payment_method_types` any more.
 *
 * @see https://docs.stripe.com/api/checkout/sessions/object
 * @see https://docs.stripe.com/checkout/fulfillment
 */
export function stripeCheckout(
  call: StripeCall,
  prices: StripePriceList,
  eventName: MeterNames,
  settings: CheckoutSettings,
): Required<CheckoutCapability> {
  const open = async (request: CheckoutRequest, options: CallOptions): Promise<CheckoutSession> => {
    const reading = withoutKey(options)
    const priced =
      request.mode === 'subscription'
        ? await prices.ensure(
            await withoutCharged(call, eventName, request.customerId, request.price, reading),
            reading,
          )
        : null
    const params = toStripeSession(request, priced, settings)
    return createOnce(
      options,
      async (keyed) =>
        fromStripeSession(await call.create(keyed, (client, sent) => client.checkout.sessions.create(params, sent))),
      async () => {
        const { customerId: customer, intentId } = request
        const answer = await call.read(reading, (client, sent) =>
          client.checkout.sessions.list({ customer, limit: 100 }, sent),
        )
        const sessions = parseAnswer(newestSchema, answer).data.map(fromStripeSession)
        // Newest first. Nobody has the address of a session whose answer was lost, so it is open unless its time is over.
        return sessions.find((session) => session.intentId === intentId && session.status === 'open')
      },
    )
  }

  return {
    async create(request, options) {
      try {
        return await open(request, options)
      } catch (error) {
        if (request.mode !== 'subscription' || !isArchived(error)) throw error
        prices.forget()
        return open(request, { ...options, idempotencyKey: `${options.idempotencyKey}:anew` })
      }
    },
    async get(externalId, options) {
      if (externalId === '') throw new BillingError('not_found', 'A checkout session has an id.')
      const answer = await call.read(options, (client, sent) =>
        client.checkout.sessions.retrieve(externalId, { expand: ['setup_intent'] }, sent),
      )
      const session = fromStripeSession(answer)
      const { status, payment_status: paid, payment_intent: paymentId, invoice } = parseAnswer(sessionSchema, answer)
      if (status !== 'complete' || paid !== 'unpaid') return session
      // The first payment of a subscription is that of its invoice.
      if (paymentId == null)
        return invoice == null
          ? session
          : { ...session, status: collecting[(await collected(call, invoice, options)).status] }
      const payment = await call.read(options, (client, sent) => client.paymentIntents.retrieve(paymentId, {}, sent))
      return { ...session, status: statusOfDelayed(parseAnswer(paymentSchema, payment).status) }
    },
    async expire(externalId, options) {
      try {
        return fromStripeSession(
          await call.write(options, (client, sent) => client.checkout.sessions.expire(externalId, {}, sent)),
        )
      } catch (error) {
        // Only an open one can be closed; any other is answered as it is.
        if (!BillingError.is(error) || error.code !== 'provider_rejected') throw error
        return fromStripeSession(
          await call.read(options, (client, sent) => client.checkout.sessions.retrieve(externalId, {}, sent)),
        )
      }
    },
  }
}

/** Somebody has archived a price that we had in mind. */
function isArchived(error: unknown): boolean {
  if (!BillingError.is(error) || error.code !== 'provider_rejected') return false
  return /\binactive\b/i.test(stripeFault(error.cause).message)
}

/** What Stripe is asked for. */
export function toStripeSession(
  request: CheckoutRequest,
  priced: StripePrices | null,
  { automaticTax = false, invoices = true }: CheckoutSettings = {},
): Stripe.Checkout.SessionCreateParams {
  const metadata = { billfold_intent_id: request.intentId, billfold_account_id: request.accountId }
  const page = {
    customer: request.customerId,
    client_reference_id: request.intentId,
    success_url: request.successUrl,
    cancel_url: request.cancelUrl,
    metadata,
  }
  if (request.mode === 'setup')
    return { ...page, mode: 'setup', currency: request.currency.toLowerCase(), setup_intent_data: { metadata } }
  const paid = {
    ...page,
    ...(request.promotionCodes ? { allow_promotion_codes: true } : {}),
    ...(automaticTax ? taxed : {}),
  }
  if (request.mode === 'payment') {
    const { currency, minor } = toStripeAmount(request.amount)
    const price = { currency, unit_amount: minor, product_data: { name: request.title } }
    return {
      ...paid,
      mode: 'payment',
      line_items: [{ quantity: 1, price_data: price }],
      payment_intent_data: { metadata, description: request.title },
      ...(invoices ? { invoice_creation: { enabled: true, invoice_data: { metadata } } } : {}),
    }
  }
  if (priced === null) throw new BillingError('invariant_violated', 'A subscription is sold by prices of Stripe.')
  const trial = request.trialDays > 0 ? { trial_period_days: request.trialDays } : {}
  return {
    ...paid,
    mode: 'subscription',
    // What is counted has no quantity.
    line_items: [{ quantity: request.seats, price: priced.plan }, ...priced.metered.map((price) => ({ price }))],
    subscription_data: { metadata: { ...metadata, billfold_plan: request.price.plan }, ...trial },
  }
}

/** Stripe works out the tax from the address, which it then has to ask for and to keep. */
const taxed = {
  automatic_tax: { enabled: true },
  billing_address_collection: 'required',
  customer_update: { address: 'auto', name: 'auto' },
  tax_id_collection: { enabled: true },
} as const satisfies Partial<Stripe.Checkout.SessionCreateParams>

/** A session in our words. @throws BillingError `provider_response_invalid` */
export function fromStripeSession(answer: unknown): CheckoutSession {
  const session = parseAnswer(sessionSchema, answer)
  const { amount_total: total, amount_subtotal: subtotal, currency, expires_at: expiresAt } = session
  const { setup_intent: setUp } = session
  const money = (minor: number | null | undefined) =>
    minor == null || currency == null ? null : fromStripeAmount(minor, currency)
  return {
    externalId: session.id,
    intentId: session.client_reference_id ?? session.metadata?.billfold_intent_id ?? null,
    customerId: session.customer ?? null,
    status: checkoutStatus(session.status, session.payment_status),
    subtotal: money(subtotal),
    amount: money(total),
    url: session.url ?? null,
    expiresAt: expiresAt == null ? null : expiresAt * 1000,
    subscriptionId: session.subscription ?? null,
    paymentMethodId: typeof setUp === 'object' ? (setUp?.payment_method ?? null) : null,
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

/** How a session stands whose invoice was to be collected: one that is paid later, in whatever way, is paid. */
const collecting: Readonly<Record<PaymentOutcome['status'], CheckoutStatus>> = {
  succeeded: 'paid',
  processing: 'processing',
  requires_action: 'processing',
  declined: 'failed',
}

/** `complete` alone is not paid: a bank debit is complete days before the money is there. Words we do not know never pay. */
function checkoutStatus(status: string | null | undefined, paymentStatus: string): CheckoutStatus {
  if (status === 'open' || status === 'expired') return status
  if (status !== 'complete') return 'processing'
  return paymentStatus === 'paid' || paymentStatus === 'no_payment_required' ? 'paid' : 'processing'
}
