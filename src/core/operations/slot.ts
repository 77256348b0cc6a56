import type { BillingContext } from '../context.js'
import type { Instant } from '../domain/period.js'
import type { Subscription } from '../ports/capabilities/subscriptions.js'
import type { AnyProvider } from '../ports/provider.js'
import type { CheckoutIntent } from '../ports/store.js'
import type { Finding } from './difference.js'
import { ownedForLife } from './owned-for-life.js'

/** What an account pays for beside another one of which it needs one: a subscription, or the same plan for life. */
export interface Duplicate {
  readonly kind: 'subscription' | 'lifetime'
  readonly plan: string | null
  /** The provider's id of the subscription; our id of the checkout for a plan for life. */
  readonly id: string
  /** The one that was there before. */
  readonly duplicateOf: string
  readonly at: Instant
}

/** Whether a subscription of ours charges, or may charge again. */
export function isOngoing({ status, plan }: Subscription): boolean {
  return plan !== null && status !== 'canceled' && status !== 'pending'
}

/** The subscriptions that an account pays for beside its first one. */
export function duplicateSubscriptions(subscriptions: readonly Subscription[]): readonly Duplicate[] {
  const [first, ...others] = subscriptions.filter(isOngoing).sort(byAge)
  if (!first) return []
  return others.map(({ externalId: id, plan, createdAt: at }) => ({
    kind: 'subscription',
    plan,
    id,
    duplicateOf: first.externalId,
    at,
  }))
}

/** The plans for life that an account has paid for again. */
export async function duplicatesForLife(
  ctx: BillingContext,
  provider: AnyProvider,
  accountId: string,
): Promise<readonly Duplicate[]> {
  const firsts = new Map<string | null, CheckoutIntent>()
  const duplicates: Duplicate[] = []
  for (const sale of [...(await ownedForLife(ctx, accountId))].reverse()) {
    const { id, plan, createdAt: at } = sale
    const first = firsts.get(plan)
    if (!first) firsts.set(plan, sale)
    else if (sale.provider === provider.id) duplicates.push({ kind: 'lifetime', plan, id, duplicateOf: first.id, at })
  }
  return duplicates
}

/** Once an account has a subscription its open pages for another one are closed, and more than one is told of. */
export async function keepOneSubscription(
  ctx: BillingContext,
  provider: AnyProvider,
  accountId: string,
  subscriptions: readonly Subscription[],
): Promise<void> {
  if (!subscriptions.some(isOngoing)) return
  await tellOf(ctx, provider, accountId, duplicateSubscriptions(subscriptions))
  const sold = new Set(subscriptions.map(({ intentId }) => intentId))
  await closePages(ctx, provider, accountId, ({ id, kind }) => kind === 'subscription' && !sold.has(id))
}

/** Once an account has a plan for life its open pages for the same plan are closed, and one that was paid again is told of. */
export async function keepOneForLife(ctx: BillingContext, provider: AnyProvider, accountId: string): Promise<void> {
  const owned = new Set((await ownedForLife(ctx, accountId)).map(({ plan }) => plan))
  if (owned.size === 0) return
  await tellOf(ctx, provider, accountId, await duplicatesForLife(ctx, provider, accountId))
  await closePages(ctx, provider, accountId, ({ kind, plan }) => kind === 'lifetime' && owned.has(plan))
}

/** What is bought twice, as a difference: what is to be refunded or cancelled is for a person to say. */
export function duplicateFinding(accountId: string, { kind, plan, id, duplicateOf, at }: Duplicate): Finding {
  const isSubscription = kind === 'subscription'
  const what = isSubscription ? 'one subscription' : `one purchase of ${plan} for life`
  return {
    kind: 'duplicate',
    subject: isSubscription ? 'subscription' : 'checkout',
    accountId,
    id,
    duplicateOf,
    expected: `${what}: ${duplicateOf}`,
    found: `${id} (${plan}) beside it`,
    at,
  }
}

/** Of several that were paid for at once all processes must see the same one as the first. */
function byAge(left: Subscription, right: Subscription): number {
  return left.createdAt - right.createdAt || (left.externalId < right.externalId ? -1 : 1)
}

async function tellOf(
  ctx: BillingContext,
  provider: AnyProvider,
  accountId: string,
  duplicates: readonly Duplicate[],
): Promise<void> {
  for (const { kind, plan, id, duplicateOf } of duplicates)
    await ctx.store.outbox.publish({
      id: `evt_duplicate_${id}`,
      type: 'purchase.duplicated',
      accountId,
      occurredAt: ctx.environment.now(),
      data: { provider: provider.id, kind, plan, id, duplicateOf },
    })
}

/** A page that cannot be closed now stops nothing: it is tried again with the next event, and by `reconcile`. */
export async function closePages(
  ctx: BillingContext,
  provider: AnyProvider,
  accountId: string,
  isTaken: (sale: CheckoutIntent) => boolean,
): Promise<void> {
  const { checkout } = provider
  if (!checkout?.expire) return
  const sales = await ctx.store.intents.since(accountId, ctx.environment.now())
  for (const sale of sales) {
    const isOpen = sale.status === 'open' || sale.status === 'pending'
    if (!isOpen || sale.provider !== provider.id || sale.externalId === null || !isTaken(sale)) continue
    try {
      const { status } = await checkout.expire(sale.externalId, {})
      if (status === 'expired') await ctx.store.intents.update(accountId, sale.id, { status })
    } catch (error) {
      ctx.environment.onError(error, `closing checkout ${sale.id} of account ${accountId}`)
    }
  }
}
