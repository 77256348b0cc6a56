import type { CatalogData, Meter } from './catalog.js'
import { decodeExact, encodeExact } from './exact-json.js'
import type { ContextPrice, ModelOverride, ModelRates, ServiceTier } from './rating/price-book.js'

/** The part of a catalog that says what usage costs: what its version stands for. */
export interface CatalogCard extends Pick<CatalogData, 'currency' | 'spark' | 'meters' | 'models'> {
  /** The version of its price book, whose rates are kept apart, by those that were used; `null` where it had none. */
  readonly book: string | null
}

/** A catalog's rates as the text of a price card, exact to the last digit. */
export function encodeCatalog({ currency, spark, meters, models, prices }: CatalogData): string {
  const named = [...models].map(([model, overrides]) => [
    model,
    overrides.map((override) => ({ ...override, rates: tiersOf(override.rates) })),
  ])
  return encodeExact({ currency, spark, meters: [...meters.values()], models: named, book: prices?.version ?? null })
}

/** A catalog's card as JSON. */
interface CatalogText extends Omit<CatalogCard, 'meters' | 'models'> {
  readonly meters: readonly Meter[]
  readonly models: readonly (readonly [string, readonly (Omit<ModelOverride, 'rates'> & { readonly rates: Tiers })[]])[]
}

/** @throws BillingError `invariant_violated` for text that is no price card */
export function decodeCatalog(card: string): CatalogCard {
  const { meters, models, ...rest } = decodeExact(card) as CatalogText
  return {
    ...rest,
    meters: new Map(meters.map((meter) => [meter.name, meter])),
    models: new Map(
      models.map(([model, overrides]) => [model, overrides.map((each) => ({ ...each, rates: ratesOf(each.rates) }))]),
    ),
  }
}

type Tiers = { readonly [T in ServiceTier]?: readonly (readonly [pool: string, prices: readonly ContextPrice[]])[] }

/** What a model costs as the text of a price card. Equal rates have equal texts, in whatever order their pools are. */
export function encodeRates(rates: ModelRates): string {
  return encodeExact(tiersOf(rates))
}

/** @throws BillingError `invariant_violated` for text that is no price card */
export function decodeRates(card: string): ModelRates {
  return ratesOf(decodeExact(card) as Tiers)
}

function tiersOf(rates: ModelRates): Tiers {
  const tiers = (['standard', 'batch', 'priority'] as const).flatMap((tier) => {
    const prices = rates[tier]
    return prices ? [[tier, [...prices].sort(([left], [right]) => (left < right ? -1 : 1))] as const] : []
  })
  return Object.fromEntries(tiers)
}

function ratesOf(tiers: Tiers): ModelRates {
  return Object.fromEntries(Object.entries(tiers).map(([tier, prices]) => [tier, new Map(prices)]))
}

/** What was used to price usage, out of the version its row keeps: `<catalog>`, `<catalog> reported` or `<catalog> <rates>#<digest>`. */
export interface PriceVersion {
  /** The version of the catalog. */
  readonly catalog: string
  /** The version of the model's rates; `null` where none were used. */
  readonly rates: string | null
  /** Where its cost comes from: the catalog's `models`, its price book, or the caller; `null` where no prices of models were asked. */
  readonly source: 'catalog' | 'book' | 'reported' | null
}

/** The source that stands for a cost which the caller gave. */
export const reportedCost = 'reported'
/** What versions of rates begin with that the catalog names itself. */
export const ownRates = 'catalog'

/** Reads the version that a row of usage keeps. */
export function readPriceVersion(version: string): PriceVersion {
  const end = version.indexOf(' ')
  if (end < 0) return { catalog: version, rates: null, source: null }
  const catalog = version.slice(0, end)
  const rates = version.slice(end + 1)
  if (rates === reportedCost) return { catalog, rates: null, source: 'reported' }
  return { catalog, rates, source: rates.startsWith(`${ownRates}#`) ? 'catalog' : 'book' }
}
