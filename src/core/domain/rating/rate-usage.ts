import { BillingError } from '../../errors.js'
import { type Decimal, decimal, divide, tenTo } from '../decimal.js'
import {
  compareFraction,
  divideFraction,
  type Fraction,
  fraction,
  fractionOf,
  largerFraction,
  multiplyFraction,
} from '../fraction.js'
import { type MicroSparks, type MicroUnits, microPerUnit } from '../sparks.js'
import type { EventRate } from './rate.js'
import type { CostDiscount, SparkPrice } from './spark-price.js'

/** `per_unit` and `larger` need a quantity, `by_cost` and `larger` a cost. */
export interface Rateable {
  readonly quantity: MicroUnits | undefined
  /** Exact cost in the catalog's currency, before discount and margin. */
  readonly costUsd: Decimal | undefined
}

/**
 * Turns one usage event into micro-sparks: price → cost → discount → margin → Sparks (`CostDiscount` has the other order), exact up to
 * the last step, then rounded once, half to even. Zero units at no cost, as of a hold captured for work that did not happen, are free
 * in every mode, whatever the fixed price or the minimum.
 *
 * @throws BillingError `invalid_request` when the mode needs a quantity or a cost that is not there
 */
export function rateUsage(usage: Rateable, rate: EventRate, spark: SparkPrice): MicroSparks {
  const charge = chargeOf(usage, rate, spark)
  if (usage.quantity === 0n && (usage.costUsd === undefined || usage.costUsd.coefficient === 0n)) return 0n
  const least = rate.minimum ? largerFraction(charge, fractionOf(rate.minimum)) : charge
  return divide(least.numerator * microPerUnit, least.denominator, 'half_even')
}

/** The Sparks of one event on the way to what it is charged, unrounded; `null` for what the mode does not ask. */
export interface RatingSteps {
  readonly byUnits: Fraction | null
  /** Cost × margin ÷ price of a Spark. */
  readonly byCost: Fraction | null
  /** What is left after discount and the larger of the two, before the minimum. */
  readonly charge: Fraction
  readonly unrounded: Fraction
}

/** The steps of `rateUsage`, one by one. @throws BillingError as that does */
export function ratingSteps(usage: Rateable, rate: EventRate, spark: SparkPrice): RatingSteps {
  const charge = chargeOf(usage, rate, spark)
  const isFree = usage.quantity === 0n && (usage.costUsd === undefined || usage.costUsd.coefficient === 0n)
  const least = rate.minimum ? largerFraction(charge, fractionOf(rate.minimum)) : charge
  return {
    byUnits: rate.mode === 'per_unit' || rate.mode === 'larger' ? unitPrice(usage, rate) : null,
    byCost: rate.mode === 'by_cost' || rate.mode === 'larger' ? costPrice(usage, spark) : null,
    charge,
    unrounded: isFree ? fraction(0n) : least,
  }
}

/** Sparks of the event, unrounded and without the minimum. */
function chargeOf(usage: Rateable, rate: EventRate, spark: SparkPrice): Fraction {
  switch (rate.mode) {
    case 'per_unit':
      return unitPrice(usage, rate)
    case 'flat':
      return fractionOf(rate.sparks)
    case 'by_cost':
      return discounted(costPrice(usage, spark), spark.discount)
    case 'larger': {
      const units = unitPrice(usage, rate)
      const cost = costPrice(usage, spark)
      return spark.discount?.order === 'after_margin'
        ? discounted(largerFraction(units, cost), spark.discount)
        : largerFraction(units, discounted(cost, spark.discount))
    }
    default:
      return unreachable(rate)
  }
}

function unitPrice(usage: Rateable, rate: { readonly sparks: Decimal; readonly per: Decimal }): Fraction {
  if (usage.quantity === undefined) {
    throw new BillingError('invalid_request', 'This meter is rated per unit: give a quantity, or tokens to count.')
  }
  const units = fraction(usage.quantity, microPerUnit)
  return divideFraction(multiplyFraction(units, fractionOf(rate.sparks)), fractionOf(rate.per))
}

function costPrice(usage: Rateable, spark: SparkPrice): Fraction {
  if (usage.costUsd === undefined) {
    throw new BillingError(
      'invalid_request',
      'This meter is rated by cost: give costUsd, or tokens with a model that has a price.',
    )
  }
  const { costUsd: cost } = usage
  const { margin, price } = spark
  return fraction(
    cost.coefficient * margin.coefficient * tenTo(price.scale),
    price.coefficient * tenTo(cost.scale + margin.scale),
  )
}

const hundred = fractionOf(decimal('100'))

/** Margin and price of a Spark are factors, so a percentage off the cost is the same percentage off its Sparks. */
function discounted(sparks: Fraction, discount: CostDiscount | undefined): Fraction {
  if (!discount || compareFraction(sparks, fractionOf(discount.above)) <= 0) return sparks
  const percent = fractionOf(discount.percent)
  const kept = fraction(100n * percent.denominator - percent.numerator, percent.denominator)
  return divideFraction(multiplyFraction(sparks, kept), hundred)
}

function unreachable(rate: never): never {
  throw new BillingError(
    'invariant_violated',
    `Unknown rating mode ${String((rate as { readonly mode?: unknown }).mode)}.`,
  )
}
