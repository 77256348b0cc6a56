import { checkDigests, loadBaseline } from './baseline.mjs'
import { measureCell } from './cells.mjs'
import { standing } from './figures.mjs'
import { startPostgres } from './postgres-server.mjs'
import { dropProduct } from './product.mjs'

/** @typedef {import('./figures.mjs').Benchmark} Benchmark */
/** @typedef {import('./figures.mjs').Result} Result */
/** @typedef {import('./figures.mjs').SideName} SideName */

/**
 * Runs benchmarks one after another. The server is started when the first of them asks for it, and stopped whatever happens.
 *
 * @param {readonly Benchmark[]} benchmarks
 * @param {{ reps: number, ms: number, rows: readonly number[], log: (line: string) => void }} options
 * @returns {Promise<{ settings: Readonly<Record<string, string>>, reps: number, results: readonly Result[] }>}
 */
export async function runBenchmarks(benchmarks, options) {
  checkDigests()
  /** @type {Promise<import('./postgres-server.mjs').PostgresServer> | undefined} */
  let starting
  /** @type {import('./baseline.mjs').Baseline | undefined} */
  let baseline
  /** @type {Map<string, Promise<any>>} */
  const shared = new Map()
  const sides = sidesByCell(benchmarks)
  /** @type {import('./figures.mjs').Bench} */
  const bench = {
    ...options,
    postgres() {
      starting ??= startPostgres()
      return starting
    },
    async baseline() {
      const { connectionString } = await bench.postgres()
      baseline ??= loadBaseline(connectionString)
      return baseline
    },
    cell(accounts, callers) {
      const name = `${accounts}|${callers}`
      return bench.once(name, () => measureCell(bench, { accounts, callers, sides: sides.get(name) ?? [] }))
    },
    once(name, work) {
      const done = shared.get(name) ?? work()
      shared.set(name, done)
      return done
    },
  }
  /** @type {Result[]} */
  const results = []
  try {
    for (const benchmark of benchmarks) {
      options.log(`${benchmark.id}: ${benchmark.title}`)
      results.push(await resultOf(benchmark, bench).catch((error) => failed(benchmark, error)))
    }
    const settings = starting ? (await starting).settings : {}
    return { settings, reps: options.reps, results }
  } finally {
    const server = await starting
    if (server) await dropProduct(server.connectionString).finally(() => server.stop())
  }
}

/** One that cannot be run has no figure, and misses its floor; the others go on. @param {Benchmark} benchmark @param {unknown} error @returns {Result} */
function failed({ id, title, better }, error) {
  const part = { measure: title, ratio: Number.NaN, goal: Number.NaN, floor: Number.NaN, runs: [] }
  return { id, ...part, title, better, parts: [part], notes: [`${id} failed: ${String(error)}`] }
}

/** The part furthest from its goal speaks for the benchmark. @param {Benchmark} benchmark @param {import('./figures.mjs').Bench} bench @returns {Promise<Result>} */
async function resultOf({ id, title, better, run }, bench) {
  const { parts, notes = [] } = await run(bench)
  const [worst] = [...parts].sort((left, right) => standing(left, better, 'goal') - standing(right, better, 'goal'))
  if (!worst) throw new Error(`${id} has no figure: ${notes.join(' ')}`)
  return { id, ...worst, title, better, parts, notes }
}

/** Every side that some benchmark wants in a cell is measured in the same repetitions. @param {readonly Benchmark[]} benchmarks */
function sidesByCell(benchmarks) {
  /** @type {Map<string, Set<SideName>>} */
  const wanted = new Map()
  for (const { accounts, callers, sides } of benchmarks.flatMap(({ cells = [] }) => cells)) {
    const name = `${accounts}|${callers}`
    wanted.set(name, new Set([...(wanted.get(name) ?? []), ...sides]))
  }
  const order = /** @type {const} */ (['naiveFull', 'ours', 'kfull', 'rawFull'])
  return new Map([...wanted].map(([name, sides]) => [name, order.filter((side) => sides.has(side))]))
}
