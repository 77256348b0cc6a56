import type { Aggregation } from '../../src/core/domain/aggregation.js'
import type { CatalogData, Entitlement, Meter, Plan } from '../../src/core/domain/catalog.js'
import type { LedgerRules } from '../../src/core/domain/ledger/state.js'
import type { Rate } from '../../src/core/domain/rating/rate.js'

export const million = 1_000_000n

const whole = (coefficient: bigint) => ({ coefficient, scale: 0 })
const half = { coefficient: 5n, scale: 1 }

/** Two Sparks a unit up to five, then half a Spark, after three Sparks for getting there. */
const tiers = [
  { upTo: 5n * million, sparks: whole(2n), per: whole(1n), flat: whole(0n) },
  { upTo: null, sparks: half, per: whole(1n), flat: whole(3n) },
]

export const graduated: Rate = { mode: 'graduated', tiers }
export const volume: Rate = { mode: 'volume', tiers }
/** A third of a Spark has no end as a decimal. */
export const perThree: Rate = { mode: 'per_unit', sparks: whole(1n), per: whole(3n) }

/** A meter for each way to count and to price. The first two cost what their commands say. */
const meters: readonly Meter[] = [
  meter('tokens', 'sum', { mode: 'by_cost' }),
  meter('calls', 'count', { mode: 'flat', sparks: whole(1n) }),
  meter('tiered', 'sum', graduated),
  meter('bulk', 'sum', volume),
  meter('packs', 'sum', { mode: 'package', sparks: whole(3n), per: whole(2n) }),
  meter('peak', 'max', perThree),
  { ...meter('people', 'unique', perThree), countedBy: 'user' },
  meter('seats', 'level', null),
  meter('disk', 'time_weighted', { mode: 'per_unit', sparks: whole(2n), per: whole(1n) }),
]

export const meterNames: readonly string[] = meters.map(({ name }) => name)
/** Meters whose use can be reserved. */
export const holdable: readonly string[] = ['tokens', 'calls', 'tiered', 'bulk', 'packs']

const included = (units: bigint, limit: bigint | null = null): Entitlement => ({
  included: units * million,
  limit: limit === null ? null : limit * million,
})
const endless: Entitlement = { included: 'unlimited', limit: null }

/** A plan for each way to pay. */
const plans: readonly Plan[] = [
  plan('credits', {}),
  plan('allowance', { tokens: included(9n), tiered: included(3n), disk: included(1n), peak: included(2n) }),
  plan('capped', {
    tokens: included(2n, 20n),
    calls: included(0n, 9n),
    seats: included(0n, 4n),
    peak: included(1n, 5n),
    people: included(1n, 2n),
    disk: included(0n, 2n),
    tiered: included(0n, 12n),
  }),
  plan('unlimited', { tokens: endless, tiered: endless, disk: endless }),
  { ...plan('own_keys', { tokens: included(0n, 15n) }), byo: true },
  { ...plan('postpaid', { tokens: included(4n), bulk: included(2n) }), overage: true },
  { ...plan('monthly', { tokens: included(3n) }), credits: { sparks: 10n * million, rollover: 4n * million } },
  { ...plan('bigger', { packs: included(3n) }), credits: { sparks: 25n * million, rollover: 0n } },
]

export const planNames: readonly string[] = plans.map(({ name }) => name)

export const catalog: CatalogData = {
  currency: 'USD',
  spark: { price: { coefficient: 4n, scale: 5 }, margin: { coefficient: 12n, scale: 1 } },
  meters: new Map(meters.map((each) => [each.name, each])),
  models: new Map(),
  plans: new Map(plans.map((each) => [each.name, each])),
  packages: new Map(),
  budgetDimensions: ['api_key', 'user'],
  rollupDimensions: ['feature'],
  defaultPlan: 'credits',
  version: 'v1',
}

/** Two providers are told of usage, of which one or the other collects what is postpaid, and one is told of every event. */
export const rules: LedgerRules = {
  catalog,
  metering: ['meters', 'others'],
  tracing: ['traces'],
  collecting: 'meters',
}

function meter(name: string, aggregation: Aggregation, rate: Rate | null): Meter {
  return { name, unit: 'unit', decimals: 6, aggregation, countedBy: null, rate, nearPercent: 80 }
}

function plan(name: string, entitlements: Readonly<Record<string, Entitlement>>): Plan {
  return {
    name,
    title: name,
    price: null,
    entitlements: new Map(Object.entries(entitlements)),
    overage: false,
    byo: false,
    credits: null,
    features: new Map(),
  }
}
