import { postgresStore } from 'billfold/adapters/postgres'
import pg from 'pg'
import { ratioOf, repeat } from './figures.mjs'
import { withClient } from './postgres-server.mjs'
import {
  benchSchema,
  createProduct,
  dropProduct,
  openProduct,
  prepareAccounts,
  recordWith,
  resetProduct,
} from './product.mjs'

// What single statements cost: the rollup inside the commit, and a plan that was made while the tables were young.

/** @typedef {import('./figures.mjs').Bench} Bench */

/** @type {readonly import('./figures.mjs').Benchmark[]} */
export const postgresStatements = [
  {
    id: 'P16',
    title: 'recordUsage, events/s with the rollup / without it',
    better: 'higher',
    async run(bench) {
      const runs = await repeat(bench.reps, async (rep) => {
        const run = { with: await driveRollup(bench, false), without: await driveRollup(bench, true) }
        bench.log(`rollup, ${rep + 1} of ${bench.reps}: with ${run.with.ops}/s, without ${run.without.ops}/s`)
        return run
      })
      const measure = '1,000 accounts, 1024 callers: with the rollup in the commit / with its statement left out'
      return { parts: [ratioOf({ measure, runs, of: 'with', to: 'without', figure: 'ops', goal: 0.8, floor: 0.6 })] }
    },
  },
  {
    id: 'P17',
    title: 'recordUsage on a hot account, events/s with a young plan / after ANALYZE',
    better: 'higher',
    async run(bench) {
      const runs = await repeat(bench.reps, async (rep) => {
        const run = await driveYoung(bench)
        bench.log(`plans, ${rep + 1} of ${bench.reps}: young ${run.young.ops}/s, after ANALYZE ${run.analysed.ops}/s`)
        return run
      })
      const measure =
        'one hot account, 200 callers: a connection that planned at one row per account / the same after ANALYZE'
      return { parts: [ratioOf({ measure, runs, of: 'young', to: 'analysed', figure: 'ops', goal: 0.95, floor: 0.8 })] }
    },
  },
]

const addingRollups =
  /INSERT INTO \S*\brollups AS t \([^)]*\) ((?:SELECT|VALUES).*?) ON CONFLICT \([^)]*\) DO UPDATE SET [^()]*/

/**
 * Drives the store on a pool that may leave out the statement which adds to the rollups; the rest of the commit is as it is.
 *
 * @param {Bench} bench
 * @param {boolean} isLeftOut
 */
async function driveRollup(bench, isLeftOut) {
  const { connectionString } = await bench.postgres()
  const { drive } = await bench.baseline()
  await resetProduct(connectionString, 1_000)
  const pool = new pg.Pool({ connectionString, max: 10 })
  let seen = 0
  const billing = createProduct(
    postgresStore({
      schema: benchSchema,
      pool: {
        end: () => pool.end(),
        async connect() {
          const client = await pool.connect()
          return {
            on: (event, listener) => client.on(event, listener),
            off: (event, listener) => client.off(event, listener),
            release: (broken) => client.release(broken),
            query(query) {
              if (!addingRollups.test(query.text)) return client.query(query)
              seen += 1
              if (!isLeftOut) return client.query(query)
              // Where several tables share a statement, a list of values that nobody reads is left in its place.
              if (!query.text.startsWith('WITH')) return Promise.resolve({ rows: [] })
              return client.query({ ...query, text: query.text.replace(addingRollups, '$1') })
            },
          }
        },
      },
    }),
  )
  const driven = await drive(recordWith(billing), { conc: 1_024, ms: bench.ms, accounts: 1_000 })
  await billing.close()
  await pool.end()
  if (driven.err > 0) throw new Error(`${driven.err} calls failed.`)
  if (seen === 0) throw new Error('No statement adds to the rollups alone: P16 has nothing to leave out.')
  return { ...driven }
}

/** @param {Bench} bench */
async function driveYoung(bench) {
  const { connectionString } = await bench.postgres()
  const { drive } = await bench.baseline()
  await dropProduct(connectionString)
  const preparing = openProduct(connectionString)
  // One row of usage for each account.
  await prepareAccounts(preparing, 1_000)
  await preparing.close()
  const tables = ['ledger_entries', 'accounts', 'credit_grants', 'counters', 'rollups', 'deliveries', 'holds']
  const analyze = () =>
    withClient(connectionString, async (client) => {
      for (const table of tables) await client.query(`VACUUM ANALYZE ${benchSchema}.${table}`)
    })
  await withClient(connectionString, async (client) => {
    // Nobody else may cure the plan meanwhile.
    for (const table of tables)
      await client.query(`ALTER TABLE ${benchSchema}.${table} SET (autovacuum_enabled = false)`)
  })
  await analyze()
  const pool = new pg.Pool({ connectionString, max: 1 })
  const billing = createProduct(postgresStore({ schema: benchSchema, pool }))
  const record = recordWith(billing)
  // Statements that are prepared get their lasting plan here, over many accounts with few rows.
  await drive(record, { conc: 5, ms: 50, accounts: 1_000, max: 40, warm: 0 })
  const young = await drive(record, { conc: 200, ms: bench.ms, accounts: 1 })
  await analyze()
  const analysed = await drive(record, { conc: 200, ms: bench.ms, accounts: 1 })
  await billing.close()
  await pool.end()
  if (young.err + analysed.err > 0) throw new Error('Calls failed.')
  return { young: { ...young }, analysed: { ...analysed } }
}
