import type { Budget } from '../budget.js'
import { type CatalogData, type Entitlement, quotaLimit } from '../catalog.js'
import { divide } from '../decimal.js'
import type { Mutable } from '../mutable.js'
import type { Thresholds } from '../quota.js'
import type { MicroSparks, MicroUnits } from '../sparks.js'
import type { Quota, UsageSource } from './outcome.js'
import type { AccountState, Counter, Hold } from './state.js'

/**
 * What an account may use of a meter: what its plan grants, with what was agreed with the account in its place. A plan that the catalog
 * does not know grants nothing, since unknown never grants.
 */
export function entitlementOf(
  catalog: CatalogData,
  { plan, terms }: Pick<AccountState, 'plan' | 'terms'>,
  meter: string,
): Entitlement | undefined {
  const granted = catalog.plans.get(plan)?.entitlements.get(meter)
  const agreed = terms?.entitlements[meter]
  return agreed ? { ...(granted ?? { included: 0n, limit: null }), ...agreed } : granted
}

/** What use of a meter is measured against. */
export function thresholdsOf(catalog: CatalogData, account: AccountState, meter: string): Thresholds {
  const limit = quotaLimit(entitlementOf(catalog, account, meter))
  return { limit, nearPercent: catalog.meters.get(meter)?.nearPercent ?? 80 }
}

export function quotaOf(catalog: CatalogData, account: AccountState, counter: Counter): Quota {
  const limit = quotaLimit(entitlementOf(catalog, account, counter.meter))
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

/** Who pays for a piece of usage, decided in the order of the gates; the amounts of Sparks sum to what it costs. */
export interface Coverage {
  readonly source: UsageSource
  /** How many of its units the plan gives. */
  readonly units: MicroUnits
  readonly allowance: MicroSparks
  readonly byo: MicroSparks
  readonly credits: MicroSparks
  readonly overage: MicroSparks
  /** What nothing covers. */
  readonly shortfall: MicroSparks
  /** Which gate a strict request does not pass; the first one that applies. */
  readonly refusedBy: Gate | null
  /** The budget that is too small, when that is the gate. */
  readonly budget: Budget | null
}

/** What may be in the way of a request. */
export type Gate = 'suspended' | 'budget_exceeded' | 'quota_exceeded' | 'insufficient_credits'

/** What `coverUsage` looks at. What `account` and `counter` say is held is without the hold that is being settled. */
export interface CoverageRequest {
  readonly catalog: CatalogData
  readonly collecting: string | null
  readonly account: AccountState
  readonly counter: Counter | null
  readonly quantity: MicroUnits
  readonly sparks: MicroSparks
  /** Whether `sparks` is what only the units cost that the plan does not give. */
  readonly isNet?: boolean
  /** Those it counts against, as they stand now. */
  readonly budgets: readonly Budget[]
  /** Whether to take no more than what other holds leave; usage that already happened takes all there is. */
  readonly strict: boolean
}

/**
 * Gates, in order: suspended → budgets → hard quota (used and held) → byo or unlimited → allowance → credits (promotional, then paid, by
 * burn order) → postpaid overage → nothing.
 */
export function coverUsage(request: CoverageRequest): Coverage {
  const { account, counter, quantity, sparks } = request
  const plan = request.catalog.plans.get(account.plan)
  const entitlement = counter ? entitlementOf(request.catalog, account, counter.meter) : undefined
  const isSuspended = account.suspendedFor !== null
  const gate: Gate | null = isSuspended ? 'suspended' : isOverLimit(request, entitlement) ? 'quota_exceeded' : null
  if (plan?.byo && counter) return { ...nothing, source: 'byo', byo: sparks, refusedBy: gate }
  const units = includedUnits(counter, entitlement, quantity)
  if (entitlement?.included === 'unlimited')
    return { ...nothing, source: 'unlimited', units, allowance: sparks, refusedBy: gate }

  // In proportion to the units that are not included; usage without a quantity has none that could be.
  const charged = units === 0n || request.isNet ? sparks : divide(sparks * (quantity - units), quantity, 'half_even')
  if (charged < 0n) return { ...nothing, units, refusedBy: gate, ...paidBack(request, -charged) }
  const available = positive(account.balance - account.held)
  const credits = smaller(charged, available)
  const uncovered = charged - credits
  const budget = charged === 0n ? null : (request.budgets.find((each) => isOverBudget(each, charged)) ?? null)
  const coverage: Mutable<Coverage> = {
    source: charged === 0n && sparks > 0n ? 'allowance' : 'credits',
    units,
    allowance: sparks - charged,
    byo: 0n,
    credits,
    overage: 0n,
    shortfall: 0n,
    refusedBy: budget && !isSuspended ? 'budget_exceeded' : gate,
    budget,
  }
  if (uncovered === 0n) return coverage
  if (plan?.overage && request.collecting !== null && counter) {
    coverage.source = 'overage'
    coverage.overage = uncovered
    return coverage
  }
  const taken = request.strict ? credits : smaller(charged, positive(account.balance))
  coverage.credits = taken
  coverage.shortfall = charged - taken
  coverage.refusedBy ??= 'insufficient_credits'
  return coverage
}

const nothing = { units: 0n, allowance: 0n, byo: 0n, credits: 0n, overage: 0n, shortfall: 0n, budget: null }

/** What usage that is covered so is charged, whoever collects it: what budgets count. */
export function chargedBy({ credits, overage, shortfall }: Pick<Coverage, 'credits' | 'overage' | 'shortfall'>) {
  return credits + overage + shortfall
}

/** What of a hold is settled: all of it, or a share. */
export type Share = Pick<
  Hold,
  'meter' | 'periodStartsAt' | 'quantity' | 'sparks' | 'allowance' | 'rated' | 'budgets' | 'budgeted'
>

/** The account as usage that settles a hold sees it: the credits that hold reserved are its own. */
export function accountWithout(account: AccountState, hold: Share | undefined): AccountState {
  return hold ? { ...account, held: account.held - hold.sparks } : account
}

/** The counter as usage that settles a hold sees it: the units that hold reserved in this period are its own. */
export function counterWithout(counter: Counter, hold: Share | undefined): Counter {
  if (hold?.meter !== counter.meter || hold.periodStartsAt !== counter.startsAt) return counter
  return { ...counter, held: counter.held - hold.quantity, heldAllowance: counter.heldAllowance - hold.allowance }
}

/** Whether the next unit on this meter would be let through; budgets, which are not the meter's, are left out. */
export function coversMore(
  catalog: CatalogData,
  collecting: string | null,
  account: AccountState,
  counter: Counter,
): boolean {
  const one = { catalog, collecting, account, counter, budgets: [], quantity: 1n, sparks: 1n, strict: true }
  return coverUsage(one).refusedBy === null
}

/** A total that fell: what is collected afterwards is collected no more, what is owed is owed no more, and the rest comes back. */
function paidBack({ account, counter }: CoverageRequest, amount: MicroSparks) {
  const overage = smaller(amount, counter?.overage ?? 0n)
  const owed = smaller(amount - overage, positive(-account.balance))
  return { source: 'credits', overage: -overage, shortfall: -owed, credits: -(amount - overage - owed) } as const
}

function isOverBudget({ limitSparks, used, held }: Budget, charged: MicroSparks): boolean {
  return limitSparks !== null && used + held + charged > limitSparks
}

function isOverLimit({ counter, quantity }: CoverageRequest, entitlement: Entitlement | undefined): boolean {
  const limit = entitlement?.limit ?? null
  return limit !== null && counter !== null && quantity >= 0n && counter.used + counter.held + quantity > limit
}

/**
 * The units the plan gives: what it includes, less what it gave in this period and what open holds have reserved of it. So the plan
 * never gives more than it includes, no unit is charged while one of them is free, and what a hold gives back is free again.
 */
export function includedUnits(
  counter: Counter | null,
  entitlement: Entitlement | undefined,
  quantity: MicroUnits,
): MicroUnits {
  if (!counter || !entitlement) return 0n
  if (quantity < 0n) return 0n
  if (entitlement.included === 'unlimited') return quantity
  return smaller(quantity, positive(entitlement.included - counter.allowance - counter.heldAllowance))
}

function positive(amount: bigint): bigint {
  return amount > 0n ? amount : 0n
}

function smaller(left: bigint, right: bigint): bigint {
  return left < right ? left : right
}
