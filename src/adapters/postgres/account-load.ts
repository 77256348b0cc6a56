import type { Budget } from '../../core/domain/budget.js'
import type { CreditGrant } from '../../core/domain/credit-grant.js'
import type { StoredResult } from '../../core/domain/ledger/outcome.js'
import type { AccountState, Counter, Hold, StoredKey } from '../../core/domain/ledger/state.js'
import { exact, type StoredField, uuid } from '../sql/column.js'
import type { CounterRange } from '../sql/counter-ranges.js'
import { arrayBytes } from './array.js'
import type { Asked, Wanted } from './asked-account.js'
import type { Bound, RawRow, Sql } from './client.js'
import type { Clock } from './clock.js'
import { arrayOf } from './table.js'
import type { Tables } from './tables.js'

/** What was read of accounts. */
export interface AccountRows {
  readonly now: number
  readonly accounts: AccountState[]
  /** Those of the accounts with open holds. */
  readonly holding: Set<string>
  readonly grants: CreditGrant[]
  readonly counters: Counter[]
  /** Open holds that are over. */
  readonly holds: Hold[]
  readonly budgets: Budget[]
  readonly keys: StoredKey[]
}

/**
 * Reads accounts with their open grants, their holds that are over, and the counters and budgets that are wanted, and looks up which
 * keys were used. One statement whose rows are of many kinds: the first column says which. What there are many of has a column for each
 * of its own; what is rare is a JSON list. Keys are looked up by themselves and their account is compared afterwards: offered both, the
 * planner may walk all rows of the account instead.
 */
export function createAccountLoad(tables: Tables, clock: Clock) {
  const { schema } = tables
  const now = clock()
  const texts: string[] = []

  function textOf({ hasWhole, hasBudgets, hasCounters, hasKeys }: Shape): string {
    const width = Math.max(
      3,
      hasWhole ? Math.max(tables.accountStates.texts.length + 1, tables.grants.texts.length) : 0,
      hasWhole || hasBudgets ? tables.budgets.texts.length : 0,
      hasCounters ? tables.counters.texts.length : 0,
    )
    const part = (kind: string, columns: readonly string[], from: string) =>
      `SELECT '${kind}', ${[...columns, ...Array(width - columns.length).fill('NULL')].join(', ')} FROM ${from}`
    const asList = (columns: readonly string[]) => `json_build_array(${columns.join(', ')})::text`
    let places = 0
    const place = (type: string) => {
      places += 1
      return `$${places}::${type}[]`
    }
    const parts = [part('now', [`(${now})::text`], '(SELECT) one')]
    if (hasWhole) {
      const whole = place('text')
      const over = `h.account_id = ANY(${whole}) AND h.status = 'open' AND h.expires_at <= ${now}`
      const isHolding = `EXISTS (SELECT 1 FROM ${schema}.holds h WHERE h.account_id = t.id AND h.status = 'open')::text`
      parts.push(
        part('account', [...tables.accountStates.texts, isHolding], `${schema}.accounts t WHERE t.id = ANY(${whole})`),
        part(
          'grant',
          tables.grants.texts,
          `${schema}.credit_grants t WHERE t.account_id = ANY(${whole}) AND t.is_open`,
        ),
        part('hold', [asList(tables.holds.texts)], `${schema}.holds t WHERE ${over.replaceAll('h.', 't.')}`),
        part(
          'hold_counter',
          [asList(tables.counters.texts)],
          `${schema}.holds h JOIN ${schema}.counters t
            ON t.account_id = h.account_id AND t.meter = h.meter AND t.starts_at = h.period_starts_at WHERE ${over}`,
        ),
        // Those that holds reserve something of.
        part('budget', tables.budgets.texts, `${schema}.budgets t WHERE t.account_id = ANY(${whole}) AND t.held > 0`),
      )
    }
    if (hasBudgets) {
      const named = `t.account_id = ANY(${place('text')}) AND t.scope = ANY(${place('text')})`
      parts.push(part('budget', tables.budgets.texts, `${schema}.budgets t WHERE ${named}`))
    }
    if (hasCounters) {
      const ranges = ['text', 'text', 'bigint', 'bigint'].map(place).join(', ')
      const from = `unnest(${ranges}) k (account_id, meter, low, high) CROSS JOIN LATERAL ${countersUpTo(schema, now)} t`
      parts.push(part('counter', tables.counters.texts, from))
    }
    if (hasKeys) {
      const used = place('uuid')
      parts.push(
        part(
          'entry_key',
          ['t.account_id', 't.dedupe::text', asList(tables.entries.texts)],
          `${schema}.ledger_entries t WHERE t.dedupe = ANY(${used})`,
        ),
        part(
          'hold_key',
          ['t.account_id', 't.dedupe::text', `json_build_array(t.fingerprint, t.result)::text`],
          `${schema}.holds t WHERE t.dedupe = ANY(${used})`,
        ),
        part(
          'hold_key',
          ['t.account_id', 't.release_dedupe::text', `json_build_array(t.release_fingerprint, t.release_result)::text`],
          `${schema}.holds t WHERE t.release_dedupe = ANY(${used})`,
        ),
      )
    }
    return parts.join(' UNION ALL ')
  }

  return async (sql: Sql, { whole, budgeted, scopes, ranges }: Wanted, used: Asked['used']): Promise<AccountRows> => {
    const shape = {
      hasWhole: whole.length > 0,
      hasBudgets: budgeted.length > 0,
      hasCounters: ranges.length > 0,
      hasKeys: used.length > 0,
    }
    const number =
      (shape.hasWhole ? 1 : 0) + (shape.hasBudgets ? 2 : 0) + (shape.hasCounters ? 4 : 0) + (shape.hasKeys ? 8 : 0)
    texts[number] ??= textOf(shape)
    const values: Bound[] = []
    if (shape.hasWhole) values.push(arrayOf(whole))
    if (shape.hasBudgets) values.push(arrayOf(budgeted), arrayOf([...scopes]))
    if (shape.hasCounters) values.push(...rangeColumns(ranges))
    if (shape.hasKeys) values.push(arrayBytes(usedKey, used))
    return readRows(tables, await sql.query(texts[number], values), used)
  }
}

const usedKey: StoredField<Asked['used'][number]> = { name: 'dedupe', type: 'uuid', get: ({ dedupe }) => dedupe }

/** What a statement asks for. */
interface Shape {
  readonly hasWhole: boolean
  readonly hasBudgets: boolean
  readonly hasCounters: boolean
  readonly hasKeys: boolean
}

function readRows(tables: Tables, rows: readonly RawRow[], used: Asked['used']): AccountRows {
  const read: AccountRows = {
    now: 0,
    accounts: [],
    holding: new Set(),
    grants: [],
    counters: [],
    holds: [],
    budgets: [],
    keys: [],
  }
  let now = 0
  let wanted: ReadonlySet<string> | undefined
  const isAsked = (accountId: string, dedupe: string) => {
    wanted ??= new Set(used.map((key) => `${key.accountId}|${key.dedupe}`))
    return wanted.has(`${accountId}|${dedupe}`)
  }
  const holdingPlace = 1 + tables.accountStates.texts.length
  for (const row of rows) {
    const text = (place: number) => row[place] ?? ''
    switch (row[0]) {
      case 'now':
        now = Number(row[1])
        break
      case 'account':
        read.accounts.push(tables.accountStates.read(row, 1))
        if (row[holdingPlace] === 'true') read.holding.add(text(1))
        break
      case 'grant':
        read.grants.push(tables.grants.read(row, 1))
        break
      case 'counter':
        read.counters.push(tables.counters.read(row, 1))
        break
      case 'hold':
        read.holds.push(tables.holds.read(JSON.parse(text(1))))
        break
      case 'hold_counter':
        read.counters.push(tables.counters.read(JSON.parse(text(1))))
        break
      case 'budget':
        read.budgets.push(tables.budgets.read(row, 1))
        break
      case 'entry_key':
        if (isAsked(text(1), uuid.read(text(2), null))) read.keys.push(tables.entries.read(JSON.parse(text(3))))
        break
      case 'hold_key': {
        const accountId = text(1)
        const dedupe = uuid.read(text(2), null)
        if (!isAsked(accountId, dedupe)) break
        const [fingerprint, result] = JSON.parse(text(3)) as [string, string]
        read.keys.push({
          accountId,
          dedupe,
          fingerprint: uuid.read(fingerprint, null),
          result: exact<StoredResult>().read(result, null),
        })
        break
      }
    }
  }
  return { ...read, now }
}

/** The counters of each range, or the last one before it. */
function countersUpTo(schema: string, now: string): string {
  const of = `SELECT c.* FROM ${schema}.counters c WHERE c.account_id = k.account_id AND c.meter = k.meter`
  return `(
    (${of} AND c.starts_at <= coalesce(k.low, ${now}) ORDER BY c.starts_at DESC LIMIT 1)
    UNION ALL (${of} AND k.low < k.high AND c.starts_at > k.low AND c.starts_at <= k.high))`
}

/** Ranges as array literals. */
export function rangeColumns(ranges: readonly CounterRange[]): [string, string, string, string] {
  return [
    arrayOf(ranges.map(({ accountId }) => accountId)),
    arrayOf(ranges.map(({ meter }) => meter)),
    arrayOf(ranges.map(({ low }) => low)),
    arrayOf(ranges.map(({ high }) => high)),
  ]
}
