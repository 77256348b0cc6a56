import type { Budget } from '../../core/domain/budget.js'
import { viewBudgets } from '../../core/domain/budget-view.js'
import { burnOrder, type CreditGrant } from '../../core/domain/credit-grant.js'
import { overdue } from '../../core/domain/ledger/expiry.js'
import { apply, needs } from '../../core/domain/ledger/kernel.js'
import {
  type AccountState,
  type Counter,
  countedAt,
  type Hold,
  type LedgerEntry,
  type LedgerRows,
  type LedgerState,
  type LevelChange,
  type LoadKey,
  type Rollup,
  type SeenValue,
  type StoredKey,
} from '../../core/domain/ledger/state.js'
import { viewAccount } from '../../core/domain/ledger/view.js'
import type { Payment } from '../../core/domain/payment.js'
import type { EntryPage, LedgerStore, UsageFilter } from '../../core/ports/store.js'
import { addDeliveries, addEvents } from './outbox.js'
import { type Tables, under } from './tables.js'
import { verifyMemory } from './verify.js'

export function memoryLedger(tables: Tables, now: () => number): LedgerStore {
  return {
    async commit(commands, rules) {
      const state = load(tables, needs(commands, rules), now())
      const { rows, outcomes } = apply(state, commands, rules)
      write(tables, rows, state.now)
      return outcomes
    },
    async snapshot(accountId) {
      const account = tables.states.get(accountId)
      if (!account) return null
      const at = now()
      return viewAccount({
        now: at,
        account,
        grants: openGrants(tables, accountId),
        dueHolds: dueHolds(tables, accountId, at),
        counters: currentCounters(tables, accountId, at),
      })
    },
    async hold(accountId, holdId) {
      return tables.holds.get(accountId)?.get(holdId) ?? null
    },
    async grant(accountId, grantId) {
      return tables.grants.get(accountId)?.get(grantId) ?? null
    },
    async payment(accountId, paymentId) {
      return tables.payments.get(pair(accountId, paymentId)) ?? null
    },
    async entry(accountId, entryId) {
      return tables.entriesById.get(`${accountId}|${entryId}`) ?? null
    },
    async entries(accountId, { limit, before, ...wanted }) {
      const all = (tables.entries.get(accountId) ?? []).map((entry, index) => ({ ...entry, cursor: String(index + 1) }))
      const older = before === undefined ? all : all.slice(0, Number(before) - 1)
      return older
        .filter((entry) => isWanted(entry, wanted))
        .reverse()
        .slice(0, limit)
    },
    async corrections(accountId, entryIds) {
      const order = new Map((tables.entries.get(accountId) ?? []).map((entry, index) => [entry.id, index]))
      const place = ({ id }: LedgerEntry) => order.get(id) ?? 0
      return entryIds
        .flatMap((id) => tables.corrections.get(pair(accountId, id)) ?? [])
        .sort((left, right) => place(left) - place(right))
    },
    async rollups(accountId, { from, to, dimension = '' }) {
      return [...(tables.rollups.get(accountId)?.values() ?? [])].filter(
        (row) => row.dimension === dimension && row.day >= from && row.day < to,
      )
    },
    async budget(accountId, scope) {
      const budget = tables.budgets.get(accountId)?.get(scope)
      return budget ? (currentBudgets(tables, accountId, [budget], now())[0] ?? null) : null
    },
    async budgets(accountId, { limit, after }) {
      const sorted = [...budgetsOf(tables, accountId)].sort((left, right) => byCodePoints(left.scope, right.scope))
      const rest = sorted.filter(({ scope }) => after === undefined || byCodePoints(scope, after) > 0)
      return currentBudgets(tables, accountId, rest, now()).slice(0, limit)
    },
    verify: async (scope) => verifyMemory(tables, scope),
    async suspendedAmong(accountIds) {
      return accountIds.filter((id) => (tables.states.get(id)?.suspendedFor ?? null) !== null)
    },
    async due(limit) {
      const at = now()
      const isDue = ({ id, held, renewsAt }: AccountState) =>
        (renewsAt !== null && renewsAt <= at) ||
        allCounters(tables, id).some((counter) => isAccruing(counter, at)) ||
        overdue(openGrants(tables, id), held, at).length > 0 ||
        dueHolds(tables, id, at).length > 0
      return [...tables.states.values()]
        .filter(isDue)
        .map(({ id }) => id)
        .slice(0, limit)
    },
  }
}

function load(tables: Tables, keys: readonly LoadKey[], now: number): LedgerState {
  const accounts = new Set<string>()
  const holds = new Map<string, Hold>()
  const counters: Counter[] = []
  const grants: CreditGrant[] = []
  const budgets = new Map<string, Budget>()
  const payments: Payment[] = []
  const levels: LevelChange[] = []
  const seen: SeenValue[] = []
  const entries: LedgerEntry[] = []
  const stored = new Map<string, StoredKey>()
  for (const key of keys) {
    switch (key.kind) {
      case 'account':
        accounts.add(key.accountId)
        for (const budget of budgetsOf(tables, key.accountId)) {
          if (budget.held > 0n) budgets.set(pair(key.accountId, budget.scope), budget)
        }
        for (const hold of dueHolds(tables, key.accountId, now)) {
          holds.set(pair(hold.accountId, hold.id), hold)
          counters.push(...countersOfHold(tables, hold))
        }
        break
      case 'key': {
        const found = tables.keys.get(`${key.accountId}|${key.dedupe}`)
        if (found) stored.set(`${key.accountId}|${key.dedupe}`, found)
        break
      }
      case 'budget': {
        const budget = tables.budgets.get(key.accountId)?.get(key.scope)
        if (budget) budgets.set(pair(key.accountId, key.scope), budget)
        break
      }
      case 'level': {
        const at = key.at ?? now
        const changes = tables.levels.get(pair(key.accountId, key.meter)) ?? []
        const around = [changes.findLast((change) => change.at <= at), changes.find((change) => change.at > at)]
        levels.push(...around.filter((change) => change !== undefined))
        const all = allCounters(tables, key.accountId).filter(({ meter }) => meter === key.meter)
        const before = all.filter(({ endsAt }) => endsAt <= at).sort((a, b) => a.startsAt - b.startsAt)
        counters.push(...all.filter(({ endsAt }) => endsAt > at), ...before.slice(-1))
        break
      }
      case 'accruals':
        counters.push(...allCounters(tables, key.accountId).filter((counter) => isAccruing(counter, now)))
        break
      case 'seen':
        seen.push(...(tables.seen.get([key.accountId, key.meter, key.value].join('|')) ?? []))
        break
      case 'grant':
        grants.push(...grantsNamed(tables, key.accountId, [key.grantId]))
        break
      case 'payment': {
        const payment = tables.payments.get(pair(key.accountId, key.paymentId))
        if (!payment) break
        payments.push(payment)
        if (payment.grantId !== null) grants.push(...grantsNamed(tables, key.accountId, [payment.grantId]))
        break
      }
      case 'entry':
        for (const entry of entryWithCorrections(tables, key.accountId, key.entryId)) {
          entries.push(entry)
          const burned = entry.burns.map(({ grantId }) => grantId)
          grants.push(...grantsNamed(tables, key.accountId, burned))
          if (entry.usage) counters.push(...countersAround(tables, key.accountId, entry.usage.meter, countedAt(entry)))
        }
        break
      case 'hold': {
        const hold = tables.holds.get(key.accountId)?.get(key.holdId)
        if (!hold) break
        holds.set(pair(hold.accountId, hold.id), hold)
        for (const budget of budgetsOf(tables, key.accountId)) {
          if (hold.budgets.includes(budget.scope)) budgets.set(pair(key.accountId, budget.scope), budget)
        }
        break
      }
      case 'hold_counter': {
        const hold = tables.holds.get(key.accountId)?.get(key.holdId)
        if (hold) counters.push(...countersOfHold(tables, hold))
        break
      }
      case 'counter':
        counters.push(...countersAround(tables, key.accountId, key.meter, key.at ?? now))
        break
      case 'counters':
        counters.push(...currentCounters(tables, key.accountId, now))
        break
    }
  }
  return {
    now,
    loaded: keys,
    accounts: [...accounts].flatMap((id) => tables.states.get(id) ?? []),
    grants: [...[...accounts].flatMap((id) => openGrants(tables, id)), ...grants],
    counters,
    holds: [...holds.values()],
    budgets: [...budgets.values()],
    payments,
    levels,
    seen,
    entries,
    keys: [...stored.values()],
  }
}

function write(tables: Tables, rows: LedgerRows, now: number): void {
  for (const { value: account } of rows.accounts) tables.states.set(account.id, account)
  for (const { value: grant } of rows.grants)
    under(tables.grants, grant.accountId, () => new Map()).set(grant.id, grant)
  for (const { value: counter } of rows.counters) {
    const list = under(tables.counters, counter.accountId, () => [])
    const index = list.findIndex((other) => other.meter === counter.meter && other.startsAt === counter.startsAt)
    if (index < 0) list.push(counter)
    else list[index] = counter
  }
  for (const hold of rows.holds) {
    under(tables.holds, hold.accountId, () => new Map()).set(hold.id, hold)
    const { accountId } = hold
    remember(tables, { accountId, dedupe: hold.dedupe, fingerprint: hold.fingerprint, result: hold.result })
    if (hold.release) remember(tables, { accountId, ...hold.release })
  }
  for (const { value: budget } of rows.budgets)
    under(tables.budgets, budget.accountId, () => new Map()).set(budget.scope, budget)
  for (const change of rows.levels) {
    const id = pair(change.accountId, change.meter)
    const others = (tables.levels.get(id) ?? []).filter(({ at }) => at !== change.at)
    const sorted = [...others, change].sort((left, right) => left.at - right.at)
    tables.levels.set(id, sorted)
  }
  for (const value of rows.seen)
    under(tables.seen, [value.accountId, value.meter, value.value].join('|'), () => []).push(value)
  for (const payment of rows.payments) tables.payments.set(pair(payment.accountId, payment.id), payment)
  for (const entry of rows.entries) {
    under(tables.entries, entry.accountId, () => []).push(entry)
    tables.entriesById.set(`${entry.accountId}|${entry.id}`, entry)
    if (entry.corrects !== null) under(tables.corrections, pair(entry.accountId, entry.corrects), () => []).push(entry)
    remember(tables, entry)
  }
  for (const row of rows.rollups) {
    const sums = under(tables.rollups, row.accountId, () => new Map())
    const before = sums.get(rollupKey(row))
    sums.set(rollupKey(row), before ? sumOf(before, row) : row)
  }
  addDeliveries(tables, rows.deliveries, now)
  addEvents(tables, rows.events, now)
}

function rollupKey({ day, meter, provider, model, dimension, value }: Rollup): string {
  return [dimension, day, meter, provider, model, value].join('\0')
}

function sumOf(left: Rollup, right: Rollup): Rollup {
  return {
    ...left,
    events: left.events + right.events,
    quantity: left.quantity + right.quantity,
    sparks: left.sparks + right.sparks,
    charged: left.charged + right.charged,
    costPicos: left.costPicos + right.costPicos,
  }
}

function remember(tables: Tables, { accountId, dedupe, fingerprint, result }: StoredKey): void {
  tables.keys.set(`${accountId}|${dedupe}`, { accountId, dedupe, fingerprint, result })
}

function openGrants(tables: Tables, accountId: string) {
  return [...(tables.grants.get(accountId)?.values() ?? [])].filter((grant) => grant.remaining > 0n).sort(burnOrder)
}

function grantsNamed(tables: Tables, accountId: string, ids: readonly string[]): readonly CreditGrant[] {
  return ids.flatMap((id) => tables.grants.get(accountId)?.get(id) ?? [])
}

function budgetsOf(tables: Tables, accountId: string): readonly Budget[] {
  return [...(tables.budgets.get(accountId)?.values() ?? [])]
}

/** Those of them that have a limit, as they stand now. */
function currentBudgets(tables: Tables, accountId: string, budgets: readonly Budget[], at: number): readonly Budget[] {
  const account = tables.states.get(accountId)
  if (!account) return []
  const limited = budgets.filter(({ limitSparks }) => limitSparks !== null)
  return viewBudgets({ now: at, account, budgets: limited, dueHolds: dueHolds(tables, accountId, at) })
}

/** As databases sort UTF-8: by code points, and not by the halves of surrogate pairs. */
function byCodePoints(left: string, right: string): number {
  const [a, b] = [[...left], [...right]]
  const place = a.findIndex((letter, index) => letter !== b[index])
  if (place < 0) return a.length - b.length
  return (a[place]?.codePointAt(0) ?? 0) - (b[place]?.codePointAt(0) ?? -1)
}

function isWanted(entry: LedgerEntry, { movedOnly, usage, operation, grantId }: Omit<EntryPage, 'limit'>): boolean {
  return (
    (!movedOnly || entry.amount !== 0n) &&
    (!usage || isUsage(entry, usage)) &&
    (operation === undefined || entry.operation === operation) &&
    (grantId === undefined || entry.burns.some((burn) => burn.grantId === grantId))
  )
}

function isUsage(entry: LedgerEntry, filter: UsageFilter): boolean {
  const { meter, model, dimension, recordedFrom = -Infinity, recordedTo = Infinity, withCost } = filter
  const { usage, corrects, recordedAt } = entry
  if (!usage || (corrects !== null && !filter.withCorrections)) return false
  return (
    (meter === undefined || usage.meter === meter) &&
    (model === undefined || usage.model === model) &&
    (filter.holdId === undefined || usage.holdId === filter.holdId) &&
    (dimension === undefined || usage.dimensions[dimension.name] === dimension.value) &&
    recordedAt >= recordedFrom &&
    recordedAt < recordedTo &&
    (!withCost || usage.costUsd !== null)
  )
}

/** The row and those that correct it, oldest first. */
function entryWithCorrections(tables: Tables, accountId: string, entryId: string): readonly LedgerEntry[] {
  const id = pair(accountId, entryId)
  const entry = tables.entriesById.get(id)
  return entry ? [entry, ...(tables.corrections.get(id) ?? [])] : []
}

function dueHolds(tables: Tables, accountId: string, now: number): readonly Hold[] {
  return [...(tables.holds.get(accountId)?.values() ?? [])].filter(
    (hold) => hold.status === 'open' && hold.expiresAt <= now,
  )
}

function allCounters(tables: Tables, accountId: string): readonly Counter[] {
  return tables.counters.get(accountId) ?? []
}

/** The latest counter that contains `at`, or else the last one before it and the first one after it. */
function countersAround(tables: Tables, accountId: string, meter: string, at: number): readonly Counter[] {
  const all = allCounters(tables, accountId).filter((counter) => counter.meter === meter)
  const newestFirst = [...all].sort((a, b) => b.startsAt - a.startsAt)
  const found = newestFirst.find((counter) => contains(counter, at))
  if (found) return [found]
  const [before, after] = [
    newestFirst.find((counter) => counter.endsAt <= at),
    newestFirst.findLast((counter) => counter.startsAt > at),
  ]
  return [before, after].filter((counter) => counter !== undefined)
}

function countersOfHold(tables: Tables, hold: Hold): readonly Counter[] {
  if (hold.meter === null) return []
  return allCounters(tables, hold.accountId).filter(
    ({ meter, startsAt }) => meter === hold.meter && startsAt === hold.periodStartsAt,
  )
}

/** The counters of the periods that contain a moment, and the last ones of levels, which last. */
function currentCounters(tables: Tables, accountId: string, at: number): readonly Counter[] {
  const all = allCounters(tables, accountId)
  const isLast = ({ meter, startsAt }: Counter) =>
    !all.some((other) => other.meter === meter && other.startsAt > startsAt)
  return all.filter(
    (counter) => contains(counter, at) || (counter.level !== null && counter.startsAt <= at && isLast(counter)),
  )
}

/** Whether a level weighted by time is not counted to the end of a period that is over. */
function isAccruing({ area, asOf, endsAt }: Counter, now: number): boolean {
  return area !== null && asOf !== null && asOf < endsAt && endsAt <= now
}

function contains(counter: Counter, at: number): boolean {
  return counter.startsAt <= at && at < counter.endsAt
}

function pair(accountId: string, id: string): string {
  return `${accountId}|${id}`
}
