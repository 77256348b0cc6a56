import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createBilling, defineCatalog } from 'billfold'
import { postgresStore } from 'billfold/adapters/postgres'
import { createGateway } from 'billfold/gateway'
import { median, percentile, ratioOf, repeat } from './figures.mjs'
import { dropProduct } from './product.mjs'

// What the gateway adds to a streamed call, beside a proxy that forwards the same request and does nothing else, and beside one durable hold.
// All of them take turns in each of 64 callers; the model is in a process of its own.

/** @typedef {import('./figures.mjs').Bench} Bench */
/** @typedef {(request: Request) => Promise<Response>} Handler */
/** @typedef {Awaited<ReturnType<typeof open>>} World */

const schema = 'billfold_bench_gateway'
const accountId = 'account-1'
const callers = 64
const sides = /** @type {const} */ (['bare', 'held', 'leased', 'hold'])
const body = JSON.stringify({
  model: 'gpt-5',
  stream: true,
  messages: [{ role: 'user', content: 'how are you today' }],
})
const child = fileURLToPath(new URL('gateway-model.mjs', import.meta.url))

/** @type {readonly import('./figures.mjs').Benchmark[]} */
export const gatewayBenchmarks = [
  {
    id: 'G1',
    title: 'The gateway, time to the first byte of 64 streams at once, p50: what it adds to a bare proxy',
    better: 'lower',
    async run(bench) {
      const runs = await withWorld(bench, (world) => latencies(bench, world))
      const added = (/** @type {'held' | 'leased'} */ side) =>
        runs.map((run) => Number(run[side]?.ms) - Number(run.bare?.ms))
      const inHolds = median(added('held').map((ms, index) => ms / Number(runs[index]?.hold?.ms)))
      return {
        parts: [
          { measure: 'added / one durable hold', ratio: inHolds, goal: 1.2, floor: 2, runs },
          { measure: 'added with leases, in ms', ratio: median(added('leased')), goal: 1.5, floor: 3, runs },
        ],
      }
    },
  },
  {
    id: 'G2',
    title: 'The gateway, streams/s of 64 callers, each stream of 200 events: through it / through a bare proxy',
    better: 'higher',
    async run(bench) {
      const runs = await withWorld(bench, (world) => throughputs(bench, world))
      const of = (/** @type {string} */ side, /** @type {string} */ measure) =>
        ratioOf({ measure, runs, of: side, to: 'bare', figure: 'ops', goal: 0.8, floor: 0.5 })
      return { parts: [of('held', 'a hold each / bare'), of('leased', 'leases / bare')] }
    },
  },
  {
    id: 'G3',
    title: 'The gateway, memory in use after 10,000 more streams / after the first 1,000',
    better: 'lower',
    async run(bench) {
      const runs = await withWorld(bench, async (world) => [await growth(bench, world)])
      const ratio = Number(runs[0]?.later?.mb) / Number(runs[0]?.first?.mb)
      return { parts: [{ measure: 'heap: after 11,000 / after 1,000', ratio, goal: 1.1, floor: 1.3, runs }] }
    },
  },
]

/** @template T @param {Bench} bench @param {(world: World) => Promise<T>} work */
async function withWorld(bench, work) {
  const world = await open(bench)
  try {
    return await work(world)
  } finally {
    await world.close()
  }
}

/** @param {Bench} bench */
async function open(bench) {
  const { connectionString } = await bench.postgres()
  await dropProduct(connectionString, schema)
  const model = fork(child)
  const { baseURL, apiKey } = await answerOf(model)
  const catalog = defineCatalog({
    sparks: { price: '0.001', margin: '1' },
    meters: { tokens: { rate: { mode: 'by_cost' } } },
    models: { 'gpt-5': { input: '1', output: '10' } },
  })
  const billing = createBilling({ catalog, store: postgresStore({ connectionString, schema }) })
  await billing.accounts.ensure({ accountId })
  await billing.credits.grant({ accountId, amount: 1_000_000_000, reason: 'bench', idempotencyKey: 'grant' })
  const models = { 'gpt-5': { maximumOutputTokens: 1_000, contextTokens: 100_000 } }
  const through = (/** @type {boolean} */ leases) =>
    createGateway(billing, {
      meter: 'tokens',
      upstreams: [{ provider: 'openai', baseURL, apiKey, models }],
      identify: () => ({ accountId }),
      leases,
    })
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }
  /** @type {Handler} */
  const bare = async (request) => {
    const { status, body: stream } = await fetch(`${baseURL}/chat/completions`, {
      method: 'POST',
      headers,
      body: await request.text(),
      signal: request.signal,
    })
    return new Response(stream, { status, headers: { 'content-type': 'text/event-stream' } })
  }
  let holds = 0
  return {
    /** @type {Readonly<Record<'bare' | 'held' | 'leased', Handler>>} */
    handlers: { bare, held: through(false), leased: through(true) },
    /** Milliseconds that one durable hold takes. */
    async hold() {
      holds += 1
      const idempotencyKey = `hold-${holds}`
      const start = performance.now()
      const { id } = await billing.hold({ accountId, amount: 1, idempotencyKey })
      const ms = performance.now() - start
      await billing.release({ accountId, holdId: id, idempotencyKey })
      return ms
    },
    /** @param {{ says: number, pieceDelayMs?: number }} reply */
    async says(reply) {
      model.send(reply)
      await answerOf(model)
    },
    async close() {
      await billing.close()
      model.disconnect()
      await once(model, 'exit')
    },
  }
}

/** @param {import('node:child_process').ChildProcess} model @returns {Promise<{ baseURL: string, apiKey: string }>} */
function answerOf(model) {
  const failed = once(model, 'exit').then(([code]) => {
    throw new Error(`The model ended with ${code}.`)
  })
  return Promise.race([once(model, 'message').then(([message]) => message), failed])
}

/** Each caller in turn: bare, behind a hold, on a lease, and a hold alone. @param {Bench} bench @param {World} world */
async function latencies(bench, { handlers: { bare, held, leased }, hold, says }) {
  // Every answer takes its time, so that callers wait for the model and not for each other.
  await says({ says: 10, pieceDelayMs: 40 })
  const works = [() => firstByte(bare), () => firstByte(held), () => firstByte(leased), hold]
  /** @param {number} ms */
  const drive = async (ms) => {
    /** @type {number[][]} */
    const taken = works.map(() => [])
    const end = performance.now() + ms
    await together(async (caller) => {
      for (let turn = caller; performance.now() < end; turn += 1) {
        const which = turn % works.length
        const one = await works[which]?.()
        if (one !== undefined) taken[which]?.push(one)
      }
    })
    return taken.map((each) => ({
      ms: Number(percentile(each, 0.5).toFixed(3)),
      p99: Number(percentile(each, 0.99).toFixed(3)),
    }))
  }
  await drive(1_000)
  return repeat(bench.reps, async (rep) => {
    const driven = await drive(bench.ms * 4)
    /** @type {import('./figures.mjs').Repetition} */
    const run = Object.fromEntries(sides.map((side, index) => [side, driven[index] ?? {}]))
    bench.log(`gateway, ${rep + 1} of ${bench.reps}: ${JSON.stringify(run)}`)
    return run
  })
}

/** @param {Bench} bench @param {World} world */
async function throughputs(bench, { handlers, says }) {
  await says({ says: 200 })
  /** @param {Handler} handler @param {number} ms */
  const drive = async (handler, ms) => {
    let streams = 0
    const start = performance.now()
    await together(async () => {
      while (performance.now() - start < ms) {
        await firstByte(handler)
        streams += 1
      }
    })
    return { ops: Math.round((streams * 1_000) / (performance.now() - start)) }
  }
  for (const handler of Object.values(handlers)) await drive(handler, 500)
  return repeat(bench.reps, async (rep) => {
    const run = {
      bare: await drive(handlers.bare, bench.ms),
      held: await drive(handlers.held, bench.ms),
      leased: await drive(handlers.leased, bench.ms),
    }
    bench.log(`gateway, ${rep + 1} of ${bench.reps}: ${JSON.stringify(run)}`)
    return run
  })
}

/** @param {Bench} bench @param {World} world */
async function growth(bench, { handlers: { held }, says }) {
  await says({ says: 20 })
  /** @param {number} streams */
  const drive = async (streams) => {
    let left = streams
    await together(async () => {
      while (left > 0) {
        left -= 1
        await firstByte(held)
      }
    })
    return { mb: Number((heapInUse() / 1e6).toFixed(1)) }
  }
  const run = { first: await drive(1_000), later: await drive(10_000) }
  bench.log(`gateway: ${run.first.mb} MB after 1,000 streams, ${run.later.mb} MB after 11,000`)
  return run
}

/** What is reachable. */
function heapInUse() {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed
}

/** @param {(caller: number) => Promise<void>} work */
async function together(work) {
  await Promise.all(Array.from({ length: callers }, (_, caller) => work(caller)))
}

/** Milliseconds to the first byte; the rest is read, so that the call is paid for before the next. @param {Handler} handler */
async function firstByte(handler) {
  const start = performance.now()
  const response = await handler(new Request('http://gateway.local/v1/chat/completions', { method: 'POST', body }))
  if (response.status !== 200) throw new Error(`Answered ${response.status}: ${await response.text()}`)
  const reader = response.body?.getReader()
  if (!reader) throw new Error('There is no answer.')
  await reader.read()
  const ms = performance.now() - start
  while (!(await reader.read()).done);
  return ms
}
