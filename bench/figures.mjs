// What a benchmark answers, and the arithmetic that all of them share.

/** The figures of both sides in each repetition. @typedef {Readonly<Record<string, Readonly<Record<string, number>>>>} Repetition */
/** One ratio with its goals. @typedef {{ measure: string, ratio: number, goal: number, floor: number, runs: readonly Repetition[], unit?: string }} Part */
/** @typedef {Part & { id: string, title: string, better: 'higher' | 'lower', parts: readonly Part[], notes: readonly string[] }} Result */

/**
 * @typedef {object} Benchmark
 * @property {string} id
 * @property {string} title
 * @property {'higher' | 'lower'} better
 * @property {readonly CellNeed[]} [cells] cells of the write paths that it reads
 * @property {boolean} [slow] left out unless it is asked for
 * @property {(bench: Bench) => Promise<{ parts: readonly Part[], notes?: readonly string[] }>} run
 */

/** @typedef {'ours' | 'naiveFull' | 'kfull' | 'rawFull'} SideName */
/** One setting of the write paths and the sides wanted in it. @typedef {{ accounts: number, callers: number, sides: readonly SideName[] }} CellNeed */

/**
 * What a benchmark is given.
 *
 * @typedef {object} Bench
 * @property {number} reps
 * @property {number} ms how long a closed loop is measured
 * @property {readonly number[]} rows sizes of the ledger for the benchmarks of growth
 * @property {() => Promise<import('./postgres-server.mjs').PostgresServer>} postgres
 * @property {() => Promise<import('./baseline.mjs').Baseline>} baseline
 * @property {(accounts: number, callers: number) => Promise<readonly Repetition[]>} cell measured once for all benchmarks
 * @property {<T>(name: string, work: () => Promise<T>) => Promise<T>} once work that several benchmarks read from
 * @property {(line: string) => void} log
 */

/** @param {readonly number[]} values */
export function median(values) {
  const sorted = [...values].sort((left, right) => left - right)
  const middle = sorted.length >> 1
  const [low = Number.NaN, high = Number.NaN] = [sorted[middle - 1], sorted[middle]]
  return sorted.length % 2 === 1 ? high : (low + high) / 2
}

/** @param {readonly number[]} values @param {number} share */
export function percentile(values, share) {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/** The median of a figure of one side over all repetitions. @param {readonly Repetition[]} runs @param {string} side @param {string} figure */
export function medianOf(runs, side, figure) {
  return median(runs.map((run) => run[side]?.[figure] ?? Number.NaN))
}

/**
 * The ratio of the medians of two sides.
 *
 * @param {{ measure: string, runs: readonly Repetition[], of: string, to: string, figure: string, goal: number, floor: number }} options
 * @returns {Part}
 */
export function ratioOf({ measure, runs, of, to, figure, goal, floor }) {
  const chosen = runs.map((run) => Object.fromEntries([of, to].map((side) => [side, run[side] ?? {}])))
  return { measure, ratio: medianOf(runs, of, figure) / medianOf(runs, to, figure), goal, floor, runs: chosen }
}

/** How far a part is from its goal: below 1 it misses it. Lower than nothing is far beyond any goal. @param {Part} part @param {'higher' | 'lower'} better @param {'goal' | 'floor'} mark */
export function standing(part, better, mark) {
  if (better === 'higher') return part.ratio / part[mark]
  return part.ratio <= 0 ? Number.POSITIVE_INFINITY : part[mark] / part.ratio
}

/** Repeats work and gathers what it answers. @template T @param {number} reps @param {(rep: number) => Promise<T>} work */
export async function repeat(reps, work) {
  /** @type {T[]} */
  const results = []
  for (let rep = 0; rep < reps; rep += 1) results.push(await work(rep))
  return results
}
