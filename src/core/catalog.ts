import * as z from 'zod'
import type { CatalogData, CreditPackage, Entitlement, Meter, ModelPrice, Plan } from './domain/catalog.js'
import { type Decimal, divide, parseDecimal, toScaledExactly } from './domain/decimal.js'
import { fingerprintOf } from './domain/ledger/key.js'
import { type Money, nanosPerUnit, parseCurrency, parseMoney } from './domain/money.js'
import { maximumStored, microPerUnit, parseSparks, type Rate } from './domain/sparks.js'
import { BillingError } from './errors.js'

/** How a meter's usage becomes Sparks. Amounts are decimal text. */
export type RateConfig =
  /** `sparks` for every `per` units. */
  | { readonly mode: 'per_unit'; readonly sparks: string; readonly per: string }
  /** Cost × margin ÷ price of a Spark. */
  | { readonly mode: 'by_cost' }
  /** The larger of the two. */
  | { readonly mode: 'larger'; readonly sparks: string; readonly per: string }

/** How usage of one thing is counted and rated. */
export interface MeterConfig {
  /** What one is called: "token". Default "unit". */
  readonly unit?: string
  /** How many decimals a quantity may have, 0 to 6. Default 0. */
  readonly decimals?: number
  readonly rate: RateConfig
  /** Percentage of a quota above which it is near. Default 80. */
  readonly nearPercent?: number
}

/** What a plan costs and grants. */
export interface PlanConfig {
  /** Default: the plan's name. */
  readonly title?: string
  /** Absent for a plan nobody pays for. */
  readonly price?: { readonly amount: string; readonly interval?: 'month' | 'year' }
  /** Per meter: units that cost no credits, and the units after which requests are refused. Decimal text; `null` is no limit. */
  readonly meters?: Readonly<
    Record<string, { readonly included?: string | 'unlimited'; readonly limit?: string | null }>
  >
  /** Usage beyond allowance and credits is allowed and collected afterwards by the first metering provider. Default false. */
  readonly overage?: boolean
  /** The account brings its own model keys: usage is counted and costs no credits. Default false. */
  readonly byo?: boolean
}

/** Prices, rates, plans and packages, as they are written down. */
export interface CatalogConfig {
  /** ISO 4217; default USD. */
  readonly currency?: string
  /** Price of one Spark and margin on model cost, decimal text. Default 0.00004 and 1.2. */
  readonly sparks?: { readonly price?: string; readonly margin?: string }
  /** Default: `defaultMeters`. */
  readonly meters?: Readonly<Record<string, MeterConfig>>
  /** Price per million tokens of each pool, decimal text: `{ 'gpt-5': { input: '1.25', output: '10' } }`. */
  readonly models?: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** Default: one plan, `free`, that includes nothing. */
  readonly plans?: Readonly<Record<string, PlanConfig>>
  /** Credits on sale. */
  readonly packages?: Readonly<
    Record<string, { readonly title?: string; readonly price: string; readonly sparks: string }>
  >
  /** The plan of new accounts; default the first one. */
  readonly defaultPlan?: string
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
      price: price(offer.price, currency, `${path}.price`),
      sparks: sparks(offer.sparks, `${path}.sparks`),
    }
  })
  const models = mapNames(
    'models',
    data.models,
    (_, pools, path): ModelPrice => mapNames(path, pools, (_pool, amount, pool) => nonNegative(amount, pool)),
  )
  const defaultPlan = data.defaultPlan ?? [...plans.keys()][0]
  if (defaultPlan === undefined || !plans.has(defaultPlan)) throw invalid('defaultPlan', 'is not one of the plans')
  const spark = {
    price: positive(data.sparks.price, 'sparks.price'),
    margin: positive(data.sparks.margin, 'sparks.margin'),
  }
  const version = fingerprintOf({ currency, sparks: data.sparks, meters: data.meters, models: data.models }).slice(
    0,
    12,
  )
  return { config, currency, spark, meters, models, plans, packages, defaultPlan, version }
}

/** A record by name. Zod leaves a name `__proto__` out without a word, so that one is refused before. */
function named<T extends z.ZodType>(value: T) {
  const hasProto = (given: unknown) => typeof given === 'object' && given !== null && Object.hasOwn(given, '__proto__')
  return z
    .unknown()
    .refine((given) => !hasProto(given), 'must not have the name __proto__')
    .pipe(z.record(z.string(), value))
}

const rateSchema = z.discriminatedUnion('mode', [
  z.strictObject({ mode: z.literal('per_unit'), sparks: z.string(), per: z.string() }),
  z.strictObject({ mode: z.literal('by_cost') }),
  z.strictObject({ mode: z.literal('larger'), sparks: z.string(), per: z.string() }),
])

const meterSchema = z.strictObject({
  unit: z.string().min(1).max(40).default('unit'),
  decimals: z.int().min(0).max(6).default(0),
  rate: rateSchema,
  nearPercent: z.int().min(1).max(99).default(80),
})

const planSchema = z.strictObject({
  title: z.string().min(1).max(100).optional(),
  price: z.strictObject({ amount: z.string(), interval: z.enum(['month', 'year']).default('month') }).optional(),
  meters: named(
    z.strictObject({ included: z.string().default('0'), limit: z.string().nullable().default(null) }),
  ).default({}),
  overage: z.boolean().default(false),
  byo: z.boolean().default(false),
})

const catalogSchema = z.strictObject({
  currency: z.string().default('USD'),
  sparks: z.strictObject({ price: z.string().default('0.00004'), margin: z.string().default('1.2') }).prefault({}),
  meters: named(meterSchema).prefault(defaultMeters),
  models: named(named(z.string())).default({}),
  plans: named(planSchema).prefault({ free: {} }),
  packages: named(
    z.strictObject({ title: z.string().min(1).max(100).optional(), price: z.string(), sparks: z.string() }),
  ).default({}),
  defaultPlan: z.string().optional(),
})

function parseConfig(config: unknown): z.output<typeof catalogSchema> {
  const parsed = safeParse(config)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw invalid(issue?.path.join('.') ?? '', issue?.message ?? 'is malformed')
}

function safeParse(config: unknown): z.ZodSafeParseResult<z.output<typeof catalogSchema>> {
  try {
    return catalogSchema.safeParse(config)
  } catch (cause) {
    const message = 'Catalog: the configuration could not be read: reading it threw an error.'
    throw new BillingError('config_invalid', message, { details: { path: '' }, cause })
  }
}

function parseMeter(name: string, meter: z.output<typeof meterSchema>, path: string): Meter {
  const { rate, ...rest } = meter
  const parsed: Rate =
    rate.mode === 'by_cost'
      ? rate
      : {
          mode: rate.mode,
          sparks: positive(rate.sparks, `${path}.rate.sparks`),
          per: positive(rate.per, `${path}.rate.per`),
        }
  return { name, ...rest, rate: parsed }
}

function parsePlan(
  name: string,
  plan: z.output<typeof planSchema>,
  path: string,
  currency: string,
  meters: ReadonlyMap<string, Meter>,
): Plan {
  const entitlements = mapNames(`${path}.meters`, plan.meters, (meter, terms, place): Entitlement => {
    if (!meters.has(meter)) throw invalid(place, 'is not one of the meters')
    const included = terms.included === 'unlimited' ? 'unlimited' : quantity(terms.included, `${place}.included`)
    return { included, limit: terms.limit === null ? null : quantity(terms.limit, `${place}.limit`) }
  })
  const paid = plan.price && {
    amount: price(plan.price.amount, currency, `${path}.price.amount`),
    interval: plan.price.interval,
  }
  return { name, title: plan.title ?? name, price: paid ?? null, entitlements, overage: plan.overage, byo: plan.byo }
}

const namePattern = /^[a-z][a-z0-9_.:-]{0,59}$/i
const reserved: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

function mapNames<T, U>(
  path: string,
  record: Readonly<Record<string, T>>,
  parse: (name: string, value: T, path: string) => U,
): Map<string, U> {
  const entries = Object.entries(record).map(([name, value]): [string, U] => {
    if (!namePattern.test(name) || reserved.has(name)) {
      throw invalid(`${path}.${name}`, 'is not a name: use 1 to 60 of A-Z a-z 0-9 _ . : - beginning with a letter')
    }
    return [name, parse(name, value, `${path}.${name}`)]
  })
  return new Map(entries)
}

function positive(text: string, path: string): Decimal {
  const value = parseDecimal(text)
  if (value && value.coefficient > 0n) return value
  throw invalid(path, `must be a decimal above zero, not ${JSON.stringify(text)}`)
}

function nonNegative(text: string, path: string): Decimal {
  const value = parseDecimal(text)
  if (value && !text.startsWith('-')) return value
  throw invalid(path, `must be a decimal of at least zero, not ${JSON.stringify(text)}`)
}

function quantity(text: string, path: string): bigint {
  const micro = toScaledExactly(nonNegative(text, path), 6)
  if (micro !== undefined && micro <= maximumStored) return micro
  throw invalid(path, 'must have at most 6 decimals and be below 9.2 × 10¹²')
}

function price(amount: string, currency: string, path: string): Money {
  positive(amount, path)
  const money = inPlace(path, () => parseMoney(amount, currency))
  if (money.nanos <= maximumStored) return money
  throw invalid(path, 'must be below 9.2 × 10⁹')
}

function sparks(text: string, path: string): bigint {
  positive(text, path)
  const micro = inPlace(path, () => parseSparks(text))
  if (micro <= maximumStored) return micro
  throw invalid(path, 'must be below 9.2 × 10¹²')
}

/** What a value's own parser refuses is a mistake in the catalog, at this place. */
function inPlace<T>(path: string, parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    if (!BillingError.is(cause)) throw cause
    throw new BillingError('config_invalid', `Catalog: ${path}: ${cause.message}`, { details: { path }, cause })
  }
}

function invalid(path: string, problem: string): BillingError {
  return new BillingError('config_invalid', `Catalog: ${path} ${problem}.`, { details: { path } })
}

/** What an amount of the catalog's currency buys in Sparks when no package is named, rounded down to whole micro-sparks. */
export function sparksFor(catalog: CatalogData, amountNanos: bigint): bigint {
  const numerator = amountNanos * microPerUnit * 10n ** BigInt(catalog.spark.price.scale)
  return divide(numerator, catalog.spark.price.coefficient * nanosPerUnit, 'floor')
}
