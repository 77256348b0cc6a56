import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createBilling, defineCatalog, type Store } from 'billfold'
import { postgresStore } from 'billfold/adapters/postgres'
import { sqliteStore } from 'billfold/adapters/sqlite'
import pg from 'pg'
import { afterEach, describe, expect, inject, it } from 'vitest'
import { createClock, tellTime } from '../../../src/adapters/postgres/clock.js'
import { createConnection } from '../../../src/adapters/postgres/connection.js'
import { migrate } from '../../../src/adapters/postgres/migrate.js'
import { sandbox } from '../../../src/testing/sandbox/sandbox.js'
import { programOf } from '../../program.js'
import { counts } from '../../proof/counts.js'
import { accountId, change, chargedOf, day, observe, spanOf } from './pull-world.js'

const closing: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

interface Shared {
  readonly store: Store
  /** What a process needs to open the same. */
  readonly task: object
}

async function openSqlite(): Promise<Shared> {
  const folder = await mkdtemp(join(tmpdir(), 'billfold-pull-'))
  closing.push(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, 'billing.db')
  return { store: sqliteStore({ path }), task: { sqlite: path } }
}

async function openPostgres(): Promise<Shared> {
  const connectionString = inject('postgres')
  const pool = new pg.Pool({ connectionString, max: 4 })
  const schema = `pull_${process.pid}_${Date.now().toString(36)}`
  closing.push(async () => {
    await pool.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`)
    await pool.end()
  })
  const settings = { pool, isOwn: false, prepare: true, timeoutMs: 30_000, lockTimeoutMs: 3_000 }
  const connection = createConnection({
    ...settings,
    settings: [],
    isTuned: true,
    isApart: false,
    time: tellTime(undefined),
  })
  await migrate(connection, schema, createClock(undefined))
  return {
    store: { ...postgresStore({ pool, schema }), migrate: async () => {} },
    task: { postgres: { connectionString, schema } },
  }
}

/** Runs a process to its end. */
async function run(task: object): Promise<void> {
  const program = await programOf(new URL('./pull-child.ts', import.meta.url))
  const child = spawn(process.execPath, [program, JSON.stringify(task)], {
    stdio: ['ignore', 'inherit', 'pipe'],
  })
  let errors = ''
  child.stderr.on('data', (part: Buffer) => {
    errors += part.toString()
  })
  return new Promise((resolve, reject) => {
    child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`exit ${code}: ${errors}`))))
  })
}

describe.each([
  { name: 'sqlite', open: openSqlite },
  { name: 'postgres', open: openPostgres },
])('processes that pull into one database ($name)', ({ open }) => {
  it(`S1.3 G7 four of them, ${4 * counts.pulls} overlapping pulls while costs change: each is billed once, at the last cost`, {
    timeout: 240_000,
  }, async () => {
    const box = await sandbox()
    closing.push(() => box.close())
    const { store, task } = await open()
    const catalog = defineCatalog({ meters: { model_calls: { unit: 'token', rate: { mode: 'by_cost' } } } })
    const billing = createBilling({ catalog, store })
    closing.push(() => billing.close())
    await billing.accounts.ensure({ accountId })
    const count = 40
    await observe(
      box,
      Array.from({ length: count }, (_, index) => ({
        ...{ id: spanOf(index), usage: { input: 7 }, cost: 0.01, startMs: day + index * 60_000 },
      })),
    )
    const pulling = { ...task, langfuse: box.langfuse, from: day, to: day + 86_400_000 }
    let isOver = false
    const processes = Promise.all([0, 1, 2, 3].map(() => run({ ...pulling, times: counts.pulls }))).finally(() => {
      isOver = true
    })
    const costs = Array.from({ length: count }, () => 10_000)
    for (let time = 0; !isOver; time += 1) {
      const index = (time * 11) % count
      costs[index] = 10_000 + (time % 7) * 1_000
      await change(box, { observationId: spanOf(index), totalCost: (costs[index] ?? 0) / 1e6 })
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
    await processes
    await run({ ...pulling, times: 1 })
    const total = costs.reduce((sum, cost) => sum + cost, 0)
    expect(await chargedOf(store)).toBe(BigInt(total) * 30_000n)
    const entries = await store.ledger.entries(accountId, { limit: 10_000 })
    expect(entries.filter(({ operation }) => operation === 'usage')).toHaveLength(count)
    expect(entries.length).toBeGreaterThan(count)
    expect(await billing.verifyLedger()).toMatchObject({ findings: [] })
    await Promise.all([0, 1].map(() => run({ ...pulling, times: 2 })))
    expect(await store.ledger.entries(accountId, { limit: 10_000 })).toEqual(entries)
  })
})
