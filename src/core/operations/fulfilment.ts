import type { BillingContext } from '../context.js'
import { dedupeOf, fingerprintOf } from '../domain/ledger/key.js'
import { formatSparks } from '../domain/sparks.js'
import { BillingError } from '../errors.js'
import type { CheckoutSession, CheckoutStatus } from '../ports/capabilities/checkout.js'
import type { AnyProvider } from '../ports/provider.js'
import type { CheckoutIntent } from '../ports/store.js'
import { ensureCustomer } from './customers.js'
import { submit } from './steps.js'
import { adoptPlan, isGranting } from './subscriptions.js'

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
  if (session.status !== 'paid' || intent.status === 'completed') return session.status
  await checkMatch(ctx, provider, intent, session)

  if (intent.kind === 'credits') await grantPurchase(ctx, intent)
  else if (!(await startPlan(ctx, provider, intent, session))) return 'processing'
  await ctx.store.outbox.publish({
    id: `evt_${intent.id}`,
    type: 'checkout.completed',
    accountId: intent.accountId,
    occurredAt: ctx.environment.now(),
    data: { checkoutId: intent.id, kind: intent.kind, sparks: formatSparks(intent.sparks), plan: intent.plan },
  })
  await ctx.store.intents.update(intent.accountId, intent.id, { status: 'completed', externalId: session.externalId })
  ctx.wake()
  return session.status
}

async function grantPurchase(ctx: BillingContext, intent: CheckoutIntent): Promise<void> {
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
    payment: { id: intent.id, nanos: intent.amountNanos, currency: intent.currency },
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
  const customerId = await ensureCustomer(ctx, provider, accountId)
  const subscriptions = await adoptPlan(ctx, provider, { accountId, customerId }, `checkout:${intent.id}`)
  return subscriptions.some((subscription) => {
    if (session.subscriptionId === null) return subscription.plan === intent.plan && isGranting(ctx, subscription)
    const isSold = subscription.externalId === session.subscriptionId
    return isSold && (subscription.status === 'canceled' || isGranting(ctx, subscription))
  })
}

/** Paid amount, currency and customer must be those of the sale; otherwise nothing is given and somebody has to look. */
async function checkMatch(
  ctx: BillingContext,
  provider: AnyProvider,
  intent: CheckoutIntent,
  session: CheckoutSession,
): Promise<void> {
  const customer = await ctx.store.accounts.externalId(intent.accountId, provider.id)
  // A provider that makes no customers need not name one.
  const isUnnamed = session.customerId === null && !provider.customers
  const differs =
    session.amount?.currency !== intent.currency ||
    session.amount.nanos !== intent.amountNanos ||
    (customer !== null && session.customerId !== customer && !isUnnamed) ||
    (intent.externalId !== null && session.externalId !== intent.externalId)
  if (!differs) return
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
