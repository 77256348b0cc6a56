import { createBilling, defineCatalog } from 'billfold'
import { afterEach, describe, expect, it } from 'vitest'
import { stores } from './stores.js'

const catalog = defineCatalog({
  plans: { free: { meters: { ai_tokens: { included: '1000' } } } },
})
const cleanUp: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step()
})

describe.each(stores)('on $name', ({ open }) => {
  async function billing() {
    const store = await open()
    const service = createBilling({ catalog, store, environment: { onError: () => {} } })
    cleanUp.push(() => service.close())
    return service
  }

  it('S3.11 verifyLedger finds nothing wrong with what went through the other verbs', async () => {
    const service = await billing()
    for (const accountId of ['acct_1', 'acct_2']) {
      await service.accounts.ensure({ accountId })
      await service.credits.grant({ accountId, amount: 900, reason: 'welcome', idempotencyKey: 'welcome' })
      await service.budgets.set({ accountId, limit: 4_000, interval: 'month', idempotencyKey: 'b' })
      const used = await service.recordUsage({ accountId, meter: 'ai_tokens', quantity: 1_500, idempotencyKey: 'u1' })
      const held = await service.hold({ accountId, amount: 5, ttlMs: 60_000, reason: 'work', idempotencyKey: 'h1' })
      await service.capture({ accountId, holdId: held.id, amount: 3, idempotencyKey: 'c1' })
      await service.hold({ accountId, amount: 2, ttlMs: 60_000, reason: 'work', idempotencyKey: 'h2' })
      await service.usage.void({ accountId, id: used.id, reason: 'a mistake', idempotencyKey: 'v1' })
      await service.credits.adjust({ accountId, amount: '-950', reason: 'corrected', idempotencyKey: 'a1' })
    }
    const all = await service.verifyLedger()
    expect(all.findings).toEqual([])
    expect(all.checked.accounts).toBe(2)
    const one = await service.verifyLedger({ accountId: 'acct_1', limit: 1 })
    expect(one).toEqual({ checked: { accounts: 1, entries: all.checked.entries / 2 }, findings: [] })
  })

  it('S3.11 verifyLedger refuses an account that is not there, and a limit that is none', async () => {
    const service = await billing()
    await expect(service.verifyLedger({ accountId: 'nobody' })).rejects.toMatchObject({ code: 'not_found' })
    for (const input of [{ limit: 0 }, { limit: 1_001 }, { limit: 1.5 }])
      await expect(service.verifyLedger(input)).rejects.toMatchObject({ code: 'invalid_request' })
    await expect(service.verifyLedger({ accountId: 'a b' })).rejects.toMatchObject({ code: 'invalid_id' })
  })
})
