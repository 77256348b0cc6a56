import { BillingError } from 'billfold'
import { ratioOf, repeat } from './figures.mjs'
import { accountOf, openProduct, recordWith, resetProduct, usageOf } from './product.mjs'

// Whether a bad neighbour in a batch slows the others: repeated keys, or calls on an account without credit, in otherwise good traffic.

/** @typedef {import('./baseline.mjs').Event} Event */

const accounts = 1_000
const callers = 512
const emptyAccount = accounts + 1

const traffics = /** @type {const} */ ([
  { name: 'clean', duplicates: 0, empty: 0 },
  { name: 'duplicates', duplicates: 0.5, empty: 0 },
  { name: 'empty', duplicates: 0, empty: 0.5 },
])

/** @type {readonly import('./figures.mjs').Benchmark[]} */
export const postgresNeighbours = [
  {
    id: 'P11',
    title: 'recordUsage, calls/s of mixed traffic / clean traffic',
    better: 'higher',
    async run(bench) {
      const runs = await repeat(bench.reps, async (rep) => {
        /** @type {Record<string, Readonly<Record<string, number>>>} */
        const run = {}
        for (const traffic of traffics) run[traffic.name] = await driveTraffic(bench, traffic)
        const shown = Object.entries(run).map(([name, { ops }]) => `${name} ${ops}/s`)
        bench.log(`mixed traffic, ${rep + 1} of ${bench.reps}: ${shown.join(', ')}`)
        return run
      })
      const part = (/** @type {string} */ measure, /** @type {string} */ of) =>
        ratioOf({ measure, runs, of, to: 'clean', figure: 'ops', goal: 0.8, floor: 0.5 })
      return {
        parts: [
          part(`${callers} callers, 1,000 accounts: half of the calls repeat a key`, 'duplicates'),
          part(`${callers} callers, 1,000 accounts: half of the calls on an account without credit`, 'empty'),
        ],
      }
    },
  },
]

/** @param {import('./figures.mjs').Bench} bench @param {(typeof traffics)[number]} traffic */
async function driveTraffic(bench, { duplicates, empty }) {
  const { connectionString } = await bench.postgres()
  const { drive } = await bench.baseline()
  await resetProduct(connectionString, accounts)
  const billing = openProduct(connectionString)
  await billing.accounts.ensure({ accountId: accountOf(emptyAccount) })
  const record = recordWith(billing)
  /** @type {Event[]} */
  const recent = []
  let number = 0
  const driven = await drive(
    async (event) => {
      number += 1
      const share = (number * 0.618_033_988_7) % 1
      if (share < empty) return refusedOn(billing, { ...event, a: emptyAccount })
      const repeated =
        share < duplicates && recent.length > 2_000 ? recent[(number * 7_919) % recent.length] : undefined
      if (repeated) return record(repeated)
      const status = await record(event)
      recent[number % 20_000] = event
      return status
    },
    { conc: callers, ms: bench.ms, accounts },
  )
  await billing.close()
  if (driven.err > 0) throw new Error(`${driven.err} calls of mixed traffic met an error that they had not earned.`)
  return { ...driven }
}

/** @param {import('./product.mjs').Product} billing @param {Event} event */
async function refusedOn(billing, event) {
  try {
    await billing.recordUsage({ ...usageOf(event), onInsufficient: 'refuse' })
  } catch (error) {
    if (BillingError.is(error) && error.code === 'insufficient_credits') return 0
    throw error
  }
  return 1
}
