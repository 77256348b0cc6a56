import { type Interval, type Period, periodAt } from '../../../core/domain/period.js'
import { customers, type LagoCustomer, shownCustomer } from './customers.js'
import { type LagoPlan, type PlanInterval, planOf, shownPlan } from './plans.js'
import { emitWebhook } from './webhooks.js'
import { isoOrNull, isoTime, type LagoWorld, newLagoId, tableOf } from './world.js'

/** One customer on one plan. Another plan makes another one under the same external id. */
export interface LagoSubscription {
  readonly lago_id: string
  readonly external_id: string
  readonly external_customer_id: string
  readonly name: string | null
  readonly plan_code: string
  readonly status: 'pending' | 'active' | 'terminated' | 'canceled'
  readonly billing_time: 'calendar' | 'anniversary'
  readonly createdAtMs: number
  readonly subscriptionAtMs: number
  readonly startedAtMs: number | null
  readonly endingAtMs: number | null
  readonly terminatedAtMs: number | null
  readonly canceledAtMs: number | null
  /** The one that it follows under the same external id. */
  readonly previousId: string | null
}

/** By Lago's id, oldest first. */
export const subscriptions = tableOf<LagoSubscription>('subscriptions')

export function subscriptionsUnder(world: LagoWorld, externalId: string): readonly LagoSubscription[] {
  return [...subscriptions(world).values()].filter(({ external_id: id }) => id === externalId)
}

export function activeUnder(world: LagoWorld, externalId: string): LagoSubscription | undefined {
  return subscriptionsUnder(world, externalId).find(({ status }) => status === 'active')
}

/** What waits to take the place of an active one. */
export function pendingUnder(world: LagoWorld, externalId: string): LagoSubscription | undefined {
  return subscriptionsUnder(world, externalId).find(({ status }) => status === 'pending')
}

/** The one that was active at a moment: usage of then belongs to it, whether or not it is active now. */
export function activeAt(world: LagoWorld, externalId: string, atMs: number): LagoSubscription | undefined {
  return [...subscriptionsUnder(world, externalId)]
    .reverse()
    .find(
      ({ startedAtMs: start, terminatedAtMs: end }) => start !== null && start <= atMs && (end === null || atMs < end),
    )
}

export function newSubscription(
  world: LagoWorld,
  given: Pick<LagoSubscription, 'external_id' | 'external_customer_id' | 'plan_code' | 'status'> &
    Partial<LagoSubscription>,
): LagoSubscription {
  const now = world.now()
  const subscription: LagoSubscription = {
    lago_id: newLagoId(),
    name: null,
    billing_time: 'calendar',
    createdAtMs: now,
    subscriptionAtMs: now,
    startedAtMs: null,
    endingAtMs: null,
    terminatedAtMs: null,
    canceledAtMs: null,
    previousId: null,
    ...given,
  }
  subscriptions(world).put(subscription.lago_id, subscription)
  return subscription
}

/** Puts a subscription to work from a moment on. */
export function activate(world: LagoWorld, subscription: LagoSubscription, atMs: number): LagoSubscription {
  const after: LagoSubscription = { ...subscription, status: 'active', startedAtMs: atMs }
  subscriptions(world).put(after.lago_id, after)
  emitSubscription(world, 'subscription.started', after)
  return after
}

export function terminate(world: LagoWorld, subscription: LagoSubscription, atMs: number): LagoSubscription {
  const after: LagoSubscription = { ...subscription, status: 'terminated', terminatedAtMs: atMs }
  subscriptions(world).put(after.lago_id, after)
  emitSubscription(world, 'subscription.terminated', after)
  return after
}

/** Takes back what has not begun. */
export function cancelPending(world: LagoWorld, subscription: LagoSubscription): LagoSubscription {
  const after: LagoSubscription = { ...subscription, status: 'canceled', canceledAtMs: world.now() }
  subscriptions(world).put(after.lago_id, after)
  return after
}

export function emitSubscription(world: LagoWorld, type: string, subscription: LagoSubscription): void {
  const customer = customers(world).get(subscription.external_customer_id) as LagoCustomer
  emitWebhook(world, type, 'subscription', {
    ...shownSubscription(world, subscription),
    plan: shownPlan(world, planOf(world, subscription.plan_code)),
    customer: shownCustomer(customer),
  })
}

const cycles: Readonly<Record<PlanInterval, Interval>> = {
  weekly: 'week',
  monthly: 'month',
  yearly: 'year',
}

/** The billing period that a moment is in, from the subscription's beginning on. */
export function billingPeriod(world: LagoWorld, subscription: LagoSubscription, atMs: number): Period {
  const period = cyclePeriod(world, subscription, atMs)
  return {
    startsAt: Math.max(period.startsAt, subscription.startedAtMs ?? period.startsAt),
    endsAt: period.endsAt,
  }
}

/** The whole of a period: by the calendar, or counted from the day of the subscription. */
export function cyclePeriod(world: LagoWorld, subscription: LagoSubscription, atMs: number): Period {
  const plan = planOf(world, subscription.plan_code)
  const anchor = subscription.billing_time === 'calendar' ? null : startOfDay(subscription.subscriptionAtMs)
  const zone = customers(world).get(subscription.external_customer_id)?.timezone ?? 'UTC'
  return periodAt(atMs, { anchor, zone, interval: cycles[plan.interval] })
}

/** Lago's periods are of whole days. */
export function startOfDay(ms: number): number {
  return Math.floor(ms / 86_400_000) * 86_400_000
}

/** A subscription as Lago answers it. */
export function shownSubscription(world: LagoWorld, subscription: LagoSubscription) {
  const plan = planOf(world, subscription.plan_code)
  const customer = customers(world).get(subscription.external_customer_id) as LagoCustomer
  const active = subscription.status === 'active'
  const period = active ? billingPeriod(world, subscription, world.now()) : null
  const next = active ? pendingUnder(world, subscription.external_id) : undefined
  const previous = subscription.previousId === null ? undefined : subscriptions(world).get(subscription.previousId)
  return {
    lago_id: subscription.lago_id,
    external_id: subscription.external_id,
    lago_customer_id: customer.lago_id,
    external_customer_id: customer.external_id,
    billing_entity_code: 'default',
    billing_time: subscription.billing_time,
    name: subscription.name,
    plan_code: plan.code,
    plan_amount_cents: plan.amount_cents,
    plan_amount_currency: plan.amount_currency,
    status: subscription.status,
    created_at: isoTime(subscription.createdAtMs),
    canceled_at: isoOrNull(subscription.canceledAtMs),
    started_at: isoOrNull(subscription.startedAtMs),
    ending_at: isoOrNull(subscription.endingAtMs),
    subscription_at: isoTime(subscription.subscriptionAtMs),
    terminated_at: isoOrNull(subscription.terminatedAtMs),
    previous_plan_code: previous?.plan_code ?? null,
    next_plan_code: next?.plan_code ?? null,
    downgrade_plan_date: next === undefined || period === null ? null : isoTime(period.endsAt).slice(0, 10),
    trial_ended_at: trialEnd(plan, subscription, world.now()),
    current_billing_period_started_at: isoOrNull(period?.startsAt ?? null),
    // The last second of it.
    current_billing_period_ending_at: isoOrNull(period === null ? null : period.endsAt - 1000),
    on_termination_credit_note: 'credit' as const,
    on_termination_invoice: 'generate' as const,
    applied_invoice_custom_sections: [],
    consolidate_invoice: true,
  }
}

function trialEnd({ trial_period: days }: LagoPlan, { startedAtMs }: LagoSubscription, nowMs: number): string | null {
  if (startedAtMs === null || days === 0) return null
  const end = startedAtMs + days * 86_400_000
  return end <= nowMs ? isoTime(end) : null
}
