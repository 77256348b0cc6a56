import type { BillingContext } from '../context.js'
import { decodeExact } from '../domain/exact-json.js'
import type { LedgerEntry } from '../domain/ledger/state.js'
import { type CatalogCard, decodeCatalog, decodeRates, readPriceVersion } from '../domain/price-card.js'
import type { ModelRates } from '../domain/rating/price-book.js'
import type { Rate } from '../domain/rating/rate.js'
import { termsVersion } from '../price-cards.js'
import { rowsOf } from './rows.js'

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

/**
 * The rate that was agreed with an account on a meter when a row of its usage was posted, if there was one: what the last change of its
 * terms before that row said.
 */
export async function agreedRate(
  ctx: BillingContext,
  { accountId, id, recordedAt, usage }: LedgerEntry,
): Promise<Rate | null> {
  if (usage === null) return null
  let later: ReadonlySet<string> | undefined
  for await (const { id: change, fingerprint, recordedAt: changedAt } of rowsOf(ctx, accountId, {
    operation: 'change_terms',
  })) {
    if (changedAt > recordedAt) continue
    // Of changes in the same millisecond the order of the rows decides.
    if (changedAt === recordedAt) later ??= await changesAfter(ctx, accountId, { id, recordedAt })
    if (changedAt === recordedAt && later?.has(change)) continue
    const card = await ctx.store.prices.get(termsVersion(fingerprint))
    // A change of something else, such as the zone, keeps no card.
    if (card === null) continue
    const rates = decodeExact(card) as Readonly<Record<string, Rate>>
    return Object.hasOwn(rates, usage.meter) ? (rates[usage.meter] ?? null) : null
  }
  return null
}

/** The changes of terms in a row's own millisecond that were posted after it. */
async function changesAfter(
  ctx: BillingContext,
  accountId: string,
  { id, recordedAt }: Pick<LedgerEntry, 'id' | 'recordedAt'>,
): Promise<ReadonlySet<string>> {
  const later = new Set<string>()
  for await (const row of rowsOf(ctx, accountId)) {
    if (row.id === id || row.recordedAt < recordedAt) break
    if (row.operation === 'change_terms') later.add(row.id)
  }
  return later
}
