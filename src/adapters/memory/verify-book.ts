import type { Budget } from '../../core/domain/budget.js'
import type { CreditGrant } from '../../core/domain/credit-grant.js'
import type {
  AccountState,
  Counter,
  Hold,
  LedgerEntry,
  LevelChange,
  Rollup,
  SeenValue,
} from '../../core/domain/ledger/state.js'
import type { Payment } from '../../core/domain/payment.js'
import type { LedgerCheck, LedgerFinding } from '../../core/ports/ledger-verification.js'
import { findingOf } from '../kit/ledger-check.js'
import type { StoredDelivery, Tables } from './tables.js'

/** Everything that is kept of one account. */
export interface Book {
  readonly accountId: string
  readonly state: AccountState | undefined
  readonly entries: readonly LedgerEntry[]
  readonly grants: readonly CreditGrant[]
  readonly holds: readonly Hold[]
  readonly counters: readonly Counter[]
  readonly budgets: readonly Budget[]
  readonly payments: readonly Payment[]
  readonly levels: readonly LevelChange[]
  readonly seen: readonly SeenValue[]
  readonly rollups: readonly Rollup[]
  readonly deliveries: readonly StoredDelivery[]
}

/** Tells of a difference. */
export type Tell = (check: LedgerCheck, id: string, found: unknown, expected: unknown) => void

/** The books by account; those of accounts that are not there, too. */
export function booksOf(tables: Tables, accountId?: string): readonly Book[] {
  const all = <T extends { readonly accountId: string }>(rows: Iterable<T>): ReadonlyMap<string, readonly T[]> => {
    const byAccount = new Map<string, T[]>()
    for (const row of rows) {
      const list = byAccount.get(row.accountId)
      if (list) list.push(row)
      else byAccount.set(row.accountId, [row])
    }
    return byAccount
  }
  const inner = <T>(maps: Iterable<ReadonlyMap<string, T>>) => [...maps].flatMap((map) => [...map.values()])
  const lists = {
    entries: all([...tables.entries.values()].flat()),
    grants: all(inner(tables.grants.values())),
    holds: all(inner(tables.holds.values())),
    counters: all([...tables.counters.values()].flat()),
    budgets: all(inner(tables.budgets.values())),
    payments: all(tables.payments.values()),
    levels: all([...tables.levels.values()].flat()),
    seen: all([...tables.seen.values()].flat()),
    rollups: all(inner(tables.rollups.values())),
    deliveries: all(tables.deliveries.values()),
  }
  const { deliveries: _, ...ofAccounts } = lists
  const ids = new Set([...tables.states.keys(), ...Object.values(ofAccounts).flatMap((list) => [...list.keys()])])
  return [...ids]
    .filter((id) => accountId === undefined || id === accountId)
    .sort()
    .map((id) => ({
      accountId: id,
      state: tables.states.get(id),
      entries: lists.entries.get(id) ?? [],
      grants: lists.grants.get(id) ?? [],
      holds: lists.holds.get(id) ?? [],
      counters: lists.counters.get(id) ?? [],
      budgets: lists.budgets.get(id) ?? [],
      payments: lists.payments.get(id) ?? [],
      levels: lists.levels.get(id) ?? [],
      seen: lists.seen.get(id) ?? [],
      rollups: lists.rollups.get(id) ?? [],
      deliveries: lists.deliveries.get(id) ?? [],
    }))
}

/** Collects what is told of an account. */
export function teller(accountId: string, findings: LedgerFinding[]): Tell {
  return (check, id, found, expected) => {
    findings.push(findingOf(check, { accountId, id, found: String(found), expected: String(expected) }))
  }
}

/** What is kept and what rows sum to, by what names both. */
export interface Tally {
  /** Of a stored sum. */
  keep(id: string, amount: bigint): void
  /** Of a row. */
  add(id: string, amount: bigint): void
  /** Tells where they differ, or a sum is missing. */
  compare(check: LedgerCheck, tell: Tell): void
}

export function createTally(): Tally {
  const sums = new Map<string, { kept: bigint | null; summed: bigint }>()
  const at = (id: string) => {
    const found = sums.get(id) ?? { kept: null, summed: 0n }
    sums.set(id, found)
    return found
  }
  return {
    keep(id, amount) {
      at(id).kept = amount
    },
    add(id, amount) {
      at(id).summed += amount
    },
    compare(check, tell) {
      for (const [id, { kept, summed }] of sums) if (kept !== summed) tell(check, id, kept ?? 'nowhere', summed)
    },
  }
}

export function sumOf(amounts: Iterable<bigint>): bigint {
  let sum = 0n
  for (const amount of amounts) sum += amount
  return sum
}
