import type { Budget } from '../../core/domain/budget.js'
import type { CreditGrant } from '../../core/domain/credit-grant.js'
import {
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
import { bytes, result } from '../sql/column.js'
import { unflattenEntry, unflattenHold } from '../sql/ledger-rows.js'
import type { Sql } from './client.js'
import type { Clock } from './clock.js'
import { arrayOf } from './table.js'
import type { Tables } from './tables.js'

/**
 * Locks the accounts in order of id, then reads what a batch needs. All statements go out together; each sees what the lock waited
 * for, since under READ COMMITTED every statement looks anew. The time is taken last, so that no counter that began before it was missed.
 */
export async function loadState(
  sql: Sql,
  tables: Tables,
  keys: readonly LoadKey[],
  clock: Clock,
): Promise<LedgerState> {
  const needed = new Map(keys.map((key) => [loadKeyId(key), key]))
  const of = <K extends LoadKey['kind']>(kind: K) =>
    [...needed.values()].filter((key): key is Extract<LoadKey, { kind: K }> => key.kind === kind)
  const accountIds = [...new Set(of('account').map(({ accountId }) => accountId))].sort()
  const accounts = tables.accountStates.select(
    sql,
    'WHERE t.id = ANY($1) ORDER BY t.id FOR UPDATE',
    arrayOf(accountIds),
  )
  const [
    locked,
    open,
    named,
    due,
    around,
    current,
    byHold,
    budgets,
    payments,
    entries,
    levels,
    levelCounters,
    accruing,
    seen,
    stored,
    time,
  ] = await Promise.all([
    accounts,
    tables.grants.select(sql, 'WHERE t.account_id = ANY($1) AND t.remaining > 0', arrayOf(accountIds)),
    namedHolds(sql, tables, [...of('hold'), ...of('hold_counter')]),
    dueHolds(sql, tables, accountIds, clock),
    countersAround(sql, tables, of('counter'), clock),
    currentCounters(
      sql,
      tables,
      of('counters').map(({ accountId }) => accountId),
      clock,
    ),
    countersOfHolds(sql, tables, of('hold_counter'), accountIds, clock),
    heldOrNamedBudgets(sql, tables, of('budget'), accountIds),
    namedPayments(sql, tables, of('payment')),
    entriesWithCorrections(sql, tables, of('entry')),
    levelsAround(sql, tables, of('level'), clock),
    countersFrom(sql, tables, of('level'), clock),
    overdueCounters(sql, tables, of('accruals'), clock),
    seenValues(sql, tables, of('seen')),
    storedKeys(sql, tables, of('key')),
    sql.query(`SELECT ${clock()}`),
  ])
  const holds = new Map([...named, ...due].map((hold) => [`${hold.accountId}|${hold.id}`, hold]))
  const [grants, counted] = await Promise.all([
    namedGrants(sql, tables, of('grant'), payments, entries),
    countersOfEntries(sql, tables, entries, clock),
  ])
  const counters = new Map(
    [...around, ...current, ...byHold, ...counted, ...levelCounters, ...accruing].map((found) => [
      `${found.counter.accountId}|${found.counter.meter}|${found.counter.startsAt}`,
      found,
    ]),
  )
  return {
    now: Number(time[0]?.[0]),
    loaded: new Set(needed.keys()),
    accounts: locked,
    grants: [...open, ...grants],
    counters: [...counters.values()].map(({ counter }) => counter),
    carries: [...counters.values()].flatMap(({ carries }) => carries),
    holds: [...holds.values()],
    budgets,
    payments,
    levels,
    seen,
    entries,
    keys: stored,
  }
}

export async function dueHolds(
  sql: Sql,
  tables: Tables,
  accountIds: readonly string[],
  clock: Clock,
): Promise<readonly Hold[]> {
  const clause = `WHERE t.account_id = ANY($1) AND t.status = 'open' AND t.expires_at <= ${clock()}`
  return (await tables.holds.select(sql, clause, arrayOf(accountIds))).map(unflattenHold)
}

async function namedHolds(
  sql: Sql,
  tables: Tables,
  keys: readonly { readonly accountId: string; readonly holdId: string }[],
): Promise<readonly Hold[]> {
  if (keys.length === 0) return []
  const clause = 'JOIN unnest($1::text[], $2::text[]) k (account_id, id) ON t.account_id = k.account_id AND t.id = k.id'
  const rows = await tables.holds.select(sql, clause, ...columnsOf(keys, 'accountId', 'holdId'))
  return rows.map(unflattenHold)
}

/** The budgets that were named, and those of the accounts that holds reserve something of. */
async function heldOrNamedBudgets(
  sql: Sql,
  tables: Tables,
  keys: readonly Extract<LoadKey, { kind: 'budget' }>[],
  accountIds: readonly string[],
): Promise<readonly Budget[]> {
  const clause = 'WHERE t.account_id = ANY($1) AND (t.scope = ANY($2) OR t.held > 0)'
  const scopes = new Set(keys.map(({ scope }) => scope))
  return tables.budgets.select(sql, clause, arrayOf(accountIds), arrayOf([...scopes]))
}

/** The last change of each level at or before its moment, and the first after it. */
async function levelsAround(
  sql: Sql,
  tables: Tables,
  keys: readonly Extract<LoadKey, { kind: 'level' }>[],
  clock: Clock,
): Promise<readonly LevelChange[]> {
  if (keys.length === 0) return []
  const of = `SELECT l.* FROM ${tables.schema}.level_changes l WHERE l.account_id = k.account_id AND l.meter = k.meter`
  const query = `SELECT ${tables.levels.columns} FROM unnest($1::text[], $2::text[], $3::bigint[]) k (account_id, meter, at)
    CROSS JOIN LATERAL (
      (${of} AND l.at <= coalesce(k.at, ${clock()}) ORDER BY l.at DESC LIMIT 1)
      UNION ALL (${of} AND l.at > coalesce(k.at, ${clock()}) ORDER BY l.at LIMIT 1)) t`
  const rows = await sql.query(query, [...columnsOf(keys, 'accountId', 'meter'), momentsOf(keys)])
  return rows.map((row) => tables.levels.read(row))
}

/** The counters of each level that end after its moment, and the last one before them. */
async function countersFrom(
  sql: Sql,
  tables: Tables,
  keys: readonly Extract<LoadKey, { kind: 'level' }>[],
  clock: Clock,
): Promise<readonly Found[]> {
  if (keys.length === 0) return []
  const of = `SELECT c.* FROM ${tables.schema}.counters c WHERE c.account_id = k.account_id AND c.meter = k.meter`
  const from = `unnest($1::text[], $2::text[], $3::bigint[]) k (account_id, meter, at) CROSS JOIN LATERAL (
      (${of} AND c.ends_at > coalesce(k.at, ${clock()}))
      UNION ALL (${of} AND c.ends_at <= coalesce(k.at, ${clock()}) ORDER BY c.starts_at DESC LIMIT 1)) t`
  return findCounters(sql, tables, from, ...columnsOf(keys, 'accountId', 'meter'), momentsOf(keys))
}

/** Counters of levels weighted by time whose period is over and not counted to its end. */
async function overdueCounters(
  sql: Sql,
  tables: Tables,
  keys: readonly Extract<LoadKey, { kind: 'accruals' }>[],
  clock: Clock,
): Promise<readonly Found[]> {
  if (keys.length === 0) return []
  const from = `${tables.schema}.counters t
    WHERE t.account_id = ANY($1) AND t.area IS NOT NULL AND t.as_of < t.ends_at AND t.ends_at <= ${clock()}`
  return findCounters(sql, tables, from, arrayOf(keys.map(({ accountId }) => accountId)))
}

async function seenValues(
  sql: Sql,
  tables: Tables,
  keys: readonly Extract<LoadKey, { kind: 'seen' }>[],
): Promise<readonly SeenValue[]> {
  if (keys.length === 0) return []
  const clause = `JOIN unnest($1::text[], $2::text[], $3::text[]) k (account_id, meter, value)
    ON t.account_id = k.account_id AND t.meter = k.meter AND t.value = k.value`
  const values = arrayOf(keys.map(({ value }) => value))
  return tables.seen.select(sql, clause, ...columnsOf(keys, 'accountId', 'meter'), values)
}

async function namedPayments(
  sql: Sql,
  tables: Tables,
  keys: readonly Extract<LoadKey, { kind: 'payment' }>[],
): Promise<readonly Payment[]> {
  if (keys.length === 0) return []
  const clause = 'JOIN unnest($1::text[], $2::text[]) k (account_id, id) ON t.account_id = k.account_id AND t.id = k.id'
  return tables.payments.select(sql, clause, ...columnsOf(keys, 'accountId', 'paymentId'))
}

/** Rows that were named, and those that correct them, oldest first. */
async function entriesWithCorrections(
  sql: Sql,
  tables: Tables,
  keys: readonly Extract<LoadKey, { kind: 'entry' }>[],
): Promise<readonly LedgerEntry[]> {
  if (keys.length === 0) return []
  const named = arrayOf(keys.map(({ entryId }) => entryId))
  const rows = await tables.entries.select(sql, 'WHERE t.id = ANY($1) OR t.corrects = ANY($1) ORDER BY t.seq', named)
  const asked = new Set(keys.map(({ accountId, entryId }) => `${accountId}|${entryId}`))
  return rows
    .filter((row) => asked.has(`${row.accountId}|${row.id}`) || asked.has(`${row.accountId}|${row.corrects}`))
    .map(unflattenEntry)
}

/** Grants that were named, those that payments bought, and those that rows burned. */
async function namedGrants(
  sql: Sql,
  tables: Tables,
  keys: readonly Extract<LoadKey, { kind: 'grant' }>[],
  payments: readonly Payment[],
  entries: readonly LedgerEntry[],
): Promise<readonly CreditGrant[]> {
  const named = [
    ...keys,
    ...payments.flatMap(({ accountId, grantId }) => (grantId === null ? [] : [{ accountId, grantId }])),
    ...entries.flatMap(({ accountId, burns }) => burns.map(({ grantId }) => ({ accountId, grantId }))),
  ]
  if (named.length === 0) return []
  const clause =
    'JOIN (SELECT DISTINCT * FROM unnest($1::text[], $2::text[])) k (account_id, id) ON t.account_id = k.account_id AND t.id = k.id'
  return tables.grants.select(sql, clause, ...columnsOf(named, 'accountId', 'grantId'))
}

async function countersOfEntries(
  sql: Sql,
  tables: Tables,
  entries: readonly LedgerEntry[],
  clock: Clock,
): Promise<readonly Found[]> {
  const keys = entries.flatMap(({ accountId, usage }) =>
    usage ? [{ kind: 'counter' as const, accountId, meter: usage.meter, at: usage.occurredAt }] : [],
  )
  return countersAround(sql, tables, keys, clock)
}

/** A counter with the carries of its period. */
interface Found {
  readonly counter: Counter
  readonly carries: readonly Carry[]
}

/** For each key the latest counter that contains its moment or is the last before it, and the first one after it. */
async function countersAround(
  sql: Sql,
  tables: Tables,
  keys: readonly Extract<LoadKey, { kind: 'counter' }>[],
  clock: Clock,
): Promise<readonly Found[]> {
  if (keys.length === 0) return []
  const now = clock()
  const from = `unnest($1::text[], $2::text[], $3::bigint[]) k (account_id, meter, at) CROSS JOIN LATERAL (
      (SELECT c.* FROM ${tables.schema}.counters c
        WHERE c.account_id = k.account_id AND c.meter = k.meter AND c.starts_at <= coalesce(k.at, ${now})
        ORDER BY c.ends_at > coalesce(k.at, ${now}) DESC, c.starts_at DESC LIMIT 1)
      UNION ALL (SELECT c.* FROM ${tables.schema}.counters c
        WHERE c.account_id = k.account_id AND c.meter = k.meter AND c.starts_at > k.at ORDER BY c.starts_at LIMIT 1)) t`
  return findCounters(sql, tables, from, ...columnsOf(keys, 'accountId', 'meter'), momentsOf(keys))
}

/** The counters of the periods that contain now, and the last ones of levels, which last. */
export async function currentCounters(
  sql: Sql,
  tables: Tables,
  accountIds: readonly string[],
  clock: Clock,
): Promise<readonly Found[]> {
  if (accountIds.length === 0) return []
  const now = clock()
  const from = `${tables.schema}.counters t WHERE t.account_id = ANY($1) AND t.starts_at <= ${now}
    AND (t.ends_at > ${now} OR t.level IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ${tables.schema}.counters d
      WHERE d.account_id = t.account_id AND d.meter = t.meter AND d.starts_at > t.starts_at))`
  return findCounters(sql, tables, from, arrayOf(accountIds))
}

/** The counters in which holds are counted: those that were named, and those of the accounts that are over. */
async function countersOfHolds(
  sql: Sql,
  tables: Tables,
  keys: readonly Extract<LoadKey, { kind: 'hold_counter' }>[],
  accountIds: readonly string[],
  clock: Clock,
): Promise<readonly Found[]> {
  const { schema } = tables
  const from = `(
      SELECT h.account_id, h.meter, h.period_starts_at FROM ${schema}.holds h
        JOIN unnest($1::text[], $2::text[]) k (account_id, id) ON h.account_id = k.account_id AND h.id = k.id
      UNION SELECT h.account_id, h.meter, h.period_starts_at FROM ${schema}.holds h
        WHERE h.account_id = ANY($3) AND h.status = 'open' AND h.expires_at <= ${clock()}
    ) h JOIN ${schema}.counters t ON t.account_id = h.account_id AND t.meter = h.meter AND t.starts_at = h.period_starts_at`
  return findCounters(sql, tables, from, ...columnsOf(keys, 'accountId', 'holdId'), arrayOf(accountIds))
}

async function findCounters(sql: Sql, tables: Tables, from: string, ...values: string[]): Promise<readonly Found[]> {
  const carries = `(SELECT json_agg(json_build_array(r.destination, r.remainder::text)) FROM ${tables.schema}.carries r
    WHERE r.account_id = t.account_id AND r.meter = t.meter AND r.starts_at = t.starts_at)`
  const rows = await sql.query(`SELECT ${tables.counters.columns}, ${carries} FROM ${from}`, values)
  return rows.map((row) => {
    const counter = tables.counters.read(row)
    const { accountId, meter, startsAt } = counter
    const pairs = JSON.parse(row.at(-1) ?? '[]') as readonly (readonly [string, string])[]
    return {
      counter,
      carries: pairs.map(([destination, rest]) => ({
        accountId,
        destination,
        meter,
        startsAt,
        remainder: BigInt(rest),
      })),
    }
  })
}

/**
 * A key is kept with what it made: on a ledger row, on a hold, or on the release of one. It is looked up by itself and its account
 * compared afterwards: offered both, the planner may walk all rows of the account instead.
 */
async function storedKeys(
  sql: Sql,
  { schema }: Tables,
  keys: readonly Extract<LoadKey, { kind: 'key' }>[],
): Promise<readonly StoredKey[]> {
  if (keys.length === 0) return []
  const rows = await sql.query(
    `SELECT account_id, dedupe, fingerprint, result FROM ${schema}.ledger_entries WHERE dedupe = ANY($1::bytea[])
     UNION ALL SELECT account_id, dedupe, fingerprint, result FROM ${schema}.holds WHERE dedupe = ANY($1::bytea[])
     UNION ALL SELECT account_id, release_dedupe, release_fingerprint, release_result FROM ${schema}.holds
       WHERE release_dedupe = ANY($1::bytea[])`,
    [arrayOf(keys.map(({ dedupe }) => bytes.write(dedupe)))],
  )
  const asked = new Set(keys.map(({ accountId, dedupe }) => `${accountId}|${dedupe}`))
  return rows
    .map(([accountId, dedupe, fingerprint, answer]) => ({
      accountId: accountId ?? '',
      dedupe: (dedupe ?? '').slice(2),
      fingerprint: (fingerprint ?? '').slice(2),
      result: result().read(answer ?? ''),
    }))
    .filter(({ accountId, dedupe }) => asked.has(`${accountId}|${dedupe}`))
}

function momentsOf(keys: readonly { readonly at: number | null }[]): string {
  return arrayOf(keys.map(({ at }) => (at === null ? null : BigInt(at))))
}

/** Two fields of each key, as array literals. */
function columnsOf<A extends string, B extends string>(
  keys: readonly { readonly [Field in A | B]: string }[],
  first: A,
  second: B,
): [string, string] {
  return [arrayOf(keys.map((key) => key[first])), arrayOf(keys.map((key) => key[second]))]
}
