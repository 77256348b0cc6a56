import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { barChart } from './chart.mjs'
import { medianOf } from './figures.mjs'
import { shown, verdictOn } from './verdict.mjs'

/** @typedef {import('./figures.mjs').Result} Result */
/** @typedef {{ machine: Readonly<Record<string, string>>, settings: Readonly<Record<string, string>>, reps: number, results: readonly Result[] }} Report */

/** Names of the sides for people. @type {Readonly<Record<string, string>>} */
const sideNames = {
  ours: 'billfold',
  naiveFull: 'one transaction per call',
  kfull: 'bare group commit',
  rawFull: 'bare insert of the rows',
  naive: 'one transaction per call',
  raw: 'bare inserts, 64 a transaction',
}

/** Events/s of every side, one chart a setting. */
const charts = [
  { file: 'bench-hot', id: 'P1', title: 'recordUsage on PostgreSQL, one hot account, 1,024 callers' },
  { file: 'bench-spread', id: 'P3', title: 'recordUsage on PostgreSQL, 1,000 accounts, 1,024 callers' },
  { file: 'bench-sqlite', id: 'S1', title: 'recordUsage on SQLite, synchronous=FULL, 64 callers' },
]

/** Writes docs/performance.md and its charts. @param {string} root @param {Report} report */
export function writePage(root, report) {
  const media = join(root, 'docs/media')
  mkdirSync(media, { recursive: true })
  const drawn = charts.flatMap((chart) => {
    const result = report.results.find(({ id }) => id === chart.id)
    if (!result) return []
    const bars = barsOf(result)
    writeFileSync(join(media, `${chart.file}.svg`), barChart({ title: chart.title, unit: 'events/s', bars }))
    const said = bars.map(({ name, value }) => `${name} ${shown(value)} events/s`).join(', ')
    return [`![${chart.title}: ${said}](media/${chart.file}.svg)`]
  })
  const findings = readFileSync(join(root, 'bench/findings.md'), 'utf8')
  writeFileSync(join(root, 'docs/performance.md'), `${pageOf(report, drawn)}\n${findings}`)
}

/** @param {Result} result */
function barsOf({ runs }) {
  const sides = Object.keys(runs[0] ?? {})
  return sides.map((side) => ({
    name: sideNames[side] ?? side,
    value: medianOf(runs, side, 'ops'),
    isOurs: side === 'ours',
  }))
}

/** @param {Report} report @param {readonly string[]} drawn */
function pageOf({ machine, settings, reps, results }, drawn) {
  return `# Performance

What durable usage recording costs, measured against other code doing the same work in the same run. This page is generated:
\`npm run bench -- --write\` measures and writes it; its last two sections are \`bench/findings.md\`.

${drawn.join('\n\n')}

## How it is measured

Both sides run in turn in every repetition, in one process, driven by the same closed loop over the same events; a figure is the
median of ${reps} repetitions, and a ratio is one of medians. Machines differ and are noisy, so only ratios of one run mean anything.
The other sides live in \`bench/baseline\`, whose digests are checked before every run. A call of ours goes through the public API of
the built package: it is validated and rated, burns one of three open grants, counts against a quota, adds to a rollup, and queues a
delivery, and it is on disk when it resolves.

| | |
|---|---|
${Object.entries({ ...machine, ...prefixed(settings) })
  .map(([name, value]) => `| ${name} | ${value} |`)
  .join('\n')}

## Figures

"Goal" is what the project aims at, "floor" what it must not fall below: \`npm run bench\` fails where it does.

| | Measure | Figure | Goal | Floor | |
|---|---|---|---|---|---|
${results.flatMap(rowsOf).join('\n')}
${notesOf(results)}`
}

const words = { goal: 'reached', floor: 'below the goal', missed: 'below the floor' }

/** @param {Result} result */
function rowsOf({ id, parts, better }) {
  return parts.map(
    (part) =>
      `| ${id} | ${part.measure} | ${better === 'higher' ? '' : 'lower is better: '}${shown(part.ratio)} | ${shown(part.goal)} | ${shown(part.floor)} | ${words[verdictOn(part, better)]} |`,
  )
}

/** @param {readonly Result[]} results */
function notesOf(results) {
  const notes = [...new Set(results.flatMap(({ notes }) => notes))]
  return notes.length === 0 ? '' : `\n${notes.map((note) => `- ${note}`).join('\n')}\n`
}

/** @param {Readonly<Record<string, string>>} settings */
function prefixed(settings) {
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [`PostgreSQL ${name}`, value]))
}
