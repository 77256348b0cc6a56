import type { BillingContext } from '../context.js'
import { fingerprintOf } from '../domain/ledger/key.js'
import type { Subscription } from '../ports/capabilities/subscriptions.js'
import type { AnyProvider } from '../ports/provider.js'
import { adoptPlan } from './adopt-plan.js'

/**
 * Puts the account of a customer on the plan its subscriptions say, and tells how they stand; a customer nobody here knows is left
 * alone.
 */
export async function followSubscriptions(
  ctx: BillingContext,
  provider: AnyProvider,
  customerId: string,
  cause: string,
): Promise<void> {
  const accountId = await ctx.store.directory.accountByExternalId(provider.id, customerId)
  if (accountId === null) return
  // What is told of a customer that was deleted is about its account, which may have another one by now.
  const current = await ctx.store.accounts.externalId(accountId, provider.id)
  const subscriptions = await adoptPlan(ctx, provider, { accountId, customerId: current }, cause)
  for (const subscription of subscriptions) await tellOf(ctx, provider, accountId, subscription)
  ctx.wake()
}

/** One event for each way a subscription has stood, however often it is looked at. */
async function tellOf(
  ctx: BillingContext,
  provider: AnyProvider,
  accountId: string,
  subscription: Subscription,
): Promise<void> {
  const { externalId, status, plan, seats, currentPeriodEndsAt, cancelsAtPeriodEnd } = subscription
  const standing = fingerprintOf({ status, plan, seats, currentPeriodEndsAt, cancelsAtPeriodEnd }).slice(0, 16)
  await ctx.store.outbox.publish({
    id: `evt_${externalId}_${standing}`,
    type: 'subscription.updated',
    accountId,
    occurredAt: ctx.environment.now(),
    data: {
      provider: provider.id,
      subscriptionId: externalId,
      status,
      plan,
      seats,
      periodEndsAt: currentPeriodEndsAt,
      cancelsAtPeriodEnd: String(cancelsAtPeriodEnd),
    },
  })
}
