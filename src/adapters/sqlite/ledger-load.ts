import type { Budget } from '../../core/domain/budget.js'
import type { CreditGrant } from '../../core/domain/credit-grant.js'
import type { StoredResult } from '../../core/domain/ledger/outcome.js'
import {
  type AccountState,
  type Carry,
  type Counter,
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
import { exact, uuid } from '../sql/column.js'
import type { Sql } from './connection.js'
import { bytesOf } from './table.js'
import * as tables from './tables.js'

/** Reads what a batch needs, each thing once, inside the transaction that will write what is decided on it. */
export function loadState(sql: Sql, keys: readonly LoadKey[], now: number): LedgerState {
  const loaded = new Set<string>()
  const accounts: AccountState[] = []
  const grants = new Map<string, CreditGrant>()
  const counters = new Map<string, Counter>()
  const carries: Carry[] = []
  const holds = new Map<string, Hold>()
  const budgets = new Map<string, Budget>()
  const payments: Payment[] = []
  const levels: LevelChange[] = []
  const seen: SeenValue[] = []
  const entries = new Map<string, LedgerEntry>()
  const stored: StoredKey[] = []

  const addCounter = (counter: Counter | undefined): void => {
    if (!counter) return
    const id = `${counter.accountId}|${counter.meter}|${counter.startsAt}`
    if (counters.has(id)) return
    counters.set(id, counter)
    carries.push(...carriesOf(sql, counter))
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

  for (const key of keys) {
    const id = loadKeyId(key)
    if (loaded.has(id)) continue
    loaded.add(id)
    switch (key.kind) {
      case 'account': {
        const account = tables.accountStates.first(sql, 'WHERE id = ?', key.accountId)
        if (account) accounts.push(account)
        for (const grant of openGrants(sql, key.accountId)) addGrant(grant)
        for (const budget of heldBudgets(sql, key.accountId)) addBudget(budget)
        for (const hold of dueHolds(sql, key.accountId, now)) {
          addHold(hold)
          addCounter(counterOfHold(sql, hold))
        }
        break
      }
      case 'key': {
        const found = storedKey(sql, key.accountId, key.dedupe)
        if (found) stored.push(found)
        break
      }
      case 'budget':
        addBudget(tables.budgets.first(sql, 'WHERE account_id = ? AND scope = ?', key.accountId, key.scope))
        break
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
        if (payment.grantId !== null) addGrant(findGrant(sql, key.accountId, payment.grantId))
        break
      }
      case 'entry':
        for (const entry of entryWithCorrections(sql, key.accountId, key.entryId)) {
          entries.set(`${entry.accountId}|${entry.id}`, entry)
          for (const { grantId } of entry.burns) addGrant(findGrant(sql, key.accountId, grantId))
          const { usage } = entry
          if (!usage) continue
          for (const counter of countersAround(sql, key.accountId, usage.meter, usage.occurredAt)) addCounter(counter)
        }
        break
      case 'hold':
        addHold(findHold(sql, key.accountId, key.holdId))
        break
      case 'hold_counter': {
        const hold = findHold(sql, key.accountId, key.holdId)
        if (hold) addCounter(counterOfHold(sql, hold))
        break
      }
      case 'counter':
        for (const counter of countersAround(sql, key.accountId, key.meter, key.at ?? now)) addCounter(counter)
        break
      case 'counters':
        for (const counter of currentCounters(sql, key.accountId, now)) addCounter(counter)
        break
    }
  }
  return {
    now,
    loaded,
    accounts,
    grants: [...grants.values()],
    counters: [...counters.values()],
    carries,
    holds: [...holds.values()],
    budgets: [...budgets.values()],
    payments,
    levels,
    seen,
    entries: [...entries.values()],
    keys: stored,
  }
}

export function openGrants(sql: Sql, accountId: string): readonly CreditGrant[] {
  return tables.grants.select(sql, 'WHERE account_id = ? AND remaining > 0', accountId)
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

function heldBudgets(sql: Sql, accountId: string): readonly Budget[] {
  return tables.budgets.select(sql, 'WHERE account_id = ? AND held > 0', accountId)
}

/** The row and those that correct it, oldest first. */
export function entryWithCorrections(sql: Sql, accountId: string, entryId: string): readonly LedgerEntry[] {
  const row = tables.entries.first(sql, 'WHERE id = ? AND account_id = ?', entryId, accountId)
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

/** The latest counter that contains `at`, or else the last one before it and the first one after it. */
function countersAround(sql: Sql, accountId: string, meter: string, at: number): readonly Counter[] {
  const moment = BigInt(at)
  const before =
    'WHERE account_id = ? AND meter = ? AND starts_at <= ? ORDER BY ends_at > ? DESC, starts_at DESC LIMIT 1'
  const found = tables.counters.select(sql, before, accountId, meter, moment, moment)
  if (found.some(({ endsAt }) => endsAt > at)) return found
  const after = 'WHERE account_id = ? AND meter = ? AND starts_at > ? ORDER BY starts_at LIMIT 1'
  return [...found, ...tables.counters.select(sql, after, accountId, meter, moment)]
}

function counterOfHold(sql: Sql, hold: Hold): Counter | undefined {
  if (hold.meter === null || hold.periodStartsAt === null) return undefined
  const clause = 'WHERE account_id = ? AND meter = ? AND starts_at = ?'
  return tables.counters.first(sql, clause, hold.accountId, hold.meter, BigInt(hold.periodStartsAt))
}

function carriesOf(sql: Sql, counter: Counter): readonly Carry[] {
  const clause = 'WHERE account_id = ? AND meter = ? AND starts_at = ?'
  return tables.carries.select(sql, clause, counter.accountId, counter.meter, BigInt(counter.startsAt))
}

/** A key is kept with what it made: on a ledger row, on a hold, or on the release of one. */
const keyQuery = `
  SELECT fingerprint, NULL, id FROM billfold_ledger_entries WHERE dedupe = ?1 AND account_id = ?2
  UNION ALL SELECT fingerprint, result, NULL FROM billfold_holds WHERE dedupe = ?1 AND account_id = ?2
  UNION ALL SELECT release_fingerprint, release_result, NULL FROM billfold_holds WHERE release_dedupe = ?1 AND account_id = ?2`

function storedKey(sql: Sql, accountId: string, dedupe: string): StoredKey | undefined {
  const found = sql.first(keyQuery, bytesOf(dedupe), accountId)
  if (!found) return undefined
  const [fingerprint = null, answer = null, entryId = null] = found
  if (entryId !== null) return tables.entries.first(sql, 'WHERE id = ? AND account_id = ?', entryId, accountId)
  return {
    accountId,
    dedupe,
    fingerprint: uuid.read(fingerprint, null),
    result: exact<StoredResult>().read(answer, null),
  }
}
