import { openSide, resetProduct } from './product.mjs'

/** @typedef {import('./figures.mjs').SideName} SideName */
/** @typedef {import('./figures.mjs').Repetition} Repetition */

/** More accounts than the yardstick's own set-up makes are not in any cell. */
const accountsPrepared = 1_000

/**
 * Measures one setting of the write paths: in each repetition every side in turn, each from empty tables, driven by the same closed loop
 * in this process.
 *
 * @param {import('./figures.mjs').Bench} bench
 * @param {{ accounts: number, callers: number, sides: readonly SideName[] }} cell
 * @returns {Promise<readonly Repetition[]>}
 */
export async function measureCell(bench, { accounts, callers, sides }) {
  const { connectionString } = await bench.postgres()
  const baseline = await bench.baseline()
  /** @type {Repetition[]} */
  const runs = []
  for (let rep = 0; rep < bench.reps; rep += 1) {
    /** @type {Record<string, Readonly<Record<string, number>>>} */
    const run = {}
    for (const name of sides) {
      if (name === 'ours') await resetProduct(connectionString, Math.min(accounts, accountsPrepared))
      else await baseline.reset()
      const side = name === 'ours' ? await openSide(connectionString) : await baseline.paths[name]()
      const driven = await baseline.drive(side.record, { conc: callers, ms: bench.ms, accounts })
      await side.close()
      if (driven.err > 0)
        throw new Error(`${name}: ${driven.err} calls failed with ${accounts} accounts, ${callers} callers.`)
      run[name] = { ...driven }
    }
    runs.push(run)
    const shown = Object.entries(run).map(([name, { ops = 0, p50 = 0 }]) => `${name} ${ops}/s (p50 ${p50} ms)`)
    bench.log(`accounts ${accounts}, callers ${callers}, ${rep + 1} of ${bench.reps}: ${shown.join(', ')}`)
  }
  return runs
}
