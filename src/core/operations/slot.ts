import type { BillingContext } from '../context.js'
import type { Instant } from '../domain/period.js'
import type { Subscription } from '../ports/capabilities/subscriptions.js'
import type { AnyProvider } from '../ports/provider.js'
import type { CheckoutIntent } from '../ports/store.js'
import type { Finding } from './difference.js'
import { ownedForLife } from './owned-for-life.js'

/** What an account pays for beside another one of which it needs one: a subscription, or the same plan for life. */
export interface Duplicate {
  /** Who sold it. */
  readonly provider: string
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

/** A subscription, and who has it. */
export type HeldSubscription = Subscription & { readonly provider: string }

/** What a provider says of an account's subscriptions, with what the others that are asked say of them: all, if nothing is said. */
export async function everySubscription(
  ctx: BillingContext,
  provider: AnyProvider,
  accountId: string,
  own: readonly Subscription[],
  isAsked: (other: AnyProvider) => boolean = () => true,
): Promise<readonly HeldSubscription[]> {
  const all = heldBy(provider.id, own)
  for (const other of ctx.roles.all.values()) {
    if (!other.subscriptions || other.id === provider.id || !isAsked(other)) continue
    const customerId = await ctx.store.accounts.externalId(accountId, other.id)
    if (customerId !== null) all.push(...heldBy(other.id, await other.subscriptions.list(customerId, {})))
  }
  return all
}

export function heldBy(provider: string, subscriptions: readonly Subscription[]): HeldSubscription[] {
  return subscriptions.map((subscription) => ({ ...subscription, provider }))
}

/** The subscriptions that an account pays for beside its first one, whoever sold it. */
export function duplicateSubscriptions(subscriptions: readonly HeldSubscription[]): readonly Duplicate[] {
  const [first, ...others] = subscriptions.filter(isOngoing).sort(byAge)
  if (!first) return []
  return others.map(({ provider, externalId: id, plan, createdAt: at }) => ({
    provider,
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
    else if (sale.provider === provider.id)
      duplicates.push({ provider: provider.id, kind: 'lifetime', plan, id, duplicateOf: first.id, at })
  }
  return duplicates
}

/**
 * Once an account has a subscription its open pages for another one are closed, whoever made them, and more than one is told of: two that
 * several sellers have are paid for twice just as well. A seller that does not answer stops nothing: it is asked again with the next event,
 * and by `reconcile`.
 */
export async function keepOneSubscription(
  ctx: BillingContext,
  provider: AnyProvider,
  accountId: string,
  subscriptions: readonly Subscription[],
): Promise<void> {
  if (!subscriptions.some(isOngoing)) return
  const all = await everySubscription(ctx, provider, accountId, subscriptions).catch((error: unknown) => {
    ctx.environment.onError(error, `subscriptions of account ${accountId} beside that at ${provider.id}`)
    return heldBy(provider.id, subscriptions)
  })
  await tellOf(ctx, accountId, duplicateSubscriptions(all))
  const sold = new Set(all.map(({ intentId }) => intentId))
  await closePages(ctx, accountId, ({ id, kind }) => kind === 'subscription' && !sold.has(id))
}

/** Once an account has a plan for life its open pages for the same plan are closed, and one that was paid again is told of. */
export async function keepOneForLife(ctx: BillingContext, provider: AnyProvider, accountId: string): Promise<void> {
  const owned = new Set((await ownedForLife(ctx, accountId)).map(({ plan }) => plan))
  if (owned.size === 0) return
  await tellOf(ctx, accountId, await duplicatesForLife(ctx, provider, accountId))
  await closePages(ctx, accountId, ({ kind, plan }) => kind === 'lifetime' && owned.has(plan))
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

async function tellOf(ctx: BillingContext, accountId: string, duplicates: readonly Duplicate[]): Promise<void> {
  for (const { provider, kind, plan, id, duplicateOf } of duplicates)
    await ctx.store.outbox.publish({
      id: `evt_duplicate_${id}`,
      type: 'purchase.duplicated',
      accountId,
      occurredAt: ctx.environment.now(),
      data: { provider, kind, plan, id, duplicateOf },
    })
}

/** A page that cannot be closed now stops nothing: it is tried again with the next event, and by `reconcile`. */
export async function closePages(
  ctx: BillingContext,
  accountId: string,
  isTaken: (sale: CheckoutIntent) => boolean,
): Promise<void> {
  const sales = await ctx.store.intents.since(accountId, ctx.environment.now())
  for (const sale of sales) {
    const isOpen = sale.status === 'open' || sale.status === 'pending'
    const checkout = ctx.roles.all.get(sale.provider)?.checkout
    if (!isOpen || !checkout?.expire || sale.externalId === null || !isTaken(sale)) continue
    try {
      const { status } = await checkout.expire(sale.externalId, {})
      if (status === 'expired') await ctx.store.intents.update(accountId, sale.id, { status })
    } catch (error) {
      ctx.environment.onError(error, `closing checkout ${sale.id} of account ${accountId}`)
    }
  }
}
