import { BillingError, invariant } from '../../errors.js'
import type { Budget } from '../budget.js'
import type { CreditGrant } from '../credit-grant.js'
import type { BillingEvent } from '../event.js'
import type { Mutable } from '../mutable.js'
import type { Payment } from '../payment.js'
import type { Instant } from '../period.js'
import type { MicroSparks } from '../sparks.js'
import {
  type AccountDraft,
  accountDrafts,
  addGrantSlot,
  emptyAccountDraft,
  findGrantSlot,
  insertOpen,
  newSlot,
  own,
  put,
  putHold,
} from './account-draft.js'
import { emptyCounter } from './current-quota.js'
import { type LoadedKeys, loadedKeys } from './loaded-keys.js'
import type { Balance } from './outcome.js'
import { type PerAccount, perAccount } from './per-account.js'
import {
  type AccountState,
  type Counter,
  type Hold,
  type LedgerEntry,
  type LedgerRules,
  type LedgerState,
  type LevelChange,
  type LoadKey,
  loadKeyId,
  type SeenValue,
  type StoredKey,
} from './state.js'

/** What metering providers are told of a row: who collects, and how much; everyone else is told of all parts together. */
export interface Told {
  readonly parts: readonly (readonly [collector: string, sparks: MicroSparks])[]
  readonly sparks: MicroSparks
  /** Whether that is only what is to be collected, and not everything. */
  readonly isCollected: boolean
}

/** A row of this batch, with what is told of it as of when it was posted: a later command of the batch may change plan and collector. */
export interface PostedEntry {
  readonly entry: LedgerEntry
  /** `null` for what is no usage. */
  readonly told: Told | null
  /** The entry's own deliveries, which are named when the batch is decided. */
  readonly deliveries: Record<string, string | null>
  /** Whether it is usage that was read out of traces. */
  readonly isPulled: boolean
}

/** The state while a batch is being decided: later commands see what earlier ones changed. */
export interface Draft {
  readonly now: Instant
  /** The id of the command that is being decided. */
  command: string
  readonly rules: LedgerRules
  /** What the store was asked for. */
  readonly loaded: LoadedKeys
  readonly accounts: Map<string, AccountDraft>
  /** The account that was looked at last. */
  latest: AccountDraft | null
  readonly keys: PerAccount<StoredKey>
  /** What is to be added to what the store has. */
  entries: PostedEntry[]
  events: BillingEvent[]
}

export function createDraft(state: LedgerState, rules: LedgerRules): Draft {
  const draft: Draft = {
    now: state.now,
    command: '',
    rules,
    loaded: loadedKeys(state.loaded),
    accounts: accountDrafts(state),
    latest: null,
    keys: perAccount(),
    entries: [],
    events: [],
  }
  for (const key of state.keys) draft.keys.set(key.dedupe, key)
  return draft
}

/**
 * What the command that is being decided causes beside its own effect is named after it, and after the time: a batch that is sent again
 * may have more to end or to give than when it was sent first.
 */
export function causeOf({ command, now }: Draft): string {
  return `${command}.${now.toString(36)}`
}

/** Everything of an account. */
export function accountDraft(draft: Draft, accountId: string): AccountDraft {
  if (draft.latest?.id === accountId) return draft.latest
  let found = draft.accounts.get(accountId)
  if (!found) {
    found = emptyAccountDraft(accountId)
    draft.accounts.set(accountId, found)
  }
  draft.latest = found
  return found
}

/** Fails unless the store answered these load keys: deciding on what was never read would be a guess. */
export function requireLoaded(draft: Draft, keys: readonly LoadKey[]): void {
  for (const key of keys) invariant(draft.loaded.has(key), () => `the store did not load ${loadKeyId(key)}`)
}

export function findKey(draft: Draft, accountId: string, dedupe: string): StoredKey | undefined {
  return draft.keys.get(accountId, dedupe)
}

/** The account's grants with something left, in burn order. */
export function grantsOf(draft: Draft, accountId: string): readonly CreditGrant[] {
  return accountDraft(draft, accountId).open.map(({ value }) => value)
}

/** Stores a grant, and keeps the open ones in burn order. */
export function setGrant(draft: Draft, grant: CreditGrant): void {
  const account = accountDraft(draft, grant.accountId)
  const known = findGrantSlot(account, grant.id)
  const kept = known ?? newSlot(grant)
  const isMoved = kept.value.expiresAt !== grant.expiresAt
  if (!known) addGrantSlot(account, kept)
  kept.value = grant
  kept.isChanged = true
  // One that is used up leaves the open ones, and one that is given something comes back to them.
  const { open } = account
  const at = known ? open.indexOf(known) : -1
  if (at >= 0 && (grant.remaining === 0n || isMoved)) open.splice(at, 1)
  if (grant.remaining > 0n && (at < 0 || isMoved)) insertOpen(open, kept)
}

export function findGrant(draft: Draft, accountId: string, grantId: string): CreditGrant | undefined {
  return findGrantSlot(accountDraft(draft, accountId), grantId)?.value
}

export function setAccount(draft: Draft, state: AccountState): void {
  const account = accountDraft(draft, state.id)
  account.row ??= newSlot(state)
  account.row.value = state
  account.row.isChanged = true
}

export function findHold(draft: Draft, accountId: string, holdId: string): Hold | undefined {
  return accountDraft(draft, accountId).holds?.get(holdId)?.value
}

export function setHold(draft: Draft, hold: Hold): void {
  putHold(accountDraft(draft, hold.accountId), newSlot(hold))
}

export function findBudgets(draft: Draft, accountId: string, scopes: readonly string[]): readonly Budget[] {
  const { budgets } = accountDraft(draft, accountId)
  const [first] = budgets
  if (!first) return none
  // Most accounts have one.
  if (budgets.length === 1) return scopes.includes(first.value.scope) ? [first.value] : none
  // In the order of the scopes: of several that are too small the first one is named.
  return scopes.flatMap((scope) => budgets.find(({ value }) => value.scope === scope)?.value ?? [])
}

const none: readonly never[] = []

export function setBudget(draft: Draft, budget: Budget): void {
  put(accountDraft(draft, budget.accountId).budgets, ({ scope }) => scope === budget.scope, budget)
}

/** The budget as one whose sums may be changed in place; what it says of its period is stored with that. */
export function ownBudget(draft: Draft, budget: Budget): Mutable<Budget> {
  const { budgets } = accountDraft(draft, budget.accountId)
  for (const kept of budgets) {
    if (kept.value.scope !== budget.scope) continue
    if (kept.value !== budget) kept.value = budget
    return own(kept)
  }
  throw new BillingError('invariant_violated', `Account ${budget.accountId} has no budget ${budget.scope}.`)
}

export function findPayment(draft: Draft, accountId: string, paymentId: string): Payment | undefined {
  return accountDraft(draft, accountId).payments.find(({ value }) => value.id === paymentId)?.value
}

export function setPayment(draft: Draft, payment: Payment): void {
  put(accountDraft(draft, payment.accountId).payments, ({ id }) => id === payment.id, payment)
}

/** A row that was named, or posted earlier in this batch. */
export function findEntry(draft: Draft, accountId: string, entryId: string): LedgerEntry | undefined {
  return accountDraft(draft, accountId).entries.find(({ id }) => id === entryId)
}

/** A name for a row that a command causes beside its own; it may cause several of a kind. */
export function freeName(draft: Draft, accountId: string, name: string): string {
  let free = name
  for (let count = 2; findEntry(draft, accountId, `ent_${free}`); count += 1) free = `${name}.${count}`
  return free
}

/** The row and all that corrects it, oldest first. */
export function entryWithCorrections(draft: Draft, entry: LedgerEntry): readonly LedgerEntry[] {
  const { entries } = accountDraft(draft, entry.accountId)
  return [entry, ...entries.filter((other) => other.corrects === entry.id)]
}

/** What rows took from each grant, less what others of them gave back. */
export function netBurns(rows: readonly LedgerEntry[]): LedgerEntry['burns'] {
  const net = new Map<string, bigint>()
  for (const { grantId, amount } of rows.flatMap(({ burns }) => burns))
    net.set(grantId, (net.get(grantId) ?? 0n) + amount)
  return [...net].flatMap(([grantId, amount]) => (amount > 0n ? [{ grantId, amount }] : []))
}

/** The counter as one whose sums may be changed in place: its own copy in the draft, or a copy of one that is not stored yet. */
export function ownCounter(draft: Draft, counter: Counter): Mutable<Counter> {
  for (const each of accountDraft(draft, counter.accountId).counters) if (each.value === counter) return own(each)
  return { ...counter }
}

/** Stores a counter. @returns whether it is the first of its meter and period */
export function setCounter(draft: Draft, counter: Counter): boolean {
  const { counters } = accountDraft(draft, counter.accountId)
  for (const each of counters) {
    if (each.value.startsAt !== counter.startsAt || each.value.meter !== counter.meter) continue
    each.value = counter
    each.isChanged = true
    return false
  }
  counters.push(newSlot(counter))
  return true
}

/** The counter that `at` falls in, made from the account's periods when the store has none yet. It is not stored until it is set. */
export function counterAt(draft: Draft, account: AccountState, meter: string, at: Instant): Counter {
  let existing: Counter | undefined
  for (const { value } of accountDraft(draft, account.id).counters) {
    if (value.meter !== meter || value.startsAt > at || at >= value.endsAt) continue
    if (!existing || existing.startsAt < value.startsAt) existing = value
  }
  return existing ?? newCounter(draft, account, meter, at)
}

/**
 * A change of anchor cuts the period before it short, and late usage may fall before one that began in another rhythm: what is counted
 * in one period is counted in no other.
 */
function newCounter(draft: Draft, account: AccountState, meter: string, at: Instant): Counter {
  const before = counterBefore(draft, account.id, meter, at)
  const fresh = emptyCounter(draft.rules.catalog, account, meter, at, before)
  const after = countersOf(draft, account.id, meter).find((counter) => counter.startsAt > at)
  return {
    ...fresh,
    startsAt: Math.max(fresh.startsAt, before?.endsAt ?? fresh.startsAt),
    endsAt: Math.min(fresh.endsAt, after?.startsAt ?? fresh.endsAt),
  }
}

/** The counter of a period that begins then, of which usage was counted. */
export function counterFrom(draft: Draft, accountId: string, meter: string, startsAt: Instant): Counter {
  for (const { value } of accountDraft(draft, accountId).counters)
    if (value.startsAt === startsAt && value.meter === meter) return value
  throw new BillingError('invariant_violated', `Account ${accountId} has no counter of ${meter} from ${startsAt}.`)
}

/** The last counter of the meter that ended at or before `at`. */
export function counterBefore(draft: Draft, accountId: string, meter: string, at: Instant): Counter | undefined {
  return countersOf(draft, accountId, meter).findLast((counter) => counter.endsAt <= at)
}

export function currentCounters(draft: Draft, accountId: string): readonly Counter[] {
  const counters = accountDraft(draft, accountId).counters.map(({ value }) => value)
  return counters.filter(({ startsAt, endsAt }) => startsAt <= draft.now && draft.now < endsAt)
}

/** All counters of a meter that are known here, oldest first. */
export function countersOf(draft: Draft, accountId: string, meter: string): readonly Counter[] {
  const counters = accountDraft(draft, accountId).counters.map(({ value }) => value)
  return counters.filter((counter) => counter.meter === meter).sort((left, right) => left.startsAt - right.startsAt)
}

export function balanceOf(account: Pick<AccountState, 'balance' | 'held'>): Balance {
  return {
    balance: account.balance,
    held: account.held,
    available: account.balance - account.held,
    debt: account.balance < 0n ? -account.balance : 0n,
  }
}

export function setLevel(draft: Draft, change: LevelChange): void {
  const isSame = ({ meter, at }: LevelChange) => meter === change.meter && at === change.at
  put(accountDraft(draft, change.accountId).levels, isSame, change)
}

/** The changes of a level that are known here, oldest first. */
export function levelsOf(draft: Draft, accountId: string, meter: string): readonly LevelChange[] {
  const changes = accountDraft(draft, accountId).levels.map(({ value }) => value)
  return changes.filter((change) => change.meter === meter).sort((left, right) => left.at - right.at)
}

export function hasSeen(draft: Draft, { accountId, meter, startsAt, value }: SeenValue): boolean {
  return accountDraft(draft, accountId).seen.some(
    ({ value: each }) => each.value === value && each.meter === meter && each.startsAt === startsAt,
  )
}

export function setSeen(draft: Draft, value: SeenValue): void {
  if (!hasSeen(draft, value)) accountDraft(draft, value.accountId).seen.push(newSlot(value))
}
