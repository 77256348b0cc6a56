import { parseSparks } from 'billfold'
import { afterEach, describe, expect, it } from 'vitest'
import { type BadInput, badAccounts, badMetadata, badPages, badTimes } from './bad-values.js'
import { accountId, expectAllRefused, expectRefused, open, otherAccountId } from './setting.js'
import { stores } from './stores.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const bad: readonly BadInput[] = [
  ...badAccounts,
  ...badPages,
  ...badTimes
    .filter(([what]) => what !== '30 February')
    .map(([what, from, code]): BadInput => [`from: ${what}`, { from }, code]),
  ['from: no day', { from: '2026-02-30' }, 'invalid_timestamp'],
  ['from: after to', { from: '2026-11-02', to: '2026-11-01' }, 'invalid_range'],
  ['meter: unknown', { meter: 'nope' }, 'invalid_request'],
  ['model: a number', { model: 5 }, 'invalid_request'],
  ...badMetadata.map(([what, dimension]): BadInput => [`dimension: ${what}`, { dimension }, 'invalid_metadata']),
  ['dimension: two of them', { dimension: { a: '1', b: '2' } }, 'invalid_metadata'],
  ['dimension: none', { dimension: {} }, 'invalid_metadata'],
]

for (const tested of stores) {
  describe(`usage.list on ${tested.name}`, () => {
    it('S3.8 refuses filters and pages that are none', async () => {
      const setting = await open(tested, closing)
      await expectAllRefused(setting, setting.billing.usage.list, { accountId }, bad)
    })

    it('S3.8 S4.1 lists usage newest first, a page at a time, with who paid and what was corrected', async () => {
      const { billing } = await open(tested, closing)
      await billing.credits.grant({ accountId, amount: 2, reason: 'gift', idempotencyKey: 'g-1' })
      const ids: string[] = []
      for (let count = 1; count <= 5; count += 1) {
        const use = { accountId, meter: 'ai_tokens', quantity: 10, idempotencyKey: `u-${count}` } as const
        ids.push((await billing.recordUsage(use)).id)
      }
      await billing.usage.void({ accountId, id: ids[1] ?? '', reason: 'test', idempotencyKey: 'v-1' })
      const seen = []
      let cursor: string | undefined
      do {
        const page = await billing.usage.list({ accountId, limit: 2, ...(cursor ? { cursor } : {}) })
        expect(page.items.length).toBeLessThanOrEqual(2)
        seen.push(...page.items)
        cursor = page.nextCursor ?? undefined
      } while (cursor !== undefined)
      expect(seen.map(({ id }) => id)).toEqual([...ids].reverse())
      expect(seen.map(({ billed }) => billed)).toEqual([false, false, false, true, true])
      expect(seen.map(({ voided }) => voided)).toEqual([false, false, false, true, false])
      expect(seen[3]).toMatchObject({ sparks: 0n, settledBy: {}, original: { sparks: parseSparks('1') } })
      expect(seen[4]).toMatchObject({ meter: 'ai_tokens', quantity: '10', settledBy: { credits: parseSparks('1') } })
    })

    it('S3.8 filters by meter, model, dimension and when it was recorded', async () => {
      const setting = await open(tested, closing)
      const { billing } = setting
      const odd = `a"b'c.d $`
      const awkward = 'a "quoted" \\ 模型 $.x'
      const use = async (key: string, change: object) => {
        const input = { accountId, meter: 'ai_tokens', quantity: 10, idempotencyKey: key, ...change } as const
        await billing.recordUsage(input)
        setting.advance(86_400_000)
      }
      await use('u-1', { model: 'gpt-5', dimensions: { feature: 'chat', [odd]: awkward } })
      await use('u-2', { meter: 'compute_minutes', dimensions: { feature: 'search' } })
      await use('u-3', { model: 'gpt-5' })
      await use('u-4', { model: awkward, apiKeyId: 'key_1', occurredAt: '2026-11-01T00:00:00Z' })
      const keys = async (filter: object) => {
        const { items } = await billing.usage.list({ accountId, ...filter })
        const entries = await Promise.all(items.map(({ id }) => setting.store.ledger.entry(accountId, id)))
        return entries.map((entry) => entry?.key)
      }
      expect(await keys({ meter: 'compute_minutes' })).toEqual(['u-2'])
      expect(await keys({ model: 'gpt-5' })).toEqual(['u-3', 'u-1'])
      expect(await keys({ model: awkward })).toEqual(['u-4'])
      expect(await keys({ dimension: { feature: 'search' } })).toEqual(['u-2'])
      expect(await keys({ dimension: { [odd]: awkward } })).toEqual(['u-1'])
      expect(await keys({ dimension: { api_key: 'key_1' } })).toEqual(['u-4'])
      expect(await keys({ dimension: { feature: 'chat' }, meter: 'compute_minutes' })).toEqual([])
      expect(await keys({ from: '2026-11-22' })).toEqual(['u-4', 'u-3', 'u-2'])
      expect(await keys({ from: '2026-11-22T12:00:00Z', to: '2026-11-24' })).toEqual(['u-3', 'u-2'])
      expect(await keys({ to: '2026-11-22T12:00:00Z' })).toEqual(['u-1'])
      const firstPage = await billing.usage.list({ accountId, model: 'gpt-5', limit: 1 })
      expect(await keys({ model: 'gpt-5', cursor: firstPage.nextCursor })).toEqual(['u-1'])
    })

    it('S3.10 lists this account’s usage, captures included and nothing else', async () => {
      const setting = await open(tested, closing)
      const { billing } = setting
      expect(await billing.usage.list({ accountId })).toEqual({ items: [], nextCursor: null })
      const use = { meter: 'ai_tokens', quantity: 10, idempotencyKey: 'u-1' } as const
      await billing.recordUsage({ ...use, accountId: otherAccountId })
      await billing.recordUsage({ ...use, accountId: otherAccountId, idempotencyKey: 'u-2' })
      await billing.credits.grant({ accountId, amount: 100, reason: 'gift', idempotencyKey: 'g-1' })
      const held = await billing.hold({ accountId, amount: 5, idempotencyKey: 'h-1' })
      await billing.capture({ accountId, holdId: held.id, idempotencyKey: 'c-1' })
      const { items } = await billing.usage.list({ accountId })
      expect(items).toMatchObject([{ meter: null, quantity: '0', sparks: parseSparks('5'), holdId: held.id }])
      const { nextCursor } = await billing.usage.list({ accountId: otherAccountId, limit: 1 })
      await expectRefused(setting, 'invalid_cursor', () => billing.usage.list({ accountId, cursor: nextCursor ?? '' }))
    })
  })

  describe(`usage.limits on ${tested.name}`, () => {
    it('S3.8 says what each meter and budget has, with zeros where nothing was used', async () => {
      const setting = await open(tested, closing)
      const { billing } = setting
      await expectAllRefused(setting, billing.usage.limits, { accountId }, badAccounts)
      await expectAllRefused(setting, billing.quotas.list, { accountId }, badAccounts)
      await billing.credits.grant({ accountId, amount: 1_000, reason: 'gift', idempotencyKey: 'g-1' })
      await billing.budgets.set({ accountId, limit: 500, interval: 'day', idempotencyKey: 'b-1' })
      const use = { accountId, meter: 'compute_minutes', quantity: 4, idempotencyKey: 'u-1' } as const
      await billing.recordUsage(use)
      await billing.hold({ accountId, meter: 'compute_minutes', quantity: 2, idempotencyKey: 'h-1' })
      const limits = await billing.usage.limits({ accountId })
      const period = { periodStartsAt: new Date('2026-11-01T00:00:00Z'), resetsAt: new Date('2026-12-01T00:00:00Z') }
      expect(limits.plan).toBe('free')
      expect(limits.meters).toContainEqual({
        meter: 'compute_minutes',
        unit: 'minute',
        included: '0',
        limit: '100',
        used: '4',
        held: '2',
        remaining: '94',
        status: 'below_quota',
        ...period,
      })
      expect(limits.meters).toContainEqual(
        expect.objectContaining({ meter: 'ai_tokens', included: '0', limit: null, used: '0', remaining: null }),
      )
      expect(limits.budgets).toMatchObject([{ scope: null, used: parseSparks('200'), held: parseSparks('100') }])
      const quotas = await billing.quotas.list({ accountId })
      expect(quotas.map(({ meter }) => meter)).toEqual(['ai_tokens', 'compute_minutes', 'images', 'model_calls'])
      expect(quotas[1]).toEqual(await billing.getQuota({ accountId, meter: 'compute_minutes' }))
    })
  })
}
