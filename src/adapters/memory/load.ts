import type { Budget } from '../../core/domain/budget.js'
import type { CreditGrant } from '../../core/domain/credit-grant.js'
import {
  type AccountState,
  type Counter,
  countedAt,
  type Hold,
  type LedgerEntry,
  type LedgerState,
  type LevelChange,
  type LoadKey,
  type SeenValue,
  type StoredKey,
} from '../../core/domain/ledger/state.js'
import type { Payment } from '../../core/domain/payment.js'
import {
  type AccountBook,
  accruingCounters,
  countersAround,
  countersOfHold,
  currentCounters,
  dueHolds,
  entryOf,
  grantOf,
  holdOf,
  seenKey,
} from './account-book.js'
import type { Tables } from './tables.js'

/**
 * What these keys name: the rows themselves, since the kernel changes none of them. What several commands ask for may be there several
 * times, but for accounts.
 */
export function load(tables: Tables, keys: readonly LoadKey[], now: number): LedgerState {
  const state = emptyState(keys, now)
  const accounts = new Set<AccountBook>()
  let book: AccountBook | undefined
  for (const key of keys) {
    // Those of one command follow each other.
    if (book?.state.id !== key.accountId) book = tables.books.get(key.accountId)
    if (!book) continue
    if (key.kind !== 'account') loadKey(state, book, key)
    else if (!accounts.has(book)) {
      accounts.add(book)
      loadAccount(state, book)
    }
  }
  return state
}

/** The state while it is being loaded. */
interface Loading extends LedgerState {
  readonly accounts: AccountState[]
  readonly grants: CreditGrant[]
  readonly counters: Counter[]
  readonly holds: Hold[]
  readonly budgets: Budget[]
  readonly payments: Payment[]
  readonly levels: LevelChange[]
  readonly seen: SeenValue[]
  readonly entries: LedgerEntry[]
  readonly keys: StoredKey[]
}

function emptyState(loaded: readonly LoadKey[], now: number): Loading {
  return {
    now,
    loaded,
    accounts: [],
    grants: [],
    counters: [],
    holds: [],
    budgets: [],
    payments: [],
    levels: [],
    seen: [],
    entries: [],
    keys: [],
  }
}

function loadAccount(state: Loading, book: AccountBook): void {
  state.accounts.push(book.state)
  state.grants.push(...book.openGrants)
  for (const budget of book.budgets.values()) if (budget.held > 0n) state.budgets.push(budget)
  for (const hold of dueHolds(book, state.now)) {
    state.holds.push(hold)
    state.counters.push(...countersOfHold(book, hold))
  }
}

function loadKey(state: Loading, book: AccountBook, key: Exclude<LoadKey, { kind: 'account' }>): void {
  const { now } = state
  switch (key.kind) {
    case 'key':
      push(state.keys, book.keys.get(key.dedupe))
      break
    case 'counter':
      state.counters.push(...countersAround(book, key.meter, key.at ?? now))
      break
    case 'budget':
      push(state.budgets, book.budgets.get(key.scope))
      break
    case 'counters':
      state.counters.push(...currentCounters(book, now))
      break
    case 'accruals':
      state.counters.push(...accruingCounters(book, now))
      break
    case 'level':
      loadLevel(state, book, key.meter, key.at ?? now)
      break
    case 'seen':
      state.seen.push(...(book.seen.get(seenKey(key.meter, key.value)) ?? []))
      break
    case 'grant':
      push(state.grants, grantOf(book, key.grantId))
      break
    case 'payment':
      loadPayment(state, book, key.paymentId)
      break
    case 'entry':
      loadEntry(state, book, key.entryId)
      break
    case 'hold':
      loadHold(state, book, holdOf(book, key.holdId))
      break
    case 'hold_counter': {
      const hold = holdOf(book, key.holdId)
      if (hold) state.counters.push(...countersOfHold(book, hold))
      break
    }
  }
}

/** The last change of a level up to a moment and the first one after it, and the counters from there on or else the last one before. */
function loadLevel(state: Loading, book: AccountBook, meter: string, at: number): void {
  const changes = book.levels.get(meter) ?? []
  const place = changes.findLastIndex((change) => change.at <= at)
  state.levels.push(...changes.slice(Math.max(place, 0), place + 2))
  const counters = book.counters.get(meter) ?? []
  const last = counters.findLastIndex(({ endsAt }) => endsAt <= at)
  state.counters.push(...counters.slice(Math.max(last, 0)))
}

function loadPayment(state: Loading, book: AccountBook, paymentId: string): void {
  const payment = book.payments.get(paymentId)
  push(state.payments, payment)
  if (payment?.grantId == null) return
  push(state.grants, grantOf(book, payment.grantId))
  loadEntry(state, book, payment.grantId)
}

/** The row and those that correct it, oldest first, with the grants they burned and the counters they were counted in. */
function loadEntry(state: Loading, book: AccountBook, entryId: string): void {
  const named = entryOf(book, entryId)
  if (!named) return
  for (const entry of [named, ...(book.corrections.get(entryId) ?? [])]) {
    state.entries.push(entry)
    for (const { grantId } of entry.burns) push(state.grants, grantOf(book, grantId))
    if (entry.usage) state.counters.push(...countersAround(book, entry.usage.meter, countedAt(entry)))
  }
}

function loadHold(state: Loading, book: AccountBook, hold: Hold | undefined): void {
  if (!hold) return
  state.holds.push(hold)
  for (const scope of hold.budgets) push(state.budgets, book.budgets.get(scope))
}

function push<T>(list: T[], row: T | undefined): void {
  if (row !== undefined) list.push(row)
}
