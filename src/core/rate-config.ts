import * as z from 'zod'
import { checkBounds, nonNegative, positive, quantity } from './catalog-field.js'
import type { Aggregation } from './domain/aggregation.js'
import { type Decimal, formatDecimal } from './domain/decimal.js'
import { isPeriodRated, type Rate, type RateTier } from './domain/rating/rate.js'
import { formatQuantity } from './domain/sparks.js'

/** How a meter's usage becomes Sparks. Amounts are decimal text; `minimum` is the least an event that used something costs. */
export type RateConfig =
  /** `sparks` for every `per` units of an event. */
  | { readonly mode: 'per_unit'; readonly sparks: string; readonly per: string; readonly minimum?: string }
  /** `sparks` for an event, whatever its quantity. */
  | { readonly mode: 'flat'; readonly sparks: string; readonly minimum?: string }
  /** Cost × margin ÷ price of a Spark. */
  | { readonly mode: 'by_cost'; readonly minimum?: string }
  /** The larger of `per_unit` and `by_cost`. */
  | { readonly mode: 'larger'; readonly sparks: string; readonly per: string; readonly minimum?: string }
  /** `sparks` for every begun package of `per` units of the period's total. */
  | { readonly mode: 'package'; readonly sparks: string; readonly per: string }
  /** Each unit of the period at the price of the tier it falls in. */
  | { readonly mode: 'graduated'; readonly tiers: readonly RateTierConfig[] }
  /** All units of the period at the price of the tier that its total falls in. */
  | { readonly mode: 'volume'; readonly tiers: readonly RateTierConfig[] }

/** A stretch of a period's units with one price. Tiers rise in `upTo`; the last is open. */
export interface RateTierConfig {
  /** The last unit of the tier, inclusive; `null` for the last tier. */
  readonly upTo: string | null
  /** Sparks for every `per` units; may be 0. */
  readonly sparks: string
  /** Default 1. */
  readonly per?: string
  /** Sparks once the tier is entered. Default 0. */
  readonly flat?: string
}

const tierSchema = z.strictObject({
  upTo: z.string().nullable(),
  sparks: z.string(),
  per: z.string().default('1'),
  flat: z.string().default('0'),
})
const tiers = z.array(tierSchema).min(1, 'must have a tier').max(100)
const perUnits = { sparks: z.string(), per: z.string() }
const minimum = z.string().optional()

/** The shape of a rate; `parseRate` reads its amounts. */
export const rateSchema = z.discriminatedUnion('mode', [
  z.strictObject({ mode: z.literal('per_unit'), ...perUnits, minimum }),
  z.strictObject({ mode: z.literal('flat'), sparks: z.string(), minimum }),
  z.strictObject({ mode: z.literal('by_cost'), minimum }),
  z.strictObject({ mode: z.literal('larger'), ...perUnits, minimum }),
  z.strictObject({ mode: z.literal('package'), ...perUnits }),
  z.strictObject({ mode: z.literal('graduated'), tiers }),
  z.strictObject({ mode: z.literal('volume'), tiers }),
])

/** @throws BillingError `config_invalid` naming the place */
export function parseRate(rate: z.output<typeof rateSchema>, path: string): Rate {
  switch (rate.mode) {
    case 'per_unit':
    case 'larger':
      return { mode: rate.mode, ...parsePer(rate, path), ...parseMinimum(rate, path) }
    case 'flat':
      return { mode: 'flat', sparks: positive(rate.sparks, `${path}.sparks`), ...parseMinimum(rate, path) }
    case 'by_cost':
      return { mode: 'by_cost', ...parseMinimum(rate, path) }
    case 'package':
      return { mode: 'package', ...parsePer(rate, path) }
    case 'graduated':
    case 'volume':
      return { mode: rate.mode, tiers: parseTiers(rate.tiers, `${path}.tiers`) }
  }
}

function parsePer(rate: { readonly sparks: string; readonly per: string }, path: string) {
  return { sparks: positive(rate.sparks, `${path}.sparks`), per: positive(rate.per, `${path}.per`) }
}

function parseMinimum(rate: { readonly minimum?: string | undefined }, path: string) {
  return rate.minimum === undefined ? {} : { minimum: positive(rate.minimum, `${path}.minimum`) }
}

function parseTiers(list: readonly z.output<typeof tierSchema>[], path: string): readonly RateTier[] {
  const parsed = list.map((tier, index): RateTier => {
    const place = `${path}.${index}`
    return {
      upTo: tier.upTo === null ? null : quantity(tier.upTo, `${place}.upTo`),
      sparks: nonNegative(tier.sparks, `${place}.sparks`),
      per: positive(tier.per, `${place}.per`),
      flat: nonNegative(tier.flat, `${place}.flat`),
    }
  })
  checkBounds(
    parsed.map(({ upTo }) => upTo),
    path,
  )
  return parsed
}

/** A rate as it is written down; `parseRate` reads it back. */
export function rateConfigOf(rate: Rate): RateConfig {
  switch (rate.mode) {
    case 'package':
      return { mode: rate.mode, sparks: formatDecimal(rate.sparks), per: formatDecimal(rate.per) }
    case 'graduated':
    case 'volume':
      return { mode: rate.mode, tiers: rate.tiers.map(tierConfigOf) }
    case 'by_cost':
      return { mode: rate.mode, ...minimumOf(rate) }
    case 'flat':
      return { mode: rate.mode, sparks: formatDecimal(rate.sparks), ...minimumOf(rate) }
    default:
      return { mode: rate.mode, sparks: formatDecimal(rate.sparks), per: formatDecimal(rate.per), ...minimumOf(rate) }
  }
}

function tierConfigOf({ upTo, sparks, per, flat }: RateTier): RateTierConfig {
  return {
    upTo: upTo === null ? null : formatQuantity(upTo),
    sparks: formatDecimal(sparks),
    per: formatDecimal(per),
    flat: formatDecimal(flat),
  }
}

function minimumOf({ minimum: least }: { readonly minimum?: Decimal }) {
  return least === undefined ? {} : { minimum: formatDecimal(least) }
}

/** Whether a rate can rate what a meter of this aggregation counts. */
export function fitsAggregation(rate: Rate, aggregation: Aggregation): boolean {
  if (aggregation === 'level') return false
  return aggregation === 'sum' || aggregation === 'count' || isPeriodRated(rate) || rate.mode === 'per_unit'
}
