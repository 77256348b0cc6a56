import type { Budget } from '../budget.js'
import { divide } from '../decimal.js'
import { missingSparks, passesAt, remediesFor } from '../remedy.js'
import { formatSparks } from '../sparks.js'
import { budgetsWithout } from './budgets.js'
import { collectorAt } from './collector.js'
import type { RatedUsage } from './command.js'
import { balanceOf, counterAt, type Draft } from './draft.js'
import {
  accountWithout,
  type Coverage,
  type CoverageRequest,
  counterWithout,
  coverUsage,
  quotaOf,
  type Share,
} from './entitlement.js'
import type { Refusal } from './outcome.js'
import { refused } from './posting.js'
import { countRefusal } from './quotas.js'
import type { AccountState, Counter } from './state.js'

/** What a strict request for this usage would be covered by. */
export function cover(
  draft: Draft,
  account: AccountState,
  counter: Counter | null,
  budgets: readonly Budget[],
  { quantity, sparks, isNet = false }: Pick<RatedUsage, 'quantity' | 'sparks'> & { readonly isNet?: boolean },
): Coverage {
  return coverUsage({ ...coveredBy(draft, account), account, counter, budgets, quantity, sparks, isNet, strict: true })
}

function coveredBy({ rules, now }: Draft, account: AccountState): Pick<CoverageRequest, 'catalog' | 'collecting'> {
  return { catalog: rules.catalog, collecting: collectorAt(rules, account, now) }
}

/**
 * The refusal of a strict request, with what a caller needs to offer a remedy; counts the attempt on the meter's quota. `hold` is the
 * one that the request would settle: what that reserved is its own.
 */
export function refuseUsage(
  draft: Draft,
  account: AccountState,
  counter: Counter | null,
  budgets: readonly Budget[],
  usage: Pick<RatedUsage, 'quantity' | 'sparks'>,
  coverage: Coverage,
  hold?: Share,
): Refusal {
  const seen = {
    account: accountWithout(account, hold),
    counter: counter && counterWithout(counter, hold),
    budgets: budgetsWithout(budgets, hold),
  }
  const request = {
    ...coveredBy(draft, account),
    ...seen,
    quantity: usage.quantity,
    sparks: usage.sparks,
    strict: true,
  }
  if (counter && coverage.refusedBy !== 'suspended') countRefusal(draft, account, counter)
  const quota =
    counter && quotaOf(draft.rules.catalog, account, counterAt(draft, account, counter.meter, counter.startsAt))
  const retryAt = passesAt(request)
  const details = {
    accountId: account.id,
    reason: coverage.refusedBy,
    balance: balanceOf(account),
    quota,
    requestedSparks: usage.sparks,
    missingSparks: missingSparks(request, coverage),
    ...(retryAt === null ? {} : { retryAt: new Date(retryAt).toISOString() }),
    ...(coverage.budget === null ? {} : { budget: budgetFacts(coverage.budget) }),
    remedies: remediesFor(request, affordable(draft, seen, usage)),
  }
  switch (coverage.refusedBy) {
    case 'suspended':
      return refused(
        'invalid_state',
        `Account ${account.id} is suspended (${account.suspendedFor}): resume it first.`,
        details,
      )
    case 'budget_exceeded':
      return refused(
        'quota_exceeded',
        `Account ${account.id} would go over its budget ${coverage.budget?.scope} with this.`,
        details,
      )
    case 'quota_exceeded':
      return refused(
        'quota_exceeded',
        `Account ${account.id} has reached its limit on ${counter?.meter} for this period.`,
        details,
      )
    default:
      return refused(
        'insufficient_credits',
        `Account ${account.id} has not enough credits for this: top up, or ask for less.`,
        details,
      )
  }
}

/**
 * The largest quantity at the same price per unit that would be let through, in steps that the meter takes; found by halving, since
 * allowance and credits mix.
 */
function affordable(
  draft: Draft,
  { account, counter, budgets }: Pick<CoverageRequest, 'account' | 'counter' | 'budgets'>,
  usage: Pick<RatedUsage, 'quantity' | 'sparks'>,
): bigint {
  if (account.suspendedFor !== null || usage.quantity <= 0n) return 0n
  const decimals = counter ? (draft.rules.catalog.meters.get(counter.meter)?.decimals ?? 6) : 6
  const step = 10n ** BigInt(6 - decimals)
  let low = 0n
  let high = usage.quantity / step
  while (high - low > 1n) {
    const middle = (low + high) / 2n
    const quantity = middle * step
    const sparks = divide(usage.sparks * quantity, usage.quantity, 'ceiling')
    if (cover(draft, account, counter, budgets, { quantity, sparks }).refusedBy) high = middle
    else low = middle
  }
  return low * step
}

function budgetFacts({ scope, limitSparks, used, held, endsAt }: Budget) {
  return {
    scope,
    limitSparks: limitSparks === null ? null : formatSparks(limitSparks),
    usedSparks: formatSparks(used),
    heldSparks: formatSparks(held),
    resetsAt: endsAt === null ? null : new Date(endsAt).toISOString(),
  }
}
