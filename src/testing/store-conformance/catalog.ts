import type { Aggregation } from '../../core/domain/aggregation.js'
import type { CatalogData, Entitlement, Meter, Plan } from '../../core/domain/catalog.js'
import type { LedgerRules } from '../../core/domain/ledger/state.js'
import type { PeriodRate, Rate } from '../../core/domain/rating/rate.js'

const million = 1_000_000n

/** A plan for each way to pay; all count `ai_tokens`. */
const plans = [
  plan('credits'),
  plan('allowance', { included: million, limit: null }),
  plan('capped', { included: 0n, limit: 10n * million }),
  plan('unlimited', { included: 'unlimited', limit: null }),
  { ...plan('postpaid'), overage: true },
  { ...plan('monthly'), credits: { sparks: 10n * million, rollover: 4n * million } },
  { ...plan('bigger'), credits: { sparks: 25n * million, rollover: 0n } },
  { ...plan('seated'), entitlements: new Map([['seats', { included: 0n, limit: 5n * million }]]) },
]

const one = { coefficient: 1n, scale: 0 }
const perUnit: Rate = { mode: 'per_unit', sparks: one, per: one }
const tiers = [
  { upTo: 10n * million, sparks: { coefficient: 2n, scale: 0 }, per: one, flat: { coefficient: 0n, scale: 0 } },
  { upTo: null, sparks: one, per: one, flat: { coefficient: 0n, scale: 0 } },
]

/** The rate of the meter of that name. */
export const graduated: PeriodRate = { mode: 'graduated', tiers }

/** A meter for each way to count; those that are sums are rated by what their commands say. */
const meters: readonly Meter[] = [
  meter('ai_tokens', 'sum', { mode: 'by_cost' }),
  meter('storage', 'sum', { mode: 'by_cost' }),
  meter('graduated', 'sum', graduated),
  meter('volume', 'sum', { mode: 'volume', tiers }),
  meter('peak', 'max', perUnit),
  { ...meter('people', 'unique', perUnit), countedBy: 'user' },
  meter('seats', 'level', null),
  meter('disk', 'time_weighted', perUnit),
]

const catalog: CatalogData = {
  currency: 'USD',
  spark: { price: { coefficient: 4n, scale: 5 }, margin: { coefficient: 12n, scale: 1 } },
  meters: new Map(meters.map((each) => [each.name, each])),
  models: new Map(),
  plans: new Map(plans.map((each) => [each.name, each])),
  packages: new Map(),
  budgetDimensions: ['api_key', 'user'],
  rollupDimensions: [],
  defaultPlan: 'credits',
  version: 'v1',
}

/** Rules under which nobody is told of usage. */
export const quiet: LedgerRules = { catalog, metering: [], tracing: [], collecting: null }

/** Rules under which a metering and a tracing provider are told. */
export const telling: LedgerRules = { ...quiet, metering: ['meters'], tracing: ['traces'], collecting: 'meters' }

/** Rules whose catalog fails as soon as it is asked for this plan, which is in the middle of a batch. */
export function failingAt(planName: string, rules: LedgerRules = quiet): LedgerRules {
  class FailingPlans extends Map<string, Plan> {
    override get(name: string) {
      if (name === planName) throw new Error(`the catalog fails at ${planName}`)
      return super.get(name)
    }
    override has(name: string) {
      return this.get(name) !== undefined
    }
  }
  return { ...rules, catalog: { ...catalog, plans: new FailingPlans(catalog.plans) } }
}

function meter(name: string, aggregation: Aggregation, rate: Rate | null): Meter {
  return { name, unit: 'unit', decimals: 6, aggregation, countedBy: null, rate, nearPercent: 80 }
}

function plan(name: string, entitlement?: Entitlement): Plan {
  const entitlements = new Map(entitlement ? [['ai_tokens', entitlement] as const] : [])
  const more = { credits: null, features: new Map<string, boolean | string>() }
  return { name, title: name, price: null, entitlements, overage: false, byo: false, ...more }
}
