import { calcPrice, findProvider, type ModelPrice } from '@pydantic/genai-prices'
import { type Decimal, parseDecimal } from '../core/domain/decimal.js'
import { fingerprintOf } from '../core/domain/ledger/key.js'
import {
  type ModelRates,
  multipliedPrices,
  type PoolPrices,
  type PriceBook,
  type PriceQuery,
} from '../core/domain/rating/price-book.js'
import { BillingError } from '../core/errors.js'
import { poolPrices } from './pool-prices.js'

/** What the list does not say. */
export interface GenaiPricesOptions {
  /** Multiplier on the token prices of batch usage, decimal text ("0.5"). Absent: batch usage has no price and is refused. */
  readonly batch?: string
  /** The same for priority usage. */
  readonly priority?: string
}

/**
 * The model prices of the package `@pydantic/genai-prices`, an optional peer, as data: its list is searched for the model, the provider
 * and the moment, and each rate becomes the exact decimal that it was written as. Its arithmetic, in floats, is not used.
 *
 * Prices are in USD. A pool without a price of its own has the price of the pool it is part of where vendors' lists mean it so (cached
 * input without a discount, reasoning); audio and generated images and an hour's cache never have. See docs/rating.md.
 *
 * @throws BillingError `config_invalid` for a multiplier that is not a decimal above zero
 * @example defineCatalog({ prices: genaiPrices({ batch: '0.5' }) })
 */
export function genaiPrices(options: GenaiPricesOptions = {}): PriceBook {
  const tiers = {
    ...(options.batch !== undefined && { batch: multiplier(options.batch, 'batch') }),
    ...(options.priority !== undefined && { priority: multiplier(options.priority, 'priority') }),
  }
  const known = new WeakMap<ModelPrice, ModelRates>()
  const recent = new Map<string, ModelRates | undefined>()
  const find = (query: PriceQuery): ModelRates | undefined => {
    // Prices change at most by the second, and looking a name up costs as much as all other work on an event.
    const second = Math.floor(query.at / 1000)
    const name = JSON.stringify([query.provider, query.model, second])
    if (recent.has(name)) return recent.get(name)
    if (recent.size >= 1000) recent.clear()
    const rates = ratesOf(query, second * 1000)
    recent.set(name, rates)
    return rates
  }
  const ratesOf = (query: PriceQuery, at: number): ModelRates | undefined => {
    const found = lookUp(query, new Date(at))
    if (!found) return undefined
    const rates = known.get(found.price) ?? withTiers(poolPrices(found.price, found.provider), tiers)
    if (rates) known.set(found.price, rates)
    return rates
  }
  return { version: versionOf(options), currency: 'USD', find }
}

/** Asked about no usage at all, the package says which prices hold: the look-up without the arithmetic. */
function lookUp(query: PriceQuery, at: Date): { readonly price: ModelPrice; readonly provider: string } | undefined {
  const where = query.provider === undefined ? {} : { providerId: query.provider }
  try {
    const found = calcPrice({}, query.model, { ...where, timestamp: at })
    return found ? { price: found.model_price, provider: found.provider.id } : undefined
  } catch (cause) {
    const message = `The list has prices for model ${JSON.stringify(query.model)} that contradict each other.`
    throw new BillingError('model_not_priced', message, { cause })
  }
}

function withTiers(
  standard: PoolPrices | undefined,
  tiers: { readonly batch?: Decimal; readonly priority?: Decimal },
): ModelRates | undefined {
  return (
    standard && {
      standard,
      ...(tiers.batch && { batch: multipliedPrices(standard, tiers.batch) }),
      ...(tiers.priority && { priority: multipliedPrices(standard, tiers.priority) }),
    }
  )
}

function multiplier(text: unknown, name: string): Decimal {
  const value = typeof text === 'string' ? parseDecimal(text) : undefined
  if (value && value.coefficient > 0n && value.scale <= 6) return value
  throw new BillingError(
    'config_invalid',
    `genaiPrices: ${name} must be decimal text above zero with at most 6 decimals, such as "0.5".`,
  )
}

/**
 * The package does not say its version, and its data can be replaced while it runs, so the data itself is looked at: the version this
 * was written for is called by its number, other data by its digest.
 */
function versionOf(options: GenaiPricesOptions): string {
  const digest = fingerprintOf({
    data: JSON.stringify(providerIds.map((providerId) => findProvider({ providerId }) ?? null)),
  }).slice(0, 12)
  const data = digest === digestOf.data ? digestOf.version : digest
  const multipliers = Object.entries({ batch: options.batch, priority: options.priority })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `;${name}=${value}`)
  return `genai-prices@${data}${multipliers.join('')}`
}

const digestOf = { version: '0.1.8', data: 'badbac3cfa01' } as const

/** The package has no list of its providers; these are those of the version above. */
const providerIds: readonly string[] = (
  'anthropic arcee avian aws azure baseten cerebras cloudflare cohere cursor deepseek doubleword fireworks github-copilot ' +
  'google groq huggingface_cerebras huggingface_fireworks-ai huggingface_groq huggingface_hyperbolic huggingface_nebius ' +
  'huggingface_novita huggingface_nscale huggingface_ovhcloud huggingface_publicai huggingface_sambanova ' +
  'huggingface_together minimax mistral modal moonshotai novita openai openrouter ovhcloud perplexity quicksilverpro ' +
  'together typesafe voyageai x-ai zai zhipuai'
).split(' ')
