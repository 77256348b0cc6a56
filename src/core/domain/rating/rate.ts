import type { Decimal } from '../decimal.js'
import type { MicroUnits } from '../sparks.js'

/**
 * How one usage event becomes Sparks, by itself: `sparks` for every `per` units; a fixed price; the cost with the margin at the price
 * of a Spark; or whichever of units and cost is more. An event that used something costs at least `minimum` Sparks.
 */
export type EventRate =
  | { readonly mode: 'per_unit'; readonly sparks: Decimal; readonly per: Decimal; readonly minimum?: Decimal }
  | { readonly mode: 'flat'; readonly sparks: Decimal; readonly minimum?: Decimal }
  | { readonly mode: 'by_cost'; readonly minimum?: Decimal }
  | { readonly mode: 'larger'; readonly sparks: Decimal; readonly per: Decimal; readonly minimum?: Decimal }

/**
 * How the units of a whole period become Sparks: `sparks` for every begun package of `per` units; each unit at the price of the tier
 * it falls in; or all units at the price of the tier that the total falls in.
 */
export type PeriodRate =
  | { readonly mode: 'package'; readonly sparks: Decimal; readonly per: Decimal }
  | { readonly mode: 'graduated'; readonly tiers: readonly RateTier[] }
  | { readonly mode: 'volume'; readonly tiers: readonly RateTier[] }

/** A stretch of a period's units with one price: `flat` once it is entered, and `sparks` for every `per` units. */
export interface RateTier {
  /** The last unit of the tier, inclusive; `null` for the last tier, which has no end. */
  readonly upTo: MicroUnits | null
  readonly sparks: Decimal
  readonly per: Decimal
  readonly flat: Decimal
}

/** How one meter's usage becomes Sparks. */
export type Rate = EventRate | PeriodRate

/** Whether the price of an event depends on what the period has seen before it, so that only the ledger can say it, under its lock. */
export function isPeriodRated(rate: Rate): rate is PeriodRate {
  return rate.mode === 'package' || rate.mode === 'graduated' || rate.mode === 'volume'
}
