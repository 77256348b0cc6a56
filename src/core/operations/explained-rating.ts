import { type Decimal, decimal, formatDecimal, multiplyDecimal } from '../domain/decimal.js'
import { compareFraction, formatFraction, fractionOf } from '../domain/fraction.js'
import type { CatalogCard } from '../domain/price-card.js'
import type { CostLine } from '../domain/rating/model-cost.js'
import { priceOfTotal } from '../domain/rating/price-of-total.js'
import type { EventRate, PeriodRate, Rate } from '../domain/rating/rate.js'
import { isPeriodRated } from '../domain/rating/rate.js'
import { rateUsage, ratingSteps } from '../domain/rating/rate-usage.js'
import { priceDigits } from '../domain/rating/token-pool.js'
import { formatQuantity, formatSparks, type MicroSparks, type MicroUnits } from '../domain/sparks.js'
import { type RateConfig, rateConfigOf } from '../rate-config.js'

/** What one pool of a request cost: count × price ÷ per. */
export interface ExplainedPool {
  readonly pool: string
  readonly count: number
  readonly price: string
  /** How many tokens or calls the price is for. */
  readonly per: string
  readonly cost: string
}

/** How units or a cost became Sparks. Amounts are decimal text, or a quotient such as "100/3" where no decimal is exact. */
export interface ExplainedRating {
  readonly rate: RateConfig
  /** Whether the rate is the catalog's, or was agreed with the account. */
  readonly from: 'catalog' | 'terms'
  /** Units × Sparks ÷ per, of a rate that counts units. */
  readonly byUnits: { readonly units: string; readonly sparks: string } | null
  /** Cost × margin ÷ price of a Spark, of a rate that asks for the cost. */
  readonly byCost: {
    readonly costUsd: string
    readonly margin: string
    readonly sparkPrice: string
    readonly sparks: string
  } | null
  /** The discount on large events, where the rate looks at the cost and the catalog has one. */
  readonly discount: {
    readonly above: string
    readonly percent: string
    readonly order: 'before_margin' | 'after_margin'
    readonly applied: boolean
  } | null
  /** The least an event costs, where the rate has one. */
  readonly minimum: { readonly sparks: string; readonly applied: boolean } | null
  /** Of a rate that looks at the period: what the plan did not give of it before and after, and what those totals cost. */
  readonly period: ExplainedPeriod | null
  readonly unrounded: string
  readonly rounding: 'half_even to 0.000001 Sparks'
  /** What it comes to. */
  readonly sparks: string
}

/** The total of a period before and after a row. */
export interface ExplainedPeriod {
  readonly startsAt: string
  readonly endsAt: string
  readonly unitsBefore: string
  readonly unitsAfter: string
  readonly priceBefore: string
  readonly priceAfter: string
}

/** The total of a period that a row was added to, in units that the plan did not give. */
export interface PeriodTotal {
  readonly startsAt: number
  readonly endsAt: number
  readonly before: MicroUnits
  readonly after: MicroUnits
}

/** A rating with what it comes to as a number. */
export interface Rated {
  readonly view: ExplainedRating
  readonly sparks: MicroSparks
}

const rounding = 'half_even to 0.000001 Sparks'

/** One pool as it is written in a price list. */
export function explainPool({ pool, count, price, cost }: CostLine): ExplainedPool {
  const per: Decimal = { coefficient: 10n ** BigInt(priceDigits(pool)), scale: 0 }
  return {
    pool,
    count,
    price: formatDecimal(multiplyDecimal(price, per)),
    per: formatDecimal(per),
    cost: formatDecimal(cost),
  }
}

/** Rates an event by itself. @throws BillingError `invalid_request` where the rate needs what is not there */
export function explainEvent(
  card: CatalogCard,
  rate: EventRate,
  from: ExplainedRating['from'],
  { quantity, costUsd }: { readonly quantity: MicroUnits | undefined; readonly costUsd: string | null },
): Rated {
  const { spark } = card
  const usage = { quantity, costUsd: costUsd === null ? undefined : decimal(costUsd) }
  const steps = ratingSteps(usage, rate, spark)
  const sparks = rateUsage(usage, rate, spark)
  const { minimum } = rate
  const isByCost = steps.byCost !== null
  const view: ExplainedRating = {
    rate: rateConfigOf(rate),
    from,
    byUnits: steps.byUnits && { units: formatQuantity(quantity ?? 0n), sparks: formatFraction(steps.byUnits) },
    byCost: steps.byCost && {
      costUsd: costUsd ?? '0',
      margin: formatDecimal(spark.margin),
      sparkPrice: formatDecimal(spark.price),
      sparks: formatFraction(steps.byCost),
    },
    discount: isByCost && spark.discount ? explainDiscount(card, rate, steps) : null,
    minimum: minimum
      ? {
          sparks: formatDecimal(minimum),
          applied: compareFraction(steps.unrounded, steps.charge) > 0,
        }
      : null,
    period: null,
    unrounded: formatFraction(steps.unrounded),
    rounding,
    sparks: formatSparks(sparks),
  }
  return { view, sparks }
}

/** Rates what a row adds to its period. */
export function explainTotal(card: CatalogCard, rate: Rate, from: ExplainedRating['from'], total: PeriodTotal): Rated {
  const priceOf = (units: MicroUnits) => priceOfUnits(card, rate, units)
  const sparks = priceOf(total.after) - priceOf(total.before)
  const view: ExplainedRating = {
    rate: rateConfigOf(rate),
    from,
    byUnits: null,
    byCost: null,
    discount: null,
    minimum: null,
    period: {
      startsAt: new Date(total.startsAt).toISOString(),
      endsAt: new Date(total.endsAt).toISOString(),
      unitsBefore: formatQuantity(total.before),
      unitsAfter: formatQuantity(total.after),
      priceBefore: formatSparks(priceOf(total.before)),
      priceAfter: formatSparks(priceOf(total.after)),
    },
    unrounded: formatSparks(sparks),
    rounding,
    sparks: formatSparks(sparks),
  }
  return { view, sparks }
}

function priceOfUnits({ spark }: CatalogCard, rate: PeriodRate | EventRate, units: MicroUnits): MicroSparks {
  return isPeriodRated(rate)
    ? priceOfTotal(rate, units)
    : rateUsage({ quantity: units, costUsd: undefined }, rate, spark)
}

function explainDiscount(
  { spark }: CatalogCard,
  rate: EventRate,
  { byUnits, byCost, charge }: ReturnType<typeof ratingSteps>,
): ExplainedRating['discount'] {
  const { discount } = spark
  if (!discount || !byCost) return null
  const larger = byUnits && compareFraction(byUnits, byCost) > 0 ? byUnits : byCost
  const compared = rate.mode === 'larger' && discount.order === 'after_margin' ? larger : byCost
  return {
    above: formatDecimal(discount.above),
    percent: formatDecimal(discount.percent),
    order: discount.order,
    // What is above the threshold has less taken, unless the price of the units is the floor.
    applied: compareFraction(compared, fractionOf(discount.above)) > 0 && compareFraction(charge, compared) < 0,
  }
}
