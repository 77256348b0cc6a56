import { afterEach, describe, expect, it } from 'vitest'
import { openSandboxed, pay } from './sandboxed.js'
import { accountId, expectRefused, otherAccountId } from './setting.js'
import { stores } from './stores.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

for (const tested of stores) {
  describe(`what is sold, and to whom, on ${tested.name}`, () => {
    it('S4.3 the price list has the plans and meters of the catalog, in its order', async () => {
      const { billing } = await openSandboxed(tested, closing)
      const { plans, meters, ...prices } = await billing.priceList()
      expect(prices).toEqual({ currency: 'USD', spark: '0.00004' })
      expect(meters[0]).toEqual({ meter: 'ai_tokens', unit: 'token', aggregation: 'sum' })
      expect(plans).toMatchObject([
        { name: 'free', price: null, isDefault: true, features: { sso: false, support: 'e-mail' } },
        {
          name: 'pro',
          price: { amount: '20', interval: 'month', perSeat: false, trialDays: 0 },
          meters: [{ meter: 'ai_tokens', included: '1000000', limit: null }],
          isDefault: false,
        },
      ])
    })

    it('S4.2 an account has a customer’s id once the provider knows it, and nobody else’s', async () => {
      const setting = await openSandboxed(tested, closing)
      const { billing } = setting
      expect(await billing.accounts.customers({ accountId })).toEqual([])
      const page = { accountId, kind: 'credits', amount: '10', successUrl: '/', cancelUrl: '/' } as const
      await pay(setting, (await billing.createCheckout(page)).url)
      const id = expect.stringMatching(/^cus_/)
      expect(await billing.accounts.customers({ accountId })).toEqual([{ provider: 'stripe', id }])
      expect(await billing.accounts.customers({ accountId: otherAccountId })).toEqual([])
      expect(await billing.accounts.lifetimePurchases({ accountId })).toEqual([])
      for (const verb of [billing.accounts.customers, billing.accounts.lifetimePurchases])
        await expectRefused(setting, 'not_found', () => verb({ accountId: 'nobody' }))
    })
  })
}
