import * as z from 'zod'
import type { Catalog, SubscriptionPlanName } from '../catalog.js'
import type { BillingContext } from '../context.js'
import { deliverUnbilled } from '../delivery/unbilled-usage.js'
import type { PaymentOutcome } from '../domain/payment-outcome.js'
import type { Instant } from '../domain/period.js'
import { BillingError } from '../errors.js'
import type { Subscription, SubscriptionChange, SubscriptionStatus } from '../ports/capabilities/subscriptions.js'
import { requireMethod } from '../ports/provider.js'
import { customerOf } from './customers.js'
import { dateOf } from './date.js'
import { accountId, accountSchema, idempotencyKey, idField, parse, readTime, type TimeInput } from './fields.js'
import { followSubscriptions } from './follow-subscriptions.js'
import { type InvoicePreviewView, previewView } from './invoice-view.js'
import { planPriceOf, seatsOf } from './sale.js'
import { everySubscription, type HeldSubscription, heldBy, isOngoing } from './slot.js'
import { requireSnapshot } from './steps.js'

/** A subscription as callers see it. */
export interface SubscriptionView {
  readonly id: string
  readonly provider: string
  readonly plan: string | null
  readonly status: SubscriptionStatus
  readonly seats: number
  readonly currentPeriodStartsAt: Date | null
  readonly currentPeriodEndsAt: Date | null
  readonly trialStartsAt: Date | null
  readonly trialEndsAt: Date | null
  readonly cancelsAtPeriodEnd: boolean
  readonly canceledAt: Date | null
  readonly endedAt: Date | null
  /** What it becomes at the end of the period; `null` when nothing changes. */
  readonly scheduled: { readonly plan: string; readonly seats: number; readonly at: Date } | null
  readonly createdAt: Date
}

/** A subscription after a change, and what came of what it charged at once; `null` when it charged nothing. */
export interface ChangedSubscriptionView {
  readonly subscription: SubscriptionView
  readonly payment: PaymentOutcome | null
}

/** One of the account's subscriptions; by default the one that is going on. */
export interface SubscriptionInput {
  readonly accountId: string
  readonly id?: string
}

/** Another plan or number of seats; what is not given stays. */
export interface ChangeSubscriptionInput<C extends Catalog = Catalog> extends SubscriptionInput {
  readonly plan?: SubscriptionPlanName<C>
  readonly seats?: number
  /** `period_end` leaves what is paid for as it is until then. Default `now`. */
  readonly when?: 'now' | 'period_end'
  /** What becomes of the rest of the period that is paid for already, when the change is made now. Default `invoice_now`. */
  readonly proration?: 'invoice_now' | 'next_invoice' | 'none'
  /** The `at` of a preview of this period, at most an hour old, so that the change costs what that said. */
  readonly previewedAt?: TimeInput
  readonly idempotencyKey: string
}

/** A change to be made now. */
export type PreviewChangeInput<C extends Catalog = Catalog> = Omit<
  ChangeSubscriptionInput<C>,
  'when' | 'previewedAt' | 'idempotencyKey'
>

/** What a change would charge, and as of when. */
export interface PreviewedChange extends InvoicePreviewView {
  readonly at: Date
}

const oneFields = { accountId, id: idField('id').optional() }
const oneSchema = z.strictObject(oneFields)
const changeFields = {
  ...oneFields,
  plan: z.string().optional(),
  seats: z.unknown().optional(),
  proration: z.enum(['invoice_now', 'next_invoice', 'none']).default('invoice_now'),
}
const previewSchema = z.strictObject(changeFields)
const changeSchema = z.strictObject({
  ...changeFields,
  when: z.enum(['now', 'period_end']).default('now'),
  previewedAt: z
    .unknown()
    .transform((value) => readTime(value, 'previewedAt'))
    .optional(),
  idempotencyKey,
})

/** The subscription that is going on, or the one named; `null` when there is none going on. @throws BillingError `not_found` */
export async function getSubscription(ctx: BillingContext, input: SubscriptionInput): Promise<SubscriptionView | null> {
  const request = parse(oneSchema, input)
  const found = pick(await subscriptionsOf(ctx, request.accountId, request), request)
  return found ? subscriptionView(found.provider, found) : null
}

/** Every subscription of the account, whoever sold it, newest first, those that have ended among them. @throws BillingError `not_found` */
export async function listSubscriptions(
  ctx: BillingContext,
  input: { readonly accountId: string },
): Promise<readonly SubscriptionView[]> {
  const request = parse(accountSchema, input)
  const all = await subscriptionsOf(ctx, request.accountId)
  return [...all]
    .sort((left, right) => right.createdAt - left.createdAt)
    .map((subscription) => subscriptionView(subscription.provider, subscription))
}

/**
 * Puts the subscription on another plan or number of seats. A change that has to be paid at once and is not takes no effect until it
 * is: `payment` says what came of it.
 *
 * @throws BillingError `not_found` (account, subscription or plan), `invalid_request` (nothing to change, a plan without a recurring
 * price), `invalid_quantity`, `invalid_state`, `capability_missing`, `provider_unavailable` (also where usage that waits was not taken: nothing is changed),
 * `outcome_unknown` (call again with the same key)
 */
export async function changeSubscription<C extends Catalog>(
  ctx: BillingContext,
  input: ChangeSubscriptionInput<C>,
): Promise<ChangedSubscriptionView> {
  const request = parse(changeSchema, input)
  const { provider, subscription, customerId } = await requireSubscription(ctx, request)
  const { previewedAt = null } = request
  if (previewedAt !== null) checkPreview(ctx, subscription, previewedAt)
  const change = changeOf(ctx, provider.id, subscription, request, previewedAt)
  if (request.when === 'now') await deliverUnbilled(ctx, provider.id, request.accountId)
  const key = `change:${request.accountId}:${request.idempotencyKey}`
  const changed = await requireMethod(
    provider,
    'subscriptions',
    'change',
  )({ ...change, when: request.when }, { idempotencyKey: key })
  await followSubscriptions(ctx, provider, customerId, key)
  return { subscription: subscriptionView(provider.id, changed.subscription), payment: changed.payment }
}

/** How long what a preview said holds. */
const previewMs = 3_600_000
/** How far the clocks of two processes may be apart. */
const clockSkewMs = 5_000

/** Another moment than now's makes another price of a change: only that of a preview is taken. @throws BillingError `timestamp_out_of_range` */
function checkPreview(ctx: BillingContext, subscription: Subscription, at: Instant): void {
  const now = ctx.environment.now()
  const isOfPeriod = at >= (subscription.currentPeriodStartsAt ?? at)
  if (isOfPeriod && at >= now - previewMs && at <= now + clockSkewMs) return
  const message =
    'previewedAt must be the `at` of a preview of this period that is at most an hour old: preview the change again.'
  throw new BillingError('timestamp_out_of_range', message, { details: { field: 'previewedAt' } })
}

/** What a change made now would charge. @throws BillingError as `change` */
export async function previewSubscriptionChange<C extends Catalog>(
  ctx: BillingContext,
  input: PreviewChangeInput<C>,
): Promise<PreviewedChange> {
  const request = parse(previewSchema, input)
  const { provider, subscription } = await requireSubscription(ctx, request)
  // Whole seconds, as providers count.
  const at = Math.floor(ctx.environment.now() / 1000) * 1000
  const preview = await requireMethod(
    provider,
    'subscriptions',
    'previewChange',
  )(changeOf(ctx, provider.id, subscription, request, at), {})
  return { ...previewView(preview), at: new Date(at) }
}

/** When to cancel: with the period that is paid for, or now. */
export interface CancelSubscriptionInput extends SubscriptionInput {
  readonly when?: 'period_end' | 'now'
}

const cancelSchema = z.strictObject({ ...oneFields, when: z.enum(['period_end', 'now']).default('period_end') })

/**
 * Ends the subscription with its period (default), or now: then the provider is told before of all usage that waits, since what it is told
 * of later is charged by nobody. Harmless to repeat.
 *
 * @throws BillingError `not_found`, `invalid_state`, `provider_unavailable` (also where that usage was not taken: nothing is changed)
 */
export async function cancelSubscription(
  ctx: BillingContext,
  input: CancelSubscriptionInput,
): Promise<SubscriptionView> {
  const request = parse(cancelSchema, input)
  const { provider, subscription, customerId } = await requireSubscription(ctx, request)
  const cancel = requireMethod(provider, 'subscriptions', 'cancel')
  if (request.when === 'now' && subscription.status !== 'canceled')
    await deliverUnbilled(ctx, provider.id, request.accountId)
  const after = await cancel(subscription.externalId, request.when, {})
  await followSubscriptions(ctx, provider, customerId, `cancel:${subscription.externalId}`)
  return subscriptionView(provider.id, after)
}

/** Takes back that it ends, changes or is paused: `reactivate` and `pause` are harmless to repeat. @throws BillingError `not_found`, `invalid_state` */
export async function settleSubscription(
  ctx: BillingContext,
  step: 'reactivate' | 'pause',
  input: SubscriptionInput,
): Promise<SubscriptionView> {
  const request = parse(oneSchema, input)
  const { provider, subscription, customerId } = await requireSubscription(ctx, request)
  const take = requireMethod(provider, 'subscriptions', step)
  if (step === 'pause' && subscription.status !== 'paused') await deliverUnbilled(ctx, provider.id, request.accountId)
  const after = await take(subscription.externalId, {})
  await followSubscriptions(ctx, provider, customerId, `${step}:${subscription.externalId}`)
  return subscriptionView(provider.id, after)
}

/** Lets a paused subscription go on; `payment` says what came of what that charged. @throws BillingError `not_found`, `invalid_state` */
export async function resumeSubscription(
  ctx: BillingContext,
  input: SubscriptionInput,
): Promise<ChangedSubscriptionView> {
  const { provider, subscription, customerId } = await requireSubscription(ctx, parse(oneSchema, input))
  const { subscription: after, payment } = await requireMethod(
    provider,
    'subscriptions',
    'resume',
  )(subscription.externalId, {})
  await followSubscriptions(ctx, provider, customerId, `resume:${subscription.externalId}`)
  return { subscription: subscriptionView(provider.id, after), payment }
}

function changeOf(
  ctx: BillingContext,
  seller: string,
  subscription: Subscription,
  request: z.output<typeof previewSchema>,
  at: Instant | null,
): SubscriptionChange {
  const plan = request.plan ?? subscription.plan
  if (plan === null || (request.plan === undefined && request.seats === undefined))
    throw new BillingError('invalid_request', 'Give a plan, or a number of seats, to change to.')
  const price = planPriceOf(ctx, seller, plan)
  const isSold = ctx.catalog.plans.get(plan)?.price?.perSeat === true
  const seats = request.seats === undefined ? (isSold ? subscription.seats : 1) : seatsOf(ctx, plan, request.seats)
  const { externalId } = subscription
  return { externalId, price, seats, when: 'now', proration: request.proration, at }
}

type Named = z.output<typeof oneSchema>

async function subscriptionsOf(ctx: BillingContext, account: string, wanted: Named | null = null) {
  const provider = ctx.roles.subscriptions
  if (!provider) throw new BillingError('capability_missing', 'No provider plays the part of subscriptions.')
  const customerId = await customerOf(ctx, provider, account)
  const own = customerId === null ? [] : await provider.subscriptions.list(customerId, {})
  // Another seller that is away keeps nobody from what is found without it.
  const isFound =
    wanted !== null && own.some((each) => (wanted.id === undefined ? isOngoing(each) : each.externalId === wanted.id))
  const all = isFound ? heldBy(provider.id, own) : await everySubscription(ctx, provider, account, own)
  await endOver(ctx, account, all)
  return all
}

/** A plan ends when it is seen that its subscription has: not every provider tells of it. */
async function endOver(
  ctx: BillingContext,
  account: string,
  subscriptions: readonly HeldSubscription[],
): Promise<void> {
  const ended = subscriptions.filter(({ status }) => status === 'canceled')
  if (ended.length === 0) return
  const { paidPlan } = (await requireSnapshot(ctx, account)).account
  const over = ended.find(({ externalId }) => externalId === paidPlan?.source)
  const provider = over && ctx.roles.all.get(over.provider)
  if (provider) await followSubscriptions(ctx, provider, over.customerId, `ended:${over.externalId}`)
}

/** The subscription named, or the one that is going on, first of whoever has subscriptions here; another account's is not there. */
function pick(subscriptions: readonly HeldSubscription[], { id, accountId: account }: Named): HeldSubscription | null {
  if (id === undefined) return subscriptions.find(isOngoing) ?? null
  const found = subscriptions.find(({ externalId }) => externalId === id)
  if (found) return found
  throw new BillingError('not_found', `No subscription ${id} on account ${account}.`)
}

async function requireSubscription(ctx: BillingContext, request: Named) {
  const subscription = pick(await subscriptionsOf(ctx, request.accountId, request), request)
  const provider = subscription && ctx.roles.all.get(subscription.provider)
  if (provider) return { provider, customerId: subscription.customerId, subscription }
  throw new BillingError('not_found', `Account ${request.accountId} has no subscription: create a checkout for one.`)
}

export function subscriptionView(provider: string, subscription: Subscription): SubscriptionView {
  const { externalId, plan, status, seats, cancelsAtPeriodEnd, scheduled } = subscription
  return {
    id: externalId,
    provider,
    plan,
    status,
    seats,
    currentPeriodStartsAt: dateOf(subscription.currentPeriodStartsAt),
    currentPeriodEndsAt: dateOf(subscription.currentPeriodEndsAt),
    trialStartsAt: dateOf(subscription.trialStartsAt),
    trialEndsAt: dateOf(subscription.trialEndsAt),
    cancelsAtPeriodEnd,
    canceledAt: dateOf(subscription.canceledAt),
    endedAt: dateOf(subscription.endedAt),
    scheduled: scheduled && { ...scheduled, at: new Date(scheduled.at) },
    createdAt: new Date(subscription.createdAt),
  }
}
