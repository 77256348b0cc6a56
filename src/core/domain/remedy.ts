import type { CatalogData, CreditPackage, Plan } from './catalog.js'
import { type Coverage, type CoverageRequest, coverUsage } from './ledger/entitlement.js'
import type { Instant } from './period.js'
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
    const missing = missingSparks(request, coverage)
    remedies.push({
      kind: 'top_up',
      package: smallestPackage(request.catalog, missing)?.name ?? null,
      missingSparks: missing,
    })
  }
  const plan = cheapestPlan(request)
  if (plan) remedies.push({ kind: 'upgrade', plan: plan.name })
  if (affordable > 0n) remedies.push({ kind: 'smaller_request', quantity: affordable })
  const isCount = coverage.refusedBy === 'quota_exceeded' || coverage.refusedBy === 'budget_exceeded'
  const until = isCount ? passesAt(request) : null
  if (until !== null) remedies.push({ kind: 'wait', until })
  return remedies
}

/** The credits that have to be added so that the request passes: also those that are owed, and those that holds have reserved. */
export function missingSparks({ account }: CoverageRequest, { shortfall }: Coverage): MicroSparks {
  if (shortfall === 0n || account.held <= account.balance) return shortfall
  return shortfall + account.held - account.balance
}

/** When the same request would be let through with nothing changed but the counts, which begin again then; `null` for never. */
export function passesAt(request: CoverageRequest): Instant | null {
  const passes = (change: Partial<CoverageRequest>) => coverUsage({ ...request, ...change }).refusedBy === null
  const counter = request.counter && { ...request.counter, used: 0n, held: 0n, allowance: 0n, heldAllowance: 0n }
  const budgets = request.budgets.map((budget) => (budget.endsAt === null ? budget : { ...budget, used: 0n, held: 0n }))
  if (!passes({ counter, budgets })) return null
  const resets = [
    ...(counter === null || passes({ budgets }) ? [] : [counter.endsAt]),
    ...(passes({ counter }) ? [] : budgets.flatMap(({ endsAt }) => endsAt ?? [])),
  ]
  return resets.length === 0 ? null : Math.max(...resets)
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
  return passing.reduce<Plan | undefined>(
    (best, plan) => (best && nanosPerYear(best) <= nanosPerYear(plan) ? best : plan),
    undefined,
  )
}

/** What a plan costs in the same time as any other; one that is paid once counts as a year. */
function nanosPerYear({ price }: Plan): bigint {
  if (price === null) return 0n
  return price.interval === 'month' ? price.amount.nanos * 12n : price.amount.nanos
}
