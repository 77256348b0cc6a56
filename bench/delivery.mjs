import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createBilling, defineCatalog } from 'billfold'
import { postgresStore } from 'billfold/adapters/postgres'
import { stripeProvider } from 'billfold/providers/stripe'
import Stripe from 'stripe'
import { median, ratioOf, repeat } from './figures.mjs'
import { withClient } from './postgres-server.mjs'

// Usage on its way to Stripe: ours out of the outbox, where a minute of a customer on a meter is one call, beside the official SDK with
// a call an event. The twin of Stripe is a process of its own, so that its work is not counted.

/** @typedef {import('./figures.mjs').Bench} Bench */

const customers = 40
const perMinute = 50
const events = customers * perMinute
const schema = 'billfold_delivery'
const meter = 'ai_tokens'
const where = `${events.toLocaleString('en')} events, ${perMinute} a customer, meter and minute`
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
        parts: [ratioOf({ measure: where, runs, of: 'ours', to: 'sdk', figure: 'ops', goal: 40, floor: 30 })],
        notes: ['Each event was recorded in a transaction of its own, so that the outbox has a row for each.'],
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

/** @param {Bench} bench */
async function measure(bench) {
  const { connectionString } = await bench.postgres()
  const script = fileURLToPath(new URL('delivery-sandbox.mjs', import.meta.url))
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] })
  try {
    const [line] = await once(createInterface({ input: child.stdout }), 'line')
    const { url, stripe } = JSON.parse(line)
    return await repeat(bench.reps, async (rep) => {
      const name = `${schema}_${rep}`
      await withClient(connectionString, (client) => client.query(`DROP SCHEMA IF EXISTS ${name} CASCADE`))
      const run = { ours: await ours(connectionString, name, url, stripe, rep), sdk: await oneByOne(stripe, rep) }
      bench.log(
        `delivery, ${rep + 1} of ${bench.reps}: ours ${run.ours.ops}/CPU-s in ${run.ours.calls} calls, SDK ${run.sdk.ops}/CPU-s`,
      )
      return run
    })
  } finally {
    child.kill()
  }
}

/** @param {{ apiKey: string, host: string, port: number, protocol: 'http' }} stripe */
function clientOf({ apiKey, ...address }) {
  return new Stripe(apiKey, { ...address, telemetry: false, maxNetworkRetries: 0 })
}

/**
 * @param {string} connectionString @param {string} name @param {string} url
 * @param {Parameters<typeof clientOf>[0]} stripe @param {number} rep
 */
async function ours(connectionString, name, url, stripe, rep) {
  const provider = stripeProvider({ client: clientOf(stripe) })
  await provider.catalog.apply({ meters: [{ name: meter, unit: 'unit' }], prices: [] }, {})
  const store = postgresStore({ connectionString, schema: name })
  await store.migrate()
  const billing = createBilling({ catalog, store, providers: { default: provider } })
  const before = await counted(url)
  try {
    const accounts = Array.from({ length: customers }, (_, index) => `r${rep}-${index}`)
    for (const accountId of accounts) await billing.accounts.ensure({ accountId })
    const occurredAt = new Date(Math.floor(Date.now() / 60_000 - 3) * 60_000)
    // The customers are made before, as they are in a service that runs.
    for (const accountId of accounts) await record(billing, accountId, 'first', new Date(occurredAt.getTime() - 60_000))
    await billing.sync.flush()
    for (let round = 0; round < perMinute; round += 1)
      for (const accountId of accounts) await record(billing, accountId, `${round}`, occurredAt)
    const began = process.cpuUsage()
    await billing.sync.flush()
    const ops = perCpuSecond(began)
    return { ops, calls: (await counted(url)) - before - customers }
  } finally {
    await billing.close()
  }
}

/** @param {{ recordUsage(input: object): Promise<unknown> }} billing @param {string} accountId @param {string} key @param {Date} occurredAt */
function record(billing, accountId, key, occurredAt) {
  return billing.recordUsage({ accountId, meter, quantity: 3, idempotencyKey: key, occurredAt })
}

/** @param {Parameters<typeof clientOf>[0]} stripe @param {number} rep */
async function oneByOne(stripe, rep) {
  const client = clientOf(stripe)
  const { id } = await client.customers.create({})
  const timestamp = Math.floor(Date.now() / 1000) - 120
  const began = process.cpuUsage()
  for (let index = 0; index < events; index += 1) {
    await client.billing.meterEvents.create({
      event_name: `billfold_${meter}`,
      identifier: `sdk-${rep}-${index}`,
      timestamp,
      payload: { stripe_customer_id: id, value: '3' },
    })
  }
  return { ops: perCpuSecond(began), calls: events }
}

/** @param {NodeJS.CpuUsage} began */
function perCpuSecond(began) {
  const { user, system } = process.cpuUsage(began)
  return Math.round((events * 1_000_000) / (user + system))
}

/** @param {string} url */
async function counted(url) {
  const answer = await fetch(`${url}/_sandbox/stripe/meters/billfold_${meter}/total`)
  return Number((await answer.json()).count)
}
