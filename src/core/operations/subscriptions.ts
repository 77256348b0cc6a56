import type { BillingContext } from '../context.js'
import { dedupeOf, fingerprintOf } from '../domain/ledger/key.js'
import type { Subscription } from '../ports/capabilities/subscriptions.js'
import { type AnyProvider, requireCapability } from '../ports/provider.js'
import { requireAccount, submit } from './steps.js'

/**
 * Puts the account of a customer on the plan its subscriptions say, read anew: on the best one that is alive, or back on the default
 * plan. What it was told by does not matter, so events may come in any order.
 */
export async function followSubscription(
  ctx: BillingContext,
  provider: AnyProvider,
  customerId: string,
  key: string,
): Promise<void> {
  const accountId = await ctx.store.directory.accountByExternalId(provider.id, customerId)
  if (accountId === null) return
  const subscriptions = await requireCapability(provider, 'subscriptions').list(customerId, {})
  const current = subscriptions.find((subscription) => grants(ctx, subscription))
  const plan = current?.plan ?? ctx.catalog.defaultPlan
  const anchor = current ? current.currentPeriodStartsAt : undefined
  const account = await requireAccount(ctx, accountId)
  if (account.plan === plan && !current) return
  await submit(ctx, {
    kind: 'change_plan',
    accountId,
    id: ctx.newId('ent'),
    key,
    dedupe: dedupeOf('change_plan', key),
    fingerprint: fingerprintOf({ key }),
    plan,
    anchor,
    reason: current ? `subscription ${current.externalId}` : 'no subscription',
  })
}

/** Unknown plans and states grant nothing. */
function grants(ctx: BillingContext, subscription: Subscription): boolean {
  const isAlive =
    subscription.status === 'active' || subscription.status === 'trialing' || subscription.status === 'past_due'
  return isAlive && subscription.plan !== null && ctx.catalog.plans.has(subscription.plan)
}
