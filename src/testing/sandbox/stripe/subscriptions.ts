import { periodAt } from './billing-cycle.js'
import { changed } from './customers.js'
import { schedule, unschedule } from './due.js'
import { emit } from './events.js'
import { finalizeInvoice, type Invoice, type InvoiceLine, payInvoice } from './invoices.js'
import { draftFor } from './subscription-billing.js'
import { partLine, periodLine, trialLine } from './subscription-lines.js'
import {
  hasEnded,
  isMetered,
  newSubscription,
  noCancellation,
  periodEnd,
  type Subscription,
  type SubscriptionItem,
  type SubscriptionRequest,
  subscriptions,
} from './subscription-object.js'
import { type StripeWorld, seconds } from './world.js'

/** How the first invoice is dealt with: already paid (by a checkout), on its way, or open until somebody pays it. */
export type FirstPayment = 'paid' | 'on_its_way' | 'awaited'

export interface NewSubscription extends SubscriptionRequest {
  /** Whether the part before a later anchor is charged; default yes. */
  readonly prorates?: boolean
}

const day = 86_400
const trialNoticeDays = 3
const renewalNoticeDays = 7
const incompleteHours = 23

/** Starts a subscription with its first invoice, where there is something to bill. */
export function createSubscription(
  world: StripeWorld,
  request: NewSubscription,
  payment: FirstPayment,
): { readonly subscription: Subscription; readonly invoice: Invoice | undefined } {
  const { bare, draft } = createDraft(world, request)
  const invoice = draft === undefined ? undefined : finalizeInvoice(world, draft)
  const due = invoice?.amount_due ?? 0
  const waits = payment === 'awaited' && due > 0 && bare.collection_method === 'charge_automatically'
  const subscription: Subscription = {
    ...bare,
    latest_invoice: invoice?.id ?? null,
    status: waits ? 'incomplete' : bare.status,
  }
  subscriptions(world).put(subscription.id, subscription)
  emit(world, 'customer.subscription.created', subscription)
  planAhead(world, subscription)
  if (subscription.status === 'trialing' && (subscription.trial_end ?? 0) - seconds(world) < trialNoticeDays * day) {
    announceTrialEnd(world, subscription.id)
  }
  if (waits) {
    schedule(world, {
      kind: 'expire_subscription',
      target: bare.id,
      dueAtMs: world.now() + incompleteHours * 3_600_000,
    })
  }
  if (invoice === undefined) return { subscription, invoice }
  const settled = payment === 'paid' || due === 0 ? payInvoice(world, invoice) : invoice
  return { subscription, invoice: settled }
}

/** The subscription and the draft of its first invoice, before anybody knows of them. */
export function createDraft(
  world: StripeWorld,
  request: NewSubscription,
): { readonly bare: Subscription; readonly draft: Invoice | undefined } {
  const bare = newSubscription(world, request)
  subscriptions(world).put(bare.id, bare)
  const lines = firstLines(world, bare, request.prorates ?? true)
  return { bare, draft: draftFor(world, bare, 'subscription_create', lines) }
}

/** Keeps a change and tells of it, if it is one. */
export function updateSubscription(
  world: StripeWorld,
  before: Subscription,
  change: Partial<Subscription>,
): Subscription {
  const after: Subscription = { ...before, ...change }
  const previous = changed(before, after)
  subscriptions(world).put(after.id, after)
  planAhead(world, after)
  if (Object.keys(previous).length > 0) emit(world, 'customer.subscription.updated', after, previous)
  return after
}

/** Puts down what happens by itself: the end of the trial, of the period, of the subscription. */
export function planAhead(world: StripeWorld, subscription: Subscription): void {
  const { id, status, trial_end: trialEnd, cancel_at: cancelAt, cancel_at_period_end: endsWithPeriod } = subscription
  for (const kind of ['renew_subscription', 'announce_renewal', 'announce_trial_end', 'cancel_subscription'] as const) {
    unschedule(world, kind, id)
  }
  if (hasEnded(subscription)) return
  if (cancelAt !== null && !endsWithPeriod) {
    schedule(world, { kind: 'cancel_subscription', target: id, dueAtMs: cancelAt * 1000 })
  }
  if (status === 'paused' || status === 'incomplete') return
  schedule(world, { kind: 'renew_subscription', target: id, dueAtMs: periodEnd(subscription) * 1000 })
  const announced = periodEnd(subscription) - renewalNoticeDays * day
  if (announced > seconds(world)) {
    schedule(world, { kind: 'announce_renewal', target: id, dueAtMs: announced * 1000 })
  }
  const notice = (trialEnd ?? 0) - trialNoticeDays * day
  if (status === 'trialing' && notice >= seconds(world)) {
    schedule(world, { kind: 'announce_trial_end', target: id, dueAtMs: notice * 1000 })
  }
}

export function announceTrialEnd(world: StripeWorld, id: string): void {
  const subscription = subscriptions(world).get(id)
  if (subscription?.status === 'trialing') emit(world, 'customer.subscription.trial_will_end', subscription)
}

/** Cancels at the end of the period, or takes that back. */
export function cancelAtPeriodEnd(world: StripeWorld, before: Subscription, cancels: boolean): Subscription {
  if (before.cancel_at_period_end === cancels) return before
  return updateSubscription(world, before, cancellationAtPeriodEnd(world, before, cancels))
}

export function cancellationAtPeriodEnd(
  world: StripeWorld,
  before: Subscription,
  cancels: boolean,
): Partial<Subscription> {
  return {
    cancel_at_period_end: cancels,
    cancel_at: cancels ? periodEnd(before) : null,
    canceled_at: cancels ? seconds(world) : null,
    cancellation_details: { ...noCancellation, reason: cancels ? 'cancellation_requested' : null },
  }
}

export function endSubscription(
  world: StripeWorld,
  before: Subscription,
  why: Partial<Subscription['cancellation_details']> = { reason: 'cancellation_requested' },
): Subscription {
  const now = seconds(world)
  const after: Subscription = {
    ...before,
    status: before.status === 'incomplete' ? 'incomplete_expired' : 'canceled',
    canceled_at: before.canceled_at ?? now,
    ended_at: now,
    pending_update: null,
    cancellation_details: { ...before.cancellation_details, ...why },
  }
  subscriptions(world).put(after.id, after)
  planAhead(world, after)
  for (const kind of ['expire_subscription', 'resume_collection', 'expire_pending_update'] as const) {
    unschedule(world, kind, after.id)
  }
  // An incomplete subscription that runs out never began.
  if (after.status === 'canceled') emit(world, 'customer.subscription.deleted', after)
  else emit(world, 'customer.subscription.updated', after, changed(before, after))
  return after
}

function firstLines(world: StripeWorld, subscription: Subscription, prorates: boolean): readonly InvoiceLine[] {
  return (
    subscription.items.data
      // Usage is billed at the end of the period, from what was counted.
      .filter(({ price }) => !isMetered(price))
      .flatMap((item) => firstLine(world, subscription, item, prorates))
  )
}

function firstLine(
  world: StripeWorld,
  { billing_cycle_anchor: anchor, customer, status }: Subscription,
  item: SubscriptionItem,
  prorates: boolean,
): readonly InvoiceLine[] {
  const { current_period_start: start, current_period_end: end } = item
  const period = { start, end }
  if (status === 'trialing') return [trialLine(world, item, period)]
  const cycle = periodAt(anchor, item.price, start)
  if (cycle.current_period_start === start) return [periodLine(world, customer, item, period)]
  if (!prorates) return []
  return [partLine(world, item, period, cycle.current_period_end - cycle.current_period_start)]
}
