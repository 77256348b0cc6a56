import type { BillingContext } from '../context.js'
import { decodeExact } from '../domain/exact-json.js'
import type { Instant } from '../domain/period.js'
import { type CatalogCard, decodeCatalog, decodeRates, readPriceVersion } from '../domain/price-card.js'
import type { ModelRates } from '../domain/rating/price-book.js'
import type { Rate } from '../domain/rating/rate.js'
import { termsVersion } from '../price-cards.js'

/** The prices that a version of usage stands for, as they were kept when it was first used. */
export interface KeptPrices {
  readonly version: string
  /** Where the cost comes from; `null` where no prices of models were asked. */
  readonly source: 'catalog' | 'book' | 'reported' | null
  /** `null` where no card is there. */
  readonly catalog: CatalogCard | null
  /** The version of the model's rates, and the rates; `null` where none were used, or no card is there. */
  readonly ratesVersion: string | null
  readonly rates: ModelRates | null
}

/** Reads the cards of a version. */
export async function keptPrices({ store }: BillingContext, version: string): Promise<KeptPrices> {
  const { catalog, rates, source } = readPriceVersion(version)
  const [catalogCard, ratesCard] = await Promise.all([
    store.prices.get(catalog),
    rates === null ? null : store.prices.get(rates),
  ])
  return {
    version,
    source,
    catalog: catalogCard === null ? null : decodeCatalog(catalogCard),
    ratesVersion: rates,
    rates: ratesCard === null ? null : decodeRates(ratesCard),
  }
}

/** The rate that was agreed with an account on a meter at some moment, if there was one: what the last change of its terms before it said. */
export async function agreedRate(
  { store }: BillingContext,
  accountId: string,
  meter: string,
  at: Instant,
): Promise<Rate | null> {
  let before: string | undefined
  for (;;) {
    const page = { limit: 100, operation: 'change_terms', ...(before === undefined ? {} : { before }) } as const
    const rows = await store.ledger.entries(accountId, page)
    for (const { fingerprint, recordedAt, cursor } of rows) {
      before = cursor
      if (recordedAt > at) continue
      const card = await store.prices.get(termsVersion(fingerprint))
      // A change of something else, such as the zone, keeps no card.
      if (card !== null) return (decodeExact(card) as Readonly<Record<string, Rate>>)[meter] ?? null
    }
    if (rows.length < 100) return null
  }
}
