import { deliveryId } from './ids.js'
import type { Instant } from './period.js'

/** The names of everything an app can listen to. */
export const billingEventTypes = [
  'account.resumed',
  'account.suspended',
  'budget.near',
  'budget.reached',
  'checkout.completed',
  'checkout.mismatched',
  'credit.expired',
  'credit.granted',
  'credit.refunded',
  'delivery.parked',
  'hold.expired',
  'invoice.finalized',
  'invoice.paid',
  'invoice.past_due',
  'invoice.payment_failed',
  'invoice.uncollectible',
  'invoice.voided',
  'operator.acted',
  'payment.disputed',
  'payment.failed',
  'payment.refunded',
  'payment.submitted',
  'payment.succeeded',
  'payment_method.updated',
  'plan.changed',
  'purchase.duplicated',
  'quota.near',
  'quota.reached',
  'quota.reset',
  'quota.restored',
  'quota.throttled',
  'subscription.updated',
  'top_up.due',
  'top_up.failed',
  'top_up.stopped',
  'usage.amended',
] as const

export type BillingEventType = (typeof billingEventTypes)[number]

/** Something that happened to an account, written with the change that caused it and delivered at least once. */
export interface BillingEvent {
  /** The same however often it is delivered. */
  readonly id: string
  readonly type: BillingEventType
  readonly accountId: string
  readonly occurredAt: Instant
  /** Facts as JSON: ids, and amounts as decimal text. */
  readonly data: Readonly<Record<string, string | number | null>>
}

/** A delivery of one event to one consumer. */
export interface EventDelivery {
  readonly id: string
  readonly destination: string
  readonly event: BillingEvent
}

/** The destination name of a consumer, apart from those of providers. */
export function consumerDestination(consumer: string): string {
  return `consumer:${consumer}`
}

/** Who has to be told of these events: each (event, consumer) is a delivery of its own. */
export function eventDeliveries(
  events: readonly BillingEvent[],
  subscriptions: ReadonlyMap<string, ReadonlySet<string>>,
): readonly EventDelivery[] {
  return events.flatMap((event) =>
    [...subscriptions]
      .filter(([, types]) => types.has(event.type))
      .map(([consumer]) => ({ id: deliveryId(consumer, event.id), destination: consumerDestination(consumer), event })),
  )
}
