import type { BillingContext } from '../context.js'
import { dedupeOf, fingerprintOf } from '../domain/ledger/key.js'
import { formatSparks } from '../domain/sparks.js'
import { BillingError, invariant } from '../errors.js'
import type { CheckoutSession, CheckoutStatus } from '../ports/capabilities/checkout.js'
import type { Subscription } from '../ports/capabilities/subscriptions.js'
import { type AnyProvider, requireCapability } from '../ports/provider.js'
import type { CheckoutIntent } from '../ports/store.js'
import { adoptPlan, givePlanForLife, isGranting } from './adopt-plan.js'
import { ensureCustomer, isCustomerOf } from './customers.js'
import { raiseKeyBudgets } from './raise-key-budgets.js'
import { keepOneForLife } from './slot.js'
import { submit } from './steps.js'

/**
 * Gives what a checkout sold, if it is paid, for callers that are told once and come again only after an error.
 *
 * @throws BillingError `checkout_mismatch`, `provider_unavailable` (paid, and the subscription is not active yet: try again)
 */
export async function fulfilCheckout(
  ctx: BillingContext,
  provider: AnyProvider,
  intent: CheckoutIntent,
  session: CheckoutSession,
): Promise<CheckoutStatus> {
  const status = await settleCheckout(ctx, provider, intent, session)
  if (session.status !== 'paid' || status === 'paid') return status
  throw new BillingError(
    'provider_unavailable',
    `Checkout ${intent.id} is paid, but its subscription is not active at ${provider.id} yet.`,
  )
}

/**
 * Gives what a checkout sold, if it is paid: one function for webhook, redirect and repetition. What is given and what is told have
 * the sale's own keys and come before the mark on the sale, so a crash anywhere in between is harmless.
 *
 * @returns how the sale stands; one that is paid is `processing` until its plan is in force
 * @throws BillingError `checkout_mismatch`
 */
export async function settleCheckout(
  ctx: BillingContext,
  provider: AnyProvider,
  intent: CheckoutIntent,
  session: CheckoutSession,
): Promise<CheckoutStatus> {
  // Either way the page is over, and the next checkout of the same sale must get another one.
  if (session.status === 'expired' || session.status === 'failed')
    await ctx.store.intents.update(intent.accountId, intent.id, { status: 'expired' })
  if (session.status !== 'paid') return session.status
  if (intent.status === 'completed') {
    if (intent.kind === 'lifetime') await followLifetime(ctx, provider, intent)
    return session.status
  }
  const paid = await checkMatch(ctx, provider, intent, session)
  if (!(await give(ctx, provider, intent, session, paid))) return 'processing'
  await ctx.store.outbox.publish({
    id: `evt_${intent.id}`,
    type: 'checkout.completed',
    accountId: intent.accountId,
    occurredAt: ctx.environment.now(),
    data: { checkoutId: intent.id, kind: intent.kind, sparks: formatSparks(intent.sparks), plan: intent.plan },
  })
  const { externalId } = session
  await ctx.store.intents.update(intent.accountId, intent.id, { status: 'completed', externalId, paidNanos: paid })
  // Somebody who looked between the two saw neither, and may have put the account back.
  if (intent.kind === 'lifetime') await followLifetime(ctx, provider, intent)
  ctx.wake()
  return session.status
}

/** @returns whether what was sold is there */
async function give(
  ctx: BillingContext,
  provider: AnyProvider,
  intent: CheckoutIntent,
  session: CheckoutSession,
  paidNanos: bigint,
): Promise<boolean> {
  switch (intent.kind) {
    case 'credits':
    case 'package':
      await grantPurchase(ctx, intent, paidNanos)
      await raiseKeyBudgets(ctx, intent)
      return true
    case 'subscription':
      return startPlan(ctx, provider, intent, session)
    case 'lifetime':
      invariant(intent.plan !== null, 'a sale for life names no plan')
      await givePlanForLife(ctx, intent, intent.plan)
      return true
    case 'setup':
      await preferMethod(ctx, provider, intent, session.paymentMethodId)
      return true
  }
}

async function followLifetime(
  ctx: BillingContext,
  provider: AnyProvider,
  { id, accountId }: CheckoutIntent,
): Promise<void> {
  await keepOneForLife(ctx, provider, accountId)
  if (!provider.subscriptions) return
  const customerId = await ctx.store.accounts.externalId(accountId, provider.id)
  await adoptPlan(ctx, provider, { accountId, customerId }, `checkout:${id}`)
}

/** What was left on the page is what is charged from now on. */
async function preferMethod(
  ctx: BillingContext,
  provider: AnyProvider,
  { accountId }: CheckoutIntent,
  methodId: string | null,
): Promise<void> {
  if (methodId === null) return
  const customerId = await ensureCustomer(ctx, provider, accountId)
  await requireCapability(provider, 'payment-methods').setDefault(customerId, methodId, {})
}

async function grantPurchase(ctx: BillingContext, intent: CheckoutIntent, paidNanos: bigint): Promise<void> {
  await submit(ctx, {
    kind: 'grant',
    accountId: intent.accountId,
    id: ctx.newId('grt'),
    key: `checkout:${intent.id}`,
    // Not the namespace of an app's own grants: none of their keys may stand in the way of what was paid for.
    dedupe: dedupeOf(intent.accountId, 'purchase', intent.id),
    fingerprint: fingerprintOf({ checkout: intent.id, sparks: intent.sparks }),
    amount: intent.sparks,
    grantKind: 'paid',
    priority: 0,
    expiresAt: null,
    reason: intent.package === null ? 'purchase' : `purchase of ${intent.package}`,
    payment: { id: intent.id, nanos: paidNanos, currency: intent.currency },
  })
}

/** @returns whether the subscription that was sold has given its plan, or was over before anybody looked */
async function startPlan(
  ctx: BillingContext,
  provider: AnyProvider,
  intent: CheckoutIntent,
  session: CheckoutSession,
): Promise<boolean> {
  const { accountId } = intent
  const customerId = await ctx.store.accounts.externalId(accountId, provider.id)
  const subscriptions = await adoptPlan(ctx, provider, { accountId, customerId }, `checkout:${intent.id}`)
  return subscriptions.some((subscription) => {
    if (session.subscriptionId === null) return subscription.plan === intent.plan && isGranting(ctx, subscription)
    const isSold = subscription.externalId === session.subscriptionId
    return isSold && (isLapsed(subscription) || isGranting(ctx, subscription))
  })
}

/** Whether it was paid for once and gives nothing any more: over, or waiting for a payment that is owed. */
function isLapsed({ status }: Subscription): boolean {
  return status === 'canceled' || status === 'unpaid' || status === 'paused'
}

/**
 * What is sold, its currency and the customer must be those of the sale; otherwise nothing is given and somebody has to look.
 *
 * @returns what was paid, in nanos: less than the price by discounts, more by tax
 */
async function checkMatch(
  ctx: BillingContext,
  provider: AnyProvider,
  intent: CheckoutIntent,
  session: CheckoutSession,
): Promise<bigint> {
  const customer = await ctx.store.accounts.externalId(intent.accountId, provider.id)
  // A provider that makes no customers need not name one.
  const isUnnamed = session.customerId === null && !provider.customers
  // Where only a payment method is left there is nothing to compare.
  const paid = session.amount ?? (intent.kind === 'setup' ? { currency: intent.currency, nanos: 0n } : null)
  const sold = session.subtotal ?? paid
  const isSold = sold?.currency === intent.currency && sold.nanos === intent.amountNanos
  const isPaid = paid?.currency === intent.currency && paid.nanos >= 0n
  const isOwn =
    session.customerId === customer || (await isCustomerOf(ctx, provider, intent.accountId, session.customerId))
  const isCustomer = customer === null || isOwn || isUnnamed
  const isSession = intent.externalId === null || session.externalId === intent.externalId
  if (isSold && isPaid && isCustomer && isSession) return paid.nanos
  await ctx.store.intents.update(intent.accountId, intent.id, { status: 'mismatched' })
  await ctx.store.outbox.publish({
    id: `evt_mismatch_${intent.id}`,
    type: 'checkout.mismatched',
    accountId: intent.accountId,
    occurredAt: ctx.environment.now(),
    data: { checkoutId: intent.id },
  })
  throw new BillingError(
    'checkout_mismatch',
    `Checkout ${intent.id}: what was paid is not what was sold; nothing was given.`,
    {
      details: { checkoutId: intent.id },
    },
  )
}
