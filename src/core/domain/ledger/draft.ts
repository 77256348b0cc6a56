import { invariant } from '../../errors.js'
import type { Budget } from '../budget.js'
import { burnOrder, type CreditGrant } from '../credit-grant.js'
import type { BillingEvent } from '../event.js'
import type { Payment } from '../payment.js'
import type { Instant } from '../period.js'
import { emptyCounter } from './current-quota.js'
import type { Balance } from './outcome.js'
import {
  type AccountState,
  type Carry,
  type Counter,
  type Hold,
  type LedgerEntry,
  type LedgerRules,
  type LedgerState,
  type LevelChange,
  type LoadKey,
  loadKeyId,
  type Rollup,
  type SeenValue,
  type StoredKey,
} from './state.js'

/** A row of this batch, with the plan under which it was posted: a later command of the batch may change that. */
export interface PostedEntry {
  readonly entry: LedgerEntry
  readonly plan: string
}

/** The state while a batch is being decided: later commands see what earlier ones changed. */
export interface Draft {
  readonly now: Instant
  /** The id of the command that is being decided; what it causes beside its own effect is named after it. */
  cause: string
  readonly rules: LedgerRules
  readonly loaded: ReadonlySet<string>
  readonly accounts: Map<string, AccountState>
  /** By account, in burn order. */
  readonly grants: Map<string, readonly CreditGrant[]>
  /** By account and meter. */
  readonly counters: Map<string, Counter[]>
  readonly carries: Map<string, Carry>
  readonly holds: Map<string, Hold>
  readonly budgets: Map<string, Budget>
  readonly payments: Map<string, Payment>
  /** By account, meter and moment. */
  readonly levels: Map<string, LevelChange>
  /** By account, meter, value and period. */
  readonly seen: Map<string, SeenValue>
  /** Grants that were named, whatever is left of them. */
  readonly named: Map<string, CreditGrant>
  /** Rows that were named and those that correct them. */
  readonly stored: Map<string, LedgerEntry>
  readonly keys: Map<string, StoredKey>
  readonly changed: {
    readonly accounts: Set<string>
    readonly grants: Map<string, CreditGrant>
    readonly counters: Map<string, Counter>
    readonly carries: Set<string>
    readonly holds: Set<string>
    readonly budgets: Set<string>
    readonly payments: Set<string>
    readonly levels: Set<string>
    readonly seen: Set<string>
  }
  readonly entries: PostedEntry[]
  readonly rollups: Map<string, Rollup>
  readonly events: BillingEvent[]
}

export function createDraft(state: LedgerState, rules: LedgerRules): Draft {
  const grants = new Map<string, CreditGrant[]>()
  const named = new Map<string, CreditGrant>()
  for (const grant of state.grants) {
    if (named.has(pair(grant.accountId, grant.id))) continue
    named.set(pair(grant.accountId, grant.id), grant)
    if (grant.remaining > 0n) push(grants, grant.accountId, grant)
  }
  for (const list of grants.values()) list.sort(burnOrder)
  const counters = new Map<string, Counter[]>()
  for (const counter of state.counters) {
    const list = counters.get(pair(counter.accountId, counter.meter)) ?? []
    if (!list.some((other) => other.startsAt === counter.startsAt))
      push(counters, pair(counter.accountId, counter.meter), counter)
  }
  return {
    now: state.now,
    cause: '',
    rules,
    loaded: state.loaded,
    accounts: new Map(state.accounts.map((account) => [account.id, account])),
    grants,
    counters,
    carries: new Map(state.carries.map((carry) => [carryKey(carry), carry])),
    holds: new Map(state.holds.map((hold) => [pair(hold.accountId, hold.id), hold])),
    budgets: new Map(state.budgets.map((budget) => [pair(budget.accountId, budget.scope), budget])),
    payments: new Map(state.payments.map((payment) => [pair(payment.accountId, payment.id), payment])),
    levels: new Map(state.levels.map((change) => [levelKey(change), change])),
    seen: new Map(state.seen.map((value) => [seenKey(value), value])),
    named,
    stored: new Map(state.entries.map((entry) => [pair(entry.accountId, entry.id), entry])),
    keys: new Map(state.keys.map((key) => [pair(key.accountId, key.dedupe), key])),
    changed: {
      accounts: new Set(),
      grants: new Map(),
      counters: new Map(),
      carries: new Set(),
      holds: new Set(),
      budgets: new Set(),
      payments: new Set(),
      levels: new Set(),
      seen: new Set(),
    },
    entries: [],
    rollups: new Map(),
    events: [],
  }
}

/** Fails unless the store answered this load key: deciding on what was never read would be a guess. */
export function requireLoaded(draft: Draft, keys: readonly LoadKey[]): void {
  for (const key of keys) invariant(draft.loaded.has(loadKeyId(key)), `the store did not load ${loadKeyId(key)}`)
}

export function grantsOf(draft: Draft, accountId: string): readonly CreditGrant[] {
  return draft.grants.get(accountId) ?? []
}

/** Stores a grant, and keeps the open ones in burn order. */
export function setGrant(draft: Draft, grant: CreditGrant): void {
  const { accountId, id } = grant
  draft.named.set(pair(accountId, id), grant)
  draft.changed.grants.set(pair(accountId, id), grant)
  const others = grantsOf(draft, accountId).filter((other) => other.id !== id)
  draft.grants.set(accountId, grant.remaining > 0n ? [...others, grant].sort(burnOrder) : others)
}

export function findGrant(draft: Draft, accountId: string, grantId: string): CreditGrant | undefined {
  return draft.named.get(pair(accountId, grantId))
}

export function setAccount(draft: Draft, account: AccountState): void {
  draft.accounts.set(account.id, account)
  draft.changed.accounts.add(account.id)
}

export function findHold(draft: Draft, accountId: string, holdId: string): Hold | undefined {
  return draft.holds.get(pair(accountId, holdId))
}

export function setHold(draft: Draft, hold: Hold): void {
  draft.holds.set(pair(hold.accountId, hold.id), hold)
  draft.changed.holds.add(pair(hold.accountId, hold.id))
}

export function findBudgets(draft: Draft, accountId: string, scopes: readonly string[]): readonly Budget[] {
  return scopes.flatMap((scope) => draft.budgets.get(pair(accountId, scope)) ?? [])
}

export function setBudget(draft: Draft, budget: Budget): void {
  draft.budgets.set(pair(budget.accountId, budget.scope), budget)
  draft.changed.budgets.add(pair(budget.accountId, budget.scope))
}

export function setPayment(draft: Draft, payment: Payment): void {
  draft.payments.set(pair(payment.accountId, payment.id), payment)
  draft.changed.payments.add(pair(payment.accountId, payment.id))
}

/** A row that was named, or posted earlier in this batch. */
export function findEntry(draft: Draft, accountId: string, entryId: string): LedgerEntry | undefined {
  return draft.stored.get(pair(accountId, entryId))
}

/** The row and all that corrects it, oldest first. */
export function entryWithCorrections(draft: Draft, entry: LedgerEntry): readonly LedgerEntry[] {
  const corrections = [...draft.stored.values()].filter(
    (other) => other.accountId === entry.accountId && other.corrects === entry.id,
  )
  return [entry, ...corrections]
}

export function setCounter(draft: Draft, counter: Counter): void {
  const key = pair(counter.accountId, counter.meter)
  const others = (draft.counters.get(key) ?? []).filter((other) => other.startsAt !== counter.startsAt)
  draft.counters.set(key, [...others, counter])
  draft.changed.counters.set(`${key}|${counter.startsAt}`, counter)
}

/** The counter that `at` falls in, made from the account's periods when the store has none yet. It is not stored until it is set. */
export function counterAt(draft: Draft, account: AccountState, meter: string, at: Instant): Counter {
  const counters = draft.counters.get(pair(account.id, meter)) ?? []
  const existing = latest(counters.filter((counter) => counter.startsAt <= at && at < counter.endsAt))
  if (existing) return existing
  const before = latest(counters.filter((counter) => counter.endsAt <= at))
  const fresh = emptyCounter(draft.rules.catalog, account, meter, at, before)
  // A change of anchor cuts the period before it short, and late usage may fall before one that began in another rhythm: what is
  // counted in one period is counted in no other.
  const after = counters.filter((counter) => counter.startsAt > at).map((counter) => counter.startsAt)
  return {
    ...fresh,
    startsAt: Math.max(fresh.startsAt, before?.endsAt ?? fresh.startsAt),
    endsAt: Math.min(fresh.endsAt, ...after),
  }
}

/** The last counter of the meter that ended at or before `at`. */
export function counterBefore(draft: Draft, accountId: string, meter: string, at: Instant): Counter | undefined {
  return latest((draft.counters.get(pair(accountId, meter)) ?? []).filter((counter) => counter.endsAt <= at))
}

export function currentCounters(draft: Draft, accountId: string): readonly Counter[] {
  const current: Counter[] = []
  for (const counters of draft.counters.values()) {
    if (counters[0]?.accountId !== accountId) continue
    current.push(...counters.filter(({ startsAt, endsAt }) => startsAt <= draft.now && draft.now < endsAt))
  }
  return current
}

export function balanceOf(account: AccountState): Balance {
  return {
    balance: account.balance,
    held: account.held,
    available: account.balance - account.held,
    debt: account.balance < 0n ? -account.balance : 0n,
  }
}

export function carryKey(carry: Pick<Carry, 'accountId' | 'destination' | 'meter' | 'startsAt'>): string {
  return `${carry.destination}|${carry.accountId}|${carry.meter}|${carry.startsAt}`
}

export function setLevel(draft: Draft, change: LevelChange): void {
  draft.levels.set(levelKey(change), change)
  draft.changed.levels.add(levelKey(change))
}

/** The changes of a level that are known here, oldest first. */
export function levelsOf(draft: Draft, accountId: string, meter: string): readonly LevelChange[] {
  const changes = [...draft.levels.values()].filter((each) => each.accountId === accountId && each.meter === meter)
  return changes.sort((left, right) => left.at - right.at)
}

export function hasSeen(draft: Draft, value: SeenValue): boolean {
  return draft.seen.has(seenKey(value))
}

export function setSeen(draft: Draft, value: SeenValue): void {
  if (hasSeen(draft, value)) return
  draft.seen.set(seenKey(value), value)
  draft.changed.seen.add(seenKey(value))
}

/** All counters of a meter that are known here, oldest first. */
export function countersOf(draft: Draft, accountId: string, meter: string): readonly Counter[] {
  return [...(draft.counters.get(pair(accountId, meter)) ?? [])].sort((left, right) => left.startsAt - right.startsAt)
}

export function levelKey({ accountId, meter, at }: LevelChange): string {
  return [accountId, meter, at].join('|')
}

export function seenKey({ accountId, meter, startsAt, value }: SeenValue): string {
  return [accountId, meter, startsAt, value].join('|')
}

export function pair(accountId: string, id: string): string {
  return `${accountId}|${id}`
}

function latest(counters: readonly Counter[]): Counter | undefined {
  return counters.reduce<Counter | undefined>(
    (last, counter) => (last && last.startsAt >= counter.startsAt ? last : counter),
    undefined,
  )
}

function push<T>(lists: Map<string, T[]>, key: string, value: T): void {
  const list = lists.get(key)
  if (list) list.push(value)
  else lists.set(key, [value])
}
