// A process of its own that issues invoices until it is killed: `manual-kill.test.ts` starts several on one database.
import { sqliteStore } from 'billfold/adapters/sqlite'
import { manualProvider } from 'billfold/providers/manual'

const [path = '', name = ''] = process.argv.slice(2)
const provider = manualProvider({ store: sqliteStore({ path }), instructions: 'Transfer it.' })
const pages = { successUrl: 'https://app.example/ok', cancelUrl: 'https://app.example/no', promotionCodes: false }
for (let count = 0; count < 2_000; count += 1) {
  const intentId = `${name}_${count}`
  const sold = { intentId, accountId: 'a', customerId: 'a', mode: 'payment', title: 'Credits' } as const
  const amount = { currency: 'USD', nanos: 1_000_000_000n }
  const { externalId } = await provider.checkout.create({ ...sold, ...pages, amount }, { idempotencyKey: intentId })
  process.stdout.write(`${externalId}\n`)
}
