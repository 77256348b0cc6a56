import type { BillingContext } from '../context.js'
import { collectorAt } from '../domain/ledger/collector.js'
import type { ChangePlanCommand } from '../domain/ledger/command.js'
import { dedupeOf, fingerprintOf } from '../domain/ledger/key.js'
import type { AccountState } from '../domain/ledger/state.js'
import type { LedgerSnapshot } from '../domain/ledger/view.js'
import type { Instant } from '../domain/period.js'
import { BillingError } from '../errors.js'
import type { Subscription, SubscriptionStatus } from '../ports/capabilities/subscriptions.js'
import { type AnyProvider, requireCapability } from '../ports/provider.js'
import type { CheckoutIntent } from '../ports/store.js'
import { arrangeCollection, meteringProvider } from './collection.js'
import { ownedForLife } from './owned-for-life.js'
import { expectPeriodEnd } from './period-end.js'
import { everySubscription, type HeldSubscription, isOngoing, keepOneSubscription } from './slot.js'
import { requireSnapshot, submit } from './steps.js'

/** How often the provider is read in one go while what it says keeps changing. */
const maximumReads = 5

/** Why an account is suspended whose payments are overdue; what is suspended for it is resumed when they are made. */
export const overdue = 'payment overdue'

/**
 * Puts the account on the plan its subscriptions say, read anew, of which one without a customer has none: that of the best one that grants something, whoever has it, or else what it bought for
 * life, or else the default plan. What it was told by does not matter, so events may come in any order. An account whose payments are
 * overdue is suspended, and resumed when they are not any more.
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
  customer: { readonly accountId: string; readonly customerId: string | null },
  cause: string,
): Promise<readonly Subscription[]> {
  const capability = requireCapability(provider, 'subscriptions')
  const { accountId, customerId } = customer
  let written: string | undefined
  for (let reads = 0; reads < maximumReads; reads += 1) {
    const subscriptions = customerId === null ? [] : await capability.list(customerId, {})
    const snapshot = await ctx.store.ledger.snapshot(accountId)
    if (!snapshot) throw new BillingError('not_found', `No account ${accountId}: call accounts.ensure first.`)
    const all = await withOthers(ctx, provider, snapshot, subscriptions)
    const { best, owned, plan, anchor } = await bestPlan(ctx, accountId, all)
    // Before the plan is there: a crash in between must not leave one that nobody ends.
    if (best) await expectPeriodEnd(ctx, best)
    const isSwayed = await followPayments(ctx, snapshot, all.some(isOverdue(ctx)), cause)
    const paid = best ? { source: best.externalId, provider: best.provider, period: best.paidPeriod } : null
    const wanted = fingerprintOf({ plan, anchor, paid })
    // The kernel keeps the old anchor when both give the same periods, so it is not always the one that was written.
    const hasRhythm = !best || anchor === snapshot.account.anchor || written === wanted
    const isOnPlan = snapshot.account.plan === plan && hasRhythm && isPaidAs(snapshot.account.paidPlan, paid)
    if (isOnPlan && !isSwayed) {
      await keepOneSubscription(ctx, provider, accountId, subscriptions)
      return subscriptions
    }
    if (isOnPlan) continue
    const reason = best ? `subscription ${best.externalId}` : owned ? `purchase ${owned.id}` : 'no subscription'
    await changePlan(ctx, { accountId, plan, anchor, paid, reason, cause, fingerprint: wanted })
    await collectElsewhere(ctx, accountId, best?.provider ?? null)
    written = wanted
  }
  throw new BillingError(
    'provider_unavailable',
    `What ${provider.id} says of the subscriptions of account ${accountId} changed at every reading; try again.`,
  )
}

/** A plan that is paid for here and collected there has no prices of usage there yet, and at some may have them apart. One that cannot be told now is told with its usage. */
async function collectElsewhere(ctx: BillingContext, accountId: string, seller: string | null): Promise<void> {
  const { account, now } = await requireSnapshot(ctx, accountId)
  const collector = meteringProvider(ctx, collectorAt(ctx.rules, account, now))
  if (!collector || (collector.id === seller && !collector.metering.collectsApart)) return
  await arrangeCollection(ctx, collector, account, now).catch((error: unknown) =>
    ctx.environment.onError(error, `prices of usage of account ${accountId} at ${collector.id}`),
  )
}

/**
 * What a provider says of an account's subscriptions, with what others say that may have a better one: whoever has the one that its plan
 * comes with by now, and all of them where this one has none. So nobody's plan ends because it is not known here.
 */
function withOthers(
  ctx: BillingContext,
  provider: AnyProvider,
  { account: { id, paidPlan } }: LedgerSnapshot,
  own: readonly Subscription[],
): Promise<readonly HeldSubscription[]> {
  const hasNone = !own.some((subscription) => isGranting(ctx, subscription))
  return everySubscription(ctx, provider, id, own, (other) => hasNone || paidPlan?.provider === other.id)
}

/** Whether the ledger knows already what of a subscription is paid for. */
function isPaidAs(known: AccountState['paidPlan'], paid: ChangePlanCommand['paid']): boolean {
  if (!known || !paid) return !known === !paid
  if (known.source !== paid.source || known.provider !== paid.provider) return false
  return paid.period === null || (known.until !== null && paid.period.endsAt <= known.until)
}

/** The plan that an account has by its subscriptions and purchases, and where it comes from. */
async function bestPlan(ctx: BillingContext, accountId: string, subscriptions: readonly HeldSubscription[]) {
  const best = bestOf(ctx, subscriptions)
  const owned = best ? null : await planForLife(ctx, accountId)
  const plan = best?.plan ?? owned?.plan ?? ctx.catalog.defaultPlan
  return { best, owned, plan, anchor: best?.anchor ?? best?.currentPeriodStartsAt }
}

/** How an account stands, and how it would by its subscriptions: its plan, and whether it is suspended for what is overdue. */
export async function compareStanding(
  ctx: BillingContext,
  provider: AnyProvider,
  accountId: string,
  subscriptions: readonly Subscription[],
): Promise<{ readonly expected: string; readonly found: string }> {
  const snapshot = await requireSnapshot(ctx, accountId)
  const { account } = snapshot
  const all = await withOthers(ctx, provider, snapshot, subscriptions)
  const { plan } = await bestPlan(ctx, accountId, all)
  const isBehind = all.some(isOverdue(ctx))
  const said = (name: string, isSuspended: boolean) => (isSuspended ? `${name}, suspended: ${overdue}` : name)
  // One that a person suspended stays so.
  const isHeld = account.suspendedFor !== null && account.suspendedFor !== overdue
  return { expected: said(plan, isBehind && !isHeld), found: said(account.plan, account.suspendedFor === overdue) }
}

/** Puts the account on a plan that was bought for life, before the sale is marked as done. */
export async function givePlanForLife(ctx: BillingContext, sale: CheckoutIntent, plan: string): Promise<void> {
  const snapshot = await requireSnapshot(ctx, sale.accountId)
  if (snapshot.account.plan === plan) return
  const [accountId, cause] = [sale.accountId, `checkout:${sale.id}`]
  const fingerprint = fingerprintOf({ plan })
  await changePlan(ctx, {
    accountId,
    plan,
    anchor: undefined,
    paid: null,
    reason: `purchase ${sale.id}`,
    cause,
    fingerprint,
  })
}

async function changePlan(
  ctx: BillingContext,
  change: {
    readonly accountId: string
    readonly plan: string
    readonly anchor: Instant | null | undefined
    readonly paid: NonNullable<ChangePlanCommand['paid']> | null
    readonly reason: string
    readonly cause: string
    readonly fingerprint: string
  },
): Promise<void> {
  const { cause, ...rest } = change
  const id = ctx.newId('ent')
  // A key of its own: the same cause may lead to another plan when it is looked into again.
  const dedupe = dedupeOf(change.accountId, 'follow_subscription', id)
  await submit(ctx, { kind: 'change_plan', ...rest, id, key: cause, dedupe })
}

/** The newest plan that was bought for life and not paid back. */
async function planForLife(
  ctx: BillingContext,
  accountId: string,
): Promise<{ readonly id: string; readonly plan: string } | null> {
  for (const { id, plan } of await ownedForLife(ctx, accountId))
    if (plan !== null && ctx.catalog.plans.has(plan)) return { id, plan }
  return null
}

/** Suspends an account whose payments are overdue, or ends that. @returns whether anything was to be changed */
async function followPayments(
  ctx: BillingContext,
  { account }: LedgerSnapshot,
  isBehind: boolean,
  cause: string,
): Promise<boolean> {
  const { id: accountId, suspendedFor } = account
  const kind = isBehind && suspendedFor === null ? 'suspend' : !isBehind && suspendedFor === overdue ? 'resume' : null
  if (kind === null) return false
  const id = ctx.newId('ent')
  const dedupe = dedupeOf(accountId, 'follow_payments', id)
  const fingerprint = fingerprintOf({ kind })
  await submit(ctx, { kind, accountId, id, key: cause, dedupe, fingerprint, reason: overdue, isAutomatic: true })
  return true
}

function isOverdue({ suspendOn }: BillingContext): (subscription: Subscription) => boolean {
  if (suspendOn === 'never') return () => false
  return ({ status, plan }) => plan !== null && (status === 'unpaid' || status === suspendOn)
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
 * @throws BillingError `subscription_exists`
 */
export function refuseSecond(
  accountId: string,
  subscriptions: readonly Subscription[],
  paying: { readonly subscriptionId: string | null } | null,
): void {
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
  const { plan, status, externalId: subscriptionId } = existing
  const isOwing = status === 'past_due' || status === 'unpaid'
  const remedy = isOwing
    ? 'pay its open invoice, with another payment method if need be, or cancel it'
    : 'change that one'
  const message = `Account ${accountId} has a subscription to ${plan} (${status}): ${remedy}.`
  throw new BillingError('subscription_exists', message, { details: { plan, status, subscriptionId } })
}

/** Refuses to sell a plan for life a second time. @throws BillingError `invalid_state` */
export async function refuseOwned(ctx: BillingContext, accountId: string, plan: string): Promise<void> {
  const owned = await planForLife(ctx, accountId)
  if (owned?.plan !== plan) return
  throw new BillingError('invalid_state', `Account ${accountId} has ${plan} for life already.`, {
    details: { checkoutId: owned.id, plan },
  })
}

/** States that grant, the better ones first. */
const ranks: ReadonlyMap<SubscriptionStatus, number> = new Map([
  ['active', 0],
  ['trialing', 0],
  ['past_due', 1],
])

/** One in good standing before one that is past due; of equals the newest. */
function bestOf(ctx: BillingContext, subscriptions: readonly HeldSubscription[]): HeldSubscription | undefined {
  const rank = ({ status }: Subscription) => ranks.get(status) ?? ranks.size
  return subscriptions
    .filter((subscription) => isGranting(ctx, subscription))
    .sort((left, right) => rank(left) - rank(right) || right.createdAt - left.createdAt)[0]
}
