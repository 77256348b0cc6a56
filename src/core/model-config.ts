import * as z from 'zod'
import { checkBounds, invalid, named, nonNegative, positive } from './catalog-field.js'
import { type Decimal, multiplyDecimal, normalize } from './domain/decimal.js'
import { type ContextPrice, type ModelOverride, multipliedPrices, type PoolPrices } from './domain/rating/price-book.js'
import { priceDigits } from './domain/rating/token-pool.js'
import { readTime } from './operations/fields.js'

/** Decimal text, or prices by the request's number of input tokens: rising in `upTo` (inclusive), the last open. */
export type PoolPriceConfig = string | readonly { readonly upTo: string | null; readonly price: string }[]

/** Prices by pool: per million tokens, per thousand calls or pages. `{ input: '1.25', output: '10', web_searches: '10' }` */
export type PoolPricesConfig = Readonly<Record<string, PoolPriceConfig>>

/** What a model costs, where its pools' prices alone do not say it. */
export interface ModelPriceConfig {
  /** Only for usage of this provider; default any. */
  readonly provider?: string
  /** The day (UTC) or moment from which these prices hold; default always. */
  readonly from?: string
  readonly prices: PoolPricesConfig
  /** A multiplier on the token prices ("0.5"), or prices of its own. Absent: batch usage has no price and is refused. */
  readonly batch?: string | PoolPricesConfig
  /** The same for priority usage. */
  readonly priority?: string | PoolPricesConfig
}

/** One set of prices, or several: by provider, or by the day from which they hold. */
export type ModelConfig = PoolPricesConfig | ModelPriceConfig | readonly ModelPriceConfig[]

const poolSchema = z.union(
  [
    z.string(),
    z
      .array(z.strictObject({ upTo: z.string().nullable(), price: z.string() }))
      .min(1, 'must have a price')
      .max(20),
  ],
  'must be decimal text or a list of prices by context length',
)
const poolsSchema = named(poolSchema)
const tierSchema = z.union([z.string(), poolsSchema], 'must be a multiplier or prices by pool').optional()
const priceSchema = z.strictObject({
  provider: z.string().min(1).max(60).optional(),
  from: z.string().optional(),
  prices: poolsSchema,
  batch: tierSchema,
  priority: tierSchema,
})
const listSchema = z.array(priceSchema).min(1, 'must have prices').max(1000)

/** The shape of a model's prices; `parseModel` reads them. The shape is told from what is there, so that a mistake is named in its place. */
export const modelSchema = z.unknown().transform((value, context): z.output<typeof priceSchema>[] => {
  const parsed = Array.isArray(value) ? listSchema.safeParse(value) : parseOne(value)
  if (parsed.success) return parsed.data
  for (const { path, message } of parsed.error.issues) context.addIssue({ code: 'custom', path: [...path], message })
  return z.NEVER
})

function parseOne(value: unknown) {
  const isLong = typeof value === 'object' && value !== null && 'prices' in value
  return isLong
    ? priceSchema.transform((prices) => [prices]).safeParse(value)
    : poolsSchema.transform((prices): z.output<typeof priceSchema>[] => [{ prices }]).safeParse(value)
}

/** @throws BillingError `config_invalid` naming the place */
export function parseModel(list: z.output<typeof modelSchema>, path: string): readonly ModelOverride[] {
  const seen = new Set<string>()
  return list.map((config, index): ModelOverride => {
    const place = list.length === 1 ? path : `${path}.${index}`
    const provider = config.provider ?? null
    const from = config.from === undefined ? null : parseMoment(config.from, `${place}.from`)
    const turn = JSON.stringify([provider, from])
    if (seen.has(turn)) throw invalid(place, 'begins when another one does')
    seen.add(turn)
    const standard = parsePools(config.prices, place)
    return {
      provider,
      from,
      rates: {
        standard,
        ...(config.batch !== undefined && { batch: parseTier(config.batch, standard, `${place}.batch`) }),
        ...(config.priority !== undefined && { priority: parseTier(config.priority, standard, `${place}.priority`) }),
      },
    }
  })
}

function parseTier(config: string | PoolPricesConfig, standard: PoolPrices, path: string): PoolPrices {
  if (typeof config !== 'string') return parsePools(config, path)
  const multiplier = positive(config, path)
  if (multiplier.scale <= 6 && multiplier.coefficient < 10n ** 12n) return multipliedPrices(standard, multiplier)
  throw invalid(path, 'must have at most 6 decimals')
}

function parsePools(config: PoolPricesConfig, path: string): PoolPrices {
  const pools = Object.entries(config).map(([pool, price]): [string, readonly ContextPrice[]] => {
    const place = `${path}.${pool}`
    if (!/^[a-z][a-zA-Z0-9_]{0,39}$/.test(pool)) throw invalid(place, 'is not the name of a pool')
    if (typeof price === 'string') return [pool, [{ upTo: null, price: parsePrice(price, pool, place) }]]
    const list = price.map((entry, index): ContextPrice => {
      const at = `${place}.${index}`
      return {
        upTo: entry.upTo === null ? null : parseLength(entry.upTo, `${at}.upTo`),
        price: parsePrice(entry.price, pool, `${at}.price`),
      }
    })
    checkBounds(
      list.map(({ upTo }) => upTo),
      place,
    )
    return [pool, list]
  })
  return new Map(pools)
}

/** The price of one. Its digits are limited so that a cost, which is kept unrounded, stays a decimal that can be read back. */
function parsePrice(text: string, pool: string, path: string): Decimal {
  const price = nonNegative(text, path)
  if (price.scale <= 12 && price.coefficient < 10n ** 24n)
    return multiplyDecimal(price, normalize(1n, priceDigits(pool)))
  throw invalid(path, 'must have at most 12 decimals')
}

function parseLength(text: string, path: string): bigint {
  const value = nonNegative(text, path)
  if (value.scale === 0) return value.coefficient
  throw invalid(path, 'must be a whole number of tokens')
}

function parseMoment(text: string, path: string): number {
  try {
    return readTime(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text, 'from')
  } catch {
    throw invalid(path, 'must be a day such as 2026-11-21 or an RFC 3339 time with a zone')
  }
}
