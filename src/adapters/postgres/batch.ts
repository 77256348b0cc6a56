import type { LedgerCommand } from '../../core/domain/ledger/command.js'
import { createDecider, needs } from '../../core/domain/ledger/kernel.js'
import type { LedgerOutcome } from '../../core/domain/ledger/outcome.js'
import type { LedgerRows, LedgerRules } from '../../core/domain/ledger/state.js'
import type { Instant } from '../../core/domain/period.js'
import { invariant } from '../../core/errors.js'
import { changedRows } from '../sql/changed-rows.js'
import { newDeliveryRow } from '../sql/delivery-rows.js'
import { type Part, partsOf } from './batch-parts.js'
import type { Sql } from './client.js'
import type { Clock } from './clock.js'
import { createLoad, type Loaded } from './ledger-load.js'
import { addEvents } from './outbox.js'
import { changedBeside, newVersion, type RecentAccount, type RecentAccounts, takeVersion } from './recent-accounts.js'
import { send, sendTogether, type Write } from './table.js'
import type { Tables } from './tables.js'

/** Decides and writes commands in a transaction. It says by `commit` that nothing follows, as soon as that is sure. */
export type Batch = (
  sql: Sql,
  commands: readonly LedgerCommand[],
  rules: LedgerRules,
  recent: RecentAccounts | null,
  commit?: () => void,
) => Promise<DecidedBatch>

export interface DecidedBatch {
  readonly outcomes: readonly LedgerOutcome[]
  /** The accounts as they are once this is committed. */
  readonly known: readonly RecentAccount[]
}

/** While this process decides a piece of a batch, the server reads what the next part needs and writes what was decided before. */
export function createBatch(tables: Tables, clock: Clock): Batch {
  const load = createLoad(tables, clock)

  return async (sql, commands, rules, recent, commit) => {
    const version = newVersion()
    const known: RecentAccount[] = []
    const parts = partsOf(commands)
    const outcomes = new Array<LedgerOutcome>(commands.length)
    const loading: Promise<Loaded>[] = []
    const writing: Promise<void>[] = []
    let hasEvents = false

    function loadPart(part: Part): void {
      const items = part.flat().map(({ command }) => command)
      const loaded = load(sql, needs(items, rules), recent)
      loaded.catch(ignore)
      loading.push(loaded)
    }
    function writePart(rows: LedgerRows, now: Instant): void {
      const written = writeRows(sql, tables, rows, now, version)
      written.catch(ignore)
      writing.push(written)
      hasEvents ||= rows.events.length > 0
    }

    parts.slice(0, 1).forEach(loadPart)
    try {
      for (const [index, part] of parts.entries()) {
        parts.slice(index + 1, index + 2).forEach(loadPart)
        const loaded = await loading[index]
        invariant(loaded !== undefined, 'a part of a batch was not loaded')
        const { state, known: accounts } = loaded
        const decide = createDecider(state, rules)
        for (const [count, piece] of part.entries()) {
          // The piece before goes out first: the server has something to do.
          if (count > 0) await nextTurn()
          const { rows, outcomes: decided } = decide(piece.map(({ command }) => command))
          writePart(rows, state.now)
          takeVersion(accounts, rows, version)
          decided.forEach((outcome, at) => {
            outcomes[piece[at]?.place ?? 0] = outcome
          })
        }
        known.push(...accounts.values())
      }
      // Which events are new has to be known before their deliveries are written.
      if (!hasEvents) commit?.()
    } catch (error) {
      // After a statement failed, the ones behind it fail for that alone: the first one says why.
      await Promise.all(writing)
      throw error
    }
    await Promise.all(writing)
    return { outcomes, known }
  }
}

/** Whoever waits for it hears of it. */
function ignore(): void {}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** So few rows go with those of other tables in one statement: each one more costs both sides. With more the server works while the next is made. */
const fewRows = 200

/** Sends every write without waiting in between. */
async function writeRows(sql: Sql, tables: Tables, rows: LedgerRows, now: Instant, version: string): Promise<void> {
  const { accounts, grants, counters, budgets } = changedRows(rows)
  const writes: readonly (() => Write | null)[] = [
    () => tables.entries.insert(rows.entries),
    () => tables.accountSums.update(accounts.sums, version),
    () => tables.grantsLeft.update(grants.sums),
    () => tables.counterSums.update(counters.sums),
    () => tables.budgetSums.update(budgets.sums),
    () => tables.rollups.add(rows.rollups),
    () => tables.newDeliveries.insert(rows.deliveries.map((delivery) => newDeliveryRow(delivery, now))),
    () => tables.holds.upsert(rows.holds),
    () => tables.payments.upsert(rows.payments),
    () => tables.levels.upsert(rows.levels),
    () => tables.seen.insert(rows.seen),
    () => tables.accountStates.update(accounts.whole, version),
    () => tables.accountVersions.update(changedBeside(rows), version),
    () => tables.grants.upsert(grants.whole),
    () => tables.counters.upsert(counters.whole),
    () => tables.budgets.upsert(budgets.whole),
  ]
  const few: Write[] = []
  const sent: Promise<void>[] = []
  for (const make of writes) {
    const write = make()
    if (write === null) continue
    if (write.count > fewRows) sent.push(send(sql, write))
    else few.push(write)
  }
  await Promise.all([...sent, sendTogether(sql, few), addEvents(sql, tables, rows.events, now)])
}
