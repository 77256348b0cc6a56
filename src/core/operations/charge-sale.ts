import type { BillingContext } from '../context.js'
import type { PaymentOutcome } from '../domain/payment-outcome.js'
import { BillingError } from '../errors.js'
import type { CheckoutSession, CheckoutStatus } from '../ports/capabilities/checkout.js'
import type { ProviderPayment } from '../ports/capabilities/payments.js'
import { type AnyProvider, requireCapability, requireMethod } from '../ports/provider.js'
import type { CheckoutIntent } from '../ports/store.js'
import { ensureCustomer, isGone } from './customers.js'
import { settleCheckout } from './fulfilment.js'
import { closeTopUp, isTopUp } from './top-up-decline.js'

/** How a sale is charged. */
export interface Charging {
  /** What the customer reads. */
  readonly title: string
  /** `null` for the account's default one. */
  readonly paymentMethodId: string | null
  /** Where the customer comes back to who confirms it at the bank; `null` while nobody is there. */
  readonly returnUrl: string | null
  readonly signal?: AbortSignal
}

/** Whether the customer pays on a page; otherwise a stored payment method is charged. */
export function hasPage({ successUrl }: CheckoutIntent): boolean {
  return successUrl !== ''
}

/** How a sale without a page stands, by what came of its payment. */
export function chargedStatus(outcome: PaymentOutcome): CheckoutStatus {
  switch (outcome.status) {
    case 'succeeded':
      return 'paid'
    case 'processing':
      return 'processing'
    case 'requires_action':
      return outcome.url === null ? 'failed' : 'open'
    case 'declined':
      return 'failed'
  }
}

/**
 * Charges a stored payment method for a sale that has no page, and gives what it sold. The sale is written before, and the provider
 * charges it once however often it is asked: whatever fails in between, the next call goes on where this one ended.
 *
 * @throws BillingError `checkout_mismatch`, `outcome_unknown` and others after which it is to be called again
 */
export async function chargeSale(
  ctx: BillingContext,
  provider: AnyProvider,
  intent: CheckoutIntent,
  { title, paymentMethodId, returnUrl, signal }: Charging,
): Promise<PaymentOutcome> {
  if (intent.status === 'completed') return { status: 'succeeded' }
  if (intent.status !== 'open') return lookUp(ctx, provider, intent, signal)
  const customerId = await ensureCustomer(ctx, provider, intent.accountId)
  const { id: intentId, accountId, currency, amountNanos, createdAt: requestedAt } = intent
  const amount = { currency, nanos: amountNanos }
  const asked = { intentId, accountId, customerId, title, amount, paymentMethodId, returnUrl, requestedAt }
  const options = { idempotencyKey: `${intentId}:${customerId}`, ...(signal ? { signal } : {}) }
  const charge = requireMethod(provider, 'payments', 'charge')
  const { externalId, outcome } = await charge(asked, options).catch(async (error) => {
    // There is nobody to charge, which another customer changes.
    if (isRefusal(error) && (await isGone(provider, customerId))) throw error
    return refused(error)
  })
  if (externalId !== null) {
    const payment = await requireCapability(provider, 'payments').get(externalId, signal ? { signal } : {})
    return settlePayment(ctx, provider, intent, payment)
  }
  if (outcome.status === 'declined' || outcome.status === 'requires_action') {
    await close(ctx, provider, intent, outcome)
    return outcome
  }
  throw new BillingError('provider_response_invalid', `${provider.id} answered a charge without naming the payment.`)
}

/** How a sale without a page stands, read from the provider; gives what it sold if it is paid. */
export async function lookUp(
  ctx: BillingContext,
  provider: AnyProvider,
  intent: CheckoutIntent,
  signal?: AbortSignal,
): Promise<PaymentOutcome> {
  if (intent.status === 'completed') return { status: 'succeeded' }
  // Nothing was charged: there was nothing to charge, or the provider would not.
  if (intent.externalId === null)
    return { status: 'declined', reason: 'no_payment_method', message: 'Nothing was charged for this sale.' }
  const payment = await requireCapability(provider, 'payments').get(intent.externalId, signal ? { signal } : {})
  return settlePayment(ctx, provider, intent, payment)
}

/** Follows the payment of a sale without a page: one function for the charge itself, its webhooks, and repeats of both. */
export async function settlePayment(
  ctx: BillingContext,
  provider: AnyProvider,
  intent: CheckoutIntent,
  payment: ProviderPayment,
): Promise<PaymentOutcome> {
  const outcome = outcomeOf(payment)
  const { accountId, id } = intent
  switch (chargedStatus(outcome)) {
    case 'paid':
      await settleCheckout(ctx, provider, intent, sessionOfPayment(payment))
      break
    case 'failed':
      await close(ctx, provider, { ...intent, externalId: payment.externalId }, outcome)
      break
    default:
      await ctx.store.intents.update(accountId, id, { status: 'pending', externalId: payment.externalId })
  }
  return outcome
}

/** What is told of a sale that was not paid comes before the mark on it, so that a crash in between is harmless. */
async function close(
  ctx: BillingContext,
  provider: AnyProvider,
  intent: CheckoutIntent,
  outcome: PaymentOutcome,
): Promise<void> {
  if (intent.status !== 'open' && intent.status !== 'pending') return
  const isUnpaid = outcome.status === 'declined' || outcome.status === 'requires_action'
  if (isUnpaid && isTopUp(intent)) await closeTopUp(ctx, provider, intent, outcome)
  const { accountId, id, externalId } = intent
  await ctx.store.intents.update(accountId, id, { status: 'expired', ...(externalId === null ? {} : { externalId }) })
}

/** A provider that will not charge this, however often it is asked, has charged nothing. */
function refused(error: unknown): { readonly externalId: null; readonly outcome: PaymentOutcome } {
  const isFinal = BillingError.is(error) && (error.code === 'invalid_amount' || error.code === 'option_unsupported')
  if (!isFinal && !isRefusal(error)) throw error
  return { externalId: null, outcome: { status: 'declined', reason: 'not_supported', message: error.message } }
}

function isRefusal(error: unknown): error is BillingError {
  return BillingError.is(error) && error.code === 'provider_rejected'
}

function outcomeOf({ status, failure, actionUrl = null }: ProviderPayment): PaymentOutcome {
  switch (status) {
    case 'succeeded':
    case 'refunded':
      return { status: 'succeeded' }
    case 'requires_action':
      return { status: 'requires_action', url: actionUrl }
    case 'failed':
    case 'requires_method':
    case 'canceled':
      return { status: 'declined', reason: 'declined', message: 'The payment was not made.', ...failure }
    default:
      // What is not known to have failed may still be paid.
      return { status: 'processing' }
  }
}

/** A payment as what a page would have led to. */
export function sessionOfPayment(payment: ProviderPayment): CheckoutSession {
  const { externalId, intentId, customerId, amount } = payment
  const none = { subtotal: null, url: null, expiresAt: null, subscriptionId: null, paymentMethodId: null }
  return { ...none, externalId, intentId, customerId, status: chargedStatus(outcomeOf(payment)), amount }
}
