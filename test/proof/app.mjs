/**
 * An app on SQLite, in a process of its own so that it can be killed. Reads its settings as JSON from the first argument, says
 * `ack <key>` for every usage that was acknowledged, then `done`; with `finish` it then delivers everything and stops.
 */
import { writeSync } from 'node:fs'
import { createBilling, defineCatalog } from 'billfold'
import { sqliteStore } from 'billfold/adapters/sqlite'
import { langfuseProvider } from 'billfold/providers/langfuse'
import { stripeProvider } from 'billfold/providers/stripe'
import Stripe from 'stripe'

const { path, stripe, langfuse, keys, inFlight, finish } = JSON.parse(process.argv[2] ?? '{}')
const { apiKey, ...address } = stripe
const client = new Stripe(apiKey, { ...address, telemetry: false, maxNetworkRetries: 0 })
const billing = createBilling({
  catalog: defineCatalog({ plans: { free: {} } }),
  // At the end the store's clock runs ahead, so that what a killed process had claimed, or was to be tried later, is due.
  store: sqliteStore({ path, now: () => Date.now() + (finish ? 3_600_000 : 0) }),
  providers: {
    default: stripeProvider({ client, webhookSecret: 'whsec_unused' }),
    tracing: langfuseProvider(langfuse),
  },
  environment: { onError: () => {} },
})
await billing.accounts.ensure({ accountId: 'acct_1', email: 'ada@example.com' })
if (!finish) void billing.sync.run({ signal: new AbortController().signal })

const waiting = [...keys]
await Promise.all(
  Array.from({ length: inFlight }, async () => {
    for (let key = waiting.shift(); key !== undefined; key = waiting.shift()) {
      await billing.recordUsage({ accountId: 'acct_1', meter: 'ai_tokens', quantity: 7, idempotencyKey: key })
      // Written before anything else can happen: what the parent reads was acknowledged, and what it does not read was not.
      writeSync(1, `ack ${key}\n`)
    }
  }),
)
writeSync(1, 'done\n')
if (finish) {
  for (let pass = 0; pass < 20; pass += 1) {
    await billing.sync.flush()
    if ((await billing.sync.status()).deliveries.length === 0) break
  }
  await billing.close()
}
