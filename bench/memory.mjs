import { memoryStore } from 'billfold/adapters/memory'
import { compileBaseline, loadWorkload } from './baseline.mjs'
import { medianOf, ratioOf, repeat } from './figures.mjs'
import { createProduct, prepareAccounts, usageOf } from './product.mjs'

/** @typedef {import('./figures.mjs').Bench} Bench */

const accounts = 1_000
const callers = 1_024
const events = 100_000

/** @type {readonly import('./figures.mjs').Benchmark[]} */
export const memoryBenchmarks = [
  {
    id: 'M1',
    title: 'Memory store, recordUsage: events/s, and as a share of a bare Map and log',
    better: 'higher',
    async run(bench) {
      const runs = await repeat(bench.reps, (rep) => measure(bench, rep))
      const where = `memory store, ${callers} callers`
      return {
        parts: [
          ratioOf({
            measure: `${where}: ours / bare Map and log`,
            runs,
            of: 'ours',
            to: 'bare',
            figure: 'ops',
            goal: 0.6,
            floor: 0.4,
          }),
          { measure: `${where}: events/s`, ratio: medianOf(runs, 'ours', 'ops'), goal: 600_000, floor: 300_000, runs },
        ],
        notes: ['The side "ours, one caller" awaits each call before the next.'],
      }
    },
  },
]

/** @param {Bench} bench @param {number} rep @returns {Promise<import('./figures.mjs').Repetition>} */
async function measure(bench, rep) {
  const run = {
    bare: { ops: await driveBare() },
    ours: { ops: await driveOurs(callers, events) },
    'ours, one caller': { ops: await driveOurs(1, events / 10) },
  }
  bench.log(`memory, ${rep + 1} of ${bench.reps}: bare ${run.bare.ops}/s, ours ${run.ours.ops}/s`)
  return run
}

/** The yardstick's loop over its `bigint, object rows, async API` variant. */
async function driveBare() {
  const count = events * 10
  const { mkBig, acc, ACC } = compileBaseline('memory-bench.js', ['mkBig', 'acc', 'ACC'], {
    arguments: ['1'],
    globals: { console: { log() {} }, performance: { now: () => 0 }, global: {} },
  })
  const keys = Array.from({ length: count }, (_, i) => `k-${i.toString(36).padStart(9, '0')}-request-id`)
  const cost = Array.from({ length: 64 }, (_, i) => BigInt(1000 + i))
  const store = mkBig()
  const record = async (/** @type {string} */ account, /** @type {string} */ key, /** @type {bigint} */ amount) =>
    store(account, key, amount)
  const start = performance.now()
  for (let i = 0; i < count; i += 1) await record(acc[i % ACC], keys[i] ?? '', cost[i & 63] ?? 0n)
  return Math.round((count / (performance.now() - start)) * 1000)
}

/** @param {number} inFlight @param {number} count */
async function driveOurs(inFlight, count) {
  const { mkEvent } = loadWorkload()
  const billing = createProduct(memoryStore())
  await prepareAccounts(billing, accounts)
  const inputs = Array.from({ length: count }, () => usageOf(mkEvent(accounts)))
  let next = 0
  const caller = async () => {
    for (let input = inputs[next++]; input; input = inputs[next++]) await billing.recordUsage(input)
  }
  const start = performance.now()
  await Promise.all(Array.from({ length: inFlight }, caller))
  const ops = Math.round((count / (performance.now() - start)) * 1000)
  await billing.close()
  return ops
}
