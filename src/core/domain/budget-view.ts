import type { Budget } from './budget.js'
import { currentBudget } from './ledger/budgets.js'
import type { AccountState, Hold } from './ledger/state.js'
import type { Instant } from './period.js'

/** What a store reads for budgets: `dueHolds` are open although their time is over. */
export interface StoredBudgets {
  readonly now: Instant
  readonly account: Pick<AccountState, 'zone'>
  readonly budgets: readonly Budget[]
  readonly dueHolds: readonly Pick<Hold, 'budgets' | 'budgeted'>[]
}

/** How budgets stand now: one whose period is over begins anew, and what holds reserve that are over counts no more. */
export function viewBudgets({ now, account, budgets, dueHolds }: StoredBudgets): readonly Budget[] {
  return budgets.map((budget) => {
    const over = dueHolds.filter((hold) => hold.budgets.includes(budget.scope))
    const held = over.reduce((left, { budgeted }) => left - budgeted, budget.held)
    return { ...currentBudget(budget, account, now), held }
  })
}
