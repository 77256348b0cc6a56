import type { Budget } from '../../core/domain/budget.js'
import type { CreditGrant } from '../../core/domain/credit-grant.js'
import type { AccountState, Counter, LedgerRows } from '../../core/domain/ledger/state.js'

/** What the database holds of an account without open holds. */
export interface KnownAccount {
  account: AccountState
  /** All of those with something left. */
  readonly grants: Map<string, CreditGrant>
  /** Of each meter the latest counter that was loaded or written. */
  readonly counters: Map<string, Counter>
  /** Those that were asked for; `null` for a budget that is not there. */
  readonly budgets: Map<string, Budget | null>
}

/** Of grants, counters or budgets; an account with more of something is read each time. */
const mostParts = 64

export function isSmall({ grants, counters, budgets }: KnownAccount): boolean {
  return grants.size <= mostParts && counters.size <= mostParts && budgets.size <= mostParts
}

export function keepCounter({ counters }: KnownAccount, counter: Counter): void {
  const before = counters.get(counter.meter)
  if (!before || before.startsAt <= counter.startsAt) counters.set(counter.meter, counter)
}

/** Takes over what was written, account by account: `of` says what is known of one, `forget` is told of those that have holds now. */
export function takeOver<Known extends KnownAccount>(
  rows: LedgerRows,
  of: (accountId: string) => Known | undefined,
  forget: (accountId: string) => void,
): void {
  for (const { value: account } of rows.accounts) {
    const known = of(account.id)
    if (known) known.account = account
  }
  for (const { value: grant } of rows.grants) {
    const grants = of(grant.accountId)?.grants
    if (grant.remaining === 0n) grants?.delete(grant.id)
    else grants?.set(grant.id, grant)
  }
  for (const { value: counter } of rows.counters) {
    const known = of(counter.accountId)
    if (known) keepCounter(known, counter)
  }
  for (const { value: budget } of rows.budgets) of(budget.accountId)?.budgets.set(budget.scope, budget)
  for (const { accountId } of rows.holds) forget(accountId)
}
