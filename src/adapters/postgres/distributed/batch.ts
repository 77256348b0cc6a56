import type { LedgerCommand } from '../../../core/domain/ledger/command.js'
import { apply, needs } from '../../../core/domain/ledger/kernel.js'
import type { LedgerOutcome } from '../../../core/domain/ledger/outcome.js'
import type { LedgerRows, LedgerRules, LedgerState } from '../../../core/domain/ledger/state.js'
import { changedRows } from '../../sql/changed-rows.js'
import { newDeliveryRow, newDeliveryRows } from '../../sql/delivery-rows.js'
import {
  accountStateRows,
  accountSumRows,
  budgetRows,
  budgetSumRows,
  counterRows,
  counterSumRows,
  entryRows,
  grantRows,
  grantsLeftRows,
  holdRows,
  levelRows,
  paymentRows,
  rollupRows,
  seenRows,
} from '../../sql/ledger-rows.js'
import type { Sql } from '../client.js'
import type { Clock } from '../clock.js'
import { changedBeside, newVersion } from '../recent-accounts.js'
import { accountVersionRows, type Tables, versioned } from '../tables.js'
import { createAccountEvents } from './events.js'
import { createAccountLoad } from './load.js'
import { valueTable } from './values.js'

/** Decides and writes commands of one account in a transaction. It says by `commit` that nothing follows, as soon as that is sure. */
export function createAccountBatch(tables: Tables, clock: Clock) {
  const load = createAccountLoad(tables, clock)
  const write = createWriting(tables)
  return async (
    sql: Sql,
    accountId: string,
    commands: readonly LedgerCommand[],
    rules: LedgerRules,
    commit?: () => void,
  ): Promise<readonly LedgerOutcome[]> => {
    const state = await load(sql, accountId, needs(commands, rules))
    const { rows, outcomes } = apply(state, commands, rules)
    const written = write(sql, rows, state)
    // Which events are new has to be known before their deliveries are written.
    if (rows.events.length === 0) commit?.()
    await written
    return outcomes
  }
}

function createWriting(tables: Tables) {
  const { schema } = tables
  const entries = valueTable(schema, entryRows)
  const accounts = valueTable(schema, accountStateRows, versioned)
  const accountSums = valueTable(schema, accountSumRows, versioned)
  const accountVersions = valueTable(schema, accountVersionRows, versioned)
  const grants = valueTable(schema, grantRows)
  const grantsLeft = valueTable(schema, grantsLeftRows)
  const counters = valueTable(schema, counterRows)
  const counterSums = valueTable(schema, counterSumRows)
  const rollups = valueTable(schema, rollupRows)
  const deliveries = valueTable(schema, newDeliveryRows)
  const holds = valueTable(schema, holdRows)
  const budgets = valueTable(schema, budgetRows)
  const budgetSums = valueTable(schema, budgetSumRows)
  const payments = valueTable(schema, paymentRows)
  const levels = valueTable(schema, levelRows)
  const seen = valueTable(schema, seenRows)
  const addEvents = createAccountEvents(tables)

  return async (sql: Sql, rows: LedgerRows, state: LedgerState): Promise<void> => {
    const changed = changedRows(rows)
    const version = newVersion()
    await Promise.all([
      entries.insert(sql, rows.entries),
      accountSums.update(sql, changed.accounts.sums, version),
      accounts.update(sql, changed.accounts.whole, version),
      accountVersions.update(sql, changedBeside(rows), version),
      grantsLeft.update(sql, changed.grants.sums),
      grants.upsert(sql, changed.grants.whole),
      counterSums.update(sql, changed.counters.sums),
      counters.upsert(sql, changed.counters.whole),
      budgetSums.update(sql, changed.budgets.sums),
      budgets.upsert(sql, changed.budgets.whole),
      rollups.add(sql, rows.rollups),
      deliveries.insert(
        sql,
        rows.deliveries.map((delivery) => newDeliveryRow(delivery, state.now)),
      ),
      holds.upsert(sql, rows.holds),
      payments.upsert(sql, rows.payments),
      levels.upsert(sql, rows.levels),
      seen.insert(sql, rows.seen),
      addEvents(sql, rows.events, state.now),
    ])
  }
}
