import type { LedgerCommand } from '../../core/domain/ledger/command.js'
import { apply, needs } from '../../core/domain/ledger/kernel.js'
import type { LedgerOutcome } from '../../core/domain/ledger/outcome.js'
import type { LedgerRows, LedgerRules, LedgerState } from '../../core/domain/ledger/state.js'
import { invariant } from '../../core/errors.js'
import { changedRows } from '../sql/changed-rows.js'
import { newDeliveryRow } from '../sql/delivery-rows.js'
import type { Sql } from './client.js'
import type { Clock } from './clock.js'
import { createLoad } from './ledger-load.js'
import { addEvents } from './outbox.js'
import { send, sendTogether, type Write } from './table.js'
import type { Tables } from './tables.js'

/** Decides and writes commands in a transaction. It says by `commit` that nothing follows, as soon as that is sure. */
export type Batch = (
  sql: Sql,
  commands: readonly LedgerCommand[],
  rules: LedgerRules,
  commit?: () => void,
) => Promise<readonly LedgerOutcome[]>

/**
 * A large batch is taken in parts, each with accounts of its own: the server reads what the next one needs, and writes what the one
 * before decided, while this process decides. The parts are in order of account, so that locks are taken in one order by everybody.
 */
export function createBatch(tables: Tables, clock: Clock): Batch {
  const load = createLoad(tables, clock)

  return async (sql, commands, rules, commit) => {
    const parts = partsOf(commands)
    const outcomes = new Array<LedgerOutcome>(commands.length)
    const written: Promise<void>[] = []
    let hasEvents = false
    const loadPart = (part: Part | undefined): Promise<LedgerState> | undefined => {
      const state =
        part &&
        load(
          sql,
          part.commands.flatMap((command) => needs(command, rules)),
        )
      state?.catch(ignore)
      return state
    }
    let next = loadPart(parts[0])
    try {
      for (const [index, { commands: decided, places }] of parts.entries()) {
        const loading = next
        next = loadPart(parts[index + 1])
        const state = await loading
        invariant(state !== undefined, 'a part was not loaded')
        const { rows, outcomes: ofPart } = apply(state, decided, rules)
        const writing = writeRows(sql, tables, rows, state)
        writing.catch(ignore)
        written.push(writing)
        hasEvents ||= rows.events.length > 0
        ofPart.forEach((outcome, at) => {
          outcomes[places[at] ?? 0] = outcome
        })
      }
      // Which events are new has to be known before their deliveries are written.
      if (!hasEvents) commit?.()
    } catch (error) {
      // After a statement failed, the ones behind it fail for that alone: the first one says why.
      await Promise.all(written)
      throw error
    }
    await Promise.all(written)
    return outcomes
  }
}

/** Whoever waits for it hears of it. */
function ignore(): void {}

/** Commands of a batch, and where they stand in it. */
interface Part {
  readonly commands: readonly LedgerCommand[]
  readonly places: readonly number[]
}

/** So many commands are worth statements of their own. */
const smallestPart = 32

/** About four parts, each with all commands of its accounts. */
function partsOf(commands: readonly LedgerCommand[]): readonly Part[] {
  const size = Math.max(smallestPart, Math.ceil(commands.length / 4))
  if (commands.length < 2 * size) return [{ commands, places: commands.map((_, index) => index) }]
  const byAccount = new Map<string, number[]>()
  commands.forEach(({ accountId }, index) => {
    const places = byAccount.get(accountId)
    if (places) places.push(index)
    else byAccount.set(accountId, [index])
  })
  const parts: number[][] = []
  let part: number[] = []
  for (const accountId of [...byAccount.keys()].sort()) {
    part.push(...(byAccount.get(accountId) ?? []))
    if (part.length < size) continue
    parts.push(part)
    part = []
  }
  if (part.length > 0) parts.push(part)
  return parts.map((places) => ({ places, commands: places.flatMap((place) => commands[place] ?? []) }))
}

/** A batch this small is written by one statement: each one more costs both sides. With a larger one the server works while the next statement is made. */
const fewRows = 200

/** Sends every write without waiting in between. */
async function writeRows(sql: Sql, tables: Tables, rows: LedgerRows, state: LedgerState): Promise<void> {
  const { accounts, grants, counters, carries, budgets } = changedRows(rows)
  const writes: readonly (() => Write | null)[] = [
    () => tables.entries.insert(rows.entries),
    () => tables.accountSums.update(accounts.sums),
    () => tables.grantsLeft.update(grants.sums),
    () => tables.counterSums.update(counters.sums),
    () => tables.carries.update(carries.sums),
    () => tables.budgetSums.update(budgets.sums),
    () => tables.rollups.add(rows.rollups),
    () => tables.newDeliveries.insert(rows.deliveries.map((delivery) => newDeliveryRow(delivery, state.now))),
    () => tables.holds.upsert(rows.holds),
    () => tables.payments.upsert(rows.payments),
    () => tables.levels.upsert(rows.levels),
    () => tables.seen.insert(rows.seen),
    () => tables.accountStates.update(accounts.whole),
    () => tables.grants.upsert(grants.whole),
    () => tables.counters.upsert(counters.whole),
    () => tables.carries.upsert(carries.whole),
    () => tables.budgets.upsert(budgets.whole),
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
