// Quick start: an account with free credit asks, uses and is charged, all in memory.
// Run: npx tsx examples/quick-start/index.ts   (elsewhere: npm install billfold tsx, and "type": "module" in package.json)
import { BillingError, createBilling, defineCatalog, formatSparks } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'

const billing = createBilling({
  catalog: defineCatalog({
    plans: { free: { meters: { ai_tokens: { included: '1000' } } } },
    packages: { starter: { price: '20', sparks: '500000' } },
  }),
  store: memoryStore(),
})

try {
  await billing.accounts.ensure({ accountId: 'acme', email: 'billing@acme.example' })
  await billing.credits.grant({ accountId: 'acme', amount: '5000', reason: 'welcome', idempotencyKey: 'welcome-acme' })

  const decision = await billing.authorize({ accountId: 'acme', meter: 'ai_tokens', quantity: 1200 })
  if (decision.allowed) {
    const usage = await billing.recordUsage({
      accountId: 'acme',
      meter: 'ai_tokens',
      quantity: 1200,
      idempotencyKey: 'request-1',
    })
    const balance = await billing.credits.balance({ accountId: 'acme' })
    console.log(
      `${formatSparks(usage.sparks)} Sparks used, ${formatSparks(balance.available)} left, quota ${usage.quota.status}`,
    )
  }
} catch (error) {
  if (!BillingError.is(error)) throw error
  console.error(`${error.code}: ${error.message}`)
  process.exitCode = 1
} finally {
  await billing.close()
}
