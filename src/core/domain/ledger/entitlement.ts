import { type CatalogData, type Entitlement, quotaLimit } from '../catalog.js'
import { divide } from '../decimal.js'
import type { MicroSparks, MicroUnits } from '../sparks.js'
import type { Quota, UsageSource } from './outcome.js'
import type { AccountState, Counter } from './state.js'

/** What a plan grants on a meter; nothing when the catalog does not know the plan, since unknown never grants. */
export function entitlementOf(catalog: CatalogData, plan: string, meter: string): Entitlement | undefined {
  return catalog.plans.get(plan)?.entitlements.get(meter)
}

export function nearPercentOf(catalog: CatalogData, meter: string): number {
  return catalog.meters.get(meter)?.nearPercent ?? 80
}

export function quotaOf(catalog: CatalogData, account: AccountState, counter: Counter): Quota {
  const limit = quotaLimit(entitlementOf(catalog, account.plan, counter.meter))
  const left = limit === null ? null : limit - counter.used - counter.held
  return {
    meter: counter.meter,
    status: counter.status,
    used: counter.used,
    held: counter.held,
    limit,
    remaining: left === null ? null : left > 0n ? left : 0n,
    periodStartsAt: counter.startsAt,
    resetsAt: counter.endsAt,
  }
}

/** Who pays for a piece of usage, decided in the order of the gates; the four amounts sum to its Sparks. */
export interface Coverage {
  readonly source: UsageSource
  readonly allowance: MicroSparks
  readonly byo: MicroSparks
  readonly credits: MicroSparks
  readonly overage: MicroSparks
  /** What nothing covers. */
  readonly shortfall: MicroSparks
  /** Which gate a strict request does not pass; the first one that applies. */
  readonly refusedBy: 'suspended' | 'quota_exceeded' | 'insufficient_credits' | null
}

/** What `coverUsage` looks at. `account.held` and `counter.held` are without the hold that is being settled. */
export interface CoverageRequest {
  readonly catalog: CatalogData
  readonly collecting: string | null
  readonly account: AccountState
  readonly counter: Counter | null
  readonly quantity: MicroUnits
  readonly sparks: MicroSparks
  /** Whether to take no more than what other holds leave; usage that already happened takes all there is. */
  readonly strict: boolean
}

/**
 * Gates, in order: suspended → hard quota (used and held) → byo or unlimited → allowance → credits (promotional, then paid, by
 * burn order) → postpaid overage → nothing.
 */
export function coverUsage(request: CoverageRequest): Coverage {
  const { account, counter, quantity, sparks } = request
  const plan = request.catalog.plans.get(account.plan)
  const entitlement = counter ? plan?.entitlements.get(counter.meter) : undefined
  const gate = closedGate(request, entitlement)
  const none = { allowance: 0n, byo: 0n, credits: 0n, overage: 0n, shortfall: 0n, refusedBy: gate }
  if (plan?.byo && counter) return { ...none, source: 'byo', byo: sparks }
  if (entitlement?.included === 'unlimited') return { ...none, source: 'unlimited', allowance: sparks }

  const charged = sparks - allowanceOf(counter, entitlement, quantity, sparks)
  const available = positive(account.balance - account.held)
  const credits = smaller(charged, available)
  const uncovered = charged - credits
  const partial = { ...none, allowance: sparks - charged }
  if (uncovered === 0n) return { ...partial, source: charged === 0n && sparks > 0n ? 'allowance' : 'credits', credits }
  if (plan?.overage && request.collecting !== null && counter)
    return { ...partial, source: 'overage', credits, overage: uncovered }
  const taken = request.strict ? credits : smaller(charged, positive(account.balance))
  return {
    ...partial,
    source: 'credits',
    credits: taken,
    shortfall: charged - taken,
    refusedBy: gate ?? 'insufficient_credits',
  }
}

/** Whether the next unit on this meter would be let through. */
export function coversMore(
  catalog: CatalogData,
  collecting: string | null,
  account: AccountState,
  counter: Counter,
): boolean {
  const one = { catalog, collecting, account, counter, quantity: 1n, sparks: 1n, strict: true }
  return coverUsage(one).refusedBy === null
}

function closedGate(
  request: CoverageRequest,
  entitlement: Entitlement | undefined,
): 'suspended' | 'quota_exceeded' | null {
  const { account, counter, quantity } = request
  if (account.suspendedFor !== null) return 'suspended'
  const limit = entitlement?.limit ?? null
  if (limit !== null && counter && counter.used + counter.held + quantity > limit) return 'quota_exceeded'
  return null
}

/** The Sparks of the units the plan includes, in proportion; usage without a quantity has no units to include. */
function allowanceOf(
  counter: Counter | null,
  entitlement: Entitlement | undefined,
  quantity: MicroUnits,
  sparks: MicroSparks,
): MicroSparks {
  if (!counter || !entitlement || entitlement.included === 'unlimited' || quantity === 0n) return 0n
  const left = positive(entitlement.included - counter.used - counter.held)
  const units = smaller(quantity, left)
  return sparks - divide(sparks * (quantity - units), quantity, 'half_even')
}

function positive(amount: bigint): bigint {
  return amount > 0n ? amount : 0n
}

function smaller(left: bigint, right: bigint): bigint {
  return left < right ? left : right
}
