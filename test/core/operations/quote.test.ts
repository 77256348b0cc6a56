import { afterEach, describe, expect, it } from 'vitest'
import { accountId, expectRefused, open } from './setting.js'
import { stores } from './stores.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

for (const tested of stores) {
  describe(`what a gateway needs of the ledger, on ${tested.name}`, () => {
    it('S1.2 S2.3 quotes what usage would cost, exactly, and asks nothing of an account', async () => {
      const setting = await open(tested, closing)
      const { billing } = setting
      const asked = { meter: 'model_calls', model: 'gpt-5', tokens: { input: 1000, output: 10 } } as const
      // 0.00125 + 0.0001, with the margin of 1.2, at 0.00004 a Spark.
      expect(await billing.quote(asked)).toMatchObject({ costUsd: '0.00135', sparks: 40_500_000n })
      expect(await billing.quote({ ...asked, tokens: { input: 0 } })).toMatchObject({ sparks: 0n })
      await expectRefused(setting, 'model_not_priced', () => billing.quote({ ...asked, model: 'unknown' }))
      await expectRefused(setting, 'model_not_priced', () => billing.quote({ ...asked, tokens: { input_audio: 1 } }))
    })

    it('S2.5 a rule suspends and resumes only for its own reason', async () => {
      const { billing } = await open(tested, closing)
      const rule = (reason: string, key: string) => ({ accountId, reason, automatic: true, idempotencyKey: key })
      await billing.accounts.suspend({ accountId, reason: 'abuse', idempotencyKey: 's-1' })
      expect((await billing.accounts.suspend(rule('no funds', 's-2'))).suspendedFor).toBe('abuse')
      expect((await billing.accounts.resume(rule('no funds', 'r-1'))).suspendedFor).toBe('abuse')
      await billing.accounts.resume({ accountId, reason: 'looked at', idempotencyKey: 'r-2' })
      expect((await billing.accounts.suspend(rule('no funds', 's-3'))).suspendedFor).toBe('no funds')
      expect((await billing.accounts.resume(rule('no funds', 'r-3'))).suspendedFor).toBeNull()
    })

    it('S3.7 lists the changes of one kind, a page at a time', async () => {
      const { billing } = await open(tested, closing)
      for (const key of ['1', '2', '3']) {
        await billing.credits.grant({ accountId, amount: 10, reason: key, idempotencyKey: key })
        await billing.recordUsage({ accountId, meter: 'ai_tokens', quantity: 10, idempotencyKey: key })
      }
      const first = await billing.credits.transactions({ accountId, operation: 'grant', limit: 2 })
      expect(first.items.map(({ reason }) => reason)).toEqual(['3', '2'])
      const cursor = first.nextCursor ?? ''
      const rest = await billing.credits.transactions({ accountId, operation: 'grant', limit: 2, cursor })
      expect(rest.items.map(({ reason }) => reason)).toEqual(['1'])
    })

    it('S2.3 usage of metered work carries what is known only when it is done', async () => {
      const setting = await open(tested, closing)
      const { billing } = setting
      await billing.credits.grant({ accountId, amount: 1_000, reason: 'welcome', idempotencyKey: 'g' })
      const asked = { accountId, meter: 'ai_tokens', estimate: { quantity: 900 }, idempotencyKey: 'm' } as const
      const dimensions = { feature: 'chat' }
      const { usage } = await billing.meter({ ...asked, dimensions }, async ({ report }) => {
        report({ quantity: 300, dimensions: { estimated: 'aborted', feature: 'other' } })
      })
      const kept = await billing.usage.get({ accountId, id: usage?.id ?? '' })
      expect(kept).toMatchObject({ quantity: '300', dimensions: { feature: 'chat', estimated: 'aborted' } })
      const held = await billing.hold({ accountId, meter: 'ai_tokens', quantity: 10, idempotencyKey: 'h' })
      const late = { accountId, holdId: held.id, quantity: 5, dimensions: { team: 'red' }, idempotencyKey: 'c' }
      await expectRefused(setting, 'invalid_request', () => billing.capture(late))
    })
  })
}
