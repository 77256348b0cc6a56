import type { Instant } from '../../domain/period.js'
import type { CallOptions } from '../call-options.js'

/**
 * Subscription states in our words. `trialing`, `active` and `past_due` give the plan. `past_due`: a payment failed and is tried again;
 * `unpaid`: it was tried for the last time. `unknown` never grants anything.
 */
export type SubscriptionStatus =
  | 'pending'
  | 'trialing'
  | 'active'
  | 'past_due'
  | 'unpaid'
  | 'paused'
  | 'canceled'
  | 'unknown'

/** A subscription as it stands at the provider. */
export interface Subscription {
  readonly externalId: string
  readonly customerId: string
  readonly status: SubscriptionStatus
  /** Our plan's name, as it was given at checkout. */
  readonly plan: string | null
  /** Where its periods are counted from, which a period that begins on a shorter month's last day does not say; `null` if not known. */
  readonly anchor: Instant | null
  readonly currentPeriodStartsAt: Instant | null
  readonly currentPeriodEndsAt: Instant | null
  readonly cancelsAtPeriodEnd: boolean
}

/** Reads what customers have subscribed to. */
export interface SubscriptionsCapability {
  /** @throws BillingError `not_found` */
  get(externalId: string, options: CallOptions): Promise<Subscription>
  /** The customer's subscriptions, newest first, those that have ended among them. */
  list(customerId: string, options: CallOptions): Promise<readonly Subscription[]>
}
