import type { Budget } from '../../../core/domain/budget.js'
import type { CreditGrant } from '../../../core/domain/credit-grant.js'
import type { StoredResult } from '../../../core/domain/ledger/outcome.js'
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
  type StoredKey,
} from '../../../core/domain/ledger/state.js'
import type { Payment } from '../../../core/domain/payment.js'
import { grouped } from '../../kit/grouped.js'
import { exact, uuid } from '../../sql/column.js'
import { counterRanges } from '../../sql/counter-ranges.js'
import type { RawRow, Sql } from '../client.js'
import type { Clock } from '../clock.js'
import { type ByKind, byKind } from '../keys-by-kind.js'
import { arrayOf } from '../table.js'
import type { Tables } from '../tables.js'

/** What was read of an account by one statement. */
export interface AccountPicture {
  /** None where there is no such account. */
  readonly account: AccountState | undefined
  readonly now: number
  readonly openGrants: readonly CreditGrant[]
  readonly namedGrants: readonly CreditGrant[]
  readonly dueHolds: readonly Hold[]
  readonly namedHolds: readonly Hold[]
  readonly budgets: readonly Budget[]
  /** The counters of the periods that contain now, and the last ones of levels. */
  readonly current: readonly Counter[]
  readonly counters: readonly Counter[]
  readonly payments: readonly Payment[]
  readonly entries: readonly LedgerEntry[]
  readonly levels: readonly LevelChange[]
  readonly seen: readonly SeenValue[]
  readonly keys: readonly StoredKey[]
}

/** Locks an account, then reads what its commands need: as under READ COMMITTED each statement looks anew, what the lock waited for. */
export function createAccountLoad(tables: Tables, clock: Clock) {
  const picture = createAccountPicture(tables, clock)
  return async (sql: Sql, accountId: string, keys: readonly LoadKey[]): Promise<LedgerState> => {
    const asked = byKind(keys)
    const [, seen] = await Promise.all([
      sql.query(`SELECT 1 FROM ${tables.schema}.accounts t WHERE t.id = $1 FOR UPDATE`, [accountId]),
      picture(sql, accountId, asked),
    ])
    const more = await picture(sql, accountId, implied(accountId, seen))
    const holds = new Map([...seen.namedHolds, ...seen.dueHolds].map((hold) => [hold.id, hold]))
    const counters = new Map(
      [...seen.counters, ...seen.current, ...more.counters].map((counter) => [
        `${counter.meter}|${counter.startsAt}`,
        counter,
      ]),
    )
    const budgets = new Map([...seen.budgets, ...more.budgets].map((budget) => [budget.scope, budget]))
    return {
      now: seen.now,
      loaded: keys,
      accounts: seen.account ? [seen.account] : [],
      grants: [...seen.openGrants, ...seen.namedGrants, ...more.namedGrants],
      counters: [...counters.values()],
      holds: [...holds.values()],
      budgets: [...budgets.values()],
      payments: seen.payments,
      levels: seen.levels,
      seen: seen.seen,
      entries: seen.entries,
      keys: seen.keys,
    }
  }
}

/** What follows from what was read: the grants of payments and rows, the budgets of holds, the counters of rows. */
function implied(accountId: string, { payments, entries, namedHolds }: AccountPicture): ByKind | null {
  const keys: LoadKey[] = [
    ...payments.flatMap(({ grantId }) => (grantId === null ? [] : { kind: 'grant' as const, accountId, grantId })),
    ...entries.flatMap(({ burns }) => burns.map(({ grantId }) => ({ kind: 'grant' as const, accountId, grantId }))),
    ...namedHolds.flatMap(({ budgets }) => budgets.map((scope) => ({ kind: 'budget' as const, accountId, scope }))),
    ...entries.flatMap((entry) =>
      entry.usage ? [{ kind: 'counter' as const, accountId, meter: entry.usage.meter, at: countedAt(entry) }] : [],
    ),
  ]
  return keys.length === 0 ? null : byKind(keys)
}

/**
 * Reads an account by one statement, whose rows are of many kinds: the first column says which, the second lists the row's columns. Every
 * table in it is told the account by itself, so that a coordinator can send it to where the account is.
 */
export function createAccountPicture(tables: Tables, clock: Clock) {
  const { schema } = tables
  const now = clock()
  const holdKey = (prefix: string) =>
    ['dedupe', 'fingerprint', 'result'].map((column) => `t.${prefix}${column}${column === 'result' ? '' : '::text'}`)
  const countersOfHolds = `${schema}.holds h JOIN ${schema}.counters t
    ON t.account_id = h.account_id AND t.meter = h.meter AND t.starts_at = h.period_starts_at
    WHERE h.account_id = $1 AND t.account_id = $1`
  const isDue = (alias: string) => `${alias}.status = 'open' AND ${alias}.expires_at <= ${now}`

  function statementOf(accountId: string, asked: ByKind) {
    const values: string[] = [accountId]
    const parts: string[] = []
    const list = (items: readonly (string | number | null)[], type = 'text') =>
      `$${values.push(arrayOf(items))}::${type}[]`
    const ask = (kind: keyof typeof readers, columns: readonly string[], from: string) => {
      parts.push(`SELECT '${kind}', json_build_array(${columns.join(', ')})::text FROM ${from}`)
    }
    const of = (table: string) => `${schema}.${table} t WHERE t.account_id = $1 AND`
    const counters = (from: string) => ask('counter', tables.counters.texts, from)

    ask('account', [...tables.accountStates.texts, `(${now})::text`], `${schema}.accounts t WHERE t.id = $1`)
    ask('open_grant', tables.grants.texts, `${of('credit_grants')} t.is_open`)
    ask('due_hold', tables.holds.texts, `${of('holds')} ${isDue('t')}`)
    counters(`${countersOfHolds} AND ${isDue('h')}`)
    const scopes = [...new Set(asked.budget.map(({ scope }) => scope))]
    ask('budget', tables.budgets.texts, `${of('budgets')} (t.scope = ANY(${list(scopes)}) OR t.held > 0)`)
    if (asked.grant.length > 0) {
      const ids = list(asked.grant.map(({ grantId }) => grantId))
      ask('named_grant', tables.grants.texts, `${of('credit_grants')} t.id = ANY(${ids})`)
    }
    const named = [...asked.hold, ...asked.hold_counter].map(({ holdId }) => holdId)
    if (named.length > 0) ask('named_hold', tables.holds.texts, `${of('holds')} t.id = ANY(${list(named)})`)
    if (asked.hold_counter.length > 0)
      counters(`${countersOfHolds} AND h.id = ANY(${list(asked.hold_counter.map(({ holdId }) => holdId))})`)
    if (asked.counter.length > 0) {
      const ranges = counterRanges(asked.counter)
      const low = list(
        ranges.map((range) => range.low),
        'bigint',
      )
      const high = list(
        ranges.map((range) => range.high),
        'bigint',
      )
      const inMeter = `SELECT c.* FROM ${schema}.counters c WHERE c.account_id = $1 AND c.meter = k.meter`
      counters(`unnest(${list(ranges.map(({ meter }) => meter))}, ${low}, ${high}) k (meter, low, high) CROSS JOIN LATERAL (
        (${inMeter} AND c.starts_at <= coalesce(k.low, ${now}) ORDER BY c.starts_at DESC LIMIT 1)
        UNION ALL (${inMeter} AND c.starts_at > coalesce(k.low, ${now}) AND c.starts_at <= coalesce(k.high, ${now}))
        UNION ALL (${inMeter} AND c.starts_at > coalesce(k.high, ${now}) ORDER BY c.starts_at LIMIT 1)) t`)
    }
    if (asked.counters.length > 0) {
      ask(
        'current',
        tables.counters.texts,
        `${of('counters')} t.starts_at <= ${now} AND (t.ends_at > ${now} OR t.level IS NOT NULL AND NOT EXISTS (
          SELECT 1 FROM ${schema}.counters d WHERE d.account_id = $1 AND d.meter = t.meter AND d.starts_at > t.starts_at))`,
      )
    }
    if (asked.level.length > 0) {
      const meters = list(asked.level.map(({ meter }) => meter))
      const moments = `unnest(${meters}, ${list(
        asked.level.map(({ at }) => at),
        'bigint',
      )}) k (meter, at)`
      const change = `SELECT l.* FROM ${schema}.level_changes l WHERE l.account_id = $1 AND l.meter = k.meter`
      const inMeter = `SELECT c.* FROM ${schema}.counters c WHERE c.account_id = $1 AND c.meter = k.meter`
      ask(
        'level',
        tables.levels.texts,
        `${moments} CROSS JOIN LATERAL ((${change} AND l.at <= coalesce(k.at, ${now}) ORDER BY l.at DESC LIMIT 1)
          UNION ALL (${change} AND l.at > coalesce(k.at, ${now}) ORDER BY l.at LIMIT 1)) t`,
      )
      counters(`${moments} CROSS JOIN LATERAL ((${inMeter} AND c.ends_at > coalesce(k.at, ${now}))
        UNION ALL (${inMeter} AND c.ends_at <= coalesce(k.at, ${now}) ORDER BY c.starts_at DESC LIMIT 1)) t`)
    }
    if (asked.accruals.length > 0) counters(`${of('counters')} t.is_accruing AND t.ends_at <= ${now}`)
    const columns = [...tables.entries.texts, 't.seq::text']
    const entries = (ids: string) =>
      ask('entry', columns, `${of('ledger_entries')} (t.id = ANY(${ids}) OR t.corrects = ANY(${ids}))`)
    if (asked.payment.length > 0) {
      const ids = list(asked.payment.map(({ paymentId }) => paymentId))
      ask('payment', tables.payments.texts, `${of('payments')} t.id = ANY(${ids})`)
      entries(`ARRAY(SELECT p.grant_id FROM ${schema}.payments p WHERE p.account_id = $1 AND p.id = ANY(${ids}))`)
    }
    if (asked.entry.length > 0) entries(list(asked.entry.map(({ entryId }) => entryId)))
    if (asked.seen.length > 0) {
      const meters = list(asked.seen.map(({ meter }) => meter))
      const k = `unnest(${meters}, ${list(asked.seen.map(({ value }) => value))}) k (meter, value)`
      ask(
        'seen',
        tables.seen.texts,
        `${k} JOIN ${schema}.seen_values t ON t.account_id = $1 AND t.meter = k.meter AND t.value = k.value`,
      )
    }
    if (asked.key.length > 0) {
      const dedupes = `$${values.push(`{${asked.key.map(({ dedupe }) => dedupe).join(',')}}`)}::uuid[]`
      ask('entry_key', tables.entries.texts, `${of('ledger_entries')} t.dedupe = ANY(${dedupes})`)
      ask('hold_key', holdKey(''), `${of('holds')} t.dedupe = ANY(${dedupes})`)
      ask('hold_key', holdKey('release_'), `${of('holds')} t.release_dedupe = ANY(${dedupes})`)
    }
    return { text: parts.join('\nUNION ALL '), values }
  }

  const readers = {
    account: (row: RawRow) => ({ state: tables.accountStates.read(row), now: Number(row.at(-1)) }),
    open_grant: (row: RawRow) => tables.grants.read(row),
    named_grant: (row: RawRow) => tables.grants.read(row),
    due_hold: (row: RawRow) => tables.holds.read(row),
    named_hold: (row: RawRow) => tables.holds.read(row),
    budget: (row: RawRow) => tables.budgets.read(row),
    counter: (row: RawRow) => tables.counters.read(row),
    current: (row: RawRow) => tables.counters.read(row),
    level: (row: RawRow) => tables.levels.read(row),
    payment: (row: RawRow) => tables.payments.read(row),
    entry: (row: RawRow) => ({ entry: tables.entries.read(row), seq: BigInt(row.at(-1) ?? 0) }),
    seen: (row: RawRow) => tables.seen.read(row),
    entry_key: (row: RawRow): StoredKey => tables.entries.read(row),
    hold_key: ([dedupe, fingerprint, result]: RawRow) => ({
      dedupe: uuid.read(dedupe ?? '', null),
      fingerprint: uuid.read(fingerprint ?? '', null),
      result: exact<StoredResult>().read(result ?? '', null),
    }),
  }

  return async (sql: Sql, accountId: string, asked: ByKind | null): Promise<AccountPicture> => {
    const { text, values } = asked ? statementOf(accountId, asked) : { text: null, values: [] }
    const kinds = grouped(text === null ? [] : await sql.query(text, values), ([kind]) => kind)
    const rowsOf = <Kind extends keyof typeof readers>(kind: Kind) =>
      (kinds.get(kind) ?? []).map(([, columns]) => readers[kind](JSON.parse(columns ?? '[]'))) as ReturnType<
        (typeof readers)[Kind]
      >[]
    const [account] = rowsOf('account')
    return {
      account: account?.state,
      now: account?.now ?? 0,
      openGrants: rowsOf('open_grant'),
      namedGrants: rowsOf('named_grant'),
      dueHolds: rowsOf('due_hold'),
      namedHolds: rowsOf('named_hold'),
      budgets: rowsOf('budget'),
      current: rowsOf('current'),
      counters: rowsOf('counter'),
      payments: rowsOf('payment'),
      entries: rowsOf('entry')
        .sort((left, right) => (left.seq < right.seq ? -1 : 1))
        .map(({ entry }) => entry),
      levels: rowsOf('level'),
      seen: rowsOf('seen'),
      keys: [...rowsOf('entry_key'), ...rowsOf('hold_key').map((key) => ({ accountId, ...key }))],
    }
  }
}
