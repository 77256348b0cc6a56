#!/usr/bin/env node
// What an event costs: processor time of the process and of the server, bytes of write-ahead log, bytes kept. Out of these docs/scaling.md
// works out what a load takes. Processor time is read from /proc, so it needs Linux and a server on this machine.
//
//   npm run bench:capacity                    a plain store, then a distributed one
//   npm run bench:capacity -- --ms 5000 --json
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { setUp } from '../scripts/setup.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const log = (/** @type {string} */ line) => process.stderr.write(`${line}\n`)

const { values: options } = parseArgs({
  options: {
    ms: { type: 'string', default: '5000' },
    json: { type: 'boolean', default: false },
    'no-setup': { type: 'boolean', default: false },
  },
})
if (!options['no-setup']) await setUp({ root, log })
const { postgresStore } = await import('billfold/adapters/postgres')
const { checkDigests, loadBaseline } = await import('./baseline.mjs')
const { machine } = await import('./machine.mjs')
const { startPostgres, withClient } = await import('./postgres-server.mjs')
const { accountOf, benchSchema, createProduct, dropProduct, recordWith, resetProduct } = await import('./product.mjs')

/** Ticks of the kernel a second, as every Linux counts them for programs. */
const ticks = 100
const tables = ['ledger_entries', 'deliveries', 'rollups', 'events', 'accounts', 'credit_grants', 'counters', 'budgets']
const loads = [
  { accounts: 1_000, callers: 1 },
  { accounts: 1_000, callers: 64 },
  { accounts: 1_000, callers: 1_024 },
  { accounts: 1, callers: 64 },
  { accounts: 1, callers: 1_024 },
]

checkDigests()
const server = await startPostgres()
try {
  const { drive } = loadBaseline(server.connectionString)
  /** @type {Record<string, string | number>[]} */
  const rows = []
  for (const distributed of [false, true]) {
    for (const load of loads) rows.push(await measure(drive, load, distributed))
  }
  if (options.json) console.log(JSON.stringify({ id: 'capacity', machine: machine(), settings: server.settings, rows }))
  else console.table(rows)
} finally {
  await dropProduct(server.connectionString).finally(() => server.stop())
}
process.exit(0)

/**
 * @param {import('./baseline.mjs').Baseline['drive']} drive
 * @param {{ accounts: number, callers: number }} load
 * @param {boolean} distributed
 */
async function measure(drive, { accounts, callers }, distributed) {
  const { connectionString } = server
  await resetProduct(connectionString, accounts)
  const store = postgresStore({ connectionString, schema: benchSchema, distributed })
  let batches = 0
  const { ledger } = store
  const billing = createProduct({
    ...store,
    ledger: {
      ...ledger,
      commitFree(commands, rules, waitMs) {
        batches += 1
        return ledger.commitFree?.(commands, rules, waitMs) ?? ledger.commit(commands, rules)
      },
    },
  })
  await billing.accounts.get({ accountId: accountOf(1) })
  // The plans of the statements are made before the clock runs.
  await drive(recordWith(billing), { conc: callers, ms: 1_000, accounts, warm: 0 })
  batches = 0
  const before = await reading(connectionString)
  const driven = await drive(recordWith(billing), { conc: callers, ms: Number(options.ms), accounts, warm: 0 })
  const after = await reading(connectionString)
  await billing.close()
  if (driven.err > 0) throw new Error(`${driven.err} calls failed.`)
  const perEvent = (/** @type {number} */ difference) => difference / driven.n
  const row = {
    store: distributed ? 'distributed' : 'plain',
    accounts,
    callers,
    'events/s': Math.round(driven.ops),
    'events a batch': Number((driven.n / batches).toFixed(1)),
    'process µs': Math.round(perEvent(after.process - before.process)),
    'server µs': Math.round(perEvent(after.server - before.server) * 1e6),
    'WAL bytes': Math.round(perEvent(after.wal - before.wal)),
    'bytes kept': Math.round(perEvent(after.kept - before.kept)),
    'of them ledger': Math.round(perEvent(after.entries - before.entries)),
    p50: Number(driven.p50.toFixed(1)),
    p99: Number(driven.p99.toFixed(1)),
  }
  log(JSON.stringify(row))
  return row
}

/** @param {string} connectionString */
async function reading(connectionString) {
  const { user, system } = process.cpuUsage()
  return withClient(connectionString, async (client) => {
    const { rows } = await client.query(
      `SELECT pg_backend_pid() AS pid, pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8 AS wal,
        (SELECT sum(pg_total_relation_size(($1 || '.' || name)::regclass))::float8 FROM unnest($2::text[]) name) AS kept,
        pg_total_relation_size(($1 || '.ledger_entries')::regclass)::float8 AS entries`,
      [benchSchema, tables],
    )
    const [{ pid, wal, kept, entries }] = rows
    return { process: user + system, server: serverSeconds(pid), wal, kept, entries }
  })
}

/** Processor time of a server and of every process it has begun. @param {number} backend one of them */
function serverSeconds(backend) {
  const postmaster = statOf(backend)?.parent
  let sum = 0
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = statOf(Number(name))
    if (stat && stat.pid === postmaster) sum += stat.own + stat.ended
    else if (stat && stat.parent === postmaster) sum += stat.own
  }
  return sum / ticks
}

/** @param {number} pid @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
function statOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const at = (/** @type {number} */ place) => Number(fields[place - 3])
    return { pid, parent: at(4), own: at(14) + at(15), ended: at(16) + at(17) }
  } catch {
    return null
  }
}
