import { afterEach, describe, expect, it } from 'vitest'
import { badIds, badInputs, badRedirects } from './bad-values.js'
import { openSandboxed } from './sandboxed.js'
import { accountId, expectRefused, sharedWith } from './setting.js'
import { stores } from './stores.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const sale = { accountId, kind: 'package', package: 'starter', successUrl: '/ok', cancelUrl: '/no' } as const

for (const tested of stores) {
  describe(`createPortal on ${tested.name}`, () => {
    const openCase = sharedWith((afterwards) => openSandboxed(tested, afterwards))

    for (const [what, returnUrl, code] of badRedirects) {
      it(`S1.5 refuses to come back to ${what}`, async () => {
        const setting = await openCase()
        const input = { accountId: setting.accountId, returnUrl: returnUrl as never }
        await expectRefused(setting, code, () => setting.billing.createPortal(input))
      })
    }

    it('S1.5 refuses accounts that are none, and a customer of the caller’s choice', async () => {
      const setting = await openCase()
      const { createPortal } = setting.billing
      const returnUrl = '/back'
      for (const [, id] of badIds) {
        await expectRefused(setting, 'invalid_id', () => createPortal({ accountId: id as never, returnUrl }))
      }
      for (const [, input] of badInputs)
        await expectRefused(setting, 'invalid_request', () => createPortal(input as never))
      await expectRefused(setting, 'not_found', () => createPortal({ accountId: 'acct_missing', returnUrl }))
      await expectRefused(setting, 'invalid_request', () => createPortal({ accountId } as never))
      const named = { accountId, returnUrl, customerId: 'cus_of_acct_b' } as never
      await expectRefused(setting, 'unknown_field', () => createPortal(named))
    })

    it('S1.5 needs a customer, which a checkout makes', async () => {
      const setting = await openSandboxed(tested, closing)
      const portal = () => setting.billing.createPortal({ accountId, returnUrl: '/back' })
      await expectRefused(setting, 'invalid_state', portal)
      await setting.billing.createCheckout(sale)
      expect((await portal()).url).toMatch(/^http/)
    })
  })
}
