import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Store } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import { postgresStore } from 'billfold/adapters/postgres'
import { sqliteStore } from 'billfold/adapters/sqlite'
import pg from 'pg'
import { inject } from 'vitest'
import { createClock, tellTime } from '../../../src/adapters/postgres/clock.js'
import { createConnection } from '../../../src/adapters/postgres/connection.js'
import { migrate } from '../../../src/adapters/postgres/migrate.js'

/** A store that the tests of operations run on. */
export interface TestedStore {
  readonly name: string
  /** A new, empty store; closing it leaves nothing behind. */
  open(options?: { readonly now?: () => number }): Promise<Store>
}

/** Every store this package ships. */
export const stores: readonly TestedStore[] = [
  { name: 'memory', open: async (options) => memoryStore(options) },
  {
    name: 'sqlite',
    async open(options) {
      const folder = await mkdtemp(join(tmpdir(), 'billfold-operations-'))
      // Nothing here outlives the process, so waiting for the disk would only be slow.
      const store = sqliteStore({ path: join(folder, 'billing.db'), durability: 'normal', ...options })
      return {
        ...store,
        async close() {
          await store.close()
          await rm(folder, { recursive: true, force: true })
        },
      }
    },
  },
  { name: 'postgres', open: openPostgres },
]

/** One for all stores of a test file: connecting takes longer than most cases. */
let pool: pg.Pool | undefined
let schemas = 0

async function openPostgres(options: { readonly now?: () => number } = {}): Promise<Store> {
  pool ??= new pg.Pool({ connectionString: inject('postgres'), max: 10, allowExitOnIdle: true })
  const shared = pool
  schemas += 1
  const schema = `t${process.pid}_${Date.now().toString(36)}_${schemas}`
  const store = postgresStore({ pool: shared, schema, ...options })
  const connection = createConnection({
    pool: shared,
    isOwn: false,
    prepare: true,
    timeoutMs: 30_000,
    lockTimeoutMs: 3_000,
    settings: [],
    isTuned: true,
    isApart: false,
    time: tellTime(options.now),
  })
  await migrate(connection, schema, createClock(options.now))
  return {
    ...store,
    // The store refuses a server that may lose commits, which is what makes this one fast.
    migrate: async () => {},
    async close() {
      await store.close()
      await shared.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`)
    },
  }
}
