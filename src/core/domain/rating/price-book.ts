import { type Decimal, multiplyDecimal } from '../decimal.js'
import type { Instant } from '../period.js'
import { isTokenPool } from './token-pool.js'

/** How fast a provider was asked to answer; each has prices of its own. */
export type ServiceTier = 'standard' | 'batch' | 'priority'

/** The price of one token or call while a request has at most `upTo` input tokens, inclusive; `null` for any number. */
export interface ContextPrice {
  readonly upTo: bigint | null
  readonly price: Decimal
}

/** What each pool costs. Context prices rise in `upTo` and end with an open one. A pool that is not there has no price. */
export type PoolPrices = ReadonlyMap<string, readonly ContextPrice[]>

/** What a model costs at one moment, by service tier. A tier that is not there is not priced. */
export type ModelRates = { readonly [T in ServiceTier]?: PoolPrices }

/** Which model's prices are asked for, and for when. */
export interface PriceQuery {
  /** Who served the model, where several serve one of that name. */
  readonly provider?: string | undefined
  readonly model: string
  readonly at: Instant
}

/** Prices of models, from outside of the catalog: `genaiPrices()` of `billfold/prices`, or a list of your own. */
export interface PriceBook {
  /** Changes whenever a price does; kept on every usage event that was priced by it. */
  readonly version: string
  /** ISO 4217, of every price in it; the catalog's own currency must be the same. */
  readonly currency: string
  /** Synchronous and without effects; quickest where equal rates are one object. `undefined` for a model it does not know: it is refused, never free. */
  find(query: PriceQuery): ModelRates | undefined
}

/** Prices of a model that the catalog names itself; they win over the book. */
export interface ModelOverride {
  /** Only for usage of this provider; `null` for any. */
  readonly provider: string | null
  /** The first moment of these prices; `null` for always. */
  readonly from: Instant | null
  readonly rates: ModelRates
}

/** The override that holds: of those that name the provider, or else of those that name none, the latest that has begun. */
export function findOverride(overrides: readonly ModelOverride[], query: PriceQuery): ModelRates | undefined {
  const begun = overrides.filter(({ from }) => from === null || from <= query.at)
  const own = begun.filter(({ provider }) => provider !== null && provider === query.provider)
  const candidates = own.length > 0 ? own : begun.filter(({ provider }) => provider === null)
  const latest = candidates.reduce<ModelOverride | undefined>(
    (best, next) => (best && (best.from ?? -Infinity) >= (next.from ?? -Infinity) ? best : next),
    undefined,
  )
  return latest?.rates
}

/** Prices of a service tier that is sold at a multiple of the standard one. That is said of tokens: calls and pages keep their price. */
export function multipliedPrices(prices: PoolPrices, multiplier: Decimal): PoolPrices {
  const multiplied = [...prices].map(([pool, list]): [string, readonly ContextPrice[]] => {
    const times = (entry: ContextPrice) => ({ ...entry, price: multiplyDecimal(entry.price, multiplier) })
    return [pool, isTokenPool(pool) ? list.map(times) : list]
  })
  return new Map(multiplied)
}
