import { viewBudgets } from '../../core/domain/budget-view.js'
import { apply, needs } from '../../core/domain/ledger/kernel.js'
import type { LedgerRows } from '../../core/domain/ledger/state.js'
import { viewAccount } from '../../core/domain/ledger/view.js'
import type { EntryPage, LedgerStore } from '../../core/ports/store.js'
import { checkCursor } from '../sql/cursor.js'
import { flattenEntry, flattenHold, unflattenEntry, unflattenHold } from '../sql/ledger-rows.js'
import { usageClause } from '../sql/usage-clause.js'
import type { Sql } from './client.js'
import type { Clock } from './clock.js'
import type { Connection } from './connection.js'
import { currentCounters, dueHolds, loadState } from './ledger-load.js'
import { addDeliveries, addEvents } from './outbox.js'
import { arrayOf } from './table.js'
import type { Tables } from './tables.js'

/** Young tables have no statistics: without these the planner reads whole tables, and is slower the more there is. */
const beginBatch = `BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL bytea_output = hex; SET LOCAL jit = off;
  SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off`

export function postgresLedger(connection: Connection, tables: Tables, clock: Clock): LedgerStore {
  /** The budgets that the clause picks and that have a limit, as they stand now. */
  const currentBudgets = (accountId: string, clause: string, ...values: readonly string[]) =>
    connection.read(async (sql) => {
      const limited = `WHERE t.account_id = $1 AND t.limit_sparks IS NOT NULL AND ${clause}`
      const [account, budgets, over, time] = await Promise.all([
        tables.accountStates.first(sql, 'WHERE t.id = $1', accountId),
        tables.budgets.select(sql, limited, accountId, ...values),
        dueHolds(sql, tables, [accountId], clock),
        sql.query(`SELECT ${clock()}`),
      ])
      return account ? viewBudgets({ now: Number(time[0]?.[0]), account, budgets, dueHolds: over }) : []
    })

  return {
    commit(commands, rules) {
      const keys = commands.flatMap((command) => needs(command, rules))
      return connection.write(async (sql) => {
        const state = await loadState(sql, tables, keys, clock)
        const { rows, outcomes } = apply(state, commands, rules)
        await writeRows(sql, tables, rows, state.now)
        return outcomes
      }, beginBatch)
    },
    snapshot(accountId) {
      return connection.read(async (sql) => {
        const [account, grants, over, counters, time] = await Promise.all([
          tables.accountStates.first(sql, 'WHERE t.id = $1', accountId),
          tables.grants.select(sql, 'WHERE t.account_id = $1 AND t.remaining > 0', accountId),
          dueHolds(sql, tables, [accountId], clock),
          currentCounters(sql, tables, [accountId], clock),
          sql.query(`SELECT ${clock()}`),
        ])
        if (!account) return null
        const now = Number(time[0]?.[0])
        return viewAccount({ now, account, grants, dueHolds: over, counters: counters.map(({ counter }) => counter) })
      })
    },
    hold(accountId, holdId) {
      return connection.read(async (sql) => {
        const row = await tables.holds.first(sql, 'WHERE t.account_id = $1 AND t.id = $2', accountId, holdId)
        return row ? unflattenHold(row) : null
      })
    },
    entry(accountId, entryId) {
      return connection.read(async (sql) => {
        const row = await tables.entries.first(sql, 'WHERE t.id = $1 AND t.account_id = $2', entryId, accountId)
        return row ? unflattenEntry(row) : null
      })
    },
    entries(accountId, page) {
      const [clause, values] = pageClause(tables, accountId, page)
      const query = `SELECT ${tables.entries.columns}, t.seq FROM ${tables.schema}.ledger_entries t ${clause}`
      return connection.read(async (sql) =>
        (await sql.query(query, values)).map((row) => ({
          ...unflattenEntry(tables.entries.read(row)),
          cursor: row.at(-1) ?? '',
        })),
      )
    },
    corrections(accountId, entryIds) {
      return connection.read(async (sql) => {
        const rows = await tables.entries.select(sql, 'WHERE t.corrects = ANY($1) ORDER BY t.seq', arrayOf(entryIds))
        return rows.filter((row) => row.accountId === accountId).map(unflattenEntry)
      })
    },
    async budget(accountId, scope) {
      const [budget] = await currentBudgets(accountId, 't.scope = $2', scope)
      return budget ?? null
    },
    budgets(accountId, { limit, after = '' }) {
      const page = 't.scope COLLATE "C" > $2 ORDER BY t.scope COLLATE "C" LIMIT $3::bigint'
      return currentBudgets(accountId, page, after, String(limit))
    },
    rollups(accountId, { from, to, dimension = '' }) {
      const clause = 'WHERE t.account_id = $1 AND t.dimension = $2 AND t.day >= $3 AND t.day < $4'
      return connection.read((sql) => tables.rollups.select(sql, clause, accountId, dimension, from, to))
    },
    due(limit) {
      const now = clock()
      const query = `SELECT account_id FROM ${tables.schema}.holds WHERE status = 'open' AND expires_at <= ${now}
        UNION SELECT g.account_id FROM ${tables.schema}.credit_grants g JOIN ${tables.schema}.accounts a ON a.id = g.account_id
          WHERE g.remaining > 0 AND g.expires_at <= ${now} AND a.balance > a.held
        UNION SELECT id FROM ${tables.schema}.accounts WHERE renews_at <= ${now}
        UNION SELECT account_id FROM ${tables.schema}.counters WHERE area IS NOT NULL AND as_of < ends_at AND ends_at <= ${now}
        LIMIT $1::bigint`
      return connection.read(async (sql) =>
        (await sql.query(query, [String(limit)])).map(([accountId]) => accountId ?? ''),
      )
    },
  }
}

function pageClause(
  { schema }: Tables,
  accountId: string,
  { limit, before, movedOnly, usage }: EntryPage,
): [string, readonly string[]] {
  if (before !== undefined) checkCursor(before)
  const values = [accountId]
  const place = (value: string | bigint) =>
    `$${values.push(String(value))}::${typeof value === 'bigint' ? 'bigint' : 'text'}`
  const older = before === undefined ? '' : `AND t.seq < ${place(BigInt(before))}`
  const moved = movedOnly ? 'AND t.amount <> 0' : ''
  const used = usage
    ? usageClause(usage, {
        place,
        dimension: (name) => `t.dimensions::json ->> ${name}`,
        lastBefore: (time) => `coalesce((SELECT e.seq FROM ${schema}.ledger_entries e
          WHERE e.account_id || '' = $1 AND e.recorded_at < ${time} ORDER BY e.seq DESC LIMIT 1), 0)`,
      })
    : ''
  const clause = `WHERE t.account_id || '' = $1 ${older} ${moved} ${used} ORDER BY t.seq DESC LIMIT ${place(BigInt(limit))}`
  return [clause, values]
}

/** Sends every write without waiting in between. */
async function writeRows(sql: Sql, tables: Tables, rows: LedgerRows, now: number): Promise<void> {
  await Promise.all([
    tables.accountStates.update(sql, rows.accounts),
    tables.grants.upsert(sql, rows.grants),
    tables.counters.upsert(sql, rows.counters),
    tables.carries.upsert(sql, rows.carries),
    tables.holds.upsert(sql, rows.holds.map(flattenHold)),
    tables.budgets.upsert(sql, rows.budgets),
    tables.payments.upsert(sql, rows.payments),
    tables.levels.upsert(sql, rows.levels),
    tables.seen.insert(sql, rows.seen),
    tables.entries.insert(sql, rows.entries.map(flattenEntry)),
    tables.rollups.add(sql, rows.rollups),
    addDeliveries(sql, tables, rows.deliveries, now),
    addEvents(sql, tables, rows.events, now),
  ])
}
