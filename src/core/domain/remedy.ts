import type { CatalogData, CreditPackage, Plan } from './catalog.js'
import { type CoverageRequest, coverUsage } from './ledger/entitlement.js'
import type { MicroSparks, MicroUnits } from './sparks.js'

/** What would let a refused request through. */
export type Remedy =
  /** Buy credits; the smallest package that suffices, if one does. */
  | { readonly kind: 'top_up'; readonly package: string | null; readonly missingSparks: MicroSparks }
  /** Take the cheapest plan under which it would pass. */
  | { readonly kind: 'upgrade'; readonly plan: string }
  /** Ask for no more than this, in micro-units. */
  | { readonly kind: 'smaller_request'; readonly quantity: MicroUnits }
  /** Wait for the next period, in milliseconds since the epoch. */
  | { readonly kind: 'wait'; readonly until: number }

/** Remedies for a request that was refused, the quickest first. */
export function remediesFor(request: CoverageRequest, affordable: MicroUnits): readonly Remedy[] {
  const coverage = coverUsage(request)
  if (coverage.refusedBy === null || coverage.refusedBy === 'suspended') return []
  const remedies: Remedy[] = []
  if (coverage.refusedBy === 'insufficient_credits') {
    const missing = coverage.shortfall + (request.account.balance < 0n ? -request.account.balance : 0n)
    remedies.push({
      kind: 'top_up',
      package: smallestPackage(request.catalog, missing)?.name ?? null,
      missingSparks: missing,
    })
  }
  const plan = cheapestPlan(request)
  if (plan) remedies.push({ kind: 'upgrade', plan: plan.name })
  if (affordable > 0n) remedies.push({ kind: 'smaller_request', quantity: affordable })
  if (request.counter && coverage.refusedBy === 'quota_exceeded')
    remedies.push({ kind: 'wait', until: request.counter.endsAt })
  return remedies
}

function smallestPackage(catalog: CatalogData, missing: MicroSparks): CreditPackage | undefined {
  const enough = [...catalog.packages.values()].filter((offer) => offer.sparks >= missing)
  return enough.reduce<CreditPackage | undefined>(
    (best, offer) => (best && best.sparks <= offer.sparks ? best : offer),
    undefined,
  )
}

function cheapestPlan(request: CoverageRequest): Plan | undefined {
  const passing = [...request.catalog.plans.values()].filter((plan) => {
    const isOther = plan.name !== request.account.plan && plan.price !== null
    return isOther && coverUsage({ ...request, account: { ...request.account, plan: plan.name } }).refusedBy === null
  })
  const cost = (plan: Plan) => plan.price?.amount.nanos ?? 0n
  return passing.reduce<Plan | undefined>((best, plan) => (best && cost(best) <= cost(plan) ? best : plan), undefined)
}
