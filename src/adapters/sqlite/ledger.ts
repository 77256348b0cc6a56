import { viewBudgets } from '../../core/domain/budget-view.js'
import { apply, needs } from '../../core/domain/ledger/kernel.js'
import type { LedgerRows, LedgerState } from '../../core/domain/ledger/state.js'
import { viewAccount } from '../../core/domain/ledger/view.js'
import type { EntryPage, LedgerStore } from '../../core/ports/store.js'
import { changedRows } from '../sql/changed-rows.js'
import type { Value } from '../sql/column.js'
import { checkCursor } from '../sql/cursor.js'
import { usageClause } from '../sql/usage-clause.js'
import type { Connection, Sql, Steps } from './connection.js'
import { addDeliveries, addEvents } from './deliveries.js'
import { currentCounters, dueHolds, findHold, loadState, openGrants } from './ledger-load.js'
import { recentAccounts } from './recent-accounts.js'
import * as tables from './tables.js'
import { verifySqlite } from './verify.js'

export function sqliteLedger(connection: Connection, now: () => number): LedgerStore {
  const recent = recentAccounts()
  return {
    commit(commands, rules) {
      const keys = needs(commands, rules)
      return connection.writeInSteps(function* (sql) {
        const state = yield* loadState({ sql, now: now(), recent }, keys)
        yield
        const { rows, outcomes } = apply(state, commands, rules)
        yield
        yield* writeRows(sql, rows, state)
        recent.write(rows)
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
    grant(accountId, grantId) {
      const clause = 'WHERE account_id = ? AND id = ?'
      return connection.read((sql) => tables.grants.first(sql, clause, accountId, grantId) ?? null)
    },
    payment(accountId, paymentId) {
      const clause = 'WHERE account_id = ? AND id = ?'
      return connection.read((sql) => tables.payments.first(sql, clause, accountId, paymentId) ?? null)
    },
    entry(accountId, entryId) {
      return connection.read((sql) => {
        const row = tables.entries.first(sql, 'WHERE id = ? AND account_id = ?', entryId, accountId)
        return row ?? null
      })
    },
    entries(accountId, page) {
      const [clause, values] = pageClause(accountId, page)
      const query = `SELECT ${tables.entries.columns}, seq FROM billfold_ledger_entries t ${clause}`
      return connection.read((sql) =>
        sql.all(query, ...values).map((row) => ({
          ...tables.entries.read(row),
          cursor: String(row.at(-1)),
        })),
      )
    },
    rollups(accountId, { from, to, dimension = '' }) {
      const clause = 'WHERE account_id = ? AND dimension = ? AND day >= ? AND day < ?'
      return connection.read((sql) => tables.rollups.select(sql, clause, accountId, dimension, from, to))
    },
    corrections(accountId, entryIds) {
      const clause = 'WHERE corrects IN (SELECT value FROM json_each(?)) AND account_id = ? ORDER BY seq'
      return connection.read((sql) => tables.entries.select(sql, clause, JSON.stringify(entryIds), accountId))
    },
    budget(accountId, scope) {
      return connection.read((sql) => currentBudgets(sql, accountId, now(), 'scope = ?', [scope])[0] ?? null)
    },
    budgets(accountId, { limit, after = '' }) {
      const values = [after, BigInt(limit)]
      return connection.read((sql) => currentBudgets(sql, accountId, now(), 'scope > ? ORDER BY scope LIMIT ?', values))
    },
    verify: (scope) => verifySqlite(connection, scope),
    balances(accountIds) {
      const query = 'SELECT balance, held FROM billfold_accounts WHERE id = ?'
      return connection.read((sql) => {
        const known = accountIds.flatMap((id) => {
          const row = sql.first(query, id)
          return row ? [[id, { balance: row[0] as bigint, held: row[1] as bigint }] as const] : []
        })
        return new Map(known)
      })
    },
    suspendedAmong(accountIds) {
      const query = 'SELECT 1 FROM billfold_accounts WHERE id = ? AND suspended_for IS NOT NULL'
      return connection.read((sql) => accountIds.filter((id) => sql.first(query, id) !== undefined))
    },
    due(limit) {
      return connection.read((sql) => {
        const rows = sql.all(
          `SELECT account_id FROM billfold_holds WHERE status = 'open' AND expires_at <= ?1
           UNION SELECT g.account_id FROM billfold_credit_grants g JOIN billfold_accounts a ON a.id = g.account_id
             WHERE g.is_open = 1 AND g.expires_at <= ?1 AND a.balance > a.held
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

function pageClause(accountId: string, page: EntryPage): [string, Value[]] {
  const { limit, before, movedOnly, usage, operation, grantId } = page
  if (before !== undefined) checkCursor(before)
  const values: Value[] = [accountId]
  const place = (value: Value) => `?${values.push(value)}`
  const older = before === undefined ? '' : `AND t.seq < ${place(BigInt(before))}`
  const moved = movedOnly ? 'AND t.amount <> 0' : ''
  const of = operation === undefined ? '' : `AND t.operation = ${place(operation)}`
  const burned = grantId === undefined ? '' : `AND instr(t.burns || char(10), ' ' || ${place(grantId)} || char(10)) > 0`
  const used = usage
    ? usageClause(usage, {
        place,
        dimension: (name) => `(SELECT value FROM json_each(t.dimensions) WHERE key = ${name})`,
        lastBefore: (time) => `coalesce((SELECT seq FROM billfold_ledger_entries
          WHERE account_id = ?1 AND recorded_at < ${time} ORDER BY seq DESC LIMIT 1), 0)`,
      })
    : ''
  const wanted = `${older} ${moved} ${of} ${burned} ${used}`
  return [`WHERE t.account_id = ?1 ${wanted} ORDER BY t.seq DESC LIMIT ${place(BigInt(limit))}`, values]
}

/** The budgets that the clause picks and that have a limit, as they stand now. */
function currentBudgets(sql: Sql, accountId: string, at: number, clause: string, values: Value[]) {
  const account = tables.accountStates.first(sql, 'WHERE id = ?', accountId)
  if (!account) return []
  const budgets = tables.budgets.select(
    sql,
    `WHERE account_id = ? AND limit_sparks IS NOT NULL AND ${clause}`,
    accountId,
    ...values,
  )
  return viewBudgets({ now: at, account, budgets, dueHolds: dueHolds(sql, accountId, at) })
}

function* writeRows(sql: Sql, rows: LedgerRows, state: LedgerState): Steps<void> {
  const { accounts, grants, counters, budgets } = changedRows(rows)
  tables.accountSums.update(sql, accounts.sums)
  tables.accountStates.update(sql, accounts.whole)
  yield
  tables.grantsLeft.update(sql, grants.sums)
  tables.grants.upsert(sql, grants.whole)
  yield
  tables.counterSums.update(sql, counters.sums)
  tables.counters.upsert(sql, counters.whole)
  yield
  tables.holds.upsert(sql, rows.holds)
  tables.budgetSums.update(sql, budgets.sums)
  tables.budgets.upsert(sql, budgets.whole)
  yield
  tables.levels.upsert(sql, rows.levels)
  tables.seen.insert(sql, rows.seen)
  tables.payments.upsert(sql, rows.payments)
  for (let start = 0; start < rows.entries.length; start += entriesAStep) {
    yield
    tables.entries.insert(sql, rows.entries.slice(start, start + entriesAStep))
  }
  yield
  tables.rollups.add(sql, rows.rollups)
  yield
  addDeliveries(sql, rows.deliveries, state.now)
  addEvents(sql, rows.events, state.now)
}

/** The widest rows there are, with the most indexes. */
const entriesAStep = 16
