import { createBilling, defineCatalog } from 'billfold'
import { postgresStore } from 'billfold/adapters/postgres'
import { createGateway } from 'billfold/gateway'
import { sandbox } from 'billfold/testing'
import { median, percentile, repeat } from './figures.mjs'
import { dropProduct } from './product.mjs'

// What the gateway adds before the first byte of a streamed answer, beside what one durable hold takes in the same run. Model and gateway
// are in one process with the clock.

/** @typedef {import('./figures.mjs').Bench} Bench */

const schema = 'billfold_bench_gateway'
const accountId = 'account-1'
const asked = { model: 'gpt-5', stream: true, messages: [{ role: 'user', content: 'how are you today' }] }

/** @type {readonly import('./figures.mjs').Benchmark[]} */
export const gatewayBenchmarks = [
  {
    id: 'G1',
    title: 'The gateway, time to the first byte of a stream: what it adds / one durable hold, p50 of each',
    better: 'lower',
    async run(bench) {
      const runs = await measure(bench)
      const ratio = median(runs.map(({ added, hold }) => added.ms / hold.ms))
      return { parts: [{ measure: 'one call at a time: added / a hold', ratio, goal: 1.2, floor: 2, runs }] }
    },
  },
]

/** @param {Bench} bench */
async function measure(bench) {
  const { connectionString } = await bench.postgres()
  await dropProduct(connectionString, schema)
  const box = await sandbox()
  const catalog = defineCatalog({
    sparks: { price: '0.001', margin: '1' },
    meters: { tokens: { rate: { mode: 'by_cost' } } },
    models: { 'gpt-5': { input: '1', output: '10' } },
  })
  const billing = createBilling({ catalog, store: postgresStore({ connectionString, schema }) })
  await billing.accounts.ensure({ accountId })
  await billing.credits.grant({ accountId, amount: 1_000_000_000, reason: 'bench', idempotencyKey: 'grant' })
  const { openai } = box.models
  const limits = { maximumOutputTokens: 1_000, contextTokens: 100_000 }
  const gateway = createGateway(billing, {
    meter: 'tokens',
    upstreams: [{ provider: 'openai', ...openai, models: { 'gpt-5': limits } }],
    identify: () => ({ accountId }),
  })
  const init = { method: 'POST', body: JSON.stringify(asked) }
  const headers = { authorization: `Bearer ${openai.apiKey}`, 'content-type': 'application/json' }
  const direct = () => firstByte(fetch(`${openai.baseURL}/chat/completions`, { ...init, headers }))
  const through = () => firstByte(gateway(new Request('http://gateway.local/v1/chat/completions', init)))
  let holds = 0
  const hold = async () => {
    holds += 1
    const start = performance.now()
    const idempotencyKey = `hold-${holds}`
    const { id } = await billing.hold({ accountId, amount: 1, idempotencyKey })
    const ms = performance.now() - start
    await billing.release({ accountId, holdId: id, idempotencyKey })
    return ms
  }
  try {
    for (const work of [direct, through, hold]) for (let time = 0; time < 20; time += 1) await work()
    return await repeat(bench.reps, async (rep) => {
      const run = await inTurns(bench, { direct, through, hold })
      bench.log(
        `gateway, ${rep + 1} of ${bench.reps}: ${run.direct.ms} ms direct, ${run.through.ms} ms through, a hold ${run.hold.ms} ms`,
      )
      return { ...run, added: { ms: run.through.ms - run.direct.ms } }
    })
  } finally {
    await billing.close()
    await box.close()
  }
}

/** @param {Bench} bench @param {Record<'direct' | 'through' | 'hold', () => Promise<number>>} works */
async function inTurns(bench, { direct, through, hold }) {
  /** @type {Record<'direct' | 'through' | 'hold', number[]>} */
  const taken = { direct: [], through: [], hold: [] }
  const start = performance.now()
  while (performance.now() - start < bench.ms) {
    taken.direct.push(await direct())
    taken.through.push(await through())
    taken.hold.push(await hold())
  }
  const half = (/** @type {readonly number[]} */ values) => ({ ms: Number(percentile(values, 0.5).toFixed(3)) })
  return { direct: half(taken.direct), through: half(taken.through), hold: half(taken.hold) }
}

/** Milliseconds to the first byte; the rest is read, so that the call is paid for before the next. @param {Promise<Response>} asking */
async function firstByte(asking) {
  const start = performance.now()
  const reader = (await asking).body?.getReader()
  if (!reader) throw new Error('There is no answer.')
  await reader.read()
  const ms = performance.now() - start
  while (!(await reader.read()).done);
  return ms
}
