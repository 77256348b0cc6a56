import type { Decimal } from '../decimal.js'

/**
 * A percentage off usage that is rated by cost, for one large event at a time. Its Sparks before the discount, cost × margin ÷ price of
 * a Spark, are compared with `above`; what is at the threshold exactly gets nothing off, what is above it gets the percentage off the
 * whole. Nothing is rounded here.
 *
 * The order decides what is compared where a rate takes the larger of two:
 * - `before_margin` (price → cost → discount → margin → Sparks): the cost is lowered. `larger` compares the price of the units with
 *   the Sparks of the lowered cost, so the price of the units stays a floor that the discount does not touch.
 * - `after_margin` (price → cost → margin → discount → Sparks): what is charged is lowered. `larger` compares the price of the units
 *   with the Sparks of the full cost; the percentage comes off the larger of the two when that is above the threshold.
 *
 * A `minimum` is compared last in both orders: no discount goes below it.
 */
export interface CostDiscount {
  /** Sparks of one event, exclusive. */
  readonly above: Decimal
  /** Above zero, at most 100. */
  readonly percent: Decimal
  readonly order: 'before_margin' | 'after_margin'
}

/** What a Spark costs, and what is added to a provider's cost before it is turned into Sparks. */
export interface SparkPrice {
  /** Price of one Spark in the catalog's currency. */
  readonly price: Decimal
  /** Multiplier on model cost; 1.2 adds a fifth. */
  readonly margin: Decimal
  readonly discount?: CostDiscount
}
