import { afterEach, describe, expect, it } from 'vitest'
import { badInputs, badKeys, badMetadata, badQuantities, foreignFields } from './bad-values.js'
import { accountId, expectRefused, open, otherAccountId } from './setting.js'
import { stores } from './stores.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const event = (key: string, change: object = {}) =>
  ({ accountId, meter: 'ai_tokens', quantity: '10', idempotencyKey: key, ...change }) as const
const events = (count: number) => Array.from({ length: count }, (_, index) => event(`b${index}`))

for (const tested of stores) {
  describe(`recordUsageBatch on ${tested.name}`, () => {
    it('C6 refuses a batch of nothing, and one that is no list', async () => {
      const setting = await open(tested, closing)
      const { billing } = setting
      for (const given of [[], undefined, null, 'events', { length: 1, 0: event('b1') }, new Set([event('b1')])]) {
        await expectRefused(setting, 'invalid_request', () => billing.recordUsageBatch({ events: given as never }))
      }
      for (const [, input] of badInputs) {
        await expectRefused(setting, 'invalid_request', () => billing.recordUsageBatch(input as never))
      }
      const extra = { events: [event('b1')], atomic: false } as never
      await expectRefused(setting, 'unknown_field', () => billing.recordUsageBatch(extra))
    })

    it('C6 takes a thousand events, and refuses one more', async () => {
      const setting = await open(tested, closing)
      const { billing } = setting
      await expectRefused(setting, 'batch_too_large', () => billing.recordUsageBatch({ events: events(1_001) }))
      const results = await billing.recordUsageBatch({ events: events(1_000) })
      expect(results.every(({ status }) => status === 'recorded')).toBe(true)
      expect(await billing.getQuota({ accountId, meter: 'ai_tokens' })).toMatchObject({ used: '10000' })
    })

    it('C6 refuses all of a batch for one malformed event, and says which', async () => {
      const setting = await open(tested, closing)
      const { billing } = setting
      const spoiled = [
        ...badQuantities.map(([, quantity]) => [{ quantity }, 'invalid_quantity'] as const),
        ...badKeys.map(([, idempotencyKey]) => [{ idempotencyKey }, 'invalid_idempotency_key'] as const),
        ...badMetadata.map(([, dimensions]) => [{ dimensions }, 'invalid_metadata'] as const),
        ...foreignFields.slice(0, 3).map(([, fields]) => [fields, 'unknown_field'] as const),
        [{ occurredAt: '2027-01-01T00:00:00Z' }, 'timestamp_out_of_range'] as const,
        [{ idempotencyKey: undefined }, 'idempotency_key_required'] as const,
      ]
      for (const [change, code] of spoiled) {
        const batch = [event('b1'), event('b2', change), event('b3')]
        const error = await expectRefused(setting, code, () => billing.recordUsageBatch({ events: batch }))
        expect(error.details).toMatchObject({ index: 1 })
        expect(error.message).toMatch(/^Event 1: /)
      }
      for (const [, input] of badInputs) {
        const batch = [event('b1'), input] as never
        const error = await expectRefused(setting, 'invalid_request', () => billing.recordUsageBatch({ events: batch }))
        expect(error.details).toMatchObject({ index: 1 })
      }
      const sparse = [event('b1')] as ReturnType<typeof event>[]
      sparse[2] = event('b3')
      await expectRefused(setting, 'invalid_request', () => billing.recordUsageBatch({ events: sparse }))
      const results = await billing.recordUsageBatch({ events: [event('b1'), event('b2'), event('b3')] })
      expect(results.map(({ status }) => status)).toEqual(['recorded', 'recorded', 'recorded'])
    })

    it('C6 refuses one key with two bodies, and takes it twice with one', async () => {
      const setting = await open(tested, closing)
      const { billing } = setting
      const twoBodies = [event('b1'), event('b2'), event('b1', { quantity: '11' })]
      const call = () => billing.recordUsageBatch({ events: twoBodies })
      expect((await expectRefused(setting, 'idempotency_conflict', call)).details).toMatchObject({ index: 2 })
      const results = await billing.recordUsageBatch({ events: [event('b1'), event('b1')] })
      expect(results.map(({ status }) => status).sort()).toEqual(['duplicate', 'recorded'])
      const elsewhere = event('b1', { accountId: otherAccountId, quantity: '11' })
      expect(await billing.recordUsageBatch({ events: [event('b1'), elsewhere] })).toMatchObject([
        { status: 'duplicate' },
        { status: 'recorded' },
      ])
    })

    it('C6 answers each well-formed event by itself, in order', async () => {
      const { billing } = await open(tested, closing)
      await billing.recordUsage(event('b3', { quantity: '1' }))
      const batch = [
        event('b1'),
        event('b2', { accountId: 'acct_missing' }),
        event('b3'),
        event('b4', { onInsufficient: 'refuse' }),
        event('b5', { holdId: 'hld_missing' }),
        event('b6'),
      ]
      const results = await billing.recordUsageBatch({ events: batch })
      expect(results).toMatchObject([
        { status: 'recorded' },
        { status: 'refused', error: { code: 'not_found' } },
        { status: 'refused', error: { code: 'idempotency_conflict' } },
        { status: 'refused', error: { code: 'insufficient_credits' } },
        { status: 'refused', error: { code: 'not_found' } },
        { status: 'recorded' },
      ])
      expect(await billing.getQuota({ accountId, meter: 'ai_tokens' })).toMatchObject({ used: '21' })
    })

    it('C6 takes the list as it was at the call', async () => {
      const { billing } = await open(tested, closing)
      const list = [event('b1'), event('b2')]
      const recording = billing.recordUsageBatch({ events: list })
      list.length = 0
      expect(await recording).toHaveLength(2)
      expect(await billing.getQuota({ accountId, meter: 'ai_tokens' })).toMatchObject({ used: '20' })
    })
  })
}
