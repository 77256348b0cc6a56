import type { Budget } from '../../core/domain/budget.js'
import type { CreditGrant } from '../../core/domain/credit-grant.js'
import type { StoredResult } from '../../core/domain/ledger/outcome.js'
import {
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
import { grouped } from '../kit/grouped.js'
import { exact, uuid } from '../sql/column.js'
import { counterRanges } from '../sql/counter-ranges.js'
import type { RawRow, Sql } from './client.js'
import type { Clock } from './clock.js'
import { arrayOf } from './table.js'
import type { Tables } from './tables.js'

/**
 * Locks the accounts in order of id, then reads what a batch needs. All statements go out together; each sees what the lock waited
 * for, since under READ COMMITTED every statement looks anew. What nearly every batch needs is one statement; the rest is asked for
 * where a command names it.
 */
export function createLoad(tables: Tables, clock: Clock) {
  const loadCommon = createCommonLoad(tables, clock)
  return async (sql: Sql, keys: readonly LoadKey[]): Promise<LedgerState> => {
    const asked = byKind(keys)
    const accountIds = [...new Set(asked.account.map(({ accountId }) => accountId))].sort()
    const accounts = tables.accountStates.select(
      sql,
      'WHERE t.id = ANY($1) ORDER BY t.id COLLATE "C" FOR UPDATE',
      arrayOf(accountIds),
    )
    const [locked, common, named, current, byHold, payments, entries, levels, byLevel, accruing, seen] =
      await Promise.all([
        accounts,
        loadCommon(sql, accountIds, asked),
        namedHolds(sql, tables, [...asked.hold, ...asked.hold_counter]),
        currentCounters(
          sql,
          tables,
          asked.counters.map(({ accountId }) => accountId),
          clock,
        ),
        countersOfHolds(sql, tables, asked.hold_counter),
        namedPayments(sql, tables, asked.payment),
        entriesWithCorrections(sql, tables, asked.entry),
        levelsAround(sql, tables, asked.level, clock),
        countersFrom(sql, tables, asked.level, clock),
        overdueCounters(sql, tables, asked.accruals, clock),
        seenValues(sql, tables, asked.seen),
      ])
    const [reserved, grants, counted, around] = await Promise.all([
      budgetsOfHolds(sql, tables, named),
      namedGrants(sql, tables, asked.grant, payments, entries),
      countersOfEntries(sql, tables, entries, clock),
      countersAround(sql, tables, outside(common, asked.counter), clock),
    ])
    const holds = new Map([...named, ...common.holds].map((hold) => [`${hold.accountId}|${hold.id}`, hold]))
    const counters = new Map(
      [...common.counters, ...current, ...byHold, ...counted, ...around, ...byLevel, ...accruing].map((found) => [
        `${found.accountId}|${found.meter}|${found.startsAt}`,
        found,
      ]),
    )
    return {
      now: common.now,
      loaded: keys,
      accounts: locked,
      grants: grants.length === 0 ? common.grants : [...common.grants, ...grants],
      counters: [...counters.values()],
      holds: [...holds.values()],
      budgets: [...common.budgets, ...reserved],
      payments,
      levels,
      seen,
      entries,
      keys: common.keys,
    }
  }
}

export type ByKind = { readonly [Kind in LoadKey['kind']]: Extract<LoadKey, { kind: Kind }>[] }

export function byKind(keys: readonly LoadKey[]): ByKind {
  const kinds: ByKind = {
    account: [],
    budget: [],
    payment: [],
    entry: [],
    level: [],
    accruals: [],
    seen: [],
    grant: [],
    key: [],
    hold: [],
    counter: [],
    hold_counter: [],
    counters: [],
  }
  const named = new Set<string>()
  for (const key of keys) {
    if (!isFrequent(key)) {
      const id = loadKeyId(key)
      if (named.has(id)) continue
      named.add(id)
    }
    ;(kinds[key.kind] as LoadKey[]).push(key)
  }
  return kinds
}

/** What nearly every command names; who reads these minds no repetition. */
function isFrequent({ kind }: LoadKey): boolean {
  return kind === 'account' || kind === 'key' || kind === 'counter' || kind === 'budget'
}

/** What nearly every batch needs of its accounts, beside themselves. */
interface Common {
  readonly now: number
  readonly grants: CreditGrant[]
  readonly counters: Counter[]
  readonly holds: Hold[]
  readonly budgets: Budget[]
  readonly keys: StoredKey[]
}

/**
 * One statement whose rows are of many kinds: the first column says which. Open grants, counters and budgets, of which there are many,
 * have a column for each of theirs; what is rare is a JSON list. Keys that were used are looked up by themselves and their account is compared
 * afterwards: offered both, the planner may walk all rows of the account instead.
 */
function createCommonLoad(tables: Tables, clock: Clock) {
  const { schema } = tables
  const now = clock()
  const texts = new Map<string, string>()

  function textOf(hasCounters: boolean, hasKeys: boolean): string {
    const width = Math.max(
      tables.grants.texts.length,
      tables.budgets.texts.length,
      hasCounters ? tables.counters.texts.length : 0,
    )
    const part = (kind: string, columns: readonly string[], from: string) =>
      `SELECT '${kind}', ${[...columns, ...Array(width - columns.length).fill('NULL')].join(', ')} FROM ${from}`
    const asList = (columns: readonly string[]) => `json_build_array(${columns.join(', ')})::text`
    const counters = `unnest($3::text[], $4::text[], $5::bigint[], $6::bigint[]) k (account_id, meter, low, high)
      CROSS JOIN LATERAL ${countersUpTo(schema, now)} t`
    const used = hasCounters ? '$7' : '$3'
    const over = `h.account_id = ANY($1) AND h.status = 'open' AND h.expires_at <= ${now}`
    const parts = [
      part('now', [`(${now})::text`], '(SELECT) one'),
      part('grant', tables.grants.texts, `${schema}.credit_grants t WHERE t.account_id = ANY($1) AND t.is_open`),
      part('hold', [asList(tables.holds.texts)], `${schema}.holds t WHERE ${over.replaceAll('h.', 't.')}`),
      part(
        'hold_counter',
        [asList(tables.counters.texts)],
        `${schema}.holds h JOIN ${schema}.counters t
          ON t.account_id = h.account_id AND t.meter = h.meter AND t.starts_at = h.period_starts_at WHERE ${over}`,
      ),
      // The budgets that were named, and those of the accounts that holds reserve something of.
      part(
        'budget',
        tables.budgets.texts,
        `${schema}.budgets t WHERE t.account_id = ANY($1) AND (t.scope = ANY($2) OR t.held > 0)`,
      ),
    ]
    if (hasCounters) parts.push(part('counter', tables.counters.texts, counters))
    if (!hasKeys) return parts.join(' UNION ALL ')
    return [
      ...parts,
      part(
        'entry_key',
        ['t.account_id', 't.dedupe::text', asList(tables.entries.texts)],
        `${schema}.ledger_entries t WHERE t.dedupe = ANY(${used}::uuid[])`,
      ),
      part(
        'hold_key',
        ['t.account_id', 't.dedupe::text', 't.fingerprint::text', 't.result'],
        `${schema}.holds t WHERE t.dedupe = ANY(${used}::uuid[])`,
      ),
      part(
        'hold_key',
        ['t.account_id', 't.release_dedupe::text', 't.release_fingerprint::text', 't.release_result'],
        `${schema}.holds t WHERE t.release_dedupe = ANY(${used}::uuid[])`,
      ),
    ].join(' UNION ALL ')
  }

  return async (sql: Sql, accountIds: readonly string[], asked: ByKind): Promise<Common> => {
    const hasCounters = asked.counter.length > 0
    const hasKeys = asked.key.length > 0
    const shape = `${hasCounters} ${hasKeys}`
    const text = texts.get(shape) ?? textOf(hasCounters, hasKeys)
    texts.set(shape, text)
    const rows = await sql.query(text, [
      arrayOf(accountIds),
      arrayOf([...new Set(asked.budget.map(({ scope }) => scope))]),
      ...(hasCounters ? rangesOf(asked.counter) : []),
      ...(hasKeys ? [`{${asked.key.map(({ dedupe }) => dedupe).join(',')}}`] : []),
    ])
    return readCommon(tables, rows, asked.key)
  }
}

function readCommon(tables: Tables, rows: readonly RawRow[], asked: ByKind['key']): Common {
  const common = { now: 0, grants: [], counters: [], holds: [], budgets: [], keys: [] } as Common
  let now = 0
  let wanted: ReadonlySet<string> | undefined
  const isAsked = (accountId: string, dedupe: string) => {
    wanted ??= new Set(asked.map((key) => `${key.accountId}|${key.dedupe}`))
    return wanted.has(`${accountId}|${dedupe}`)
  }
  for (const row of rows) {
    const text = (place: number) => row[place] ?? ''
    switch (row[0]) {
      case 'now':
        now = Number(row[1])
        break
      case 'grant':
        common.grants.push(tables.grants.read(row, 1))
        break
      case 'counter':
        common.counters.push(tables.counters.read(row, 1))
        break
      case 'hold':
        common.holds.push(tables.holds.read(JSON.parse(text(1))))
        break
      case 'hold_counter':
        common.counters.push(tables.counters.read(JSON.parse(text(1))))
        break
      case 'budget':
        common.budgets.push(tables.budgets.read(row, 1))
        break
      case 'entry_key':
        if (isAsked(text(1), uuid.read(text(2), null))) common.keys.push(tables.entries.read(JSON.parse(text(3))))
        break
      case 'hold_key': {
        const key = { accountId: text(1), dedupe: uuid.read(text(2), null), fingerprint: uuid.read(text(3), null) }
        if (!isAsked(key.accountId, key.dedupe)) break
        common.keys.push({ ...key, result: exact<StoredResult>().read(text(4), null) })
        break
      }
    }
  }
  return { ...common, now }
}

export async function dueHolds(
  sql: Sql,
  tables: Tables,
  accountIds: readonly string[],
  clock: Clock,
): Promise<readonly Hold[]> {
  const clause = `WHERE t.account_id = ANY($1) AND t.status = 'open' AND t.expires_at <= ${clock()}`
  return tables.holds.select(sql, clause, arrayOf(accountIds))
}

async function namedHolds(
  sql: Sql,
  tables: Tables,
  keys: readonly { readonly accountId: string; readonly holdId: string }[],
): Promise<readonly Hold[]> {
  if (keys.length === 0) return []
  const clause = 'JOIN unnest($1::text[], $2::text[]) k (account_id, id) ON t.account_id = k.account_id AND t.id = k.id'
  return tables.holds.select(sql, clause, ...columnsOf(keys, 'accountId', 'holdId'))
}

/** The last change of each level at or before its moment, and the first after it. */
async function levelsAround(
  sql: Sql,
  tables: Tables,
  keys: ByKind['level'],
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
  keys: ByKind['level'],
  clock: Clock,
): Promise<readonly Counter[]> {
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
  keys: ByKind['accruals'],
  clock: Clock,
): Promise<readonly Counter[]> {
  if (keys.length === 0) return []
  const from = `${tables.schema}.counters t
    WHERE t.account_id = ANY($1) AND t.is_accruing AND t.ends_at <= ${clock()}`
  return findCounters(sql, tables, from, arrayOf(keys.map(({ accountId }) => accountId)))
}

async function seenValues(sql: Sql, tables: Tables, keys: ByKind['seen']): Promise<readonly SeenValue[]> {
  if (keys.length === 0) return []
  const clause = `JOIN unnest($1::text[], $2::text[], $3::text[]) k (account_id, meter, value)
    ON t.account_id = k.account_id AND t.meter = k.meter AND t.value = k.value`
  const values = arrayOf(keys.map(({ value }) => value))
  return tables.seen.select(sql, clause, ...columnsOf(keys, 'accountId', 'meter'), values)
}

async function namedPayments(sql: Sql, tables: Tables, keys: ByKind['payment']): Promise<readonly Payment[]> {
  if (keys.length === 0) return []
  const clause = 'JOIN unnest($1::text[], $2::text[]) k (account_id, id) ON t.account_id = k.account_id AND t.id = k.id'
  return tables.payments.select(sql, clause, ...columnsOf(keys, 'accountId', 'paymentId'))
}

/** Rows that were named, and those that correct them, oldest first. */
async function entriesWithCorrections(
  sql: Sql,
  tables: Tables,
  keys: ByKind['entry'],
): Promise<readonly LedgerEntry[]> {
  if (keys.length === 0) return []
  const named = arrayOf(keys.map(({ entryId }) => entryId))
  const rows = await tables.entries.select(sql, 'WHERE t.id = ANY($1) OR t.corrects = ANY($1) ORDER BY t.seq', named)
  const asked = new Set(keys.map(({ accountId, entryId }) => `${accountId}|${entryId}`))
  return rows.filter((row) => asked.has(`${row.accountId}|${row.id}`) || asked.has(`${row.accountId}|${row.corrects}`))
}

/** Grants that were named, those that payments bought, and those that rows burned. */
async function namedGrants(
  sql: Sql,
  tables: Tables,
  keys: ByKind['grant'],
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

/** The budgets that holds which were named count against. */
async function budgetsOfHolds(sql: Sql, tables: Tables, holds: readonly Hold[]): Promise<readonly Budget[]> {
  const named = holds.flatMap(({ accountId, budgets }) => budgets.map((scope) => ({ accountId, scope })))
  if (named.length === 0) return []
  const clause = `JOIN (SELECT DISTINCT * FROM unnest($1::text[], $2::text[])) k (account_id, scope)
    ON t.account_id = k.account_id AND t.scope = k.scope`
  return tables.budgets.select(sql, clause, ...columnsOf(named, 'accountId', 'scope'))
}

async function countersOfEntries(
  sql: Sql,
  tables: Tables,
  entries: readonly LedgerEntry[],
  clock: Clock,
): Promise<readonly Counter[]> {
  const keys = entries.flatMap((entry) =>
    entry.usage
      ? [{ kind: 'counter' as const, accountId: entry.accountId, meter: entry.usage.meter, at: countedAt(entry) }]
      : [],
  )
  return countersAround(sql, tables, keys, clock)
}

/**
 * Of a range of moments the counter that contains its beginning or is the last before it, all that begin in it, and the first one after
 * it. Counters of a meter do not overlap, so these are the ones around each of its moments.
 */
function countersBetween(schema: string, now: string): string {
  const of = `SELECT c.* FROM ${schema}.counters c WHERE c.account_id = k.account_id AND c.meter = k.meter`
  return `(
    (${of} AND c.starts_at <= coalesce(k.low, ${now}) ORDER BY c.starts_at DESC LIMIT 1)
    UNION ALL (${of} AND c.starts_at > coalesce(k.low, ${now}) AND c.starts_at <= coalesce(k.high, ${now}))
    UNION ALL (${of} AND c.starts_at > coalesce(k.high, ${now}) ORDER BY c.starts_at LIMIT 1))`
}

/** The counters of each range, or the last one before it. */
function countersUpTo(schema: string, now: string): string {
  const of = `SELECT c.* FROM ${schema}.counters c WHERE c.account_id = k.account_id AND c.meter = k.meter`
  return `(
    (${of} AND c.starts_at <= coalesce(k.low, ${now}) ORDER BY c.starts_at DESC LIMIT 1)
    UNION ALL (${of} AND k.low < k.high AND c.starts_at > k.low AND c.starts_at <= k.high))`
}

/** The moments that no counter contains: what is made there depends on its neighbours. */
function outside({ now, counters }: Common, keys: ByKind['counter']): ByKind['counter'] {
  const byAccount = grouped(counters, ({ accountId }) => accountId)
  return keys.filter(({ accountId, meter, at }) => {
    const moment = at ?? now
    for (const counter of byAccount.get(accountId) ?? [])
      if (counter.meter === meter && counter.startsAt <= moment && moment < counter.endsAt) return false
    return true
  })
}

/** As array literals. */
function rangesOf(keys: ByKind['counter']): [string, string, string, string] {
  const ranges = counterRanges(keys)
  return [
    ...columnsOf(ranges, 'accountId', 'meter'),
    arrayOf(ranges.map(({ low }) => low)),
    arrayOf(ranges.map(({ high }) => high)),
  ]
}

async function countersAround(
  sql: Sql,
  tables: Tables,
  keys: ByKind['counter'],
  clock: Clock,
): Promise<readonly Counter[]> {
  if (keys.length === 0) return []
  const from = `unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) k (account_id, meter, low, high)
    CROSS JOIN LATERAL ${countersBetween(tables.schema, clock())} t`
  return findCounters(sql, tables, from, ...rangesOf(keys))
}

/** The counters of the periods that contain now, and the last ones of levels, which last. */
export async function currentCounters(
  sql: Sql,
  tables: Tables,
  accountIds: readonly string[],
  clock: Clock,
): Promise<readonly Counter[]> {
  if (accountIds.length === 0) return []
  const now = clock()
  const from = `${tables.schema}.counters t WHERE t.account_id = ANY($1) AND t.starts_at <= ${now}
    AND (t.ends_at > ${now} OR t.level IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ${tables.schema}.counters d
      WHERE d.account_id = t.account_id AND d.meter = t.meter AND d.starts_at > t.starts_at))`
  return findCounters(sql, tables, from, arrayOf(accountIds))
}

/** The counters in which holds that were named are counted. */
async function countersOfHolds(sql: Sql, tables: Tables, keys: ByKind['hold_counter']): Promise<readonly Counter[]> {
  if (keys.length === 0) return []
  const { schema } = tables
  const from = `unnest($1::text[], $2::text[]) k (account_id, id)
    JOIN ${schema}.holds h ON h.account_id = k.account_id AND h.id = k.id
    JOIN ${schema}.counters t ON t.account_id = h.account_id AND t.meter = h.meter AND t.starts_at = h.period_starts_at`
  return findCounters(sql, tables, from, ...columnsOf(keys, 'accountId', 'holdId'))
}

async function findCounters(sql: Sql, tables: Tables, from: string, ...values: string[]): Promise<readonly Counter[]> {
  const rows = await sql.query(`SELECT ${tables.counters.columns} FROM ${from}`, values)
  return rows.map((row) => tables.counters.read(row))
}

function momentsOf(keys: readonly { readonly at: number | null }[]): string {
  return arrayOf(keys.map(({ at }) => at))
}

/** Two fields of each key, as array literals. */
function columnsOf<A extends string, B extends string>(
  keys: readonly { readonly [Field in A | B]: string }[],
  first: A,
  second: B,
): [string, string] {
  return [arrayOf(keys.map((key) => key[first])), arrayOf(keys.map((key) => key[second]))]
}
