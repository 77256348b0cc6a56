import type { CatalogData, Meter } from './domain/catalog.js'
import type { LedgerCommand } from './domain/ledger/command.js'
import { fingerprintOf } from './domain/ledger/key.js'
import { encodeCatalog, encodeRates, readPriceVersion } from './domain/price-card.js'
import type { ModelRates } from './domain/rating/price-book.js'
import { BillingError, withOutcome } from './errors.js'
import type { PriceStore } from './ports/store.js'

/** Sees to it that every version that usage names can be looked up later, also by a process with other prices. */
export interface PriceCards {
  /**
   * Keeps the catalog's own card, and how each of its meters counts, before anything else is asked of the store.
   *
   * @throws BillingError `config_invalid` for a meter that counts in another way than it did
   */
  begin(prices: PriceStore): Promise<void>
  /** Keeps the rates that these commands name and that were not kept yet; `null` where there are none, as for nearly all commands. */
  keep(commands: readonly LedgerCommand[], prices: PriceStore): Promise<void> | null
}

export function createPriceCards(catalog: CatalogData): PriceCards {
  const kept = new Set<string>()
  return {
    async begin(prices) {
      await keepOnce(prices, catalog.version, () => encodeCatalog(catalog))
      kept.add(catalog.version)
      await Promise.all([...catalog.meters.values()].map((meter) => keepCounting(prices, meter)))
    },
    keep(commands, prices) {
      let missing: Set<string> | null = null
      for (const command of commands) {
        const version = versionIn(command)
        if (version === undefined || kept.has(version)) continue
        missing ??= new Set()
        missing.add(version)
      }
      return missing && keepAll(catalog, prices, missing, kept)
    },
  }
}

/** Nearly always the card is there: another process, or this one before, kept it. Then nothing is written. */
async function keepOnce(prices: PriceStore, version: string, card: () => string): Promise<void> {
  if ((await prices.get(version)) === null) await prices.keep(version, card())
}

/** What a meter has counted in a period would mean nothing under another rule, so it has one for ever: the first it was used with. */
async function keepCounting(prices: PriceStore, { name, aggregation, countedBy }: Meter): Promise<void> {
  const counting = countedBy === null ? aggregation : `${aggregation} of ${countedBy}`
  const version = `meter#${name}`
  await keepOnce(prices, version, () => counting)
  const before = await prices.get(version)
  if (before === null || before === counting) return
  const message = `Catalog: meters.${name}: counts ${counting}, and has counted ${before} in this database: give what is counted in another way a meter of another name.`
  throw new BillingError('config_invalid', message, {
    details: { path: `meters.${name}.aggregation`, before, after: counting },
  })
}

async function keepAll(
  catalog: CatalogData,
  prices: PriceStore,
  versions: ReadonlySet<string>,
  kept: Set<string>,
): Promise<void> {
  try {
    for (const version of versions) {
      const { rates: name } = readPriceVersion(version)
      const rates = name === null ? undefined : usedBy(catalog).rates.get(name)
      if (name !== null && rates) await keepOnce(prices, name, () => encodeRates(rates))
      kept.add(version)
    }
  } catch (error) {
    // Whether or not the card is there, no command of the batch was sent.
    throw BillingError.is(error) ? withOutcome(error, 'not_applied') : error
  }
}

function versionIn(command: LedgerCommand): string | undefined {
  switch (command.kind) {
    case 'usage':
      return command.usage.priceVersion
    case 'amend':
      return command.usage?.priceVersion
    default:
      return undefined
  }
}

/** Rates that usage was priced at, and the versions it names them by. */
interface UsedRates {
  readonly versions: WeakMap<ModelRates, string>
  readonly rates: Map<string, ModelRates>
}

const used = new WeakMap<CatalogData, UsedRates>()

function usedBy(catalog: CatalogData): UsedRates {
  let found = used.get(catalog)
  if (!found) {
    found = { versions: new WeakMap(), rates: new Map() }
    used.set(catalog, found)
  }
  return found
}

/** The version that usage priced at these rates names; a digest tells rates of one source apart. Looked up, but for the first time. */
export function versionWithRates(catalog: CatalogData, source: string, rates: ModelRates): string {
  const known = usedBy(catalog)
  let version = known.versions.get(rates)
  if (version === undefined) {
    const name = `${source}#${fingerprintOf({ rates: encodeRates(rates) }).slice(0, 12)}`
    version = `${catalog.version} ${name}`
    known.versions.set(rates, version)
    known.rates.set(name, rates)
  }
  return version
}

/** Has the rates that usage is priced at with one catalog kept as if it were with the other. */
export function shareRates(of: CatalogData, other: CatalogData): void {
  used.set(of, { versions: new WeakMap(), rates: usedBy(other).rates })
}

/** The name under which the rates that were agreed with an account are kept, by the fingerprint of the row that changed its terms. */
export function termsVersion(fingerprint: string): string {
  return `terms#${fingerprint}`
}
