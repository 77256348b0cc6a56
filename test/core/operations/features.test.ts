import { afterEach, describe, expect, it } from 'vitest'
import { changePlan } from '../../../src/testing/store-conformance/commands.js'
import { type BadInput, badAccounts } from './bad-values.js'
import { accountId, catalog, expectAllRefused, open, otherAccountId } from './setting.js'
import { stores } from './stores.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const rules = { catalog, metering: [], tracing: [], collecting: null }

for (const tested of stores) {
  describe(`features on ${tested.name}`, () => {
    it('C3 refuse accounts that are none', async () => {
      const setting = await open(tested, closing)
      const wrong: readonly BadInput[] = [
        ['feature: missing', { feature: undefined }, 'invalid_request'],
        ['feature: a number', { feature: 5 }, 'invalid_request'],
      ]
      await expectAllRefused(setting, setting.billing.features.has, { accountId, feature: 'sso' }, [
        ...badAccounts,
        ...wrong,
      ])
      await expectAllRefused(setting, setting.billing.features.list, { accountId }, badAccounts)
    })

    it('C3 are those of the plan; what nobody knows is no feature, and no error', async () => {
      const { billing, store } = await open(tested, closing)
      const has = (feature: string) => billing.features.has({ accountId, feature })
      const names = ['sso', 'support', 'compute_minutes', 'images', 'ai_tokens', 'nope', '', '__proto__', 'constructor']
      expect(await Promise.all(names.map(has))).toEqual([false, true, true, false, false, false, false, false, false])
      const quota = (meter: string) => billing.getQuota({ accountId, meter: meter as 'images' })
      expect(await billing.features.list({ accountId })).toEqual([
        { name: 'compute_minutes', type: 'metered', enabled: true, quota: await quota('compute_minutes') },
        { name: 'images', type: 'metered', enabled: false, quota: await quota('images') },
        { name: 'sso', type: 'boolean', enabled: false },
        { name: 'support', type: 'static', enabled: true, value: 'e-mail' },
      ])
      await store.ledger.commit([changePlan(accountId, 'p-1', 'pro')], rules)
      expect(await Promise.all(names.map(has))).toEqual([true, false, false, false, true, false, false, false, false])
    })

    it('C3 agreed with an account stand in the place of the plan’s', async () => {
      const { billing } = await open(tested, closing)
      const terms = {
        meters: { images: { limit: null }, ai_tokens: { included: 'unlimited' } },
        features: { sso: true, support: false, region: 'eu' },
      } as const
      await billing.accounts.update({ accountId, terms, idempotencyKey: 't-1' })
      const features = await billing.features.list({ accountId })
      expect(features.map(({ name, enabled }) => [name, enabled])).toEqual([
        ['ai_tokens', true],
        ['compute_minutes', true],
        ['images', true],
        ['region', true],
        ['sso', true],
        ['support', false],
      ])
      expect(await billing.features.has({ accountId: otherAccountId, feature: 'sso' })).toBe(false)
      await billing.accounts.update({ accountId, terms: null, idempotencyKey: 't-2' })
      expect(await billing.features.has({ accountId, feature: 'sso' })).toBe(false)
    })

    it('C3 of a plan that the catalog does not know are none', async () => {
      const { billing, store } = await open(tested, closing)
      await store.accounts.ensure({ id: 'acct_old', email: null, name: null, plan: 'retired' })
      expect(await billing.features.list({ accountId: 'acct_old' })).toEqual([])
      for (const feature of ['sso', 'ai_tokens'])
        expect(await billing.features.has({ accountId: 'acct_old', feature })).toBe(false)
    })
  })
}
