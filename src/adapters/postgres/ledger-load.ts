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
} from '../../core/domain/ledger/state.js'
import type { Payment } from '../../core/domain/payment.js'
import { type CounterRange, counterRanges } from '../sql/counter-ranges.js'
import { keepCounter } from '../sql/known-account.js'
import { type AccountRows, createAccountLoad, rangeColumns } from './account-load.js'
import { type AskedAccount, askedAccounts, isCovered, wantedOf } from './asked-account.js'
import type { Sql } from './client.js'
import type { Clock } from './clock.js'
import { type ByKind, byKind } from './keys-by-kind.js'
import { doubtOf, type RecentAccount, type RecentAccounts } from './recent-accounts.js'
import { arrayOf } from './table.js'
import type { Tables } from './tables.js'

/** What a batch needs, and what is known of its accounts: of those that have no open holds. */
export interface Loaded {
  readonly state: LedgerState
  readonly known: Map<string, RecentAccount>
}

/**
 * Locks the accounts in order of id, then reads what a batch needs. All statements go out together; each sees what the lock waited
 * for, since under READ COMMITTED every statement looks anew. What is known of an account is not read, unless the lock finds it in
 * another version: then it is read in a second round. What nearly every batch needs is one statement; the rest is asked for where a
 * command names it.
 *
 * @param recent nothing in a transaction of the app, which may have changed something itself
 */
export function createLoad(tables: Tables, clock: Clock) {
  const loadAccounts = createAccountLoad(tables, clock)
  const lock = `SELECT t.id, t.version FROM ${tables.schema}.accounts t
    WHERE t.id = ANY($1) ORDER BY t.id COLLATE "C" FOR UPDATE`

  return async (sql: Sql, keys: readonly LoadKey[], recent: RecentAccounts | null): Promise<Loaded> => {
    const { accounts, used, others } = askedAccounts(keys, recent)
    const [locked, first, named] = await Promise.all([
      sql.query(lock, [arrayOf([...accounts.keys()])]),
      loadAccounts(sql, wantedOf(accounts.values()), used),
      others.length === 0 ? nothing : loadOthers(sql, tables, byKind(others), clock),
    ])
    const versions = new Map(locked as [string, string][])
    const changed = changedSince(accounts.values(), versions)
    addRead(accounts, versions, first)
    const second = changed.length === 0 ? null : await loadAccounts(sql, wantedOf(changed), [])
    if (second) addRead(accounts, versions, second)
    const state = {
      ...named,
      now: first.now,
      loaded: keys,
      accounts: [] as AccountState[],
      grants: [...named.grants],
      counters: [...named.counters],
      holds: [...named.holds, ...first.holds, ...(second?.holds ?? [])],
      budgets: [...named.budgets],
      keys: first.keys,
    }
    const holding = second ? new Set([...first.holding, ...second.holding]) : first.holding
    const known = new Map<string, RecentAccount>()
    const outside: CounterRange[] = []
    for (const asked of accounts.values()) {
      if (!asked.known) continue
      addAsked(state, asked, asked.known)
      for (const range of asked.ranges) if (!isCovered(range, asked.counters, first.now)) outside.push(range)
      if (!holding.has(asked.accountId)) known.set(asked.accountId, asked.known)
    }
    for (const counter of await countersAround(sql, tables, outside, clock)) {
      state.counters.push(counter)
      const account = known.get(counter.accountId)
      if (account) keepCounter(account, counter)
    }
    return { state, known }
  }
}

/** The accounts that are not as they were left. Nothing is known of them, nor of those that are gone. */
function changedSince(accounts: Iterable<AskedAccount>, versions: ReadonlyMap<string, string>): AskedAccount[] {
  const changed: AskedAccount[] = []
  for (const asked of accounts) {
    const version = versions.get(asked.accountId)
    if (!asked.known || asked.known.version === version) continue
    asked.known = undefined
    if (version !== undefined) changed.push(asked)
  }
  return changed
}

/** Adds what was read to what is known. */
function addRead(
  asked: ReadonlyMap<string, AskedAccount>,
  versions: ReadonlyMap<string, string>,
  { accounts, grants, counters, budgets }: AccountRows,
): void {
  for (const account of accounts) {
    const of = asked.get(account.id)
    const version = versions.get(account.id)
    // One that appeared after the others were locked is not there yet.
    if (!of || version === undefined) continue
    const doubt = doubtOf(of.recent, version)
    of.known = { version, doubt, account, grants: new Map(), counters: new Map(), budgets: new Map() }
  }
  for (const grant of grants) asked.get(grant.accountId)?.known?.grants.set(grant.id, grant)
  for (const counter of counters) {
    const of = asked.get(counter.accountId)
    if (!of?.known) continue
    of.counters.push(counter)
    keepCounter(of.known, counter)
  }
  for (const budget of budgets) asked.get(budget.accountId)?.known?.budgets.set(budget.scope, budget)
  for (const { known, scopes = [] } of asked.values())
    for (const scope of scopes) if (known && !known.budgets.has(scope)) known.budgets.set(scope, null)
}

interface Adding {
  readonly accounts: AccountState[]
  readonly grants: CreditGrant[]
  readonly counters: Counter[]
  readonly budgets: Budget[]
}

/** Adds an account to a state: of what was known before, only what was asked for. */
function addAsked(state: Adding, { recent, ranges, scopes, counters }: AskedAccount, known: RecentAccount): void {
  state.accounts.push(known.account)
  for (const grant of known.grants.values()) state.grants.push(grant)
  if (known === recent)
    for (const { meter } of ranges) {
      const counter = known.counters.get(meter)
      if (counter && !counters.includes(counter)) counters.push(counter)
    }
  for (const counter of counters) state.counters.push(counter)
  for (const scope of (known === recent ? scopes : known.budgets.keys()) ?? []) {
    const budget = known.budgets.get(scope)
    if (budget) state.budgets.push(budget)
  }
}

/** What commands name by itself. */
type Named = Pick<LedgerState, 'grants' | 'counters' | 'holds' | 'budgets' | 'payments' | 'levels' | 'seen' | 'entries'>

const nothing: Named = {
  grants: [],
  counters: [],
  holds: [],
  budgets: [],
  payments: [],
  levels: [],
  seen: [],
  entries: [],
}

async function loadOthers(sql: Sql, tables: Tables, asked: ByKind, clock: Clock): Promise<Named> {
  const accountsOfCounters = asked.counters.map(({ accountId }) => accountId)
  const paid = namedPayments(sql, tables, asked.payment)
  const [holds, current, byHold, payments, entries, levels, byLevel, accruing, seen] = await Promise.all([
    namedHolds(sql, tables, asked.hold, asked.hold_counter),
    currentCounters(sql, tables, accountsOfCounters, clock),
    countersOfHolds(sql, tables, asked.hold_counter),
    paid,
    paid.then((payments) => entriesWithCorrections(sql, tables, [...asked.entry, ...boughtBy(payments)])),
    levelsAround(sql, tables, asked.level, clock),
    countersFrom(sql, tables, asked.level, clock),
    overdueCounters(sql, tables, asked.accruals, clock),
    seenValues(sql, tables, asked.seen),
  ])
  const [budgets, grants, counted] = await Promise.all([
    budgetsOfHolds(sql, tables, holds),
    namedGrants(sql, tables, asked.grant, payments, entries),
    countersOfEntries(sql, tables, entries, clock),
  ])
  const counters = [...current, ...byHold, ...counted, ...byLevel, ...accruing]
  return { grants, counters, holds, budgets, payments, levels, seen, entries }
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

type HoldName = Pick<ByKind['hold'][number], 'accountId' | 'holdId'>

async function namedHolds(
  sql: Sql,
  tables: Tables,
  ...asked: readonly (readonly HoldName[])[]
): Promise<readonly Hold[]> {
  const keys = new Map(asked.flat().map((key) => [`${key.accountId}|${key.holdId}`, key]))
  if (keys.size === 0) return []
  const clause = 'JOIN unnest($1::text[], $2::text[]) k (account_id, id) ON t.account_id = k.account_id AND t.id = k.id'
  return tables.holds.select(sql, clause, ...columnsOf([...keys.values()], 'accountId', 'holdId'))
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

/** The rows by which the credits of payments were given. */
function boughtBy(payments: readonly Payment[]): readonly EntryName[] {
  return payments.flatMap(({ accountId, grantId }) => (grantId === null ? [] : [{ accountId, entryId: grantId }]))
}

type EntryName = Pick<ByKind['entry'][number], 'accountId' | 'entryId'>

/** Rows that were named, and those that correct them, oldest first. */
async function entriesWithCorrections(
  sql: Sql,
  tables: Tables,
  keys: readonly EntryName[],
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
  return countersAround(sql, tables, counterRanges(keys), clock)
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

async function countersAround(
  sql: Sql,
  tables: Tables,
  ranges: readonly CounterRange[],
  clock: Clock,
): Promise<readonly Counter[]> {
  if (ranges.length === 0) return []
  const from = `unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) k (account_id, meter, low, high)
    CROSS JOIN LATERAL ${countersBetween(tables.schema, clock())} t`
  return findCounters(sql, tables, from, ...rangeColumns(ranges))
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
  // Most holds of an account are counted in the same one.
  const from = `(SELECT DISTINCT h.account_id, h.meter, h.period_starts_at FROM unnest($1::text[], $2::text[]) k (account_id, id)
      JOIN ${schema}.holds h ON h.account_id = k.account_id AND h.id = k.id) h
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
