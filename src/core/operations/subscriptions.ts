import type { BillingContext } from '../context.js'
import { dedupeOf, fingerprintOf } from '../domain/ledger/key.js'
import { BillingError } from '../errors.js'
import type { Subscription, SubscriptionStatus } from '../ports/capabilities/subscriptions.js'
import { type AnyProvider, requireCapability } from '../ports/provider.js'
import { submit } from './steps.js'

/** How often the provider is read in one go while what it says keeps changing. */
const maximumReads = 5

/** Puts the account of a customer on the plan its subscriptions say; a customer nobody here knows is left alone. */
export async function followSubscription(
  ctx: BillingContext,
  provider: AnyProvider,
  customerId: string,
  cause: string,
): Promise<void> {
  const accountId = await ctx.store.directory.accountByExternalId(provider.id, customerId)
  if (accountId !== null) await adoptPlan(ctx, provider, { accountId, customerId }, cause)
}

/**
 * Puts the account on the plan its subscriptions say, read anew: that of the best one that grants something, or the default plan. What
 * it was told by does not matter, so events may come in any order.
 *
 * After a change the provider is read again, until it says what is in force: whoever read first may write last, and the reading that
 * follows the last writing puts it right, in this process or another.
 *
 * @returns the subscriptions as they were read last
 * @throws BillingError `capability_missing`, `not_found`, `provider_unavailable` when every reading said something else
 */
export async function adoptPlan(
  ctx: BillingContext,
  provider: AnyProvider,
  customer: { readonly accountId: string; readonly customerId: string },
  cause: string,
): Promise<readonly Subscription[]> {
  const capability = requireCapability(provider, 'subscriptions')
  const { accountId, customerId } = customer
  let written: string | undefined
  for (let reads = 0; reads < maximumReads; reads += 1) {
    const subscriptions = await capability.list(customerId, {})
    const best = bestOf(ctx, subscriptions)
    const plan = best?.plan ?? ctx.catalog.defaultPlan
    const anchor = best?.anchor ?? best?.currentPeriodStartsAt
    const snapshot = await ctx.store.ledger.snapshot(accountId)
    if (!snapshot) throw new BillingError('not_found', `No account ${accountId}: call accounts.ensure first.`)
    const wanted = fingerprintOf({ plan, anchor })
    // The kernel keeps the old anchor when both give the same periods, so it is not always the one that was written.
    const hasRhythm = !best || anchor === snapshot.account.anchor || written === wanted
    if (snapshot.account.plan === plan && hasRhythm) return subscriptions
    const id = ctx.newId('ent')
    await submit(ctx, {
      kind: 'change_plan',
      accountId,
      id,
      key: cause,
      // A key of its own: the same cause may lead to another plan when it is looked into again.
      dedupe: dedupeOf(accountId, 'follow_subscription', id),
      fingerprint: wanted,
      plan,
      anchor,
      reason: best ? `subscription ${best.externalId}` : 'no subscription',
    })
    written = wanted
  }
  throw new BillingError(
    'provider_unavailable',
    `What ${provider.id} says of the subscriptions of account ${accountId} changed at every reading; try again.`,
  )
}

/** Whether a subscription gives its plan. Unknown plans and states grant nothing. */
export function isGranting(ctx: BillingContext, { status, plan }: Subscription): boolean {
  return ranks.has(status) && plan !== null && ctx.catalog.plans.has(plan)
}

/**
 * Refuses to sell a subscription to whoever has one, or is paying for one on a page that was used: who subscribes twice is charged
 * twice.
 *
 * @param paying the checkout whose page was used and whose money is not there yet
 * @throws BillingError `capability_missing`, `subscription_exists`
 */
export async function refuseSecond(
  ctx: BillingContext,
  provider: AnyProvider,
  accountId: string,
  paying: { readonly subscriptionId: string | null } | null,
): Promise<void> {
  const capability = requireCapability(provider, 'subscriptions')
  const customerId = await ctx.store.accounts.externalId(accountId, provider.id)
  const subscriptions = customerId === null ? [] : await capability.list(customerId, {})
  const bought = subscriptions.find(({ externalId }) => externalId === paying?.subscriptionId)
  // A debit that did not come may leave its page as it was; its subscription says that it is over.
  if (paying && bought?.status !== 'canceled') {
    throw new BillingError(
      'subscription_exists',
      `Account ${accountId} is paying for this plan already: verify that checkout.`,
    )
  }
  const existing = subscriptions.find(isOngoing)
  if (!existing) return
  const { plan, status } = existing
  throw new BillingError(
    'subscription_exists',
    `Account ${accountId} has a subscription to ${plan} (${status}): it is changed or paid for in the portal.`,
    { details: { plan, status } },
  )
}

/** Whether a subscription of ours charges, or may charge again. */
function isOngoing({ status, plan }: Subscription): boolean {
  return plan !== null && status !== 'canceled' && status !== 'pending'
}

/** States that grant, the better ones first. */
const ranks: ReadonlyMap<SubscriptionStatus, number> = new Map([
  ['active', 0],
  ['trialing', 0],
  ['past_due', 1],
])

/** One in good standing before one that is past due; of equals the newest, which is the first. */
function bestOf(ctx: BillingContext, subscriptions: readonly Subscription[]): Subscription | undefined {
  const rank = ({ status }: Subscription) => ranks.get(status) ?? ranks.size
  return subscriptions
    .filter((subscription) => isGranting(ctx, subscription))
    .sort((left, right) => rank(left) - rank(right))[0]
}
