import type { Instant } from '../../domain/period.js'
import type { CallOptions } from '../call-options.js'
import type { PlanPrice } from './plan-price.js'

/** How a provider took something: for good, refused for good, not now, or nobody knows. */
export type ReportOutcome =
  | { readonly status: 'delivered' }
  /** Refused for what it is; sending it again would be refused again. */
  | { readonly status: 'rejected'; readonly reason: string }
  /** Did not happen; may be sent again. */
  | { readonly status: 'retry'; readonly reason: string; readonly retryAfterMs?: number }
  /** May have happened; may be sent again within the provider's dedupe window. */
  | { readonly status: 'unknown'; readonly reason: string }

/** Sparks used by one customer on one meter. */
export interface UsageReport {
  /** Permanent: the same for every attempt. At most 100 characters. */
  readonly identifier: string
  readonly customerId: string
  readonly meter: string
  /** Whole Sparks. */
  readonly sparks: bigint
  readonly occurredAt: Instant
  /** Whether another provider collects this usage: it must be counted apart, where nothing is ever charged for it. */
  readonly isShadow?: boolean
}

/** Whose usage is to be charged, and at what. */
export interface CollectedCustomer {
  readonly accountId: string
  readonly customerId: string
  readonly currency: string
  /** What a Spark of each meter costs. */
  readonly overage: PlanPrice['overage']
  /** The first usage that is to be charged. */
  readonly from: Instant
}

/** Counts usage for a bill, or for show. */
export interface MeteringCapability {
  /** How long the provider recognises an identifier it has seen. */
  readonly dedupeWindowMs: number
  /** How old usage may be when it is sent. */
  readonly maximumAgeMs: number
  /** Whether it counts shadows apart. One that does not cannot be told of usage beside another provider. */
  readonly takesShadows?: boolean
  /**
   * Sees to it that a customer is charged for what is reported of it, apart from shadows: by what it has subscribed to here already, or
   * else by these prices and nothing beside them. Harmless to repeat. Without it only what is subscribed to here is charged.
   *
   * @throws BillingError `invalid_state` where it has subscribed to something that does not charge for usage and cannot be added to
   */
  collect?(customer: CollectedCustomer, options: CallOptions): Promise<void>
  /**
   * Whether `collect` is asked also for customers whose plan it sold: what they were charged for before by prices of usage alone, they go
   * on to be, and those prices may end by themselves. Default false.
   */
  readonly collectsApart?: boolean
  /** The meters whose shadows the customer is charged for, against all intentions. */
  chargedShadows?(customerId: string, meters: readonly string[], options: CallOptions): Promise<readonly string[]>
  /** Sends reports that were frozen before; at most one at a time per customer and meter. One outcome per report, in order. */
  report(reports: readonly UsageReport[], options: CallOptions): Promise<readonly ReportOutcome[]>
}
