/**
 * Works by the library in a process of its own, to be killed in the middle of it. Says that it is loaded; told what to do, it says of
 * each call how it ended, once it did: its verb, account and key with `ack`, or with the error's code and outcome. With `isRash` it
 * says so before: what the harness must notice.
 */
import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { BillingError, createBilling, defineCatalog } from 'billfold'
import { openStore } from './open-store.mjs'

const { where, isRash } = JSON.parse(process.argv[2] ?? '{}')
const environment = { onError: () => {} }
const catalog = defineCatalog({ plans: { free: {} } })

/** Written before anything else can happen: what the parent reads was answered. @param {unknown} line */
const say = (line) => writeSync(1, `${JSON.stringify(line)}\n`)

say('loaded')
for await (const line of createInterface({ input: process.stdin })) {
  const { works, inFlight } = JSON.parse(line)
  const billing = createBilling({ catalog, store: openStore(where), environment })
  const verbs = verbsOf(billing)
  const work = async () => {
    for (let next = works.shift(); next !== undefined; next = works.shift()) {
      const { verb, accountId, key } = next
      try {
        if (isRash) say([verb, accountId, key, 'ack'])
        await verbs[verb]?.(accountId, key)
      } catch (error) {
        say([verb, accountId, key, ...(BillingError.is(error) ? [error.code, error.outcome] : [String(error)])])
      }
    }
  }
  await Promise.all(Array.from({ length: inFlight }, work))
  await billing.close()
  say('done')
}

/**
 * @param {import('billfold').BillingCore} billing
 * @returns {Record<string, (accountId: string, key: string) => Promise<void>>}
 */
function verbsOf(billing) {
  const hold = async (/** @type {string} */ accountId, /** @type {string} */ idempotencyKey) => {
    const { id } = await billing.hold({ accountId, amount: '2', ttlMs: 86_400_000, idempotencyKey })
    say(['hold', accountId, idempotencyKey, 'ack'])
    return id
  }
  return {
    async open(accountId, idempotencyKey) {
      await billing.accounts.ensure({ accountId })
      const amount = accountId === 'acct_rich' ? '100000' : '1'
      await billing.credits.grant({ accountId, amount, kind: 'paid', reason: 'top-up', idempotencyKey })
      say(['open', accountId, idempotencyKey, 'ack'])
    },
    // 0.7 Sparks: no key is a whole one.
    async usage(accountId, idempotencyKey) {
      await billing.recordUsage({ accountId, meter: 'ai_tokens', quantity: 7, idempotencyKey })
      say(['usage', accountId, idempotencyKey, 'ack'])
    },
    async grant(accountId, idempotencyKey) {
      await billing.credits.grant({ accountId, amount: '3', reason: 'gift', idempotencyKey })
      say(['grant', accountId, idempotencyKey, 'ack'])
    },
    async hold(accountId, idempotencyKey) {
      await hold(accountId, idempotencyKey)
    },
    async capture(accountId, idempotencyKey) {
      const holdId = await hold(accountId, idempotencyKey)
      await billing.capture({ accountId, holdId, amount: '1.5', idempotencyKey })
      say(['capture', accountId, idempotencyKey, 'ack'])
    },
    async release(accountId, idempotencyKey) {
      const holdId = await hold(accountId, idempotencyKey)
      await billing.release({ accountId, holdId, idempotencyKey })
      say(['release', accountId, idempotencyKey, 'ack'])
    },
  }
}
