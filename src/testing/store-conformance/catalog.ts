import type { CatalogData, Entitlement, Plan } from '../../core/domain/catalog.js'
import type { LedgerRules } from '../../core/domain/ledger/state.js'

const million = 1_000_000n

/** A plan for each way to pay; all count `ai_tokens`. */
const plans = [
  plan('credits'),
  plan('allowance', { included: million, limit: null }),
  plan('capped', { included: 0n, limit: 10n * million }),
  plan('unlimited', { included: 'unlimited', limit: null }),
  { ...plan('postpaid'), overage: true },
]

const catalog: CatalogData = {
  currency: 'USD',
  spark: { price: { coefficient: 4n, scale: 5 }, margin: { coefficient: 12n, scale: 1 } },
  meters: new Map(
    ['ai_tokens', 'storage'].map((name) => [
      name,
      {
        name,
        unit: 'unit',
        decimals: 6,
        aggregation: 'sum',
        countedBy: null,
        rate: { mode: 'by_cost' },
        nearPercent: 80,
      },
    ]),
  ),
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
export const telling: LedgerRules = { ...quiet, metering: ['meters'], tracing: ['traces'] }

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

function plan(name: string, entitlement?: Entitlement): Plan {
  const entitlements = new Map(entitlement ? [['ai_tokens', entitlement] as const] : [])
  const more = { credits: null, features: new Map<string, boolean | string>() }
  return { name, title: name, price: null, entitlements, overage: false, byo: false, ...more }
}
