import * as z from 'zod'
import { inPlace, invalid, mapNames, named, nonNegative, positive, readPrice, readSparks } from './catalog-field.js'
import type { Aggregation } from './domain/aggregation.js'
import { defaultBudgetDimensions } from './domain/budget.js'
import type { CatalogData, CreditPackage, Meter } from './domain/catalog.js'
import { compareDecimal, decimal, divide } from './domain/decimal.js'
import { fingerprintOf } from './domain/ledger/key.js'
import { nanosPerUnit, parseCurrency } from './domain/money.js'
import type { PriceBook } from './domain/rating/price-book.js'
import type { SparkPrice } from './domain/rating/spark-price.js'
import { microPerUnit } from './domain/sparks.js'
import { BillingError } from './errors.js'
import { type ModelConfig, modelSchema, parseModel } from './model-config.js'
import { type PlanConfig, parsePlan, planSchema } from './plan-config.js'
import { fitsAggregation, parseRate, type RateConfig, rateSchema } from './rate-config.js'

/** How usage of one thing is counted and rated. */
export interface MeterConfig {
  /** What one is called: "token". Default "unit". */
  readonly unit?: string
  /** How many decimals a quantity may have, 0 to 6. Default 0. */
  readonly decimals?: number
  /** How the events of a period make up its use; default `sum`. */
  readonly aggregation?: Aggregation
  /** For `unique`: the dimension whose different values are counted. */
  readonly countedBy?: string
  /** How usage becomes Sparks. None for a `level`, which is limited and not charged. */
  readonly rate?: RateConfig
  /** Percentage of a quota above which it is near. Default 80. */
  readonly nearPercent?: number
}

/** What a Spark costs, and how a provider's cost becomes Sparks: price → cost → discount → margin → Sparks. */
export interface SparksConfig {
  /** Price of one Spark, decimal text. Default 0.00004. */
  readonly price?: string
  /** Multiplier on model cost, decimal text. Default 1.2. */
  readonly margin?: string
  /** `percent` off the cost of an event of more than `above` Sparks; `order` says of what exactly: see docs/rating.md. Default before the margin. */
  readonly discount?: {
    readonly above: string
    readonly percent: string
    readonly order?: 'before_margin' | 'after_margin'
  }
}

/** Prices, rates, plans and packages, as they are written down. */
export interface CatalogConfig {
  /** ISO 4217; default USD. */
  readonly currency?: string
  readonly sparks?: SparksConfig
  /** Default: `defaultMeters`. */
  readonly meters?: Readonly<Record<string, MeterConfig>>
  /** Price per million tokens of each pool, decimal text: `{ 'gpt-5': { input: '1.25', output: '10' } }`. These win over `prices`. */
  readonly models?: Readonly<Record<string, ModelConfig>>
  /** Prices of the models that `models` does not name: `genaiPrices()` of `billfold/prices`, or a list of your own. */
  readonly prices?: PriceBook
  /** Default: one plan, `free`, that includes nothing. */
  readonly plans?: Readonly<Record<string, PlanConfig>>
  /** Credits on sale. */
  readonly packages?: Readonly<
    Record<string, { readonly title?: string; readonly price: string; readonly sparks: string }>
  >
  /** The plan of new accounts; default the first one. */
  readonly defaultPlan?: string
  /** Dimensions whose values may have budgets, beside the account as a whole. Default `api_key` and `user`. */
  readonly budgetDimensions?: readonly string[]
  /** Dimensions that usage is summed by in addition, so that summaries by them stay quick. Default none. */
  readonly rollupDimensions?: readonly string[]
}

/** A parsed catalog that remembers the names in its configuration, so that an unknown meter, plan or package does not compile. */
export interface Catalog<C extends CatalogConfig = CatalogConfig> extends CatalogData {
  readonly config: C
}

/** 1,000 AI tokens are 100 Sparks, a compute minute 50, a gigabyte-month of storage 500. */
export const defaultMeters = {
  ai_tokens: { unit: 'token', rate: { mode: 'per_unit', sparks: '100', per: '1000' } },
  compute_minutes: { unit: 'minute', decimals: 6, rate: { mode: 'per_unit', sparks: '50', per: '1' } },
  storage_gb_months: { unit: 'GB-month', decimals: 6, rate: { mode: 'per_unit', sparks: '500', per: '1' } },
} as const satisfies Record<string, MeterConfig>

/** Names of the meters of a catalog. */
export type MeterName<C extends Catalog> = C['config'] extends { readonly meters: infer M }
  ? keyof M & string
  : keyof typeof defaultMeters
/** Names of the plans of a catalog. */
export type PlanName<C extends Catalog> = C['config'] extends { readonly plans: infer P } ? keyof P & string : 'free'
/** Names of the plans that are subscribed to: paid for by the month or year. */
export type SubscriptionPlanName<C extends Catalog> = PlanPaid<C, 'month' | 'year' | undefined>
/** Names of the plans that are paid for once. */
export type LifetimePlanName<C extends Catalog> = PlanPaid<C, 'once'>
/** Names of the plans of which more than one seat can be bought. */
export type SeatPlanName<C extends Catalog> = C['config'] extends { readonly plans: infer P }
  ? { [Name in keyof P & string]: [Extract<TermOf<P[Name], 'perSeat'>, true>] extends [never] ? never : Name }[keyof P &
      string]
  : 'free'
/** The plans whose interval may be one of these; all of them where the catalog does not say what they are. */
type PlanPaid<C extends Catalog, Interval> = C['config'] extends { readonly plans: infer P }
  ? {
      [Name in keyof P & string]: [Extract<TermOf<P[Name], 'interval'>, Interval>] extends [never] ? never : Name
    }[keyof P & string]
  : 'free'
/** A term of a plan's price: `undefined` where the price leaves it out, nothing where there is no price. */
type TermOf<Plan, Term extends string> = 'price' extends keyof Plan
  ? NonNullable<Plan['price']> extends infer Price
    ? Term extends keyof Price
      ? Price[Term]
      : undefined
    : never
  : never
/** Names of the credit packages of a catalog. */
export type PackageName<C extends Catalog> = C['config'] extends { readonly packages: infer P }
  ? keyof P & string
  : never

/**
 * Parses prices, rates, plans and packages once, at start-up.
 *
 * @throws BillingError `config_invalid` naming the place: a price or rate that is not positive, a limit below zero, an unknown meter
 * @example defineCatalog({ plans: { free: { meters: { ai_tokens: { included: '100000' } } } } })
 */
export function defineCatalog<const C extends CatalogConfig>(config: C): Catalog<C> {
  const data = parseConfig(config)
  const currency = inPlace('currency', () => parseCurrency(data.currency))
  const meters = mapNames('meters', data.meters, parseMeter)
  const plans = mapNames('plans', data.plans, (name, plan, path) => parsePlan(name, plan, path, currency, meters))
  const packages = mapNames('packages', data.packages, (name, offer, path): CreditPackage => {
    return {
      name,
      title: offer.title ?? name,
      price: readPrice(offer.price, currency, `${path}.price`),
      sparks: readSparks(offer.sparks, `${path}.sparks`),
    }
  })
  const models = mapNames('models', data.models, (_, prices, path) => parseModel(prices, path), modelNames)
  if (data.prices && data.prices.currency !== currency)
    throw invalid('prices', `are in ${data.prices.currency}, the catalog in ${currency}`)
  const defaultPlan = data.defaultPlan ?? [...plans.keys()][0]
  if (defaultPlan === undefined || !plans.has(defaultPlan)) throw invalid('defaultPlan', 'is not one of the plans')
  const version = fingerprintOf({
    currency,
    sparks: data.sparks,
    meters: data.meters,
    models: data.models,
    prices: data.prices?.version,
  }).slice(0, 12)
  const spark = parseSpark(data.sparks)
  const book = data.prices && { prices: data.prices }
  const { budgetDimensions, rollupDimensions } = data
  return {
    config,
    currency,
    spark,
    meters,
    models,
    ...book,
    plans,
    packages,
    budgetDimensions,
    rollupDimensions,
    defaultPlan,
    version,
  }
}

/** Vendors' names of models: `@cf/meta/llama-3`, `openai/gpt-5`, `us.anthropic.claude:0`. */
const modelNames = { pattern: /^[a-z0-9@][\w@./:+-]{0,199}$/i, grammar: '1 to 200 of A-Z a-z 0-9 _ @ . / : + -' }

const meterSchema = z.strictObject({
  unit: z.string().min(1).max(40).default('unit'),
  decimals: z.int().min(0).max(6).default(0),
  aggregation: z.enum(['sum', 'count', 'max', 'unique', 'level', 'time_weighted']).default('sum'),
  countedBy: z.string().min(1).max(40).optional(),
  rate: rateSchema.optional(),
  nearPercent: z.int().min(1).max(99).default(80),
})

const sparksSchema = z.strictObject({
  price: z.string().default('0.00004'),
  margin: z.string().default('1.2'),
  discount: z
    .strictObject({
      above: z.string(),
      percent: z.string(),
      order: z.enum(['before_margin', 'after_margin']).default('before_margin'),
    })
    .optional(),
})

const catalogSchema = z.strictObject({
  currency: z.string().default('USD'),
  sparks: sparksSchema.prefault({}),
  meters: named(meterSchema).prefault(defaultMeters),
  models: named(modelSchema).default({}),
  prices: z.custom<PriceBook>(isPriceBook, 'must be a price book, such as genaiPrices() makes').optional(),
  plans: named(planSchema).prefault({ free: {} }),
  packages: named(
    z.strictObject({ title: z.string().min(1).max(100).optional(), price: z.string(), sparks: z.string() }),
  ).default({}),
  defaultPlan: z.string().optional(),
  budgetDimensions: z
    .array(z.string().min(1).max(40))
    .max(10)
    .default([...defaultBudgetDimensions]),
  rollupDimensions: z.array(z.string().min(1).max(40)).max(10).default([]),
})

function parseConfig(config: unknown): z.output<typeof catalogSchema> {
  const parsed = safeParse(config)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw invalid(issue?.path.join('.') ?? '', issue?.message ?? 'is malformed')
}

function safeParse(config: unknown): z.ZodSafeParseResult<z.output<typeof catalogSchema>> {
  try {
    const parsed = catalogSchema.safeParse(config)
    // What is wrong is looked at only when it is asked for, and looking can throw too.
    void parsed.error
    return parsed
  } catch (cause) {
    const message = 'Catalog: the configuration could not be read: reading it threw an error.'
    throw new BillingError('config_invalid', message, { details: { path: '' }, cause })
  }
}

function parseMeter(name: string, meter: z.output<typeof meterSchema>, path: string): Meter {
  const { aggregation, countedBy } = meter
  if ((aggregation === 'unique') !== (countedBy !== undefined))
    throw invalid(
      `${path}.countedBy`,
      'names the dimension whose values are counted, for `unique` meters and no others',
    )
  if ((aggregation === 'level') !== (meter.rate === undefined))
    throw invalid(`${path}.rate`, 'is needed, except for a `level`, which is limited and not charged')
  const rate = meter.rate ? parseRate(meter.rate, `${path}.rate`) : null
  if (rate && !fitsAggregation(rate, aggregation))
    throw invalid(
      `${path}.rate`,
      `must be per unit, by package or in tiers: ${aggregation} has no events of its own to rate`,
    )
  return { ...meter, name, countedBy: countedBy ?? null, rate }
}

function parseSpark(sparks: z.output<typeof sparksSchema>): SparkPrice {
  const { discount } = sparks
  const percent = discount && positive(discount.percent, 'sparks.discount.percent')
  if (percent && compareDecimal(percent, decimal('100')) > 0) throw invalid('sparks.discount.percent', 'is above 100')
  return {
    price: positive(sparks.price, 'sparks.price'),
    margin: positive(sparks.margin, 'sparks.margin'),
    ...(discount &&
      percent && {
        discount: { above: nonNegative(discount.above, 'sparks.discount.above'), percent, order: discount.order },
      }),
  }
}

function isPriceBook(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const book = value as Partial<Record<keyof PriceBook, unknown>>
  return typeof book.find === 'function' && typeof book.currency === 'string' && typeof book.version === 'string'
}

/** What an amount of the catalog's currency buys in Sparks when no package is named, rounded down to whole micro-sparks. */
export function sparksFor(catalog: CatalogData, amountNanos: bigint): bigint {
  const numerator = amountNanos * microPerUnit * 10n ** BigInt(catalog.spark.price.scale)
  return divide(numerator, catalog.spark.price.coefficient * nanosPerUnit, 'floor')
}
