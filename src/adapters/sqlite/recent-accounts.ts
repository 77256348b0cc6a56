import type { Budget } from '../../core/domain/budget.js'
import type { CreditGrant } from '../../core/domain/credit-grant.js'
import type { AccountState, Counter, LedgerRows } from '../../core/domain/ledger/state.js'

/** What the database holds of an account without open holds. */
export interface RecentAccount {
  account: AccountState
  /** Those with something left. */
  readonly grants: Map<string, CreditGrant>
  /** Of each meter the counter that was loaded or written last. */
  readonly counters: Map<string, Counter>
  /** `null` for a budget that is not there. */
  readonly budgets: Map<string, Budget | null>
}

/**
 * Accounts as they were last loaded and written, so that an account which is used all the time is not read all the time. What is kept is
 * what the database holds, as long as its version is the one that was seen last.
 */
export interface RecentAccounts {
  /** Forgets everything unless the database is in that version. No version: nothing is ever kept. */
  begin(version: string | undefined): void
  get(accountId: string): RecentAccount | undefined
  /** Keeps an account that has no open holds. */
  add(account: AccountState): void
  /** Keeps a grant with something left. Of an account that is kept, all of them are. */
  addGrant(grant: CreditGrant): void
  addCounter(counter: Counter): void
  addBudget(accountId: string, scope: string, budget: Budget | null): void
  /** Takes over what was written. */
  write(rows: LedgerRows): void
}

const mostAccounts = 10_000
/** Of grants, counters or budgets of one account. */
const mostParts = 64

export function recentAccounts(): RecentAccounts {
  const recent = new Map<string, RecentAccount>()
  let current: string | undefined

  /** Accounts with very much of something are read each time. */
  function limit(accountId: string, parts: ReadonlyMap<string, unknown>): void {
    if (parts.size > mostParts) recent.delete(accountId)
  }

  return {
    begin(version) {
      if (version !== current || version === undefined || recent.size > mostAccounts) recent.clear()
      current = version
    },
    get: (accountId) => recent.get(accountId),
    add(account) {
      if (current !== undefined)
        recent.set(account.id, { account, grants: new Map(), counters: new Map(), budgets: new Map() })
    },
    addGrant(grant) {
      const grants = recent.get(grant.accountId)?.grants
      if (!grants) return
      grants.set(grant.id, grant)
      limit(grant.accountId, grants)
    },
    addCounter(counter) {
      const counters = recent.get(counter.accountId)?.counters
      if (!counters) return
      counters.set(counter.meter, counter)
      limit(counter.accountId, counters)
    },
    addBudget(accountId, scope, budget) {
      const budgets = recent.get(accountId)?.budgets
      if (!budgets) return
      budgets.set(scope, budget)
      limit(accountId, budgets)
    },
    write(rows) {
      for (const { value: account } of rows.accounts) {
        const known = recent.get(account.id)
        if (known) known.account = account
      }
      for (const { value: grant } of rows.grants) {
        const grants = recent.get(grant.accountId)?.grants
        if (grant.remaining === 0n) grants?.delete(grant.id)
        else grants?.set(grant.id, grant)
      }
      for (const { value: counter } of rows.counters)
        recent.get(counter.accountId)?.counters.set(counter.meter, counter)
      for (const { value: budget } of rows.budgets) recent.get(budget.accountId)?.budgets.set(budget.scope, budget)
      for (const hold of rows.holds) recent.delete(hold.accountId)
    },
  }
}
