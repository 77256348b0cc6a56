import { afterEach, describe, expect, it } from 'vitest'
import { expectRefused, open } from './setting.js'
import { stores } from './stores.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

for (const tested of stores) {
  describe(`sync.flush on ${tested.name}`, () => {
    it('refuses a time to stop at that is none', async () => {
      const setting = await open(tested, closing)
      const { flush } = setting.billing.sync
      for (const timeoutMs of [-1, Number.NaN, Number.POSITIVE_INFINITY, '5', null, 5n, {}]) {
        await expectRefused(setting, 'invalid_request', () => flush({ timeoutMs: timeoutMs as never }))
      }
      for (const options of [null, 5, 'soon', []]) {
        await expectRefused(setting, 'invalid_request', () => flush(options as never))
      }
      await expectRefused(setting, 'unknown_field', () => flush({ timeout: 5 } as never))
      expect(await flush({ timeoutMs: 0 })).toMatchObject({ tried: 0 })
      expect(await flush({ timeoutMs: 20_000 })).toMatchObject({ tried: 0, idle: true })
    })
  })
}
