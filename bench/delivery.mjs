import { createBilling, defineCatalog } from 'billfold'
import { postgresStore } from 'billfold/adapters/postgres'
import { stripeProvider } from 'billfold/providers/stripe'
import { median, ratioOf, repeat } from './figures.mjs'
import { withClient } from './postgres-server.mjs'
import { clientOf, withTwin } from './stripe-twin.mjs'

// Usage on its way to Stripe: ours out of the outbox, where a minute of a customer on a meter is one call, beside the official SDK with
// a call an event.

/** @typedef {import('./figures.mjs').Bench} Bench */

const customers = 200
const perMinute = 50
const events = customers * perMinute
const sdkCalls = 2_000
const schema = 'billfold_delivery'
const meter = 'ai_tokens'
const where = `${events.toLocaleString('en')} events, ${perMinute} a customer, meter and minute`
const streamed = `${where}, with meterStream`
const catalog = defineCatalog({
  meters: { [meter]: { rate: { mode: 'per_unit', sparks: '1', per: '1' } } },
  plans: { free: {} },
})

/** @type {readonly import('./figures.mjs').Benchmark[]} */
export const deliveryBenchmarks = [
  {
    id: 'D1',
    title: 'Delivery to Stripe, events per CPU-second: ours / the official SDK, a call an event',
    better: 'higher',
    async run(bench) {
      const runs = await bench.once('delivery', () => measure(bench))
      return {
        parts: [
          ratioOf({ measure: where, runs, of: 'ours', to: 'sdk', figure: 'ops', goal: 40, floor: 30 }),
          ratioOf({ measure: streamed, runs, of: 'stream', to: 'sdk', figure: 'ops', goal: 40, floor: 30 }),
        ],
        notes: [
          'D1: the outbox has a row for each event. What a flush does beside delivering is counted too. With `meterStream` a hundred reports are one call.',
        ],
      }
    },
  },
  {
    id: 'D2',
    title: 'Delivery to Stripe, calls for an event',
    better: 'lower',
    async run(bench) {
      const runs = await bench.once('delivery', () => measure(bench))
      const ratio = median(runs.map(({ ours }) => (ours?.calls ?? Number.NaN) / events))
      return { parts: [{ measure: where, ratio, goal: 0.025, floor: 0.05, runs }] }
    },
  },
]

/**
 * The first repetition warms both sides up and is not counted.
 *
 * @param {Bench} bench
 * @returns {Promise<readonly import('./figures.mjs').Repetition[]>}
 */
async function measure(bench) {
  const { connectionString } = await bench.postgres()
  return withTwin(async ({ url, stripe }) => {
    const runs = await repeat(bench.reps + 1, async (rep) => {
      const deliver = (/** @type {boolean} */ meterStream) => {
        const name = `${schema}_${rep}_${meterStream ? 'stream' : 'single'}`
        return ours({ connectionString, name, url, stripe, meterStream })
      }
      const run = { ours: await deliver(false), sdk: await oneByOne(stripe, rep), stream: await deliver(true) }
      bench.log(
        `delivery, ${rep} of ${bench.reps}: ours ${run.ours.ops}/CPU-s in ${run.ours.calls} calls, streamed ${run.stream.ops}/CPU-s, SDK ${run.sdk.ops}/CPU-s`,
      )
      return run
    })
    return runs.slice(1)
  })
}

/**
 * @param {{ connectionString: string, name: string, url: string, stripe: import('./stripe-twin.mjs').StripeAddress, meterStream: boolean }} given
 */
async function ours({ connectionString, name, url, stripe, meterStream }) {
  await withClient(connectionString, (client) => client.query(`DROP SCHEMA IF EXISTS ${name} CASCADE`))
  const provider = stripeProvider({ client: clientOf(stripe), meterStream })
  await provider.catalog.apply({ meters: [{ name: meter, unit: 'unit' }], prices: [] }, {})
  const store = postgresStore({ connectionString, schema: name })
  await store.migrate()
  const billing = createBilling({ catalog, store, providers: { default: provider } })
  const known = await counted(url)
  try {
    const accounts = Array.from({ length: customers }, (_, index) => `${name}-${index}`)
    await Promise.all(accounts.map((accountId) => billing.accounts.ensure({ accountId })))
    const occurredAt = new Date(Math.floor(Date.now() / 60_000 - 3) * 60_000)
    // The customers are made before, as they are in a service that runs.
    const before = new Date(occurredAt.getTime() - 60_000)
    await Promise.all(accounts.map((accountId) => record(billing, accountId, 'first', before)))
    await billing.sync.flush()
    // An account's events are in different transactions, so that the outbox has a row for each.
    for (let round = 0; round < perMinute; round += 1)
      await Promise.all(accounts.map((accountId) => record(billing, accountId, `${round}`, occurredAt)))
    const began = process.cpuUsage()
    await billing.sync.flush()
    const ops = perCpuSecond(events, began)
    return { ops, calls: (await counted(url)) - known - customers }
  } finally {
    await billing.close()
  }
}

/** @param {{ recordUsage(input: object): Promise<unknown> }} billing @param {string} accountId @param {string} key @param {Date} occurredAt */
function record(billing, accountId, key, occurredAt) {
  return billing.recordUsage({ accountId, meter, quantity: 3, idempotencyKey: key, occurredAt })
}

/** @param {import('./stripe-twin.mjs').StripeAddress} stripe @param {number} rep */
async function oneByOne(stripe, rep) {
  const client = clientOf(stripe)
  const { id } = await client.customers.create({})
  const timestamp = Math.floor(Date.now() / 1000) - 120
  const began = process.cpuUsage()
  for (let index = 0; index < sdkCalls; index += 1) {
    await client.billing.meterEvents.create({
      event_name: `billfold_${meter}`,
      identifier: `sdk-${rep}-${index}`,
      timestamp,
      payload: { stripe_customer_id: id, value: '3' },
    })
  }
  return { ops: perCpuSecond(sdkCalls, began), calls: sdkCalls }
}

/** @param {number} count @param {NodeJS.CpuUsage} began */
function perCpuSecond(count, began) {
  const { user, system } = process.cpuUsage(began)
  return Math.round((count * 1_000_000) / (user + system))
}

/** @param {string} url */
async function counted(url) {
  const answer = await fetch(`${url}/_sandbox/stripe/meters/billfold_${meter}/total`)
  return Number((await answer.json()).count)
}
