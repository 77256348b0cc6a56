import { randomBytes } from 'node:crypto'
import type { LedgerRows } from '../../core/domain/ledger/state.js'
import { isSmall, type KnownAccount, takeOver } from '../sql/known-account.js'

/** An account as a transaction left it that was committed. */
export interface RecentAccount extends KnownAccount {
  /** The version it was left in; while the database has it in this one, nobody else has changed it. */
  version: string
  /** How often it has yet to be found as it was left before that is relied on: to find out late that it is not costs a round trip. */
  readonly doubt: number
}

/** What is to be thought of an account that was found in a version. */
export function doubtOf(recent: RecentAccount | undefined, version: string): number {
  if (!recent) return 0
  return recent.version === version ? Math.max(0, recent.doubt - 1) : Math.min(recent.doubt + 4, 32)
}

/**
 * Accounts as this process left them, so that one which is used all the time is not read all the time. A transaction takes out what it
 * works on and brings it back when it is committed: whatever else becomes of it, nothing is known of its accounts.
 */
export interface RecentAccounts {
  take(accountId: string): RecentAccount | undefined
  keep(known: RecentAccount): void
}

/** Rows of all accounts together. */
const mostRows = 50_000

export function recentAccounts(): RecentAccounts {
  const recent = new Map<string, RecentAccount>()
  let rows = 0

  function take(accountId: string): RecentAccount | undefined {
    const known = recent.get(accountId)
    if (!known) return undefined
    recent.delete(accountId)
    rows -= rowsOf(known)
    return known
  }

  /** What was used longest ago comes first. Many at a time: to find the first one means to step over all that were taken out. */
  function forgetOldest(): void {
    for (const accountId of recent.keys()) {
      if (rows <= mostRows * 0.75) return
      take(accountId)
    }
  }

  return {
    take,
    keep(known) {
      if (!isSmall(known)) return
      take(known.account.id)
      recent.set(known.account.id, known)
      rows += rowsOf(known)
      if (rows > mostRows) forgetOldest()
    },
  }
}

function rowsOf({ grants, counters, budgets }: RecentAccount): number {
  return 1 + grants.size + counters.size + budgets.size
}

/**
 * A version of accounts that never was there before. A number that counts up would come again where a database is restored, or a replica
 * takes over that lacks the last commits.
 */
export function newVersion(): string {
  return BigInt.asUintN(62, randomBytes(8).readBigUInt64BE()).toString()
}

/** Takes over what is being written under a version. An account that has holds then is no more known. */
export function takeVersion(known: Map<string, RecentAccount>, rows: LedgerRows, version: string): void {
  takeOver(
    rows,
    (accountId) => {
      const account = known.get(accountId)
      if (account) account.version = version
      return account
    },
    (accountId) => known.delete(accountId),
  )
}

/** Accounts of which something changed that is kept, but not their own row: their version has to be written by itself. */
export function changedBeside({
  accounts,
  grants,
  counters,
  budgets,
  holds,
}: LedgerRows): readonly { readonly id: string }[] {
  const written = new Set(accounts.map(({ value }) => value.id))
  const beside = new Set<string>()
  for (const rows of [grants, counters, budgets])
    for (const { value } of rows) if (!written.has(value.accountId)) beside.add(value.accountId)
  for (const { accountId } of holds) if (!written.has(accountId)) beside.add(accountId)
  return Array.from(beside, (id) => ({ id }))
}
