import { createServer } from 'node:net'
import { createBilling } from 'billfold'
import { postgresStore } from 'billfold/adapters/postgres'
import { stripeProvider } from 'billfold/providers/stripe'
import { ratioOf, repeat } from './figures.mjs'
import {
  benchSchema,
  catalog,
  dropProduct,
  openProduct,
  prepareAccounts,
  recordWith,
  resetProduct,
  usageOf,
} from './product.mjs'
import { clientOf, withTwin } from './stripe-twin.mjs'

// The outbox beside the calls that fill it: how fast it is emptied, and what those calls notice of a provider that is down.

/** @typedef {import('./figures.mjs').Bench} Bench */

const callers = 1_024
const places = /** @type {const} */ ([
  ['one hot account', 1],
  ['1,000 accounts', 1_000],
])

/** @type {readonly import('./figures.mjs').Benchmark[]} */
export const outboxBenchmarks = [
  {
    id: 'D3',
    title: 'Outbox, events/s drained / recorded by 1,024 callers',
    better: 'higher',
    async run(bench) {
      const parts = []
      for (const [name, accounts] of places) {
        const runs = await repeat(bench.reps, async (rep) => {
          const run = await recordAndDrain(bench, accounts)
          bench.log(
            `outbox, ${name}, ${rep + 1} of ${bench.reps}: recorded ${run.record.ops}/s, drained ${run.drain.ops}/s (${run.drain.rows} rows)`,
          )
          return run
        })
        parts.push(ratioOf({ measure: name, runs, of: 'drain', to: 'record', figure: 'ops', goal: 3, floor: 1.5 }))
      }
      return {
        parts,
        notes: [
          'D3: the provider takes what it is told at once. Events of one account in one commit share a row of the outbox.',
        ],
      }
    },
  },
  {
    id: 'D3',
    title: 'recordUsage, p99 while the provider is down / while it is up',
    better: 'lower',
    async run(bench) {
      const parts = await withTwin(async (twin) => {
        const runs = await repeat(bench.reps, async (rep) => {
          const run = {
            up: await driveBeside(bench, twin.stripe, 'up'),
            refusing: await driveBeside(bench, twin.stripe, 'refusing'),
            silent: await driveBeside(bench, twin.stripe, 'silent'),
          }
          const shown = Object.entries(run).map(([name, { p50, p99 }]) => `${name} p50 ${p50} ms, p99 ${p99} ms`)
          bench.log(`outage, ${rep + 1} of ${bench.reps}: ${shown.join('; ')}`)
          return run
        })
        return /** @type {const} */ (['refusing', 'silent']).map((of) =>
          ratioOf({ measure: `p99, Stripe is ${of}`, runs, of, to: 'up', figure: 'p99', goal: 2, floor: 2 }),
        )
      })
      return { parts }
    },
  },
]

/** Usage that costs many Sparks, all but a fraction of which there is to tell of. */
const large = { m: 'm-small', t: new Date().toISOString(), i: 1, o: 1, c: 90_000 }

/** @param {Bench} bench @param {number} accounts */
async function recordAndDrain(bench, accounts) {
  const { connectionString } = await bench.postgres()
  const { drive } = await bench.baseline()
  await resetProduct(connectionString, accounts)
  const billing = openProduct(connectionString)
  try {
    // The provider knows the accounts, as it does in a service that runs.
    await Promise.all(
      Array.from({ length: accounts }, (_, index) =>
        billing.recordUsage(usageOf({ ...large, a: index + 1, k: 'known' })),
      ),
    )
    await billing.sync.flush()
    const record = recordWith(billing)
    let events = 0
    const counting = async (/** @type {import('./product.mjs').Event} */ event) => {
      events += 1
      return record(event)
    }
    const driven = await drive(counting, { conc: callers, ms: bench.ms, accounts })
    if (driven.err > 0) throw new Error(`${driven.err} calls failed.`)
    const began = performance.now()
    const { delivered, idle } = await billing.sync.flush({ timeoutMs: 600_000 })
    const seconds = (performance.now() - began) / 1_000
    const { deliveries } = await billing.sync.status()
    if (!idle || deliveries.length > 0) throw new Error('The outbox was not emptied.')
    return { record: { ops: driven.ops }, drain: { ops: Math.round(events / seconds), rows: delivered } }
  } finally {
    await billing.close()
  }
}

const outageAccounts = 100
const outageCallers = 64
const outageMs = 3_000
const waitingRounds = 20

/**
 * A service whose worker runs: with an outbox that is empty, or with one in which usage of every account waits for a provider that is down.
 *
 * @param {Bench} bench
 * @param {import('./stripe-twin.mjs').StripeAddress} stripe
 * @param {'up' | 'refusing' | 'silent'} state
 */
async function driveBeside(bench, stripe, state) {
  const { connectionString } = await bench.postgres()
  const { drive } = await bench.baseline()
  await dropProduct(connectionString)
  const open = (/** @type {ReturnType<typeof clientOf>} */ client) =>
    createBilling({
      catalog,
      store: postgresStore({ connectionString, schema: benchSchema }),
      providers: { metering: stripeProvider({ client }) },
      environment: { onError: () => {} },
    })
  // The customers are made before, as they are in a service that runs.
  const before = open(clientOf(stripe))
  await stripeProvider({ client: clientOf(stripe) }).catalog.apply(
    { meters: [{ name: 'ai_tokens', unit: 'unit' }], prices: [] },
    {},
  )
  await prepareAccounts(before, outageAccounts)
  await before.sync.flush()
  await before.close()

  const silent = createServer(() => {})
  const port = await portOf(silent)
  if (state === 'refusing') silent.close()
  const billing = open(clientOf(stripe, state === 'up' ? {} : { host: '127.0.0.1', port }))
  try {
    const then = new Date(Date.now() - 180_000).toISOString()
    for (let round = 0; round < waitingRounds; round += 1)
      await Promise.all(
        Array.from({ length: outageAccounts }, (_, index) =>
          billing.recordUsage(
            usageOf({ a: index + 1, k: `waits-${round}`, m: 'm-small', t: then, i: 1, o: 1, c: 90_000 }),
          ),
        ),
      )
    if (state === 'up') await billing.sync.flush()
    void billing.sync.run()
    const driven = await drive(recordWith(billing), { conc: outageCallers, ms: outageMs, accounts: outageAccounts })
    if (driven.err > 0) throw new Error(`${driven.err} calls failed beside a provider that is ${state}.`)
    const [waiting] = (await billing.sync.status()).deliveries
    if (state !== 'up' && !(waiting && waiting.count >= outageAccounts * waitingRounds))
      throw new Error('Usage was delivered to nobody.')
    return { ...driven }
  } finally {
    await billing.close()
    silent.close()
  }
}

/** @param {import('node:net').Server} server @returns {Promise<number>} */
function portOf(server) {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address ? address.port : 0)
    })
  })
}
