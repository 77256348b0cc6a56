import type { BillingContext } from '../context.js'
import type { CatalogData } from '../domain/catalog.js'
import { decimal } from '../domain/decimal.js'
import type { RatedUsage } from '../domain/ledger/command.js'
import type { EntryUsage, LedgerEntry } from '../domain/ledger/state.js'
import { type CatalogCard, readPriceVersion } from '../domain/price-card.js'
import type { ModelRates } from '../domain/rating/price-book.js'
import { isPeriodRated, type PeriodRate, type Rate } from '../domain/rating/rate.js'
import { rateUsage } from '../domain/rating/rate-usage.js'
import { BillingError } from '../errors.js'
import { shareRates } from '../price-cards.js'
import { quoted } from './fields.js'
import { agreedRate, keptPrices } from './kept-prices.js'
import { type Measure, rate } from './rate.js'

/** The prices that held for an event when it was recorded, whatever they are by now. */
export interface PricesAtUse {
  /** The catalog with the rates of the event's own version. */
  readonly catalog: CatalogData
  /** Of its model, where they were used. */
  readonly rates: ModelRates | null
  /** What was agreed with the account on its meter. */
  readonly agreed: Rate | null
  /** The rate that looks at its period's total, if that is how it was rated. */
  readonly ofTotal: PeriodRate | null
}

/** Looks up the prices of an event. Where no card of its version is kept, those of today have to stand for them. */
export async function pricesAtUse(
  ctx: BillingContext,
  entry: LedgerEntry & { readonly usage: EntryUsage },
): Promise<PricesAtUse> {
  const { usage } = entry
  const [kept, agreed] = await Promise.all([keptPrices(ctx, usage.priceVersion), agreedRate(ctx, entry)])
  const { catalog: version } = readPriceVersion(usage.priceVersion)
  const catalog = kept.catalog ? catalogOf(ctx.catalog, kept.catalog, version) : ctx.catalog
  const own = agreed ?? catalog.meters.get(usage.meter)?.rate
  return { catalog, rates: kept.rates, agreed, ofTotal: own && isPeriodRated(own) ? own : null }
}

/** What a catalog was, out of its card; a price book of today says what held when, where there was one. */
function catalogOf(today: CatalogData, { book, ...card }: CatalogCard, version: string): CatalogData {
  const { prices, ...rest } = today
  return { ...rest, ...card, ...(book !== null && prices ? { prices } : {}), version }
}

/**
 * Rates another measure of an event at the prices that held for it. Of another model than its own they are what its catalog said at the
 * time. A model that had no price then costs what a dated price of today says of that moment; one without a date says nothing of it.
 *
 * @throws BillingError as `rate`
 */
export function rateAtUse(
  ctx: BillingContext,
  { catalog, rates, agreed }: PricesAtUse,
  event: EntryUsage,
  measure: Measure,
): RatedUsage {
  const isOwnModel = measure.model === event.model && (measure.provider ?? null) === event.provider
  const own = isOwnModel && rates && event.model !== null ? { model: event.model, rates } : null
  const models = own ? new Map([[own.model, [{ provider: null, from: null, rates: own.rates }]]]) : catalog.models
  const priced = { ...catalog, models }
  const to = rateThen(ctx.catalog, priced, event, measure)
  const usesOwn = own !== null && readPriceVersion(to.priceVersion).rates !== null
  const rated = usesOwn ? { ...to, priceVersion: event.priceVersion } : to
  if (!agreed) return rated
  if (isPeriodRated(agreed)) return { ...rated, sparks: 0n }
  const costUsd = to.costUsd === null ? undefined : decimal(to.costUsd)
  return { ...rated, sparks: rateUsage({ quantity: to.quantity, costUsd }, agreed, catalog.spark) }
}

function rateThen(today: CatalogData, then: CatalogData, event: EntryUsage, measure: Measure): RatedUsage {
  const rated = (models: CatalogData['models']) => {
    const catalog = { ...then, models }
    shareRates(catalog, today)
    return rate(catalog, event.meter, measure, event.occurredAt, event.dimensions)
  }
  try {
    return rated(then.models)
  } catch (error) {
    const { model } = measure
    const dated = today.models.get(model ?? '')?.filter(({ from }) => from !== null && from <= event.occurredAt) ?? []
    if (!BillingError.is(error) || error.code !== 'model_not_priced' || model === undefined || model === event.model)
      throw error
    if (dated.length > 0) return rated(new Map([[model, dated]]))
    const day = new Date(event.occurredAt).toISOString()
    const message = `No price of model ${quoted(model)} is known for ${day}: say what it cost (costUsd), or give its price a date (from).`
    throw new BillingError('model_not_priced', message, { details: error.details, cause: error })
  }
}
