import type { Instant } from '../../domain/period.js'
import type { CallOptions } from '../call-options.js'

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

/** Counts usage for a bill, or for show. */
export interface MeteringCapability {
  /** How long the provider recognises an identifier it has seen. */
  readonly dedupeWindowMs: number
  /** How old usage may be when it is sent. */
  readonly maximumAgeMs: number
  /** Whether it counts shadows apart. One that does not cannot be told of usage beside another provider. */
  readonly takesShadows?: boolean
  /** Sends reports that were frozen before; at most one at a time per customer and meter. One outcome per report, in order. */
  report(reports: readonly UsageReport[], options: CallOptions): Promise<readonly ReportOutcome[]>
}
