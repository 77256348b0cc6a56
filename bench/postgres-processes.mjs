import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { median, ratioOf, repeat } from './figures.mjs'
import { resetProduct } from './product.mjs'

// Several processes on one hot account, each with callers of its own.

/** @typedef {import('./figures.mjs').SideName} SideName */

const processes = 4
const callers = 64
const child = fileURLToPath(new URL('process-child.mjs', import.meta.url))

/** @type {readonly import('./figures.mjs').Benchmark[]} */
export const postgresProcesses = [
  {
    id: 'P5',
    title: `recordUsage in ${processes} processes, events/s of ours / one transaction per call`,
    better: 'higher',
    async run(bench) {
      const { connectionString } = await bench.postgres()
      const baseline = await bench.baseline()
      const runs = await repeat(bench.reps, async (rep) => {
        await baseline.reset()
        const naiveFull = await driveAll('naiveFull', connectionString, bench.ms)
        await resetProduct(connectionString, 1)
        const ours = await driveAll('ours', connectionString, bench.ms)
        bench.log(
          `${processes} processes, ${rep + 1} of ${bench.reps}: naiveFull ${naiveFull.ops}/s, ours ${ours.ops}/s`,
        )
        return { naiveFull, ours }
      })
      const measure = `one hot account, ${processes} processes with ${callers} callers each: ours / one transaction per call`
      return { parts: [ratioOf({ measure, runs, of: 'ours', to: 'naiveFull', figure: 'ops', goal: 75, floor: 40 })] }
    },
  },
]

/** All begin together. @param {SideName} side @param {string} connectionString @param {number} ms */
async function driveAll(side, connectionString, ms) {
  const work = JSON.stringify({ side, connectionString, callers, ms, accounts: 1 })
  const children = Array.from({ length: processes }, () => fork(child, [work], { execArgv: ['--no-deprecation'] }))
  const answers = () => Promise.all(children.map(answerOf))
  await answers()
  const finished = answers()
  for (const process of children) process.send('go')
  /** @type {import('./baseline.mjs').Driven[]} */
  const driven = await finished
  await Promise.all(children.map((process) => process.exitCode ?? once(process, 'exit')))
  const failed = driven.reduce((sum, { err }) => sum + err, 0)
  if (failed > 0) throw new Error(`${side}: ${failed} calls failed in ${processes} processes.`)
  return {
    ops: driven.reduce((sum, { ops }) => sum + ops, 0),
    p50: median(driven.map(({ p50 }) => p50)),
    p99: Math.max(...driven.map(({ p99 }) => p99)),
  }
}

/** @param {import('node:child_process').ChildProcess} process @returns {Promise<any>} */
function answerOf(process) {
  return new Promise((resolve, reject) => {
    const died = (/** @type {number | null} */ code) => reject(new Error(`A process of the bench ended with ${code}.`))
    process.once('exit', died)
    process.once('message', (message) => {
      process.off('exit', died)
      resolve(message)
    })
  })
}
