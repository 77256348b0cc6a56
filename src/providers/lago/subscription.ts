import * as z from 'zod'
import type { Instant } from '../../core/domain/period.js'
import type { Subscription, SubscriptionStatus } from '../../core/ports/capabilities/subscriptions.js'
import { afterSecond, instant } from './instant.js'
import { isUsagePlan, planOfCode } from './plan-code.js'

/** The fields of a subscription that are read here. */
export const subscriptionSchema = z.object({
  lago_id: z.string().min(1),
  external_id: z.string(),
  external_customer_id: z.string(),
  plan_code: z.string(),
  plan_amount_cents: z.number().nullish(),
  status: z.string(),
  created_at: z.string(),
  canceled_at: z.string().nullish(),
  started_at: z.string().nullish(),
  ending_at: z.string().nullish(),
  subscription_at: z.string(),
  terminated_at: z.string().nullish(),
  trial_ended_at: z.string().nullish(),
  current_billing_period_started_at: z.string().nullish(),
  current_billing_period_ending_at: z.string().nullish(),
  // There where one is asked for alone.
  plan: z.object({ trial_period: z.number().nullish(), pay_in_advance: z.boolean().nullish() }).nullish(),
})

export type LagoSubscription = z.output<typeof subscriptionSchema>

/** Our plan behind a code that we did not make; `undefined` for one of nobody's. */
export type PlanNames = (planCode: string) => string | undefined

/** What the invoices of a subscription say of it, since Lago keeps one `active` whether or not it is paid for. */
export interface Billed {
  readonly paidPeriod: Subscription['paidPeriod']
  readonly isOverdue: boolean
}

const statuses: ReadonlyMap<string, SubscriptionStatus> = new Map([
  ['pending', 'pending'],
  // It waits for its first payment.
  ['incomplete', 'pending'],
  ['active', 'active'],
  ['terminated', 'canceled'],
  ['canceled', 'canceled'],
])

const dayMs = 86_400_000

/** What was sold to a customer under one external id, and what follows; plans that cost nothing and only count are none of it. */
export interface Sold {
  readonly current: LagoSubscription
  /** What waits for the end of the period, be it the plan without a price. */
  readonly next: LagoSubscription | undefined
}

/**
 * Lago makes another subscription of each change, under the same external id. Of all of them, the one that counts now.
 *
 * @returns `null` when nothing was ever sold under it
 */
export function soldOf(rows: readonly LagoSubscription[]): Sold | null {
  const newestFirst = [...rows].sort((left, right) => startOf(right) - startOf(left))
  const sold = newestFirst.filter(({ plan_code: code }) => !isUsagePlan(code))
  const active = newestFirst.find(({ status }) => status === 'active')
  const waiting = newestFirst.find(({ status }) => status === 'pending' || status === 'incomplete')
  if (active !== undefined && !isUsagePlan(active.plan_code)) return { current: active, next: waiting }
  const first = waiting !== undefined && !isUsagePlan(waiting.plan_code) ? waiting : undefined
  // What was taken back before it began was never had.
  const begun = sold.filter((row) => row.started_at)
  const current = first ?? begun[0] ?? sold[0]
  return current === undefined ? null : { current, next: undefined }
}

/** Whether it is over when the period ends. */
export function endsWithPeriod({ current, next }: Sold): boolean {
  const isFollowed = next !== undefined && isUsagePlan(next.plan_code)
  return current.status === 'active' && (isFollowed || instant(current.ending_at) !== null)
}

/** In our words; what its invoices say is found out by whoever asks. */
export function toSubscription(sold: Sold, planOf: PlanNames, { paidPeriod, isOverdue }: Billed): Subscription {
  const { current, next } = sold
  const periodEndsAt = afterSecond(instant(current.current_billing_period_ending_at))
  const startedAt = instant(current.started_at)
  const trialDays = current.plan?.trial_period ?? 0
  const trialEndsAt = startedAt !== null && trialDays > 0 ? startedAt + trialDays * dayMs : null
  const isTrialing = current.status === 'active' && trialEndsAt !== null && !current.trial_ended_at
  const ends = endsWithPeriod(sold)
  const nameOf = (code: string) => planOfCode(code) ?? planOf(code) ?? null
  const nextPlan = next === undefined || isUsagePlan(next.plan_code) ? null : nameOf(next.plan_code)
  const endedAt = instant(current.terminated_at) ?? instant(current.canceled_at)
  return {
    externalId: current.external_id,
    customerId: current.external_customer_id,
    status: isTrialing ? 'trialing' : isOverdue ? 'past_due' : (statuses.get(current.status) ?? 'unknown'),
    plan: nameOf(current.plan_code),
    seats: 1,
    anchor: instant(current.subscription_at),
    currentPeriodStartsAt: instant(current.current_billing_period_started_at),
    currentPeriodEndsAt: periodEndsAt,
    // Free days are paid for.
    paidPeriod: isTrialing ? currentPeriod(current) : paidPeriod,
    trialStartsAt: trialEndsAt === null ? null : startedAt,
    trialEndsAt,
    cancelsAtPeriodEnd: ends,
    canceledAt: endedAt ?? (ends ? instant(next?.created_at) : null),
    endedAt,
    scheduled: nextPlan === null || periodEndsAt === null ? null : { plan: nextPlan, seats: 1, at: periodEndsAt },
    createdAt: Date.parse(current.created_at),
  }
}

/** The period that goes on: nothing is paid for it beforehand, or nothing at all. */
export function currentPeriod(row: LagoSubscription): Subscription['paidPeriod'] {
  const startsAt = instant(row.current_billing_period_started_at)
  const endsAt = afterSecond(instant(row.current_billing_period_ending_at))
  return startsAt === null || endsAt === null ? null : { startsAt, endsAt }
}

export function hasEnded({ current: { status } }: Sold): boolean {
  return statuses.get(status) === 'canceled'
}

function startOf({ started_at: started, subscription_at: at }: LagoSubscription): Instant {
  return Date.parse(started ?? at)
}
