/**
 * An app that is told of usage by two metering providers, in a process of its own so that it can be killed. Reads its settings as JSON
 * from the first argument; `offsetMs` is what its clock is ahead. Says `ack <key>` for each usage that was acknowledged, and `done`. With
 * `promote` it has that provider collect instead; with `finish` it delivers everything and stops.
 */
import { writeSync } from 'node:fs'
import { createBilling, defineCatalog } from 'billfold'
import { sqliteStore } from 'billfold/adapters/sqlite'
import { lagoProvider } from 'billfold/providers/lago'
import { stripeProvider } from 'billfold/providers/stripe'
import { Client } from 'lago-javascript-client'
import Stripe from 'stripe'

const { path, stripe, lago, usage = [], accounts, offsetMs, promote, finish } = JSON.parse(process.argv[2] ?? '{}')
const { apiKey, ...address } = stripe
const now = () => Date.now() + offsetMs
const limits = { requestsPerSecond: 100_000 }
const billing = createBilling({
  catalog: defineCatalog({ plans: { postpaid: { overage: true } }, defaultPlan: 'postpaid' }),
  // At the end the store's clock runs ahead, so that what a killed process had claimed, or was to be tried later, is due.
  store: sqliteStore({ path, now: () => now() + (finish ? 3_600_000 : 0) }),
  providers: {
    metering: [
      stripeProvider({
        client: new Stripe(apiKey, { ...address, telemetry: false, maxNetworkRetries: 0 }),
        now,
        limits,
      }),
      lagoProvider({
        client: Client(lago.apiKey, { baseUrl: lago.baseUrl }),
        now,
        limits: { ...limits, eventRequestsPerSecond: 100_000 },
      }),
    ],
  },
  environment: { now, onError: () => {} },
})
for (const accountId of accounts) await billing.accounts.ensure({ accountId })

if (promote) {
  const { failures } = await billing.metering.promote({ provider: promote })
  if (failures.length > 0) throw failures[0]
}
// Minutes are not waited for, so that something is being told whenever it is killed.
let isOver = false
const telling = (async () => {
  while (!isOver && !finish) {
    await billing.sync.flush({ timeoutMs: 300 }).catch(() => {})
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
})()
const waiting = [...usage]
await Promise.all(
  Array.from({ length: 20 }, async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { key, accountId, occurredAt } = next
      const when = occurredAt === undefined ? {} : { occurredAt: new Date(occurredAt) }
      await billing.recordUsage({ accountId, meter: 'ai_tokens', quantity: 7, idempotencyKey: key, ...when })
      writeSync(1, `ack ${key}\n`)
    }
  }),
)
isOver = true
await telling
if (finish) {
  for (let pass = 0; pass < 20; pass += 1) {
    await billing.sync.flush()
    if ((await billing.sync.status()).deliveries.length === 0) break
  }
}
writeSync(1, 'done\n')
await billing.close()
