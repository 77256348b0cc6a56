import type { Instant } from '../../domain/period.js'
import type { CallOptions } from '../call-options.js'

/** Of whom, of what, and from when (included) to when (excluded). */
export interface UsageTotalQuery {
  readonly customerId: string
  readonly meter: string
  readonly from: Instant
  readonly to: Instant
  /** Usage that another provider collects, which is counted apart. Default: what this one collects. */
  readonly isShadow?: boolean
}

/** What was counted in a part of the time that was asked for. */
export interface UsagePart {
  readonly startsAt: Instant
  readonly sparks: bigint
}

/** Reads back what a metering provider counted. */
export interface UsageReportsCapability {
  /** Sum of what was reported for a customer on a meter in whole minutes. @throws BillingError `not_found` (no such meter or customer) */
  total(query: UsageTotalQuery, options: CallOptions): Promise<{ readonly sparks: bigint }>
  /**
   * The same in parts, oldest first: whole hours or whole days of UTC, those with nothing in them left out.
   *
   * @throws BillingError `not_found` (no such meter or customer)
   */
  parts(query: UsageTotalQuery & { readonly by: 'hour' | 'day' }, options: CallOptions): Promise<readonly UsagePart[]>
}
