import { createHandler } from 'billfold/http'
import { percentile, ratioOf, repeat } from './figures.mjs'
import { withClient } from './postgres-server.mjs'
import { accountOf, openProduct, resetProduct } from './product.mjs'

// What the handler adds to the bare call, and what a route costs however many accounts there are. Handler and service are in one process
// with the clock; a call and the request that makes it take turns.

/** @typedef {import('./figures.mjs').Bench} Bench */
/** @typedef {ReturnType<typeof openProduct>} Product */

const schema = 'billfold_bench_http'
const few = 10
const many = 100_000

const routes = /** @type {const} */ (['GET /credits/balance/', 'GET /credits/transactions/', 'POST /usage/events'])

/** @type {readonly import('./figures.mjs').Benchmark[]} */
export const httpBenchmarks = [
  {
    id: 'H1',
    title: 'The handler beside the bare operation, one at a time: ratio of the medians, and of p99',
    better: 'lower',
    async run(bench) {
      const runs = await bench.once('http', () => measure(bench))
      const part = (/** @type {'read' | 'write'} */ what, /** @type {string} */ figure) => {
        const [route] = what === 'read' ? routes : [routes[2]]
        const measured = `${route}: request / call, ${figure}`
        const sides = { runs: runs.map((run) => run[what]), of: 'request', to: 'call', figure }
        // Of so few calls p99 says as much of the machine as of what is measured.
        const marks = figure === 'p50' ? { goal: 1.5, floor: 2.5 } : { goal: 2, floor: 4 }
        return ratioOf({ measure: measured, ...sides, ...marks })
      }
      return { parts: [part('read', 'p50'), part('read', 'p99'), part('write', 'p50'), part('write', 'p99')] }
    },
  },
  {
    id: 'H2',
    title: 'A request among many accounts beside one among few, p50',
    better: 'lower',
    async run(bench) {
      const runs = await bench.once('http', () => measure(bench))
      const where = `${many.toLocaleString('en')} accounts / ${few}`
      return {
        parts: routes.map((route) => {
          const sides = { runs: runs.map((run) => run[route]), of: 'many', to: 'few', figure: 'p50' }
          return ratioOf({ measure: `${route}, p50: ${where}`, ...sides, goal: 1.1, floor: 1.5 })
        }),
      }
    },
  },
]

/** @param {Bench} bench */
async function measure(bench) {
  const { connectionString } = await bench.postgres()
  const [small, large] = [`${schema}_few`, `${schema}_many`]
  for (const each of [small, large]) await resetProduct(connectionString, few, each)
  await fill(connectionString, large)
  const services = [openProduct(connectionString, small), openProduct(connectionString, large)]
  const [amongFew, amongMany] = services.map(asker)
  const [billing] = services
  if (!billing || !amongFew || !amongMany) throw new Error('There is no service.')
  try {
    for (let time = 0; time < 100; time += 1)
      for (const ask of [amongFew, amongMany]) for (const work of Object.values(ask)) await work()
    return await repeat(bench.reps, async (rep) => {
      const run = {
        read: await inTurns(bench, { call: () => bareBalance(billing), request: amongFew.balance }),
        write: await inTurns(bench, { call: () => bareUsage(billing), request: amongFew.usage }),
        'GET /credits/balance/': await inTurns(bench, { few: amongFew.balance, many: amongMany.balance }),
        'GET /credits/transactions/': await inTurns(bench, { few: amongFew.list, many: amongMany.list }),
        'POST /usage/events': await inTurns(bench, { few: amongFew.usage, many: amongMany.usage }),
      }
      bench.log(`http, ${rep + 1} of ${bench.reps}: ${JSON.stringify(run)}`)
      return run
    })
  } finally {
    for (const service of services) await service.close()
  }
}

let keys = 0
const next = () => {
  keys += 1
  return { accountId: accountOf((keys % few) + 1), key: `bench-${keys}` }
}

/** @param {Product} billing */
const bareBalance = (billing) => billing.credits.balance({ accountId: next().accountId })

/** @param {Product} billing */
function bareUsage(billing) {
  const { accountId, key: idempotencyKey } = next()
  return billing.recordUsage({ accountId, meter: 'ai_tokens', quantity: 10, costUsd: '0.0001', idempotencyKey })
}

/** @param {Product} billing */
function asker(billing) {
  const handler = createHandler(billing, {
    identify: (request) => ({
      accountId: request.headers.get('authorization') ?? '',
      scopes: ['billing:read', 'usage:write'],
      by: 'token',
    }),
  })
  const ask = async (/** @type {string} */ path, /** @type {object | undefined} */ body = undefined) => {
    const headers = { authorization: next().accountId, 'content-type': 'application/json' }
    const init = body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) }
    const response = await handler(new Request(`http://bench.local/api/billing${path}`, init))
    const text = await response.text()
    if (response.status !== 200) throw new Error(`${path}: ${response.status} ${text}`)
  }
  return {
    balance: () => ask('/credits/balance/'),
    list: () => ask('/credits/transactions/?limit=20'),
    usage: () =>
      ask('/usage/events', { meter: 'ai_tokens', quantity: 10, cost_usd: '0.0001', idempotency_key: next().key }),
  }
}

/** Accounts that are only there: as the first one, with its grants and counters. @param {string} connectionString @param {string} into */
async function fill(connectionString, into) {
  await withClient(connectionString, async (client) => {
    for (const [table, key] of [
      ['accounts', 'id'],
      ['credit_grants', 'account_id'],
      ['counters', 'account_id'],
    ]) {
      const { rows } = await client.query(
        `SELECT string_agg(column_name, ', ') AS names FROM information_schema.columns
         WHERE table_schema = '${into}' AND table_name = '${table}' AND is_generated = 'NEVER' AND is_identity = 'NO'`,
      )
      const [{ names }] = rows
      await client.query(`INSERT INTO ${into}.${table} (${names}) SELECT ${names} FROM (
        SELECT (jsonb_populate_record(t, jsonb_build_object('${key}', 'filler-' || n))).*
        FROM ${into}.${table} t, generate_series(1, ${many - few}) n WHERE t.${key} = '${accountOf(1)}') copies`)
      await client.query(`ANALYZE ${into}.${table}`)
    }
    await client.query('CHECKPOINT')
  })
}

/**
 * Percentiles in ms of works that take turns.
 *
 * @template {string} Name
 * @param {Bench} bench
 * @param {Readonly<Record<Name, () => Promise<unknown>>>} works
 */
async function inTurns(bench, works) {
  const names = /** @type {Name[]} */ (Object.keys(works))
  const taken = new Map(names.map((name) => [name, /** @type {number[]} */ ([])]))
  const start = performance.now()
  while (performance.now() - start < bench.ms)
    for (const [name, times] of taken) {
      const before = performance.now()
      await works[name]()
      times.push(performance.now() - before)
    }
  const figures = [...taken].map(([name, times]) => [
    name,
    { p50: Number(percentile(times, 0.5).toFixed(3)), p99: Number(percentile(times, 0.99).toFixed(3)) },
  ])
  return /** @type {Record<Name, { p50: number, p99: number }>} */ (Object.fromEntries(figures))
}
