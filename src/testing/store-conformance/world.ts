import type { LedgerCommand } from '../../core/domain/ledger/command.js'
import type { LedgerOutcome } from '../../core/domain/ledger/outcome.js'
import type { AccountState, LedgerEntry, LedgerRules } from '../../core/domain/ledger/state.js'
import type { LedgerSnapshot } from '../../core/domain/ledger/view.js'
import type { Instant } from '../../core/domain/period.js'
import type { Store } from '../../core/ports/store.js'
import { quiet } from './catalog.js'
import type { StoreConformanceNeed, StoreConformanceSubject } from './subject.js'

/** A case before it is given a store. */
export interface StoreCase {
  readonly name: string
  readonly needs?: StoreConformanceNeed
  run(world: World): Promise<void>
}

/** A store of its own for one case, the time it goes by, and short ways to what most cases ask. */
export interface World {
  /** The store as it is open now. */
  readonly store: Store
  now(): Instant
  /** Lets time go by: moves a given clock, waits for one of the store's own. */
  pass(ms: number): Promise<void>
  /** Closes the store and opens the same data again. */
  reopen(): Promise<void>
  /** Another connection to the same data. */
  second(): Promise<Store>
  /** Makes accounts of a plan. */
  accounts(plan: string, ...ids: readonly string[]): Promise<void>
  /** Commits one batch. */
  commit(commands: readonly LedgerCommand[], rules?: LedgerRules): Promise<readonly LedgerOutcome[]>
  /** Commits a batch of one. */
  one(command: LedgerCommand, rules?: LedgerRules): Promise<LedgerOutcome>
  snapshot(accountId: string): Promise<LedgerSnapshot>
  state(accountId: string): Promise<AccountState>
  /** All rows of an account, oldest first. */
  rows(accountId: string): Promise<readonly LedgerEntry[]>
}

/** Noon of a day in the middle of a month that is not the last of its year: months and days around it are ordinary ones. */
const start = Date.UTC(2026, 4, 13, 12)

/** Runs a case on a new store, and closes whatever it opened. */
export async function inWorld(subject: StoreConformanceSubject, run: (world: World) => Promise<void>): Promise<void> {
  let time = start
  const isGiven = subject.clock === 'given'
  const options = isGiven ? { now: () => time } : {}
  const others: Store[] = []
  let store = await subject.open(options)
  const commit: World['commit'] = (commands, rules = quiet) => store.ledger.commit(commands, rules)
  const snapshot: World['snapshot'] = async (accountId) =>
    required(await store.ledger.snapshot(accountId), `the snapshot of ${accountId}`)
  try {
    await run({
      get store() {
        return store
      },
      now: () => (isGiven ? time : Date.now()),
      async pass(ms) {
        if (isGiven) time += ms
        else await new Promise((resolve) => setTimeout(resolve, ms))
      },
      async reopen() {
        store = await required(subject.reopen, 'reopen').call(subject, store, options)
      },
      async second() {
        const other = await required(subject.second, 'second').call(subject, store, options)
        others.push(other)
        return other
      },
      async accounts(plan, ...ids) {
        for (const id of ids) await store.accounts.ensure({ id, email: null, name: null, plan })
      },
      commit,
      one: async (command, rules) => required((await commit([command], rules))[0], 'the outcome of a command'),
      snapshot,
      state: async (accountId) => (await snapshot(accountId)).account,
      rows: async (accountId) => {
        const rows = await store.ledger.entries(accountId, { limit: 100_000 })
        return rows.map(({ cursor: _, ...entry }) => entry).reverse()
      },
    })
  } catch (error) {
    // What failed is the answer; that a store in that state does not close either is none.
    await closeAll().catch(() => {})
    throw error
  }
  await closeAll()

  async function closeAll() {
    for (const other of others) await other.close()
    await store.close()
  }
}

/** The value, which has to be there. */
export function required<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new Error(`${what} is missing`)
  return value
}
