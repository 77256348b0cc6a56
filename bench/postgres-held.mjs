import { BillingError } from 'billfold'
import { ratioOf, repeat } from './figures.mjs'
import { withClient } from './postgres-server.mjs'
import { accountOf, openProduct, recordWith, resetProduct, usageOf } from './product.mjs'

// Whether a transaction of the app that stays open delays accounts that it has not touched, while calls for its own keep coming.

const accounts = 1_000
const heldAccount = accounts + 1
const openMs = 5_000
const everyMs = 20

/** @type {readonly import('./figures.mjs').Benchmark[]} */
export const postgresHeld = [
  {
    id: 'P19',
    title: 'recordUsage, p99 beside a transaction that is open for 5 s / without one',
    better: 'lower',
    async run(bench) {
      const parts = []
      for (const callers of [1, 64]) {
        const runs = await repeat(bench.reps, async (rep) => {
          const run = { alone: await drive(bench, callers, false), beside: await drive(bench, callers, true) }
          const shown = Object.entries(run).map(([name, { p50, p99 }]) => `${name} p50 ${p50} ms, p99 ${p99} ms`)
          bench.log(`open transaction, ${callers} callers, ${rep + 1} of ${bench.reps}: ${shown.join('; ')}`)
          return run
        })
        const measure = `${callers === 1 ? 'one caller' : `${callers} callers`}, 1,000 other accounts`
        parts.push(ratioOf({ measure, runs, of: 'beside', to: 'alone', figure: 'p99', goal: 1.2, floor: 2 }))
      }
      return { parts }
    },
  },
]

/** @param {import('./figures.mjs').Bench} bench @param {number} callers @param {boolean} isBeside */
async function drive(bench, callers, isBeside) {
  const { connectionString } = await bench.postgres()
  const { drive } = await bench.baseline()
  await resetProduct(connectionString, accounts)
  const billing = openProduct(connectionString)
  const accountId = accountOf(heldAccount)
  await billing.accounts.ensure({ accountId })
  const event = { a: heldAccount, m: 'm-small', t: new Date().toISOString(), i: 1, o: 1, c: 1 }
  /** @type {Promise<unknown>[]} */
  const waiting = []
  const driven = await withClient(connectionString, async (transaction) => {
    await transaction.query('BEGIN')
    if (isBeside) await billing.recordUsage({ ...usageOf({ ...event, k: 'in-it' }), transaction })
    const timer = setInterval(() => {
      if (isBeside)
        waiting.push(busyOrRecorded(billing.recordUsage(usageOf({ ...event, k: `of-it-${waiting.length}` }))))
    }, everyMs)
    const driven = await drive(recordWith(billing), { conc: callers, ms: openMs, accounts })
    clearInterval(timer)
    await transaction.query('COMMIT')
    return driven
  })
  await Promise.all(waiting)
  await billing.close()
  if (driven.err > 0) throw new Error(`${driven.err} calls met an error that they had not earned.`)
  return { ...driven }
}

/** @param {Promise<unknown>} call */
async function busyOrRecorded(call) {
  try {
    await call
  } catch (error) {
    if (!BillingError.is(error) || error.code !== 'account_busy') throw error
  }
}
