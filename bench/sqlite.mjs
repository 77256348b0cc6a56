import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sqliteStore } from 'billfold/adapters/sqlite'
import { compileBaseline, loadWorkload } from './baseline.mjs'
import { median, medianOf, percentile, ratioOf, repeat } from './figures.mjs'
import { createProduct, prepareAccounts, recordWith } from './product.mjs'
import { driver, openDurable, recordRows, settleLog, writeRows } from './sqlite-rows.mjs'
import { shown } from './verdict.mjs'

// The SQLite store with synchronous=FULL. Both sides use the driver that the store picks: node:sqlite where Node has it, else libsql.

/** @typedef {import('./figures.mjs').Bench} Bench */
/** @typedef {import('./figures.mjs').Repetition} Repetition */

/** What of `node:sqlite` is used here: the types of the oldest Node do not know it. @typedef {{ DatabaseSync: new (path: string) => any }} NodeSqlite */

const builtIn = /** @type {NodeSqlite | undefined} */ (process.getBuiltinModule?.('node:sqlite'))
const callers = 64
const accounts = 1_000

/** @type {readonly import('./figures.mjs').Benchmark[]} */
export const sqliteBenchmarks = [
  {
    id: 'S1',
    title: 'SQLite recordUsage, events/s of ours / one transaction per call',
    better: 'higher',
    async run(bench) {
      const runs = await measured(bench)
      const measure = `SQLite FULL (${driver}), ${callers} callers: ours / one transaction per call`
      const part = ratioOf({ measure, runs, of: 'ours', to: 'naive', figure: 'ops', goal: 9, floor: 6 })
      const same = medianOf(runs, 'ours', 'ops') / medianOf(runs, 'bareOne', 'ops')
      const most = medianOf(runs, 'bare', 'ops') / medianOf(runs, 'naive', 'ops')
      return {
        parts: [part],
        notes: [
          `S1: the other side writes three small rows a call. Bare inserts of the rows that a call of ours is, ${callers} a transaction, reach ${shown(most)} of it; against those rows written in one transaction per call, ours reaches ${shown(same)}.`,
        ],
      }
    },
  },
  {
    id: 'S2',
    title: 'SQLite recordUsage, events/s of ours / bare writes of the same rows in one transaction',
    better: 'higher',
    async run(bench) {
      const runs = await measured(bench)
      const measure = `SQLite FULL (${driver}), batches of ${callers}: ours / bare inserts and updates of the same rows, tables and indexes, row by row in one transaction`
      const part = ratioOf({ measure, runs, of: 'ours', to: 'bare', figure: 'ops', goal: 0.9, floor: 0.75 })
      const small = medianOf(runs, 'ours', 'ops') / medianOf(runs, 'raw', 'ops')
      return {
        parts: [part],
        notes: [
          `S2: a call of ours is about eight rows; against bare inserts of the one small row of the yardstick, ours reaches ${shown(small)}.`,
        ],
      }
    },
  },
  {
    id: 'S3',
    title: 'SQLite: how long a batch keeps the event loop, p50 in ms',
    better: 'lower',
    async run(bench) {
      const runs = (await measured(bench)).map(({ ours = {} }) => ({ ours }))
      const measure = `SQLite FULL (${driver}), ${callers} callers: p50 in ms of the longest turn of the event loop for a batch of calls`
      return { parts: [{ measure, ratio: medianOf(runs, 'ours', 'block'), goal: 2, floor: 5, runs }] }
    },
  },
]

/** @param {Bench} bench @returns {Promise<readonly Repetition[]>} */
function measured(bench) {
  return bench.once('sqlite', () => measure(bench))
}

/** @param {Bench} bench @returns {Promise<readonly Repetition[]>} */
async function measure(bench) {
  const folder = mkdtempSync(join(tmpdir(), 'billfold-bench-'))
  try {
    const template = join(folder, 'template.db')
    const billing = createProduct(sqliteStore({ path: template }))
    await prepareAccounts(billing, accounts)
    await billing.close()
    settleLog(template)
    return await repeat(bench.reps, async (rep) => {
      const file = (/** @type {string} */ name) => {
        const path = join(folder, `${rep}-${name}.db`)
        copyFileSync(template, path)
        return path
      }
      const run = {
        naive: driveNaive(bench.ms),
        ours: await driveOurs(file('ours'), bench.ms),
        bare: await driveBare(file, callers, 60),
        bareOne: await driveBare(file, 1, 400),
        raw: driveRaw(),
      }
      const sides = Object.entries(run).map(([name, { ops }]) => `${name} ${ops}/s`)
      bench.log(`SQLite, ${rep + 1} of ${bench.reps}: ${sides.join(', ')}`)
      return run
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** @param {string} path @param {number} ms */
async function driveOurs(path, ms) {
  const { drive } = loadWorkload()
  const billing = createProduct(sqliteStore({ path }))
  const record = recordWith(billing)
  let answered = 0
  const turns = watchTurns(() => answered)
  const driven = await drive(
    async (event) => {
      const status = await record(event)
      answered += 1
      return status
    },
    { conc: callers, ms, accounts },
  )
  const block = median(turns.stop())
  await billing.close()
  if (driven.err > 0) throw new Error(`${driven.err} calls failed on SQLite.`)
  return { ...driven, block, blockP99: percentile(turns.stop(), 0.99) }
}

/**
 * The rows that our store writes, written by nothing but plain statements.
 *
 * @param {(name: string) => string} file makes a copy of the prepared database
 * @param {number} size events in a transaction
 * @param {number} count transactions
 */
async function driveBare(file, size, count) {
  const { mkEvent } = loadWorkload()
  const batches = await recordRows(file(`recorded-${size}`), async (database) => {
    const billing = createProduct(sqliteStore({ database }))
    const record = recordWith(billing)
    for (let batch = 0; batch < count; batch += 1)
      await Promise.all(Array.from({ length: size }, () => record(mkEvent(accounts))))
    await billing.close()
  })
  const database = openDurable(file(`bare-${size}`))
  const ms = writeRows(database, batches)
  database.close()
  return { ops: Math.round((count * size * 1_000) / ms) }
}

/** The longest turn of the event loop, in ms, of those that led to each raise of a count. @param {() => number} count */
function watchTurns(count) {
  /** @type {number[]} */
  const longest = []
  let isOn = true
  let most = 0
  let [before, since] = [count(), performance.now()]
  const turn = () => {
    const [now, counted] = [performance.now(), count()]
    most = Math.max(most, now - since)
    if (counted > before) {
      longest.push(most)
      most = 0
    }
    before = counted
    since = now
    if (isOn) setImmediate(turn)
  }
  setImmediate(turn)
  return {
    stop() {
      isOn = false
      return longest
    },
  }
}

/** One transaction per call, as the yardstick does it. @param {number} ms */
function driveNaive(ms) {
  /** @type {unknown[][]} */
  const lines = []
  compileBaseline('sqlite-bench.js', [], {
    arguments: [driver, 'FULL', String(ms)],
    environment: { ONLY: 'naive' },
    globals: { console: { log: (/** @type {unknown[]} */ ...line) => lines.push(line) } },
  })
  return { ops: Number(lines[0]?.[2]) }
}

/**
 * The yardstick's bare inserts at FULL in batches of 64: the first of the twelve cases of its program, which opens one database for
 * each. Its clock runs only in that one, so that the others are over at once.
 */
function driveRaw() {
  /** @type {unknown[][]} */
  const lines = []
  let opened = 0
  let skipped = 0
  // Not an arrow function: it is called with `new`.
  function Database(/** @type {string} */ path) {
    opened += 1
    return openAsBetterSqlite3(path)
  }
  compileBaseline('sqlite-limit.js', [], {
    modules: {
      'better-sqlite3': Database,
    },
    globals: {
      console: { log: (/** @type {unknown[]} */ ...line) => lines.push(line) },
      performance: {
        now() {
          if (opened % 12 !== 1) skipped += 1e6
          return performance.now() + skipped
        },
      },
    },
  })
  const line = lines.find(([name]) => String(name).trim() === 'FULL batch 64 raw inserts only')
  return { ops: Number(line?.[1]) }
}

/** Opens a file in the shape of better-sqlite3, as far as the yardstick uses it. @param {string} path */
function openAsBetterSqlite3(path) {
  if (!builtIn) return new (createRequire(import.meta.url)('libsql'))(path)
  const database = new builtIn.DatabaseSync(path)
  const exec = (/** @type {string} */ sql) => database.exec(sql)
  return {
    exec,
    pragma: (/** @type {string} */ text) => exec(`PRAGMA ${text}`),
    prepare(/** @type {string} */ sql) {
      const statement = database.prepare(sql)
      return {
        run: statement.run.bind(statement),
        pluck: () => ({
          get: (/** @type {unknown[]} */ ...values) => Object.values(statement.get(...values) ?? {})[0],
        }),
      }
    },
    transaction(/** @type {(...given: unknown[]) => void} */ work) {
      const immediate = (/** @type {unknown[]} */ ...given) => {
        exec('BEGIN IMMEDIATE')
        work(...given)
        exec('COMMIT')
      }
      return Object.assign(immediate, { immediate })
    },
    close: () => database.close(),
  }
}
