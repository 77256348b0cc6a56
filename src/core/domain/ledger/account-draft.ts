import type { Budget } from '../budget.js'
import { burnOrder, type CreditGrant } from '../credit-grant.js'
import type { Mutable } from '../mutable.js'
import type { Payment } from '../payment.js'
import type {
  AccountState,
  Changed,
  Counter,
  Hold,
  LedgerEntry,
  LedgerState,
  LevelChange,
  Rollup,
  SeenValue,
} from './state.js'

/** A row of an account as later commands of the batch see it, how the store has it, and whether it is to be written. */
export interface Slot<T> {
  value: T
  /** `null` for one that it does not have. */
  loaded: T | null
  isChanged: boolean
  /** A copy that this batch made of the value, and that nobody else has seen: it may be changed in place. */
  own: T | null
}

/**
 * The value as one that may be changed in place until it is taken: a hot account changes the same rows with every command of a batch.
 * Whoever holds the value from before must not go by what is changed.
 */
export function own<T extends object>(slot: Slot<T>): Mutable<T> {
  if (slot.own === null || slot.own !== slot.value) {
    slot.own = { ...slot.value }
    slot.value = slot.own
  }
  slot.isChanged = true
  return slot.own
}

/**
 * Everything of one account while a batch is being decided. It is filled once and changed in place, since a hot account takes most of a
 * batch; the values in it are replaced, and none that came from elsewhere is changed (`own`).
 */
export interface AccountDraft {
  readonly id: string
  /** Its own row; `null` for an account that is not there. */
  row: Slot<AccountState> | null
  /** What is over has ended and what is due was given, as of the batch's time. */
  isUpToDate: boolean
  /** Grants with something left, in burn order. */
  readonly open: Slot<CreditGrant>[]
  /** All grants that are known here. */
  readonly grants: Slot<CreditGrant>[]
  /** The same by id, once there are many. */
  grantsById: Map<string, Slot<CreditGrant>> | null
  readonly counters: Slot<Counter>[]
  /** By id; `null` while none is known. */
  holds: Map<string, Slot<Hold>> | null
  readonly budgets: Slot<Budget>[]
  readonly payments: Slot<Payment>[]
  readonly levels: Slot<LevelChange>[]
  readonly seen: Slot<SeenValue>[]
  /** Rows that were named, those that correct them, and those of this batch, oldest first. */
  readonly entries: LedgerEntry[]
  /** What is to be added to its sums, by model or by value of a dimension; `null` while that is nothing. Changed in place. */
  rollups: Map<string, Mutable<Rollup>[]> | null
}

/** The accounts of a state, by id. */
export function accountDrafts(state: LedgerState): Map<string, AccountDraft> {
  const drafts = new Map<string, AccountDraft>()
  const of = (accountId: string): AccountDraft => {
    const existing = drafts.get(accountId)
    if (existing) return existing
    const made = emptyAccountDraft(accountId)
    drafts.set(accountId, made)
    return made
  }
  for (const account of state.accounts) of(account.id).row = slot(account)
  for (const grant of state.grants) addGrant(of(grant.accountId), grant)
  for (const counter of state.counters) addCounter(of(counter.accountId), counter)
  for (const hold of state.holds) putHold(of(hold.accountId), slot(hold))
  for (const budget of state.budgets)
    addOnce(of(budget.accountId).budgets, budget, (other) => other.scope === budget.scope)
  for (const payment of state.payments)
    addOnce(of(payment.accountId).payments, payment, (other) => other.id === payment.id)
  for (const change of state.levels)
    addOnce(of(change.accountId).levels, change, ({ meter, at }) => meter === change.meter && at === change.at)
  for (const value of state.seen) of(value.accountId).seen.push(slot(value))
  for (const entry of state.entries) {
    const { entries } = of(entry.accountId)
    if (!entries.some(({ id }) => id === entry.id)) entries.push(entry)
  }
  return drafts
}

export function putHold(account: AccountDraft, hold: Slot<Hold>): void {
  account.holds ??= new Map()
  account.holds.set(hold.value.id, hold)
}

export function emptyAccountDraft(id: string): AccountDraft {
  return {
    id,
    row: null,
    isUpToDate: false,
    open: [],
    grants: [],
    grantsById: null,
    counters: [],
    holds: null,
    budgets: [],
    payments: [],
    levels: [],
    seen: [],
    entries: [],
    rollups: null,
  }
}

/** Puts a grant among the open ones, in burn order. */
export function insertOpen(open: Slot<CreditGrant>[], grant: Slot<CreditGrant>): void {
  let at = open.length
  for (let before = open[at - 1]; before && burnOrder(grant.value, before.value) < 0; before = open[at - 1]) at -= 1
  open.splice(at, 0, grant)
}

/** The slot of a value that satisfies a condition, or a new one for `value`, marked as changed. */
export function put<T>(slots: Slot<T>[], isSame: (value: T) => boolean, value: T): void {
  for (const each of slots) {
    if (!isSame(each.value)) continue
    each.value = value
    each.isChanged = true
    return
  }
  slots.push(newSlot(value))
}

/** A slot for a value that this batch made. */
export function newSlot<T>(value: T): Slot<T> {
  return { value, loaded: null, isChanged: true, own: null }
}

/** What is to be written of slots; it counts as written from then on. */
export function takeChanged<T>(slots: readonly Slot<T>[], changed: Changed<T>[]): void {
  for (const each of slots) takeSlot(each, changed)
}

export function takeSlot<T>(slot: Slot<T>, changed: Changed<T>[]): void {
  if (!slot.isChanged) return
  changed.push({ value: slot.value, loaded: slot.loaded })
  slot.loaded = slot.value
  slot.isChanged = false
  slot.own = null
}

/** The same, without what it was. */
export function takeValues<T>(slots: Iterable<Slot<T>>, changed: T[]): void {
  for (const each of slots) {
    if (!each.isChanged) continue
    changed.push(each.value)
    each.isChanged = false
    each.own = null
  }
}

function slot<T>(value: T): Slot<T> {
  return { value, loaded: value, isChanged: false, own: null }
}

/** A store may answer the same thing for several keys that ask for it. */
function addOnce<T>(slots: Slot<T>[], value: T, isSame: (other: T) => boolean): void {
  if (!slots.some((each) => isSame(each.value))) slots.push(slot(value))
}

/** A store may answer a grant twice, as open and as named. */
function addGrant(account: AccountDraft, grant: CreditGrant): void {
  if (findGrantSlot(account, grant.id)) return
  const kept = slot(grant)
  addGrantSlot(account, kept)
  if (grant.remaining > 0n) insertOpen(account.open, kept)
}

/** So many are looked through as fast as they are looked up. */
const few = 8

export function findGrantSlot({ grants, grantsById }: AccountDraft, id: string): Slot<CreditGrant> | undefined {
  return grantsById ? grantsById.get(id) : grants.find(({ value }) => value.id === id)
}

export function addGrantSlot(account: AccountDraft, kept: Slot<CreditGrant>): void {
  account.grants.push(kept)
  if (account.grantsById) account.grantsById.set(kept.value.id, kept)
  else if (account.grants.length > few)
    account.grantsById = new Map(account.grants.map((each) => [each.value.id, each]))
}

function addCounter({ counters }: AccountDraft, counter: Counter): void {
  const isSame = ({ value }: Slot<Counter>) => value.meter === counter.meter && value.startsAt === counter.startsAt
  if (!counters.some(isSame)) counters.push(slot(counter))
}
