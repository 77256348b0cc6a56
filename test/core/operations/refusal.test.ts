import { type BillingError, createBilling, defineCatalog } from 'billfold'
import { afterEach, describe, expect, it } from 'vitest'
import { stores } from './stores.js'

const catalog = defineCatalog({
  meters: {
    'b:c': { unit: 'call', rate: { mode: 'per_unit', sparks: '1', per: '1' } },
    c: { unit: 'call', rate: { mode: 'per_unit', sparks: '1', per: '1' } },
  },
  plans: {
    free: { meters: { 'b:c': { included: '1' }, c: { included: '1' } } },
    pro: { price: { amount: '5' }, meters: { c: { included: '1000' } } },
    capped: { price: { amount: '1' }, meters: { c: { included: '1', limit: '1' } } },
  },
  packages: { starter: { price: '20', sparks: '500000' } },
})
const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

for (const tested of stores) {
  describe(`refusals on ${tested.name}`, () => {
    async function open(accountId: string) {
      const billing = createBilling({ catalog, store: await tested.open() })
      closing.push(() => billing.close())
      await billing.accounts.ensure({ accountId })
      return billing
    }

    it('S3.9 say in JSON what would help, as authorize does', async () => {
      const billing = await open('a')
      const request = { accountId: 'a', meter: 'c', quantity: 3 } as const
      const failure: BillingError = await billing
        .recordUsage({ ...request, onInsufficient: 'refuse', idempotencyKey: 'u-1' })
        .catch((error) => error)
      expect(failure.code).toBe('insufficient_credits')
      expect(JSON.parse(JSON.stringify(failure.details))).toEqual({
        accountId: 'a',
        reason: 'insufficient_credits',
        balance: { balance: '0', held: '0', available: '0', debt: '0' },
        quota: expect.objectContaining({ meter: 'c', status: 'throttled', used: '0', limit: '1' }),
        requestedSparks: '3',
        missingSparks: '2',
        remedies: [
          { kind: 'top_up', package: 'starter', missingSparks: '2' },
          { kind: 'upgrade', plan: 'pro' },
          { kind: 'smaller_request', quantity: '1' },
        ],
      })
    })

    it('S0.6 of accounts and meters whose names join to the same text tell of each', async () => {
      const billing = await open('a')
      await billing.accounts.ensure({ accountId: 'a:b' })
      const told: string[] = []
      billing.on('test', 'quota.reached', ({ accountId, data }) => void told.push(`${accountId} ${data.meter}`))
      await billing.recordUsage({ accountId: 'a', meter: 'b:c', quantity: 1, idempotencyKey: 'u-1' })
      await billing.recordUsage({ accountId: 'a:b', meter: 'c', quantity: 1, idempotencyKey: 'u-1' })
      await billing.sync.flush()
      expect(told.sort()).toEqual(['a b:c', 'a:b c'])
    })
  })
}
