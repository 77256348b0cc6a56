import type { Budget } from '../../core/domain/budget.js'
import { burnOrder, type CreditGrant } from '../../core/domain/credit-grant.js'
import type {
  AccountState,
  Changed,
  Counter,
  Hold,
  LedgerEntry,
  LevelChange,
  Rollup,
  SeenValue,
  StoredKey,
} from '../../core/domain/ledger/state.js'
import type { Mutable } from '../../core/domain/mutable.js'
import type { Payment } from '../../core/domain/payment.js'
import { under } from './under.js'

/** Everything the ledger keeps of one account. Rows are replaced and never changed, but for sums by day. */
export interface AccountBook {
  state: AccountState
  /** Grants with something left, in burn order. */
  readonly openGrants: CreditGrant[]
  /** All others, by id. */
  readonly usedGrants: Map<string, CreditGrant>
  /** By meter, oldest first. */
  readonly counters: Map<string, Counter[]>
  /** Open holds, by id. */
  readonly openHolds: Map<string, Hold>
  /** All others, by id. */
  readonly endedHolds: Map<string, Hold>
  /** By scope. */
  readonly budgets: Map<string, Budget>
  /** By id. */
  readonly payments: Map<string, Payment>
  /** By meter, oldest first. */
  readonly levels: Map<string, LevelChange[]>
  /** Values that were counted, by meter and value: the periods. */
  readonly seen: Map<string, SeenValue[]>
  /** Whatever was stored under an idempotency key, which is mostly a ledger row, by dedupe. */
  readonly keys: Map<string, StoredKey>
  /** Oldest first. */
  readonly entries: LedgerEntry[]
  /** Where in `entries` the first rows are, by id: those that were there when a row was last looked up. */
  readonly places: Map<string, number>
  /** How many those are. */
  placed: number
  /** Rows that correct a row, by its id, oldest first. */
  readonly corrections: Map<string, LedgerEntry[]>
  /** By what is summed. They are added to in place: others are given copies. */
  readonly rollups: Map<string, Mutable<Rollup>>
}

export function newAccountBook(state: AccountState): AccountBook {
  return {
    state,
    openGrants: [],
    usedGrants: new Map(),
    counters: new Map(),
    openHolds: new Map(),
    endedHolds: new Map(),
    budgets: new Map(),
    payments: new Map(),
    levels: new Map(),
    seen: new Map(),
    keys: new Map(),
    entries: [],
    places: new Map(),
    placed: 0,
    corrections: new Map(),
    rollups: new Map(),
  }
}

export function grantOf({ openGrants, usedGrants }: AccountBook, grantId: string): CreditGrant | undefined {
  return openGrants.find(({ id }) => id === grantId) ?? usedGrants.get(grantId)
}

export function putGrant(
  { openGrants, usedGrants }: AccountBook,
  { value: grant, loaded }: Changed<CreditGrant>,
): void {
  if (loaded !== null && loaded.expiresAt !== grant.expiresAt) removeOpen(openGrants, loaded)
  const place = placeInOrder(openGrants, grant)
  const isThere = openGrants[place]?.id === grant.id
  if (grant.remaining > 0n) {
    openGrants.splice(place, isThere ? 1 : 0, grant)
    usedGrants.delete(grant.id)
  } else {
    if (isThere) openGrants.splice(place, 1)
    usedGrants.set(grant.id, grant)
  }
}

function removeOpen(openGrants: CreditGrant[], grant: CreditGrant): void {
  const place = placeInOrder(openGrants, grant)
  if (openGrants[place]?.id === grant.id) openGrants.splice(place, 1)
}

/** Where a grant is, or belongs: of what it is ordered by only its end ever changes. */
function placeInOrder(openGrants: readonly CreditGrant[], grant: CreditGrant): number {
  let [low, high] = [0, openGrants.length]
  while (low < high) {
    const middle = (low + high) >> 1
    const other = openGrants[middle]
    if (other && burnOrder(other, grant) < 0) low = middle + 1
    else high = middle
  }
  return low
}

export function holdOf({ openHolds, endedHolds }: AccountBook, holdId: string): Hold | undefined {
  return openHolds.get(holdId) ?? endedHolds.get(holdId)
}

export function putHold({ openHolds, endedHolds, keys }: AccountBook, hold: Hold): void {
  if (hold.status === 'open') openHolds.set(hold.id, hold)
  else {
    openHolds.delete(hold.id)
    endedHolds.set(hold.id, hold)
  }
  keys.set(hold.dedupe, hold)
  if (hold.release) keys.set(hold.release.dedupe, { accountId: hold.accountId, ...hold.release })
}

export function putCounter({ counters }: AccountBook, counter: Counter): void {
  putInOrder(under(counters, counter.meter, newList), counter, ({ startsAt }) => startsAt)
}

export function putLevel({ levels }: AccountBook, change: LevelChange): void {
  putInOrder(under(levels, change.meter, newList), change, ({ at }) => at)
}

export function addSeen({ seen }: AccountBook, value: SeenValue): void {
  under(seen, seenKey(value.meter, value.value), newList).push(value)
}

export function seenKey(meter: string, value: string): string {
  return `${meter}|${value}`
}

export function addEntry({ entries, keys, corrections }: AccountBook, entry: LedgerEntry): void {
  entries.push(entry)
  keys.set(entry.dedupe, entry)
  if (entry.corrects !== null) under(corrections, entry.corrects, newList).push(entry)
}

/** Adds to a sum, or keeps the row as a sum that begins. */
export function addRollup({ rollups }: AccountBook, row: Rollup): void {
  const key = rollupKey(row)
  const sum = rollups.get(key)
  if (sum === undefined) {
    rollups.set(key, { ...row })
    return
  }
  sum.events += row.events
  sum.quantity += row.quantity
  sum.sparks += row.sparks
  sum.charged += row.charged
  sum.costPicos += row.costPicos
}

/** Joined by what no text holds. */
function rollupKey({ day, meter, provider, model, dimension, value }: Rollup): string {
  return `${day}\0${meter}\0${provider}\0${model}\0${dimension}\0${value}`
}

/** Replaces the row of the same moment, or puts it where it belongs: nearly always at the end. */
function putInOrder<T>(rows: T[], row: T, momentOf: (row: T) => number): void {
  const moment = momentOf(row)
  const place = rows.findLastIndex((other) => momentOf(other) <= moment)
  const before = rows[place]
  if (before !== undefined && momentOf(before) === moment) rows[place] = row
  else rows.splice(place + 1, 0, row)
}

/** Where in `entries` a row is. Few rows are ever looked up, so they find their place there only then. */
export function placeOf(book: AccountBook, entryId: string): number | undefined {
  const { entries, places } = book
  for (const { id } of entries.slice(book.placed)) {
    places.set(id, book.placed)
    book.placed += 1
  }
  return places.get(entryId)
}

export function entryOf(book: AccountBook, entryId: string): LedgerEntry | undefined {
  const place = placeOf(book, entryId)
  return place === undefined ? undefined : book.entries[place]
}

/** Open holds whose time is over. */
export function dueHolds({ openHolds }: AccountBook, now: number): readonly Hold[] {
  if (openHolds.size === 0) return []
  return [...openHolds.values()].filter(({ expiresAt }) => expiresAt <= now)
}

export function allCounters({ counters }: AccountBook): readonly Counter[] {
  return [...counters.values()].flat()
}

/** The counter that contains `at`, or else the last one before it and the first one after it. */
export function countersAround({ counters }: AccountBook, meter: string, at: number): readonly Counter[] {
  const all = counters.get(meter) ?? []
  const place = all.findLastIndex(({ startsAt }) => startsAt <= at)
  const counter = all[place]
  if (counter !== undefined && at < counter.endsAt) return [counter]
  return all.slice(Math.max(place, 0), place + 2)
}

export function countersOfHold({ counters }: AccountBook, { meter, periodStartsAt }: Hold): readonly Counter[] {
  if (meter === null) return []
  return counters.get(meter)?.filter(({ startsAt }) => startsAt === periodStartsAt) ?? []
}

/** The counters of the periods that contain a moment, and the last ones of levels, which last. */
export function currentCounters({ counters }: AccountBook, at: number): readonly Counter[] {
  return [...counters.values()].flatMap((ofMeter) =>
    ofMeter.filter(
      (counter, place) =>
        counter.startsAt <= at && (at < counter.endsAt || (counter.level !== null && place === ofMeter.length - 1)),
    ),
  )
}

/** Those of levels weighted by time that are not counted to the end of a period that is over. */
export function accruingCounters(book: AccountBook, now: number): readonly Counter[] {
  return allCounters(book).filter(
    ({ area, asOf, endsAt }) => area !== null && asOf !== null && asOf < endsAt && endsAt <= now,
  )
}

function newList(): never[] {
  return []
}
