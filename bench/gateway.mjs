import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { setTimeout as after } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { median, percentile, ratioOf, repeat } from './figures.mjs'
import { dropProduct } from './product.mjs'

// What the gateway adds to a streamed call, beside a proxy on the same server that forwards the same request to the same model and does
// nothing else, and beside one durable hold. Clients, proxy and model are processes of their own, so that nobody's clock waits for another's work.

/** @typedef {import('./figures.mjs').Bench} Bench */
/** @typedef {import('./figures.mjs').Repetition} Repetition */
/** @typedef {'bare' | 'held' | 'leased'} Side */
/** @typedef {Awaited<ReturnType<typeof open>>} World */

const schema = 'billfold_bench_gateway'
const sides = /** @type {const} */ (['bare', 'held', 'leased'])
/** Streams that are open at once. */
const open64 = 64
const body = JSON.stringify({
  model: 'gpt-5',
  stream: true,
  messages: [{ role: 'user', content: 'how are you today' }],
})

/** @type {readonly import('./figures.mjs').Benchmark[]} */
export const gatewayBenchmarks = [
  {
    id: 'G1',
    title: 'The gateway, time to the first byte, p50, while 64 streams are open: what it adds to a bare proxy',
    better: 'lower',
    async run(bench) {
      const runs = await bench.once('gateway, paced', () => withWorld(bench, (world) => paced(bench, world)))
      const added = (/** @type {Side} */ side) => runs.map((run) => figure(run, side, 'ms') - figure(run, 'bare', 'ms'))
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
    title: 'The gateway, 64 callers without a pause, streams of 200 events: through it / through a bare proxy',
    better: 'higher',
    async run(bench) {
      const runs = await withWorld(bench, (world) => unpaced(bench, world))
      const of = (/** @type {Side} */ side, /** @type {string} */ measure) =>
        ratioOf({ measure: `streams/s: ${measure}`, runs, of: side, to: 'bare', figure: 'ops', goal: 0.8, floor: 0.5 })
      const spent = (/** @type {Side} */ side, /** @type {string} */ measure) => {
        const ratio = median(runs.map((run) => figure(run, 'bare', 'cpuMs') / figure(run, side, 'cpuMs')))
        return {
          measure: `processor time of the proxy's process: bare / ${measure}`,
          ratio,
          goal: 0.8,
          floor: 0.5,
          runs,
        }
      }
      return {
        parts: [
          of('held', 'a hold each / bare'),
          of('leased', 'leases / bare'),
          spent('held', 'a hold each'),
          spent('leased', 'leases'),
        ],
      }
    },
  },
  {
    id: 'G3',
    title: 'The gateway, memory in use after 10,000 more streams / after the first 1,000',
    better: 'lower',
    async run(bench) {
      const runs = await withWorld(bench, async (world) => [await growth(bench, world)])
      const ratio = figure(runs[0] ?? {}, 'later', 'mb') / figure(runs[0] ?? {}, 'first', 'mb')
      return { parts: [{ measure: 'heap: after 11,000 / after 1,000', ratio, goal: 1.1, floor: 1.3, runs }] }
    },
  },
]

/** @param {Repetition} run @param {string} side @param {string} name */
function figure(run, side, name) {
  return Number(run[side]?.[name])
}

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
  const model = await started(new URL('gateway-model.mjs', import.meta.url), {})
  const modelURL = `http://127.0.0.1:${model.said.port}`
  const server = await started(new URL('gateway-server.mjs', import.meta.url), { connectionString, schema, modelURL })
  const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY })
  /** @param {string} path @returns {Promise<number>} */
  const ask = async (path) => (await fetch(`http://127.0.0.1:${server.said.control}${path}`)).json()
  return {
    ask,
    /** A whole stream. @param {Side} side @returns {Promise<number>} milliseconds to its first byte */
    stream: (side) => streamed(agent, server.said[side]),
    async close() {
      agent.destroy()
      await server.end()
      await model.end()
    },
  }
}

/** A process of its own. @param {URL} file @param {object} options @returns {Promise<{ said: any, end(): Promise<void> }>} */
async function started(file, options) {
  const child = fork(fileURLToPath(file), [JSON.stringify(options)])
  const ended = once(child, 'exit')
  const failed = ended.then(([code]) => {
    throw new Error(`${file} ended with ${code}.`)
  })
  const [said] = await Promise.race([once(child, 'message'), failed])
  failed.catch(() => {})
  return {
    said,
    async end() {
      child.disconnect()
      await ended
    },
  }
}

/** @param {Agent} agent @param {number} port @returns {Promise<number>} milliseconds to the first byte */
function streamed(agent, port) {
  return new Promise((resolve, reject) => {
    const start = performance.now()
    let first = 0
    let end = ''
    const headers = { 'content-type': 'application/json', 'content-length': body.length }
    const options = { agent, host: '127.0.0.1', port, path: '/v1/chat/completions', method: 'POST', headers }
    const asking = request(options, (response) => {
      response.on('data', (/** @type {Buffer} */ bytes) => {
        first ||= performance.now() - start
        end = bytes.subarray(-14).toString('latin1')
      })
      response.on('end', () => {
        if (response.statusCode === 200 && end === 'data: [DONE]\n\n') return resolve(first)
        reject(new Error(`Answered ${response.statusCode}, ending with ${end}.`))
      })
      response.on('error', reject)
    })
    asking.on('error', reject)
    asking.end(body)
  })
}

/**
 * Streams of a second each are begun one after the other, at a rate that keeps 64 of them open, on each side in turn: processors are idle most of
 * the time, so that what is measured is the way and not a queue.
 *
 * @param {Bench} bench @param {World} world
 */
async function paced(bench, { ask, stream }) {
  await ask('/says?pieces=20&everyMs=50')
  const apartMs = 1_000 / open64
  /** @param {number} ms */
  const drive = async (ms) => {
    /** @type {Record<Side | 'hold', number[]>} */
    const taken = { bare: [], held: [], leased: [], hold: [] }
    /** @type {Promise<unknown>[]} */
    const under = []
    const begin = performance.now()
    for (let turn = 0; turn * apartMs < ms; turn += 1) {
      await after(Math.max(0, begin + turn * apartMs - performance.now()))
      // By threes in every order, so that no side follows the same one always.
      const side = sides[(turn + Math.floor(turn / 3)) % 3] ?? 'bare'
      // Until the first have ended there are fewer than 64.
      const isEarly = turn < open64
      under.push(stream(side).then((first) => isEarly || taken[side].push(first)))
      if (turn % 3 === 0) under.push(ask('/hold').then((took) => isEarly || taken.hold.push(took)))
    }
    await Promise.all(under)
    return Object.fromEntries(
      Object.entries(taken).map(([side, each]) => [
        side,
        { ms: rounded(percentile(each, 0.5)), p99: rounded(percentile(each, 0.99)) },
      ]),
    )
  }
  await drive(2_000)
  return repeat(bench.reps, async (rep) => {
    const run = await drive(1_000 + bench.ms * 4)
    bench.log(`gateway, ${rep + 1} of ${bench.reps}: ${JSON.stringify(run)}`)
    return run
  })
}

/** @param {Bench} bench @param {World} world */
async function unpaced(bench, { ask, stream }) {
  await ask('/says?pieces=200&everyMs=0')
  /** @param {Side} side @param {number} ms */
  const drive = async (side, ms) => {
    /** @type {number[]} */
    const firsts = []
    const start = performance.now()
    const before = await ask('/used')
    await together(async () => {
      while (performance.now() - start < ms) firsts.push(await stream(side))
    })
    const spentMs = (await ask('/used')) - before
    return {
      ops: Math.round((firsts.length * 1_000) / (performance.now() - start)),
      cpuMs: rounded(spentMs / firsts.length),
      ms: rounded(percentile(firsts, 0.5)),
    }
  }
  // A proxy runs for long: what is measured is compiled by then.
  for (const side of sides) await drive(side, 5_000)
  return repeat(bench.reps, async (rep) => {
    /** @type {Record<string, Readonly<Record<string, number>>>} */
    const run = {}
    // Each is the first in its turn, and for long enough that a collection or a checkpoint is not all of it.
    for (let turn = 0; turn < sides.length; turn += 1) {
      const side = sides[(rep + turn) % sides.length] ?? 'bare'
      run[side] = await drive(side, bench.ms * 3)
    }
    bench.log(`gateway, ${rep + 1} of ${bench.reps}: ${JSON.stringify(run)}`)
    return run
  })
}

/** @param {Bench} bench @param {World} world */
async function growth(bench, { ask, stream }) {
  await ask('/says?pieces=20&everyMs=0')
  /** @param {number} streams */
  const drive = async (streams) => {
    let left = streams
    await together(async () => {
      while (left > 0) {
        left -= 1
        await stream('held')
      }
    })
    return { mb: rounded(await ask('/heap')) }
  }
  const run = { first: await drive(1_000), later: await drive(10_000) }
  bench.log(`gateway: ${run.first.mb} MB after 1,000 streams, ${run.later.mb} MB after 11,000`)
  return run
}

/** @param {() => Promise<void>} work */
async function together(work) {
  await Promise.all(Array.from({ length: open64 }, work))
}

/** @param {number} value */
function rounded(value) {
  return Number(value.toFixed(3))
}
