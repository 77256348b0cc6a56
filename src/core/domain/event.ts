import type { Instant } from './period.js'

/** The names of everything an app can listen to. */
export const billingEventTypes = [
  'account.resumed',
  'account.suspended',
  'checkout.completed',
  'checkout.mismatched',
  'credit.expired',
  'credit.granted',
  'delivery.parked',
  'hold.expired',
  'plan.changed',
  'quota.near',
  'quota.reached',
  'quota.reset',
  'quota.restored',
  'quota.throttled',
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
