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
import { grouped } from '../kit/grouped.js'
import { findingOf } from '../kit/ledger-check.js'
import { allCounters } from './account-book.js'
import { allDeliveries } from './deliveries.js'
import type { StoredDelivery } from './stored-delivery.js'
import type { Tables } from './tables.js'

/** Everything that is kept of one account. */
export interface Book {
  readonly accountId: string
  readonly state: AccountState
  readonly entries: readonly LedgerEntry[]
  readonly grants: readonly CreditGrant[]
  readonly holds: readonly Hold[]
  readonly counters: readonly Counter[]
  readonly budgets: readonly Budget[]
  readonly payments: readonly Payment[]
  readonly levels: readonly LevelChange[]
  readonly seen: readonly SeenValue[]
  readonly rollups: readonly Rollup[]
  readonly deliveries: readonly ToldDelivery[]
}

/** A delivery without how it stands. */
export type ToldDelivery = StoredDelivery['told'] & Pick<StoredDelivery, 'event'>

/** Tells of a difference. */
export type Tell = (check: LedgerCheck, id: string, found: unknown, expected: unknown) => void

/** The books of all accounts, or of one, by id. */
export function booksOf(tables: Tables, accountId?: string): readonly Book[] {
  const told = Array.from(allDeliveries(tables), ({ told, event }): ToldDelivery => ({ ...told, event }))
  const deliveries = grouped(told, (delivery) => delivery.accountId)
  return [...tables.books]
    .filter(([id]) => accountId === undefined || id === accountId)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([id, book]) => ({
      accountId: id,
      state: book.state,
      entries: book.entries,
      grants: [...book.openGrants, ...book.usedGrants.values()],
      holds: [...book.openHolds.values(), ...book.endedHolds.values()],
      counters: allCounters(book),
      budgets: [...book.budgets.values()],
      payments: [...book.payments.values()],
      levels: [...book.levels.values()].flat(),
      seen: [...book.seen.values()].flat(),
      rollups: [...book.rollups.values()],
      deliveries: deliveries.get(id) ?? [],
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
