import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compileFunction } from 'node:vm'

// The yardstick: other code doing the same work, kept as it was when the goals were set. Whoever changes a byte of it changes what
// "faster" means, so its digests are compared before every run.

/** One event of the workload. @typedef {{ a: number, k: string, m: string, t: string, i: number, o: number, c: number }} Event */
/** What a driven side does with an event: 0 for recorded. @typedef {(event: Event) => Promise<unknown>} RecordEvent */
/** @typedef {{ conc: number, ms: number, accounts: number, max?: number, warm?: number }} DriveOptions */
/** What a closed loop measured. @typedef {{ ops: number, p50: number, p99: number, n: number, err: number }} Driven */
/** @typedef {{ record: RecordEvent, close: () => Promise<unknown>, g?: { rows: number, batches: number } }} Side */

/**
 * @typedef {object} Baseline
 * @property {(record: RecordEvent, options: DriveOptions) => Promise<Driven>} drive
 * @property {(accounts: number, base?: number) => Event} mkEvent
 * @property {Readonly<Record<'naiveFull' | 'kfull' | 'rawFull', () => Promise<Side>>>} paths
 * @property {() => Promise<void>} reset gives the paths empty tables
 */

export const baselineFolder = fileURLToPath(new URL('baseline/', import.meta.url))
const requireBaseline = createRequire(join(baselineFolder, 'lib.js'))

/** @throws Error when a file of the yardstick is not what it was, is missing, or is new */
export function checkDigests() {
  const listed = JSON.parse(readFileSync(join(baselineFolder, 'digests.json'), 'utf8'))
  const found = readdirSync(baselineFolder).filter((name) => !['package.json', 'digests.json'].includes(name))
  for (const name of new Set([...Object.keys(listed), ...found])) {
    const digest = found.includes(name)
      ? createHash('sha256')
          .update(readFileSync(join(baselineFolder, name)))
          .digest('hex')
      : 'missing'
    if (digest !== listed[name])
      throw new Error(`bench/baseline/${name} is not the yardstick that the goals were set with: restore it.`)
  }
}

/** The workload and its driver, for what needs no server. @returns {Pick<Baseline, 'drive' | 'mkEvent'>} */
export const loadWorkload = () => requireBaseline('./lib.js')

/** The paths on a server, which `lib.js` reads from the environment once. @param {string} connectionString @returns {Baseline} */
export function loadBaseline(connectionString) {
  process.env.PGURL = connectionString
  const { drive, mkEvent, CONN } = requireBaseline('./lib.js')
  if (CONN !== connectionString) throw new Error('The yardstick was loaded before its server was known.')
  const { resetK } = compileBaseline('full.js', ['resetK'], { arguments: ['{"reps":0}'] })
  return { drive, mkEvent, paths: requireBaseline('./paths.js'), reset: resetK }
}

/**
 * Runs a file of the yardstick and hands out what it keeps to itself. Each of them is a program that begins at once: it is given
 * arguments under which it has nothing to do, and may be given other globals.
 *
 * @param {string} name
 * @param {readonly string[]} exported
 * @param {{ arguments?: readonly string[], environment?: Readonly<Record<string, string>>, globals?: Readonly<Record<string, unknown>>, modules?: Readonly<Record<string, unknown>> }} [options]
 * @returns {Record<string, any>}
 */
export function compileBaseline(
  name,
  exported,
  { arguments: given = [], environment = {}, globals = {}, modules = {} } = {},
) {
  const file = join(baselineFolder, name)
  const source = `${readFileSync(file, 'utf8')}\n;return { ${exported.join(', ')} }`
  const shadowed = {
    require: (/** @type {string} */ id) => modules[id] ?? requireBaseline(id),
    module: { exports: {} },
    __dirname: baselineFolder,
    __filename: file,
    process: {
      ...process,
      argv: [process.argv[0], file, ...given],
      env: { ...process.env, ...environment },
      pid: process.pid,
    },
    ...globals,
  }
  return compileFunction(source, Object.keys(shadowed), { filename: file })(...Object.values(shadowed))
}
