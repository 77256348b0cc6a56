/** Spends by the library, in a process of its own: one JSON line a round, answered by one that says how the calls ended. */
import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { BillingError, createBilling, defineCatalog } from 'billfold'
import { openStore } from './open-store.mjs'

const { where, name } = JSON.parse(process.argv[2] ?? '{}')
const billing = createBilling({ catalog: defineCatalog({ plans: { free: {} } }), store: openStore(where) })

/** Ten Sparks each. @type {Record<string, (accountId: string, idempotencyKey: string) => Promise<unknown>>} */
const debits = {
  record: (accountId, idempotencyKey) =>
    billing.recordUsage({ accountId, meter: 'ai_tokens', quantity: 100, idempotencyKey }),
  refuse: (accountId, idempotencyKey) =>
    billing.recordUsage({ accountId, meter: 'ai_tokens', quantity: 100, idempotencyKey, onInsufficient: 'refuse' }),
  async hold(accountId, idempotencyKey) {
    const { id: holdId } = await billing.hold({ accountId, amount: '10', idempotencyKey })
    await billing.capture({ accountId, holdId, idempotencyKey })
  },
}

for await (const line of createInterface({ input: process.stdin })) {
  const { open, accountId, method, times, inFlight } = JSON.parse(line)
  /** @type {Record<string, number>} */
  const ends = {}
  if (open) {
    await billing.accounts.ensure({ accountId })
    const idempotencyKey = 'top-up'
    await billing.credits.grant({ accountId, amount: '1000', kind: 'paid', reason: 'top-up', idempotencyKey })
  } else {
    const waiting = Array.from({ length: times }, (_, index) => `${name}-${index}`)
    const work = async () => {
      for (let key = waiting.shift(); key !== undefined; key = waiting.shift()) {
        const end = await debits[method]?.(accountId, key).then(
          () => 'accepted',
          (error) => (BillingError.is(error) ? error.code : String(error)),
        )
        ends[String(end)] = (ends[String(end)] ?? 0) + 1
      }
    }
    await Promise.all(Array.from({ length: inFlight }, work))
  }
  writeSync(1, `${JSON.stringify(ends)}\n`)
}
