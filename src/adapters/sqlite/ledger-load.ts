import type { Budget } from '../../core/domain/budget.js'
import type { CreditGrant } from '../../core/domain/credit-grant.js'
import type { StoredResult } from '../../core/domain/ledger/outcome.js'
import {
  type AccountState,
  type Counter,
  countedAt,
  type Hold,
  type LedgerEntry,
  type LedgerState,
  type LevelChange,
  type LoadKey,
  loadKeyId,
  type SeenValue,
  type StoredKey,
} from '../../core/domain/ledger/state.js'
import type { Payment } from '../../core/domain/payment.js'
import { checkText, exact, uuid, type Value } from '../sql/column.js'
import { counterRanges } from '../sql/counter-ranges.js'
import type { Sql, Steps } from './connection.js'
import type { RecentAccounts } from './recent-accounts.js'
import { bytesOf } from './table.js'
import * as tables from './tables.js'

/** What is read of the database, and when. */
export interface Loading {
  readonly sql: Sql
  readonly now: number
  readonly recent: RecentAccounts
}

/** Reads what a batch needs, each thing once, inside the transaction that will write what is decided on it. */
export function* loadState({ sql, now, recent }: Loading, keys: readonly LoadKey[]): Steps<LedgerState> {
  recent.begin(sql.version())
  const loaded = new Set<string>()
  const grants = new Map<string, CreditGrant>()
  const counters = new Map<string, Counter>()
  const holds = new Map<string, Hold>()
  const budgets = new Map<string, Budget>()
  const payments: Payment[] = []
  const levels: LevelChange[] = []
  const seen: SeenValue[] = []
  const entries = new Map<string, LedgerEntry>()

  const addCounter = (counter: Counter | undefined): void => {
    if (!counter) return
    const id = `${counter.accountId}|${counter.meter}|${counter.startsAt}`
    if (!counters.has(id)) counters.set(id, counter)
  }
  const addHold = (hold: Hold | undefined): void => {
    if (hold) holds.set(`${hold.accountId}|${hold.id}`, hold)
  }

  const addGrant = (grant: CreditGrant | undefined): void => {
    if (grant) grants.set(`${grant.accountId}|${grant.id}`, grant)
  }
  const addBudget = (budget: Budget | undefined): void => {
    if (budget) budgets.set(`${budget.accountId}|${budget.scope}`, budget)
  }

  const moments: Extract<LoadKey, { kind: 'counter' }>[] = []
  const addEntry = (accountId: string, entryId: string): void => {
    for (const entry of entryWithCorrections(sql, accountId, entryId)) {
      entries.set(`${entry.accountId}|${entry.id}`, entry)
      for (const { grantId } of entry.burns) addGrant(findGrant(sql, accountId, grantId))
      const { usage } = entry
      if (usage) moments.push({ kind: 'counter', accountId, meter: usage.meter, at: countedAt(entry) })
    }
  }

  const accounts: AccountState[] = []
  const accountIds: string[] = []
  const scopes: Extract<LoadKey, { kind: 'budget' }>[] = []
  const used: Extract<LoadKey, { kind: 'key' }>[] = []
  for (const key of keys) {
    const id = loadKeyId(key)
    if (loaded.has(id)) continue
    loaded.add(id)
    switch (key.kind) {
      case 'account': {
        const known = recent.get(key.accountId)
        if (!known) {
          accountIds.push(key.accountId)
          break
        }
        accounts.push(known.account)
        for (const grant of known.grants.values()) addGrant(grant)
        break
      }
      case 'key':
        used.push(key)
        break
      case 'budget': {
        const known = recent.get(key.accountId)?.budgets.get(checkText(key.scope))
        if (known === undefined) scopes.push(key)
        else if (known !== null) addBudget(known)
        break
      }
      case 'level': {
        const at = key.at ?? now
        levels.push(...levelsAround(sql, key.accountId, key.meter, at))
        for (const counter of countersFrom(sql, key.accountId, key.meter, at)) addCounter(counter)
        break
      }
      case 'accruals':
        for (const counter of overdueCounters(sql, key.accountId, now)) addCounter(counter)
        break
      case 'seen':
        seen.push(...tables.seen.select(sql, seenClause, key.accountId, key.meter, key.value))
        break
      case 'grant':
        addGrant(findGrant(sql, key.accountId, key.grantId))
        break
      case 'payment': {
        const payment = tables.payments.first(sql, 'WHERE account_id = ? AND id = ?', key.accountId, key.paymentId)
        if (!payment) break
        payments.push(payment)
        if (payment.grantId === null) break
        addGrant(findGrant(sql, key.accountId, payment.grantId))
        addEntry(key.accountId, payment.grantId)
        break
      }
      case 'entry':
        addEntry(key.accountId, key.entryId)
        break
      case 'hold':
        for (const hold of [findHold(sql, key.accountId, key.holdId)].filter((each) => each !== undefined)) {
          addHold(hold)
          for (const scope of hold.budgets)
            addBudget(tables.budgets.first(sql, 'WHERE account_id = ? AND scope = ?', key.accountId, scope))
        }
        break
      case 'hold_counter': {
        const hold = findHold(sql, key.accountId, key.holdId)
        if (hold) addCounter(counterOfHold(sql, hold))
        break
      }
      case 'counter': {
        const known = recent.get(key.accountId)?.counters.get(key.meter)
        const at = key.at ?? now
        if (known && known.startsAt <= at && at < known.endsAt) addCounter(known)
        else moments.push(key)
        break
      }
      case 'counters':
        for (const counter of currentCounters(sql, key.accountId, now)) addCounter(counter)
        break
    }
  }
  if (accountIds.length > 0) {
    const named = namesOf(accountIds)
    const holding = sql.all(
      `SELECT value FROM json_each(?) WHERE EXISTS
        (SELECT 1 FROM billfold_holds WHERE account_id = value AND status = 'open')`,
      named,
    )
    const changesAlone = new Set(holding.map(([accountId]) => accountId))
    yield
    for (const account of tables.accountStates.select(sql, 'WHERE id IN (SELECT value FROM json_each(?))', named)) {
      accounts.push(account)
      if (!changesAlone.has(account.id)) recent.add(account)
    }
    yield
    for (const grant of tables.grants.select(sql, `WHERE ${among} AND is_open = 1`, named)) {
      addGrant(grant)
      recent.addGrant(grant)
    }
    yield
    const due = `WHERE ${among} AND status = 'open' AND expires_at <= ?`
    for (const hold of tables.holds.select(sql, due, named, BigInt(now))) {
      addHold(hold)
      addCounter(counterOfHold(sql, hold))
    }
    yield
    // Budgets that holds reserve something of.
    for (const budget of tables.budgets.select(sql, `WHERE ${among} AND held > 0`, named)) addBudget(budget)
  }
  if (scopes.length > 0) {
    yield
    const places = JSON.stringify(scopes.map(({ accountId, scope }) => [checkText(accountId), scope]))
    for (const { accountId, scope } of scopes) recent.addBudget(accountId, scope, null)
    for (const budget of tables.budgets.select(sql, namedBudgets, places)) {
      addBudget(budget)
      recent.addBudget(budget.accountId, budget.scope, budget)
    }
  }
  yield
  for (const counter of countersAround(sql, moments, now)) {
    addCounter(counter)
    recent.addCounter(counter)
  }
  yield
  return {
    now,
    loaded: keys,
    accounts,
    grants: [...grants.values()],
    counters: [...counters.values()],
    holds: [...holds.values()],
    budgets: [...budgets.values()],
    payments,
    levels,
    seen,
    entries: [...entries.values()],
    keys: storedKeys(sql, used),
  }
}

const namedBudgets = 'WHERE (account_id, scope) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))'

export function openGrants(sql: Sql, accountId: string): readonly CreditGrant[] {
  return tables.grants.select(sql, 'WHERE account_id = ? AND is_open = 1', accountId)
}

const seenClause = 'WHERE account_id = ? AND meter = ? AND value = ?'

/** The last change of a level at or before a moment, and the first after it. */
function levelsAround(sql: Sql, accountId: string, meter: string, at: number): readonly LevelChange[] {
  const of = 'WHERE account_id = ? AND meter = ?'
  return [
    ...tables.levels.select(sql, `${of} AND at <= ? ORDER BY at DESC LIMIT 1`, accountId, meter, BigInt(at)),
    ...tables.levels.select(sql, `${of} AND at > ? ORDER BY at LIMIT 1`, accountId, meter, BigInt(at)),
  ]
}

/** The counters of a meter that end after a moment, and the last one before them. */
function countersFrom(sql: Sql, accountId: string, meter: string, at: number): readonly Counter[] {
  const of = 'WHERE account_id = ? AND meter = ?'
  const before = `${of} AND ends_at <= ? ORDER BY starts_at DESC LIMIT 1`
  return [
    ...tables.counters.select(sql, `${of} AND ends_at > ?`, accountId, meter, BigInt(at)),
    ...tables.counters.select(sql, before, accountId, meter, BigInt(at)),
  ]
}

/** Counters of levels weighted by time whose period is over and not counted to its end. */
function overdueCounters(sql: Sql, accountId: string, now: number): readonly Counter[] {
  const clause = 'WHERE account_id = ? AND area IS NOT NULL AND as_of < ends_at AND ends_at <= ?'
  return tables.counters.select(sql, clause, accountId, BigInt(now))
}

function findGrant(sql: Sql, accountId: string, grantId: string): CreditGrant | undefined {
  return tables.grants.first(sql, 'WHERE account_id = ? AND id = ?', accountId, grantId)
}

/** The row and those that correct it, oldest first. */
export function entryWithCorrections(sql: Sql, accountId: string, entryId: string): readonly LedgerEntry[] {
  const row = entryOf(sql, accountId, entryId)
  if (!row) return []
  const corrections = tables.entries.select(
    sql,
    'WHERE corrects = ? AND account_id = ? ORDER BY seq',
    entryId,
    accountId,
  )
  return [row, ...corrections]
}

export function findHold(sql: Sql, accountId: string, holdId: string): Hold | undefined {
  return tables.holds.first(sql, 'WHERE account_id = ? AND id = ?', accountId, holdId)
}

/** The counters of the periods that contain `at`, and the last ones of levels, which last. */
export function currentCounters(sql: Sql, accountId: string, at: number): readonly Counter[] {
  const clause = `AS c WHERE account_id = ? AND starts_at <= ? AND (ends_at > ? OR level IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM billfold_counters AS d WHERE d.account_id = c.account_id AND d.meter = c.meter AND d.starts_at > c.starts_at))`
  return tables.counters.select(sql, clause, accountId, BigInt(at), BigInt(at))
}

export function dueHolds(sql: Sql, accountId: string, now: number): readonly Hold[] {
  const clause = "WHERE account_id = ? AND status = 'open' AND expires_at <= ?"
  return tables.holds.select(sql, clause, accountId, BigInt(now))
}

/** Of accounts by their names. */
const among = 'account_id IN (SELECT value FROM json_each(?))'

function namesOf(ids: readonly string[]): string {
  for (const id of ids) checkText(id)
  return JSON.stringify(ids)
}

/**
 * Of each meter the counters from the one that contains the first moment, or is the last before it, to the first one after the last
 * moment. Counters of a meter do not overlap, so these are the ones around each of its moments.
 */
function countersAround(
  sql: Sql,
  keys: readonly Extract<LoadKey, { kind: 'counter' }>[],
  now: number,
): readonly Counter[] {
  if (keys.length === 0) return []
  const of = 'WHERE account_id = k.value ->> 0 AND meter = k.value ->> 1'
  const query = `SELECT ${tables.counters.columns}
    FROM json_each(?) k CROSS JOIN billfold_counters c ${of}
      AND starts_at >= coalesce((SELECT max(starts_at) FROM billfold_counters ${of} AND starts_at <= k.value ->> 2), k.value ->> 2)
      AND starts_at <= coalesce((SELECT min(starts_at) FROM billfold_counters ${of} AND starts_at > k.value ->> 3), k.value ->> 3)`
  const ranges = counterRanges(keys).map(({ accountId, meter, low, high }) => [
    checkText(accountId),
    checkText(meter),
    low ?? now,
    high ?? now,
  ])
  return sql.all(query, JSON.stringify(ranges)).map((row) => tables.counters.read(row))
}

function counterOfHold(sql: Sql, hold: Hold): Counter | undefined {
  if (hold.meter === null || hold.periodStartsAt === null) return undefined
  const clause = 'WHERE account_id = ? AND meter = ? AND starts_at = ?'
  return tables.counters.first(sql, clause, hold.accountId, hold.meter, BigInt(hold.periodStartsAt))
}

/** A key is kept with what it made: on a ledger row, on a hold, or on the release of one. */
function storedKeys(sql: Sql, keys: readonly Extract<LoadKey, { kind: 'key' }>[]): readonly StoredKey[] {
  const found: StoredKey[] = []
  for (let start = 0; start < keys.length; start += mostKeys) {
    const some = keys.slice(start, start + mostKeys)
    // Two texts, whatever the number of keys: no key is NULL.
    const places = some.length === 1 ? 1 : mostKeys
    const values: Value[] = some.map(({ dedupe }) => bytesOf(dedupe))
    while (values.length < places) values.push(null)
    const rows = sql.all(keyQuery(places), ...values)
    if (rows.length === 0) continue
    const asked = new Set(some.map(({ accountId, dedupe }) => `${accountId}|${dedupe}`))
    for (const [account = null, key = null, fingerprint = null, answer = null, entryId = null] of rows) {
      const accountId = account as string
      const dedupe = uuid.read(key, null)
      if (!asked.has(`${accountId}|${dedupe}`)) continue
      const entry = entryId === null ? undefined : entryOf(sql, accountId, entryId as string)
      if (entry) found.push(entry)
      else {
        const result = exact<StoredResult>().read(answer, null)
        found.push({ accountId, dedupe, fingerprint: uuid.read(fingerprint, null), result })
      }
    }
  }
  return found
}

const mostKeys = 64

function keyQuery(places: number): string {
  const list = Array.from({ length: places }, (_, index) => `?${index + 1}`).join(', ')
  // Each column has a name of its own: node:sqlite hands out rows by name.
  return `SELECT account_id, dedupe, NULL AS fingerprint, NULL AS result, id FROM billfold_ledger_entries WHERE dedupe IN (${list})
    UNION ALL SELECT account_id, dedupe, fingerprint, result, NULL AS id FROM billfold_holds WHERE dedupe IN (${list})
    UNION ALL SELECT account_id, release_dedupe, release_fingerprint, release_result, NULL AS id FROM billfold_holds
      WHERE release_dedupe IN (${list})`
}

function entryOf(sql: Sql, accountId: string, entryId: string): LedgerEntry | undefined {
  return tables.entries.first(sql, 'WHERE id = ? AND account_id = ?', entryId, accountId)
}
