import { isLevel } from '../domain/aggregation.js'
import type { CatalogData, Meter } from '../domain/catalog.js'
import { type Decimal, decimal, formatDecimal, normalize } from '../domain/decimal.js'
import type { RatedUsage } from '../domain/ledger/command.js'
import type { Instant } from '../domain/period.js'
import { ownRates, reportedCost } from '../domain/price-card.js'
import { modelCost } from '../domain/rating/model-cost.js'
import { findOverride, type ServiceTier } from '../domain/rating/price-book.js'
import { isPeriodRated, type Rate } from '../domain/rating/rate.js'
import { rateUsage } from '../domain/rating/rate-usage.js'
import { isTokenPool } from '../domain/rating/token-pool.js'
import { formatQuantity, maximumStored, microPerUnit } from '../domain/sparks.js'
import { BillingError, invariant } from '../errors.js'
import { versionWithRates } from '../price-cards.js'
import { quoted } from './fields.js'

/** What a caller measured, parsed. */
export interface Measure {
  readonly quantity?: bigint | undefined
  readonly tokens?: Readonly<Record<string, number>> | undefined
  readonly model?: string | undefined
  readonly provider?: string | undefined
  /** Default `standard`. */
  readonly serviceTier?: ServiceTier | undefined
  /** Decimal text of at least zero, checked. */
  readonly costUsd?: string | undefined
  /** Whether it may be that nothing was used, as when a hold is captured for work that did not happen. */
  readonly allowsZero?: boolean
}

/**
 * Turns a measure into rated usage by the meter's rate and the prices that hold at `at`: when it was used.
 *
 * Where the rate looks at the period's total (`isPeriodRated`), `sparks` is 0 here: only the ledger knows the total, and posts what
 * `priceOfTotal` says under its lock.
 *
 * @throws BillingError `invalid_request` for an unknown meter or a measure the meter cannot be rated by, `invalid_quantity`,
 * `amount_out_of_range`, `model_not_priced`
 */
export function rate(
  catalog: CatalogData,
  meterName: string,
  measure: Measure,
  at: Instant,
  dimensions: Readonly<Record<string, string>> = {},
): RatedUsage {
  const meter = requireMeter(catalog, meterName)
  if (measure.quantity !== undefined && measure.tokens !== undefined) {
    throw new BillingError('invalid_request', 'Give either quantity or tokens, not both.')
  }
  const counted = countOf(meter, measure, dimensions)
  if (counted === undefined && measure.costUsd === undefined)
    throw new BillingError('invalid_request', 'quantity is missing.')
  if (counted !== undefined) checkDecimals(meter, counted)
  const cost = costOf(catalog, meter.rate, measure, at)
  const sparks = sparksOf(catalog, meter.rate, counted, cost?.amount)
  if (sparks > maximumStored)
    throw new BillingError(
      'amount_out_of_range',
      'The usage is more Sparks than can be stored (2^63 - 1 micro-sparks).',
    )
  return {
    meter: meter.name,
    quantity: counted ?? 0n,
    sparks,
    costUsd: cost ? (measure.costUsd ?? formatDecimal(cost.amount)) : null,
    model: measure.model ?? null,
    provider: measure.provider ?? null,
    serviceTier: measure.model === undefined ? null : (measure.serviceTier ?? 'standard'),
    tokens: measure.tokens ?? null,
    dimensions,
    priceVersion: cost?.version ?? catalog.version,
  }
}

/** Usage that could not be rated: what a command carries that is refused, unless its key was answered before. */
export const unrated: RatedUsage = {
  meter: '',
  quantity: 0n,
  sparks: 0n,
  costUsd: null,
  model: null,
  provider: null,
  serviceTier: null,
  tokens: null,
  dimensions: {},
  priceVersion: '',
}

/** @throws BillingError `invalid_request` */
export function requireMeter(catalog: CatalogData, name: string): Meter {
  const meter = catalog.meters.get(name)
  if (meter) return meter
  const known = [...catalog.meters.keys()].join(', ')
  throw new BillingError('invalid_request', `The catalog has no meter ${quoted(name)}; it has ${known}.`)
}

/** How many units were reported: of a meter that counts events or values, each event is one. */
function countOf(meter: Meter, measure: Measure, dimensions: Readonly<Record<string, string>>): bigint | undefined {
  const { quantity, tokens } = measure
  if (meter.countedBy !== null && dimensions[meter.countedBy] === undefined) {
    throw new BillingError(
      'invalid_request',
      `${meter.name} counts the values of ${meter.countedBy}: give that dimension.`,
    )
  }
  if (meter.aggregation === 'count' || meter.aggregation === 'unique') {
    if (tokens === undefined && (quantity ?? microPerUnit) === microPerUnit) return microPerUnit
    throw new BillingError(
      'invalid_quantity',
      `${meter.name} counts events: each is one, and quantity may be left out.`,
    )
  }
  if (quantity === 0n && !isLevel(meter.aggregation) && measure.allowsZero !== true)
    throw new BillingError('invalid_quantity', 'quantity must be above zero.')
  return quantity ?? (tokens && countTokens(tokens))
}

/** Calls and pages among the pools have prices, but are no tokens. */
function countTokens(tokens: Readonly<Record<string, number>>): bigint {
  let total = 0
  for (const pool in tokens) if (isTokenPool(pool)) total += tokens[pool] ?? 0
  invariant(Number.isSafeInteger(total), 'more tokens than a double counts')
  return BigInt(total) * microPerUnit
}

function checkDecimals(meter: Meter, quantity: bigint): void {
  if (quantity % microPerUnit === 0n || normalize(quantity, 6).scale <= meter.decimals) return
  const message = `${formatQuantity(quantity)} has more decimals than ${meter.name} counts (${meter.decimals}).`
  throw new BillingError('invalid_quantity', message)
}

function sparksOf(
  catalog: CatalogData,
  rate: Rate | null,
  quantity: bigint | undefined,
  cost: Decimal | undefined,
): bigint {
  if (rate === null) return 0n
  if (!isPeriodRated(rate)) return rateUsage({ quantity, costUsd: cost }, rate, catalog.spark)
  if (quantity !== undefined) return 0n
  throw new BillingError(
    'invalid_request',
    "This meter is rated by the period's total: give a quantity, or tokens to count.",
  )
}

/** A cost before margin, and the version that says where it comes from. */
interface Cost {
  readonly amount: Decimal
  readonly version: string
}

function costOf(catalog: CatalogData, rate: Rate | null, measure: Measure, at: Instant): Cost | undefined {
  if (measure.costUsd !== undefined)
    return { amount: decimal(measure.costUsd), version: `${catalog.version} ${reportedCost}` }
  const isByCost = rate?.mode === 'by_cost' || rate?.mode === 'larger'
  const { tokens, model, provider, serviceTier = 'standard' } = measure
  if (!isByCost || !tokens || model === undefined) return undefined
  const query = { model, provider, at }
  const usage = { model, tokens, serviceTier }
  const own = findOverride(catalog.models.get(model) ?? [], query)
  if (own) return { amount: modelCost(own, usage), version: versionWithRates(catalog, ownRates, own) }
  const found = catalog.prices?.find(query)
  if (found && catalog.prices)
    return { amount: modelCost(found, usage), version: versionWithRates(catalog, catalog.prices.version, found) }
  const where = catalog.prices ? `Neither the catalog nor ${catalog.prices.version} has a` : 'The catalog has no'
  const served = provider === undefined ? '' : ` of provider ${quoted(provider)}`
  throw new BillingError('model_not_priced', `${where} price for model ${quoted(model)}${served}.`, {
    details: { model, ...(provider !== undefined && { provider }) },
  })
}
