import { viewBudgets } from '../../core/domain/budget-view.js'
import { apply, needs } from '../../core/domain/ledger/kernel.js'
import type { LedgerRows, LedgerState } from '../../core/domain/ledger/state.js'
import { viewAccount } from '../../core/domain/ledger/view.js'
import type { EntryPage, LedgerStore } from '../../core/ports/store.js'
import { checkCursor } from '../sql/cursor.js'
import { newDeliveryRow } from '../sql/delivery-rows.js'
import { knownRows } from '../sql/known-rows.js'
import { usageClause } from '../sql/usage-clause.js'
import type { Sql } from './client.js'
import type { Clock } from './clock.js'
import type { Connection } from './connection.js'
import { createLoad, currentCounters, dueHolds } from './ledger-load.js'
import { addEvents } from './outbox.js'
import { arrayOf, send, sendTogether, type Write } from './table.js'
import type { Tables } from './tables.js'
import { verifyPostgres } from './verify.js'

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

  const load = createLoad(tables, clock)
  return {
    commit(commands, rules) {
      const keys = commands.flatMap((command) => needs(command, rules))
      return connection.write(async (sql, commit) => {
        const state = await load(sql, keys)
        const { rows, outcomes } = apply(state, commands, rules)
        const written = writeRows(sql, tables, rows, state)
        // Which events are new has to be known before their deliveries are written.
        if (rows.events.length === 0) commit()
        await written
        return outcomes
      })
    },
    snapshot(accountId) {
      return connection.read(async (sql) => {
        const [account, grants, over, counters, time] = await Promise.all([
          tables.accountStates.first(sql, 'WHERE t.id = $1', accountId),
          tables.grants.select(sql, 'WHERE t.account_id = $1 AND t.is_open', accountId),
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
        const hold = await tables.holds.first(sql, 'WHERE t.account_id = $1 AND t.id = $2', accountId, holdId)
        return hold ?? null
      })
    },
    grant(accountId, grantId) {
      return connection.read(async (sql) => {
        const grant = await tables.grants.first(sql, 'WHERE t.account_id = $1 AND t.id = $2', accountId, grantId)
        return grant ?? null
      })
    },
    payment(accountId, paymentId) {
      return connection.read(async (sql) => {
        const clause = 'WHERE t.account_id = $1 AND t.id = $2'
        return (await tables.payments.first(sql, clause, accountId, paymentId)) ?? null
      })
    },
    entry(accountId, entryId) {
      return connection.read(async (sql) => {
        const entry = await tables.entries.first(sql, 'WHERE t.id = $1 AND t.account_id = $2', entryId, accountId)
        return entry ?? null
      })
    },
    entries(accountId, page) {
      const [clause, values] = pageClause(tables, accountId, page)
      const query = `SELECT ${tables.entries.columns}, t.seq FROM ${tables.schema}.ledger_entries t ${clause}`
      return connection.read(async (sql) =>
        (await sql.query(query, values)).map((row) => ({
          ...tables.entries.read(row),
          cursor: row.at(-1) ?? '',
        })),
      )
    },
    corrections(accountId, entryIds) {
      return connection.read(async (sql) => {
        const rows = await tables.entries.select(sql, 'WHERE t.corrects = ANY($1) ORDER BY t.seq', arrayOf(entryIds))
        return rows.filter((row) => row.accountId === accountId)
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
    verify: (scope) => verifyPostgres(connection, tables.schema, scope),
    async suspendedAmong(accountIds) {
      const query = `SELECT id FROM ${tables.schema}.accounts WHERE id = ANY($1::text[]) AND suspended_for IS NOT NULL`
      const rows = await connection.read((sql) => sql.query(query, [arrayOf(accountIds)]))
      return rows.map(([id]) => id ?? '')
    },
    due(limit) {
      const now = clock()
      const query = `SELECT account_id FROM ${tables.schema}.holds WHERE status = 'open' AND expires_at <= ${now}
        UNION SELECT g.account_id FROM ${tables.schema}.credit_grants g JOIN ${tables.schema}.accounts a ON a.id = g.account_id
          WHERE g.is_open AND g.expires_at <= ${now} AND a.balance > a.held
        UNION SELECT id FROM ${tables.schema}.accounts WHERE renews_at <= ${now}
        UNION SELECT account_id FROM ${tables.schema}.counters WHERE is_accruing AND ends_at <= ${now}
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
  { limit, before, movedOnly, usage, operation, grantId }: EntryPage,
): [string, readonly string[]] {
  if (before !== undefined) checkCursor(before)
  const values = [accountId]
  const place = (value: string | bigint) =>
    `$${values.push(String(value))}::${typeof value === 'bigint' ? 'bigint' : 'text'}`
  const older = before === undefined ? '' : `AND t.seq < ${place(BigInt(before))}`
  const moved = movedOnly ? 'AND t.amount <> 0' : ''
  const of = operation === undefined ? '' : `AND t.operation = ${place(operation)}`
  const burned = grantId === undefined ? '' : `AND strpos(t.burns || chr(10), ' ' || ${place(grantId)} || chr(10)) > 0`
  const used = usage
    ? usageClause(usage, {
        place,
        dimension: (name) => `t.dimensions::json ->> ${name}`,
        lastBefore: (time) => `coalesce((SELECT e.seq FROM ${schema}.ledger_entries e
          WHERE e.account_id || '' = $1 AND e.recorded_at < ${time} ORDER BY e.seq DESC LIMIT 1), 0)`,
      })
    : ''
  const wanted = `${older} ${moved} ${of} ${burned} ${used}`
  const clause = `WHERE t.account_id || '' = $1 ${wanted} ORDER BY t.seq DESC LIMIT ${place(BigInt(limit))}`
  return [clause, values]
}

/** A batch this small is written by one statement: each one more costs both sides. With a larger one the server works while the next statement is made. */
const fewRows = 200

/** Sends every write without waiting in between. */
async function writeRows(sql: Sql, tables: Tables, rows: LedgerRows, state: LedgerState): Promise<void> {
  const { grants, counters, carries } = knownRows(rows, state)
  const writes: readonly (() => Write | null)[] = [
    () => tables.entries.insert(rows.entries),
    () => tables.accountStates.update(rows.accounts),
    () => tables.grantsLeft.update(grants.known),
    () => tables.counters.update(counters.known),
    () => tables.carries.update(carries.known),
    () => tables.rollups.add(rows.rollups),
    () => tables.newDeliveries.insert(rows.deliveries.map((delivery) => newDeliveryRow(delivery, state.now))),
    () => tables.holds.upsert(rows.holds),
    () => tables.budgets.upsert(rows.budgets),
    () => tables.payments.upsert(rows.payments),
    () => tables.levels.upsert(rows.levels),
    () => tables.seen.insert(rows.seen),
    () => tables.grants.upsert(grants.others),
    () => tables.counters.upsert(counters.others),
    () => tables.carries.upsert(carries.others),
  ]
  const isSmall = rows.entries.length <= fewRows
  await Promise.all([
    ...(isSmall
      ? [
          sendTogether(
            sql,
            writes.map((write) => write()),
          ),
        ]
      : writes.map((write) => send(sql, write()))),
    addEvents(sql, tables, rows.events, state.now),
  ])
}
