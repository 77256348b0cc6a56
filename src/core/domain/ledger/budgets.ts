import type { Budget } from '../budget.js'
import { passed, statusOfBudget } from '../budget.js'
import { periodAt } from '../period.js'
import { formatSparks, type MicroSparks, maximumStored } from '../sparks.js'
import type { RaiseBudgetCommand, SetBudgetCommand } from './command.js'
import { type Draft, findBudgets, ownBudget, setBudget } from './draft.js'
import type { LedgerOutcome } from './outcome.js'
import { accountOf, emit, entryResult, post } from './posting.js'
import type { AccountState, Hold, LoadKey } from './state.js'

/** What must be loaded for these budgets. */
export function budgetKeys(accountId: string, scopes: readonly string[]): readonly LoadKey[] {
  return scopes.map((scope) => ({ kind: 'budget', accountId, scope }))
}

/** The budgets as they stand now: one whose period is over begins anew. Budgets go by the store's clock, not by when usage happened. */
export function budgetsOf(draft: Draft, account: AccountState, scopes: readonly string[]): readonly Budget[] {
  const found = findBudgets(draft, account.id, scopes)
  for (const budget of found)
    if (currentBudget(budget, account, draft.now) !== budget)
      return found.map((each) => currentBudget(each, account, draft.now))
  return found
}

export function currentBudget(budget: Budget, { zone }: Pick<AccountState, 'zone'>, now: number): Budget {
  const { endsAt, interval } = budget
  if (endsAt === null || interval === 'never' || now < endsAt) return budget
  return { ...budget, ...periodAt(now, { anchor: null, zone, interval }), used: 0n, status: 'below' }
}

/** The budgets as usage that settles a hold sees them: what that reserved of them is its own. */
export function budgetsWithout(
  budgets: readonly Budget[],
  hold: Pick<Hold, 'budgets' | 'budgeted'> | undefined,
): readonly Budget[] {
  if (!hold) return budgets
  return budgets.map((budget) =>
    hold.budgets.includes(budget.scope) ? { ...budget, held: budget.held - hold.budgeted } : budget,
  )
}

/** Adds what usage is charged to its budgets; negative takes it off again. */
export function countBudgets(draft: Draft, accountId: string, scopes: readonly string[], charged: MicroSparks): void {
  if (charged === 0n) return
  for (const budget of budgetsOf(draft, accountOf(draft, accountId), scopes)) {
    const used = budget.used + charged
    move(draft, budget, used > 0n ? used : 0n)
  }
}

/** Adds what a hold reserves to its budgets. */
export function holdBudgets(draft: Draft, accountId: string, scopes: readonly string[], reserved: MicroSparks): void {
  if (reserved === 0n) return
  for (const budget of budgetsOf(draft, accountOf(draft, accountId), scopes))
    setBudget(draft, { ...budget, held: budget.held + reserved })
}

export function setBudgetNeeds({
  accountId,
  dedupe,
  scope,
}: SetBudgetCommand | RaiseBudgetCommand): readonly LoadKey[] {
  return [{ kind: 'account', accountId }, { kind: 'key', accountId, dedupe }, ...budgetKeys(accountId, [scope])]
}

/** Sets a budget. What was used in its period stays counted unless it begins in another rhythm. */
export function decideSetBudget(draft: Draft, command: SetBudgetCommand): LedgerOutcome {
  const { accountId, scope, limit, interval } = command
  const account = accountOf(draft, accountId)
  const [before] = budgetsOf(draft, account, [scope])
  const period =
    interval === 'never'
      ? { startsAt: 0, endsAt: null }
      : periodAt(draft.now, { anchor: null, zone: account.zone, interval })
  const isSame = before?.interval === interval && before.startsAt === period.startsAt
  const used = isSame ? before.used : 0n
  const status = limit === null ? 'below' : statusOfBudget(used, limit)
  const { held, transitions } = before ?? { held: 0n, transitions: 0 }
  setBudget(draft, { accountId, scope, limitSparks: limit, interval, ...period, used, held, status, transitions })
  return budgetSet(draft, command)
}

/** Raises what a budget allows in this period and those to come, as far as can be stored. */
export function decideRaiseBudget(draft: Draft, command: RaiseBudgetCommand): LedgerOutcome {
  const { accountId, scope, amount } = command
  const [before] = budgetsOf(draft, accountOf(draft, accountId), [scope])
  if (before && before.limitSparks !== null) {
    const raised = before.limitSparks + amount
    const limitSparks = raised < maximumStored ? raised : maximumStored
    setBudget(draft, { ...before, limitSparks, status: statusOfBudget(before.used, limitSparks) })
  }
  return budgetSet(draft, command)
}

function budgetSet(draft: Draft, command: SetBudgetCommand | RaiseBudgetCommand): LedgerOutcome {
  const { scope: reason } = command
  const posting = { command, operation: 'set_budget', counterAccount: 'none', amount: 0n, reason, usage: null } as const
  return post(draft, posting, entryResult(command.id, 0n))
}

function move(draft: Draft, budget: Budget, used: MicroSparks): void {
  const { accountId, scope, limitSparks, startsAt } = budget
  if (limitSparks === null) {
    ownBudget(draft, budget).used = used
    return
  }
  const status = statusOfBudget(used, limitSparks)
  const thresholds = passed(budget.status, status)
  const { transitions } = budget
  const moved = ownBudget(draft, budget)
  moved.used = used
  moved.status = status
  moved.transitions = transitions + thresholds.length
  thresholds.forEach((threshold, index) => {
    const name = [accountId, scope, startsAt, transitions + index + 1].join('|')
    emit(draft, {
      id: `evt_budget|${name}`,
      type: `budget.${threshold}`,
      accountId,
      data: { scope, limitSparks: formatSparks(limitSparks), usedSparks: formatSparks(used) },
    })
  })
}
