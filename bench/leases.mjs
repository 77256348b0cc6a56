import { median, percentile, ratioOf, repeat } from './figures.mjs'
import { withClient } from './postgres-server.mjs'
import { accountOf, benchSchema, openProduct, resetProduct } from './product.mjs'

// Leave for work that is about to begin: out of a lease of this process, beside asking the database each time.

/** @typedef {import('./figures.mjs').Bench} Bench */
/** @typedef {Awaited<ReturnType<import('./product.mjs').Product['lease']>>} Lease */

const accounts = 1_000
/** In micro-sparks: small enough for every lease to be filled up again many times. */
const size = 10_000n
/** Calls between two turns of the event loop, in which leases are filled up and the accounts are looked at. */
const burst = 5_000
const where = `${accounts.toLocaleString('en')} accounts`

/** @type {readonly import('./figures.mjs').Benchmark[]} */
export const leaseBenchmarks = [
  {
    id: 'A1',
    title: 'Leave for work, calls/s: out of leases / one read of the balance at a time',
    better: 'higher',
    async run(bench) {
      const runs = await bench.once('leases', () => measure(bench))
      const measured = `${where}: out of leases / a read each`
      return {
        parts: [ratioOf({ measure: measured, runs, of: 'lease', to: 'read', figure: 'ops', goal: 1_000, floor: 300 })],
        notes: ['Of the calls out of leases, those that had to wait for the ledger are counted as they are: slower.'],
      }
    },
  },
  {
    id: 'A2',
    title: 'Leave for work out of a lease, p99 of a call in µs, reading the clock included',
    better: 'lower',
    async run(bench) {
      const runs = await bench.once('leases', () => measure(bench))
      const p99 = median(runs.map(({ lease }) => lease?.p99 ?? Number.NaN))
      return { parts: [{ measure: `${where}: p99 in µs`, ratio: p99, goal: 1, floor: 5, runs }] }
    },
  },
]

/** @param {Bench} bench */
async function measure(bench) {
  const { connectionString } = await bench.postgres()
  await resetProduct(connectionString, accounts)
  const billing = openProduct(connectionString)
  const leases = await Promise.all(
    Array.from({ length: accounts }, (_, index) =>
      billing.lease({ accountId: accountOf(index + 1), meter: 'ai_tokens', size }),
    ),
  )
  try {
    return await repeat(bench.reps, async (rep) => {
      const run = { lease: await driveLeases(bench, leases), read: await driveReads(bench, connectionString) }
      bench.log(
        `leases, ${rep + 1} of ${bench.reps}: ${run.lease.ops}/s, p99 ${run.lease.p99} µs, ${run.lease.waited} of ${run.lease.calls} waited; reads ${run.read.ops}/s`,
      )
      return run
    })
  } finally {
    await billing.close()
  }
}

/** One millionth of a Spark at a time, and the latency of one call in a hundred. @param {Bench} bench @param {readonly Lease[]} leases */
async function driveLeases(bench, leases) {
  const taken = []
  let calls = 0
  let waited = 0
  const start = performance.now()
  while (performance.now() - start < bench.ms) {
    for (let index = 0; index < burst; index += 1) {
      const lease = leases[calls % leases.length]
      if (!lease) throw new Error('There is no lease.')
      const isTimed = index % 100 === 0
      const before = isTimed ? performance.now() : 0
      const token = lease.tryAuthorize(1n)
      if (isTimed) taken.push(performance.now() - before)
      calls += 1
      if (token !== null) continue
      waited += 1
      await lease.authorize(1n)
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
  const ops = Math.round((calls / (performance.now() - start)) * 1_000)
  return { ops, p99: Number((percentile(taken, 0.99) * 1_000).toFixed(3)), calls, waited }
}

/** @param {Bench} bench @param {string} connectionString */
function driveReads(bench, connectionString) {
  return withClient(connectionString, async (client) => {
    const text = `SELECT balance, held, suspended_for FROM ${benchSchema}.accounts WHERE id = $1`
    let calls = 0
    const start = performance.now()
    while (performance.now() - start < bench.ms) {
      await client.query({ name: 'balance', text, values: [accountOf((calls % accounts) + 1)] })
      calls += 1
    }
    return { ops: Math.round((calls / (performance.now() - start)) * 1_000) }
  })
}
