import { apply, needs } from '../../core/domain/ledger/kernel.js'
import type { LedgerRows } from '../../core/domain/ledger/state.js'
import { viewAccount } from '../../core/domain/ledger/view.js'
import type { LedgerStore } from '../../core/ports/store.js'
import type { Value } from '../sql/column.js'
import { checkCursor } from '../sql/cursor.js'
import { flattenEntry, flattenHold, unflattenEntry } from '../sql/ledger-rows.js'
import type { Connection, Sql } from './connection.js'
import { currentCounters, dueHolds, findHold, loadState, openGrants } from './ledger-load.js'
import { addDeliveries, addEvents } from './outbox.js'
import * as tables from './tables.js'

export function sqliteLedger(connection: Connection, now: () => number): LedgerStore {
  return {
    commit(commands, rules) {
      const keys = commands.flatMap((command) => needs(command, rules))
      return connection.write((sql) => {
        const state = loadState(sql, keys, now())
        const { rows, outcomes } = apply(state, commands, rules)
        writeRows(sql, rows, state.now)
        return outcomes
      })
    },
    snapshot(accountId) {
      return connection.read((sql) => {
        const account = tables.accountStates.first(sql, 'WHERE id = ?', accountId)
        if (!account) return null
        const at = now()
        return viewAccount({
          now: at,
          account,
          grants: openGrants(sql, accountId),
          dueHolds: dueHolds(sql, accountId, at),
          counters: currentCounters(sql, accountId, at),
        })
      })
    },
    hold: (accountId, holdId) => connection.read((sql) => findHold(sql, accountId, holdId) ?? null),
    entry(accountId, entryId) {
      return connection.read((sql) => {
        const row = tables.entries.first(sql, 'WHERE id = ? AND account_id = ?', entryId, accountId)
        return row ? unflattenEntry(row) : null
      })
    },
    entries(accountId, { limit, before, movedOnly }) {
      const [clause, values] = pageClause(accountId, { limit, before, movedOnly: movedOnly ?? false })
      const query = `SELECT ${tables.entries.columns}, seq FROM billfold_ledger_entries ${clause}`
      return connection.read((sql) =>
        sql.all(query, ...values).map((row) => ({
          ...unflattenEntry(tables.entries.read(row)),
          cursor: String(row.at(-1)),
        })),
      )
    },
    rollups(accountId, { from, to, dimension = '' }) {
      const clause = 'WHERE account_id = ? AND dimension = ? AND day >= ? AND day < ?'
      return connection.read((sql) => tables.rollups.select(sql, clause, accountId, dimension, from, to))
    },
    due(limit) {
      return connection.read((sql) => {
        const rows = sql.all(
          `SELECT account_id FROM billfold_holds WHERE status = 'open' AND expires_at <= ?1
           UNION SELECT g.account_id FROM billfold_credit_grants g JOIN billfold_accounts a ON a.id = g.account_id
             WHERE g.remaining > 0 AND g.expires_at <= ?1 AND a.balance > a.held
           UNION SELECT id FROM billfold_accounts WHERE renews_at <= ?1
           UNION SELECT account_id FROM billfold_counters WHERE area IS NOT NULL AND as_of < ends_at AND ends_at <= ?1 LIMIT ?2`,
          BigInt(now()),
          BigInt(limit),
        )
        return rows.map(([accountId]) => accountId as string)
      })
    },
  }
}

function pageClause(
  accountId: string,
  { limit, before, movedOnly }: { limit: number; before: string | undefined; movedOnly: boolean },
): [string, Value[]] {
  if (before !== undefined) checkCursor(before)
  const older = before === undefined ? '' : 'AND seq < ?'
  const moved = movedOnly ? 'AND amount <> 0' : ''
  const position = before === undefined ? [] : [BigInt(before)]
  return [`WHERE account_id = ? ${older} ${moved} ORDER BY seq DESC LIMIT ?`, [accountId, ...position, BigInt(limit)]]
}

function writeRows(sql: Sql, rows: LedgerRows, now: number): void {
  for (const account of rows.accounts) tables.accountStates.update(sql, account)
  for (const grant of rows.grants) tables.grants.upsert(sql, grant)
  for (const counter of rows.counters) tables.counters.upsert(sql, counter)
  for (const carry of rows.carries) tables.carries.upsert(sql, carry)
  for (const hold of rows.holds) tables.holds.upsert(sql, flattenHold(hold))
  for (const budget of rows.budgets) tables.budgets.upsert(sql, budget)
  for (const change of rows.levels) tables.levels.upsert(sql, change)
  for (const value of rows.seen) tables.seen.insert(sql, value)
  for (const payment of rows.payments) tables.payments.upsert(sql, payment)
  for (const entry of rows.entries) tables.entries.insert(sql, flattenEntry(entry))
  for (const rollup of rows.rollups) tables.rollups.add(sql, rollup)
  addDeliveries(sql, rows.deliveries, now)
  addEvents(sql, rows.events, now)
}
