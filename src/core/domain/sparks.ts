import { BillingError } from '../errors.js'
import {
  type Decimal,
  divide,
  formatDecimal,
  multiplyDecimal,
  normalize,
  parseDecimal,
  toScaledExactly,
} from './decimal.js'

/** Credit, in micro-sparks: millionths of a Spark. 1 Spark is `1_000_000n`. */
export type MicroSparks = bigint

/** A quantity of usage, in micro-units of its meter: millionths of a token, minute, gigabyte. */
export type MicroUnits = bigint

export const microPerUnit = 1_000_000n

/** The largest amount, balance or counter a store keeps: 2⁶³ − 1, what a 64-bit integer column holds. */
export const maximumStored = 2n ** 63n - 1n

/** What a Spark costs, and what is added to a provider's cost before it is turned into Sparks. */
export interface SparkPrice {
  /** Price of one Spark in the catalog's currency. */
  readonly price: Decimal
  /** Multiplier on model cost; 1.2 adds a fifth. */
  readonly margin: Decimal
}

/**
 * How one meter's usage becomes Sparks: `sparks` for every `per` units; or the cost with the margin at the price of a Spark; or
 * whichever of the two is more.
 */
export type Rate =
  | { readonly mode: 'per_unit'; readonly sparks: Decimal; readonly per: Decimal }
  | { readonly mode: 'by_cost' }
  | { readonly mode: 'larger'; readonly sparks: Decimal; readonly per: Decimal }

/** Units per Spark of `per_unit` and `larger` need a quantity, `by_cost` and `larger` a cost. */
export interface Rateable {
  readonly quantity: MicroUnits | undefined
  readonly costUsd: Decimal | undefined
}

/**
 * Turns usage into micro-sparks: exact up to the last step, then rounded once, half to even.
 *
 * @throws BillingError `invalid_request` when the mode needs a quantity or a cost that is not there
 */
export function rateUsage(usage: Rateable, rate: Rate, spark: SparkPrice): MicroSparks {
  switch (rate.mode) {
    case 'per_unit':
      return perUnit(usage, rate)
    case 'by_cost':
      return byCost(usage, spark)
    case 'larger': {
      const units = perUnit(usage, rate)
      const cost = byCost(usage, spark)
      return units > cost ? units : cost
    }
    default:
      return unreachable(rate)
  }
}

function perUnit(usage: Rateable, rate: { readonly sparks: Decimal; readonly per: Decimal }): MicroSparks {
  if (usage.quantity === undefined) {
    throw new BillingError('invalid_request', 'This meter is rated per unit: give a quantity, or tokens to count.')
  }
  // quantity/10⁶ × sparks ÷ per × 10⁶ micro-sparks: the two millions cancel out.
  const numerator = usage.quantity * rate.sparks.coefficient * 10n ** BigInt(rate.per.scale)
  const denominator = rate.per.coefficient * 10n ** BigInt(rate.sparks.scale)
  return divide(numerator, denominator, 'half_even')
}

function byCost(usage: Rateable, spark: SparkPrice): MicroSparks {
  if (usage.costUsd === undefined) {
    throw new BillingError(
      'invalid_request',
      'This meter is rated by cost: give costUsd, or tokens with a model that has a price.',
    )
  }
  const charged = multiplyDecimal(usage.costUsd, spark.margin)
  const numerator = charged.coefficient * microPerUnit * 10n ** BigInt(spark.price.scale)
  const denominator = spark.price.coefficient * 10n ** BigInt(charged.scale)
  return divide(numerator, denominator, 'half_even')
}

/**
 * Micro-sparks of an amount written in Sparks.
 *
 * @example parseSparks('37.5') // 37_500_000n
 * @throws BillingError `invalid_amount` for more than six decimals or anything that is not a plain decimal
 */
export function parseSparks(sparks: string): MicroSparks {
  const value = parseDecimal(sparks)
  const micro = value && toScaledExactly(value, 6)
  if (micro !== undefined) return micro
  throw new BillingError(
    'invalid_amount',
    `${JSON.stringify(sparks)} is not an amount of Sparks: write digits with at most 6 decimals.`,
  )
}

/**
 * Sparks as the shortest exact decimal.
 *
 * @example formatSparks(37_500_000n) // '37.5'
 */
export function formatSparks(micro: MicroSparks): string {
  return formatDecimal(normalize(micro, 6))
}

/** A quantity as the shortest exact decimal in the meter's unit. */
export function formatQuantity(quantity: MicroUnits): string {
  return formatDecimal(normalize(quantity, 6))
}

function unreachable(rate: never): never {
  throw new BillingError('invariant_violated', `Unknown rating mode in ${JSON.stringify(rate)}.`)
}
