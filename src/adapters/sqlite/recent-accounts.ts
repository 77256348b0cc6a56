import type { Budget } from '../../core/domain/budget.js'
import type { CreditGrant } from '../../core/domain/credit-grant.js'
import type { AccountState, Counter, LedgerRows } from '../../core/domain/ledger/state.js'
import { isSmall, type KnownAccount, keepCounter, takeOver } from '../sql/known-account.js'

/**
 * Accounts as they were last loaded and written, so that an account which is used all the time is not read all the time. What is kept is
 * what the database holds, as long as its version is the one that was seen last.
 */
export interface RecentAccounts {
  /** Forgets everything unless the database is in that version. No version: nothing is ever kept. */
  begin(version: string | undefined): void
  get(accountId: string): KnownAccount | undefined
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

export function recentAccounts(): RecentAccounts {
  const recent = new Map<string, KnownAccount>()
  let current: string | undefined

  function change(accountId: string, apply: (known: KnownAccount) => void): void {
    const known = recent.get(accountId)
    if (!known) return
    apply(known)
    if (!isSmall(known)) recent.delete(accountId)
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
    addGrant: (grant) => change(grant.accountId, ({ grants }) => grants.set(grant.id, grant)),
    addCounter: (counter) => change(counter.accountId, (known) => keepCounter(known, counter)),
    addBudget: (accountId, scope, budget) => change(accountId, ({ budgets }) => budgets.set(scope, budget)),
    write(rows) {
      takeOver(
        rows,
        (accountId) => recent.get(accountId),
        (accountId) => recent.delete(accountId),
      )
    },
  }
}
