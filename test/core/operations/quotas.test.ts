import { afterEach, describe, it } from 'vitest'
import { badIds, badInputs } from './bad-values.js'
import { accountId, expectRefused, open } from './setting.js'
import { stores } from './stores.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

for (const tested of stores) {
  describe(`getQuota on ${tested.name}`, () => {
    it('S0.6 refuses accounts and meters that are none', async () => {
      const setting = await open(tested, closing)
      const { getQuota } = setting.billing
      for (const [, id] of badIds) {
        await expectRefused(setting, 'invalid_id', () => getQuota({ accountId: id as never, meter: 'ai_tokens' }))
      }
      for (const meter of [
        'nope',
        '',
        ' ai_tokens',
        'AI_TOKENS',
        '__proto__',
        'constructor',
        'toString',
        'm'.repeat(100_000),
      ]) {
        await expectRefused(setting, 'not_found', () => getQuota({ accountId, meter: meter as never }))
      }
      for (const meter of [undefined, null, 5, ['ai_tokens'], { toString: () => 'ai_tokens' }, Symbol('ai_tokens')]) {
        await expectRefused(setting, 'invalid_request', () => getQuota({ accountId, meter: meter as never }))
      }
      for (const [, input] of badInputs) await expectRefused(setting, 'invalid_request', () => getQuota(input as never))
      await expectRefused(setting, 'not_found', () => getQuota({ accountId: 'acct_missing', meter: 'ai_tokens' }))
      const named = { accountId, meter: 'ai_tokens', tenantId: 'acct_b' } as never
      await expectRefused(setting, 'unknown_field', () => getQuota(named))
    })
  })
}
