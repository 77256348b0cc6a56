import { BillingError } from '../../errors.js'
import { addDecimal, type Decimal, multiplyDecimal } from '../decimal.js'
import type { ContextPrice, ModelRates, ServiceTier } from './price-book.js'
import { isInputPool } from './token-pool.js'

/** What one request to a model used. */
export interface ModelUsage {
  readonly model: string
  /** Counts by pool; no token is in two of them. */
  readonly tokens: Readonly<Record<string, number>>
  readonly serviceTier: ServiceTier
}

/**
 * The exact cost of one request, unrounded: each pool's count at its price for a request of so many input tokens. A fee per request
 * (pool `requests`) is owed once where the model has one, unless the counts say for how many requests they stand.
 *
 * @throws BillingError `model_not_priced` for a service tier without prices, or a count above zero in a pool without a price
 */
export function modelCost(rates: ModelRates, usage: ModelUsage): Decimal {
  return costLines(rates, usage).reduce((total, { cost }) => addDecimal(total, cost), zero)
}

/** What one pool of a request costs. */
export interface CostLine {
  readonly pool: string
  readonly count: number
  /** The price of one. */
  readonly price: Decimal
  readonly cost: Decimal
}

/** The cost of one request pool by pool, those in which nothing was counted left out. @throws BillingError as `modelCost` */
export function costLines(rates: ModelRates, usage: ModelUsage): readonly CostLine[] {
  const prices = rates[usage.serviceTier]
  if (!prices) {
    const message = `Model ${named(usage.model)} has no prices for service tier ${usage.serviceTier}.`
    throw new BillingError('model_not_priced', message, { details: { serviceTier: usage.serviceTier } })
  }
  const tokens: Readonly<Record<string, number>> = prices.has('requests')
    ? { requests: 1, ...usage.tokens }
    : usage.tokens
  const counts = Object.entries(tokens)
  const context = counts.reduce((total, [pool, count]) => (isInputPool(pool) ? total + BigInt(count) : total), 0n)
  const lines: CostLine[] = []
  for (const [pool, count] of counts) {
    if (count === 0) continue
    const list = prices.get(pool)
    if (!list) {
      const message = `Model ${named(usage.model)} has no price for ${pool}. No token is in two pools: see docs/rating.md.`
      throw new BillingError('model_not_priced', message, { details: { pool } })
    }
    const price = priceAt(list, context)
    lines.push({ pool, count, price, cost: multiplyDecimal(price, { coefficient: BigInt(count), scale: 0 }) })
  }
  return lines
}

const zero: Decimal = { coefficient: 0n, scale: 0 }

function priceAt(prices: readonly ContextPrice[], context: bigint): Decimal {
  const found = prices.find(({ upTo }) => upTo === null || context <= upTo)
  if (found) return found.price
  throw new BillingError('invariant_violated', `No price of the pool holds for ${context} input tokens.`)
}

/** A caller's text in a message: enough of it to be recognised. */
function named(model: string): string {
  return JSON.stringify(model.length > 60 ? `${model.slice(0, 60)}…` : model)
}
