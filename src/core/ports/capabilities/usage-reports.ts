import type { Money } from '../../domain/money.js'
import type { Instant } from '../../domain/period.js'
import type { MicroSparks } from '../../domain/sparks.js'
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

/** Which billing periods: the one that is under way, that one as it will end if it goes on so, or those that are over. */
export type UsagePeriods = 'current' | 'projected' | 'past'

/** What a provider charges for usage in one of its own billing periods. */
export interface PeriodUsage {
  readonly startsAt: Instant
  readonly endsAt: Instant
  /** Without tax. */
  readonly amount: Money
  /** Our meters among what is charged for. */
  readonly meters: readonly { readonly meter: string; readonly sparks: MicroSparks; readonly amount: Money }[]
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
  /** What it charges a customer for usage, newest period first; none where the customer has no subscription. */
  periods?(
    query: { readonly customerId: string; readonly which: UsagePeriods; readonly meters: readonly string[] },
    options: CallOptions,
  ): Promise<readonly PeriodUsage[]>
}
