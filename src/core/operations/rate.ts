import type { CatalogData, Meter } from '../domain/catalog.js'
import { addDecimal, type Decimal, decimal, formatDecimal, multiplyDecimal, normalize } from '../domain/decimal.js'
import type { RatedUsage } from '../domain/ledger/command.js'
import { formatQuantity, maximumStored, microPerUnit, rateUsage } from '../domain/sparks.js'
import { BillingError } from '../errors.js'
import { quoted } from './fields.js'

/** What a caller measured, parsed. */
export interface Measure {
  readonly quantity?: bigint | undefined
  readonly tokens?: Readonly<Record<string, number>> | undefined
  readonly model?: string | undefined
  /** Decimal text of at least zero, checked. */
  readonly costUsd?: string | undefined
}

/**
 * Turns a measure into rated usage by the meter's rate and the catalog's prices.
 *
 * @throws BillingError `invalid_request` for an unknown meter or a measure the meter cannot be rated by, `invalid_quantity`,
 * `amount_out_of_range`, `model_not_priced`
 */
export function rate(
  catalog: CatalogData,
  meterName: string,
  measure: Measure,
  dimensions: Readonly<Record<string, string>> = {},
): RatedUsage {
  const meter = requireMeter(catalog, meterName)
  if (measure.quantity !== undefined && measure.tokens !== undefined) {
    throw new BillingError('invalid_request', 'Give either quantity or tokens, not both.')
  }
  const counted = measure.quantity ?? (measure.tokens && countTokens(measure.tokens))
  if (counted === undefined && measure.costUsd === undefined)
    throw new BillingError('invalid_request', 'quantity is missing.')
  if (counted !== undefined) checkDecimals(meter, counted)
  const cost = meter.rate.mode === 'per_unit' && measure.costUsd === undefined ? undefined : costOf(catalog, measure)
  const sparks = rateUsage({ quantity: counted, costUsd: cost }, meter.rate, catalog.spark)
  if (sparks > maximumStored)
    throw new BillingError(
      'amount_out_of_range',
      'The usage is more Sparks than can be stored (2^63 - 1 micro-sparks).',
    )
  return {
    meter: meter.name,
    quantity: counted ?? 0n,
    sparks,
    costUsd: cost === undefined ? null : formatDecimal(cost),
    model: measure.model ?? null,
    tokens: measure.tokens ?? null,
    dimensions,
    priceVersion: catalog.version,
  }
}

/** @throws BillingError `invalid_request` */
export function requireMeter(catalog: CatalogData, name: string): Meter {
  const meter = catalog.meters.get(name)
  if (meter) return meter
  const known = [...catalog.meters.keys()].join(', ')
  throw new BillingError('invalid_request', `The catalog has no meter ${quoted(name)}; it has ${known}.`)
}

function countTokens(tokens: Readonly<Record<string, number>>): bigint {
  return Object.values(tokens).reduce((total, count) => total + BigInt(count), 0n) * microPerUnit
}

function checkDecimals(meter: Meter, quantity: bigint): void {
  if (normalize(quantity, 6).scale <= meter.decimals) return
  const message = `${formatQuantity(quantity)} has more decimals than ${meter.name} counts (${meter.decimals}).`
  throw new BillingError('invalid_quantity', message)
}

const perMillion: Decimal = decimal('0.000001')

function costOf(catalog: CatalogData, measure: Measure): Decimal | undefined {
  if (measure.costUsd !== undefined) return decimal(measure.costUsd)
  if (!measure.tokens || measure.model === undefined) return undefined
  const prices = catalog.models.get(measure.model)
  if (!prices)
    throw new BillingError('model_not_priced', `The catalog has no price for model ${quoted(measure.model)}.`)
  let total: Decimal = { coefficient: 0n, scale: 0 }
  for (const [pool, count] of Object.entries(measure.tokens)) {
    const price = prices.get(pool)
    if (!price && count > 0)
      throw new BillingError('model_not_priced', `Model ${quoted(measure.model)} has no price for ${pool} tokens.`)
    if (price)
      total = addDecimal(
        total,
        multiplyDecimal(multiplyDecimal(price, { coefficient: BigInt(count), scale: 0 }), perMillion),
      )
  }
  return total
}
