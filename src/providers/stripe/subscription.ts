import * as z from 'zod'
import type { Subscription, SubscriptionStatus } from '../../core/ports/capabilities/subscriptions.js'
import { parseAnswer } from './call.js'
import { instant } from './instant.js'
import { reference } from './reference.js'

const itemSchema = z.object({
  id: z.string(),
  current_period_start: z.number(),
  current_period_end: z.number(),
  quantity: z.number().nullish(),
  price: z.object({
    id: z.string(),
    metadata: z.record(z.string(), z.string()).nullish(),
    recurring: z.object({ usage_type: z.string() }).nullish(),
  }),
})

const phaseSchema = z.object({
  start_date: z.number(),
  metadata: z.record(z.string(), z.string()).nullish(),
  items: z.array(z.object({ quantity: z.number().nullish() })),
})

/** The fields of a subscription that are read here; `schedule` is there whole where it was asked for. */
export const subscriptionSchema = z.object({
  id: z.string().min(1),
  created: z.number(),
  customer: reference,
  status: z.string(),
  pause_collection: z.unknown().optional(),
  metadata: z.record(z.string(), z.string()).nullish(),
  cancel_at_period_end: z.boolean(),
  cancel_at: z.number().nullish(),
  billing_cycle_anchor: z.number().nullish(),
  items: z.object({ data: z.array(itemSchema) }),
  trial_start: z.number().nullish(),
  trial_end: z.number().nullish(),
  canceled_at: z.number().nullish(),
  ended_at: z.number().nullish(),
  latest_invoice: z.union([z.string(), z.object({ id: z.string(), status: z.string().nullish() })]).nullish(),
  pending_update: z.unknown().optional(),
  schedule: z
    .union([z.string(), z.object({ id: z.string(), status: z.string(), phases: z.array(phaseSchema) })])
    .nullish(),
})

/** Our plan behind a price that we did not make; `undefined` for one of nobody's. */
export type PlanNames = (priceId: string) => string | undefined

export type StripeSubscription = z.output<typeof subscriptionSchema>

const statuses: ReadonlyMap<string, SubscriptionStatus> = new Map([
  ['incomplete', 'pending'],
  ['trialing', 'trialing'],
  ['active', 'active'],
  ['past_due', 'past_due'],
  // All retries have failed; Stripe goes on making invoices and collects none of them.
  // https://docs.stripe.com/billing/subscriptions/overview#subscription-statuses
  ['unpaid', 'unpaid'],
  ['paused', 'paused'],
  ['canceled', 'canceled'],
  ['incomplete_expired', 'canceled'],
])

/** A subscription in our words. @throws BillingError `provider_response_invalid` */
export function fromStripeSubscription(answer: unknown, planOf: PlanNames = () => undefined): Subscription {
  return toSubscription(parseAnswer(subscriptionSchema, answer), planOf)
}

/** A subscription in our words. */
export function toSubscription(subscription: StripeSubscription, planOf: PlanNames): Subscription {
  const period = currentPeriod(subscription)
  const cancelAt = subscription.cancel_at ?? null
  const seat = seatItem(subscription, planOf)
  return {
    externalId: subscription.id,
    customerId: subscription.customer,
    intentId: subscription.metadata?.billfold_intent_id ?? null,
    status: statusOf(subscription),
    // The price says it: the portal and schedules change that and leave what was written on the subscription.
    plan: (seat && planOfPrice(seat.price, planOf)) ?? subscription.metadata?.billfold_plan ?? null,
    seats: seat?.quantity ?? 1,
    anchor: instant(subscription.billing_cycle_anchor),
    currentPeriodStartsAt: instant(period?.current_period_start),
    currentPeriodEndsAt: instant(period?.current_period_end),
    paidPeriod: paidPeriod(subscription),
    trialStartsAt: instant(subscription.trial_start),
    trialEndsAt: instant(subscription.trial_end),
    // Newer billing modes name the moment instead of the period: cancelling at its end is then a `cancel_at` that equals it.
    cancelsAtPeriodEnd:
      subscription.cancel_at_period_end ||
      (cancelAt !== null && period !== undefined && cancelAt <= period.current_period_end),
    canceledAt: instant(subscription.canceled_at),
    endedAt: instant(subscription.ended_at),
    scheduled: scheduledChange(subscription),
    createdAt: subscription.created * 1000,
  }
}

/** The id of its latest invoice, expanded or not. */
export function invoiceId({ latest_invoice: invoice }: Pick<StripeSubscription, 'latest_invoice'>): string | null {
  return (typeof invoice === 'object' ? invoice?.id : invoice) ?? null
}

/**
 * The current period, if its invoice is paid. Stripe begins a period before it is paid for, an hour at the least, and does not go back.
 *
 * @see https://docs.stripe.com/billing/subscriptions/webhooks#active-subscriptions
 */
function paidPeriod(subscription: StripeSubscription): Subscription['paidPeriod'] {
  const { latest_invoice: invoice } = subscription
  const period = currentPeriod(subscription)
  if (period === undefined) return null
  const isFree = statusOf(subscription) === 'trialing' || invoice == null
  const isPaid = isFree || (typeof invoice === 'object' && invoice.status === 'paid')
  if (!isPaid) return null
  return { startsAt: period.current_period_start * 1000, endsAt: period.current_period_end * 1000 }
}

/** The item that is paid for by the seat, beside those that are counted. */
export function seatItem({ items }: StripeSubscription, planOf: PlanNames) {
  const licensed = items.data.filter(({ price }) => price.recurring?.usage_type !== 'metered')
  return licensed.find(({ price }) => planOfPrice(price, planOf) !== undefined) ?? licensed[0]
}

type Price = StripeSubscription['items']['data'][number]['price']

function planOfPrice({ id, metadata }: Price, planOf: PlanNames): string | undefined {
  return metadata?.billfold_plan ?? planOf(id)
}

/** The next phase of its schedule, which says in its metadata what it is. */
function scheduledChange(subscription: StripeSubscription): Subscription['scheduled'] {
  const { schedule } = subscription
  if (typeof schedule !== 'object' || schedule === null || schedule.status !== 'active') return null
  const end = currentPeriod(subscription)?.current_period_end ?? 0
  const next = schedule.phases.find(({ start_date: start }) => start >= end)
  const plan = next?.metadata?.billfold_plan
  if (next === undefined || plan === undefined) return null
  return { plan, seats: next.items[0]?.quantity ?? 1, at: next.start_date * 1000 }
}

/** Periods live on the items since the API of 2025-03-31. Ours have one item; of several, the one that renews first counts. */
export function currentPeriod({ items }: StripeSubscription) {
  return [...items.data].sort((left, right) => left.current_period_end - right.current_period_end)[0]
}

/** A subscription whose collection is paused stays `active` at Stripe, and earns nothing. */
function statusOf({ status, pause_collection: paused }: StripeSubscription): SubscriptionStatus {
  const mapped = statuses.get(status) ?? 'unknown'
  return mapped === 'active' && paused !== null && paused !== undefined ? 'paused' : mapped
}
