import { parseSparks } from 'billfold'
import { afterEach, describe, expect, it } from 'vitest'
import { badAccounts, badIds, badInputs } from './bad-values.js'
import { accountId, expectAllRefused, expectRefused, open, otherAccountId } from './setting.js'
import { stores } from './stores.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const noDays = [
  '2026-02-30',
  '2025-02-29',
  '2026-13-01',
  '2026-00-10',
  '2026-01-00',
  '0000-00-00',
  '2026-1-1',
  '11/21/2026',
  '2026-11-21T00:00:00Z',
  ' 2026-11-21',
  '2026-11-21\n',
  '２０２６-11-21',
  '',
  null,
  1795255200,
  new Date('2026-11-21'),
  ['2026-11-21'],
  { toString: () => '2026-11-21' },
]

for (const tested of stores) {
  describe(`usage.summary on ${tested.name}`, () => {
    it('S3.8 refuses days that are none', async () => {
      const setting = await open(tested, closing)
      const { summary } = setting.billing.usage
      for (const noDay of noDays) {
        for (const span of [{ from: noDay }, { to: noDay }, { from: '2026-11-01', to: noDay }]) {
          await expectRefused(setting, 'invalid_timestamp', () => summary({ accountId, ...(span as object) }))
        }
      }
      for (const far of ['1999-12-31', '0001-01-01', '2200-01-01', '9999-12-31']) {
        await expectRefused(setting, 'timestamp_out_of_range', () => summary({ accountId, from: far }))
      }
    })

    it('S3.8 refuses a span that is reversed, empty or without bound', async () => {
      const setting = await open(tested, closing)
      const { summary } = setting.billing.usage
      const spans = [
        ['2026-11-21', '2026-11-01'],
        ['2026-11-21', '2026-11-21'],
        ['2000-01-01', '2100-01-01'],
        ['2020-01-01', '2023-01-04'],
      ] as const
      for (const [from, to] of spans) {
        await expectRefused(setting, 'invalid_range', () => summary({ accountId, from, to }))
      }
      await expectRefused(setting, 'invalid_range', () => summary({ accountId, from: '2026-11-22' }))
      await expectRefused(setting, 'invalid_range', () => summary({ accountId, to: '2026-11-01' }))
      expect(await summary({ accountId, from: '2020-01-01', to: '2023-01-03' })).toMatchObject({ events: 0, byDay: [] })
    })

    it('S3.10 refuses accounts that are none, and fields it has not', async () => {
      const setting = await open(tested, closing)
      const { summary } = setting.billing.usage
      for (const [, id] of badIds) await expectRefused(setting, 'invalid_id', () => summary({ accountId: id as never }))
      for (const [, input] of badInputs) await expectRefused(setting, 'invalid_request', () => summary(input as never))
      await expectRefused(setting, 'not_found', () => summary({ accountId: 'acct_missing' }))
      await expectRefused(setting, 'unknown_field', () => summary({ accountId, groupBy: 'minute' } as never))
    })

    it('S3.8 sums this account’s usage of this month, by whole days', async () => {
      const { billing } = await open(tested, closing)
      const use = (key: string, occurredAt: string, change: object = {}) =>
        billing.recordUsage({ accountId, meter: 'ai_tokens', quantity: 10, occurredAt, idempotencyKey: key, ...change })
      await use('u-1', '2026-10-31T23:59:59.999Z')
      await use('u-2', '2026-11-01T00:00:00Z')
      await use('u-3', '2026-11-20T23:59:59Z', { model: 'gpt-5' })
      await use('u-4', '2026-11-21T01:00:00+02:00', { meter: 'compute_minutes', quantity: '0.5' })
      await use('u-1', '2026-11-21T00:00:00Z', { accountId: otherAccountId })
      const sum = (name: string, events: number, sparks: string, quantity: string | null = null) => {
        const charged = parseSparks(sparks)
        return { name, events, quantity, sparks: charged, charged, costUsd: '0' }
      }
      expect(await billing.usage.summary({ accountId })).toEqual({
        from: '2026-11-01',
        to: '2026-11-22',
        events: 3,
        sparks: parseSparks('27'),
        charged: parseSparks('27'),
        costUsd: '0',
        byMeter: [sum('ai_tokens', 2, '2', '20'), sum('compute_minutes', 1, '25', '0.5')],
        byProvider: [sum('', 3, '27')],
        byModel: [sum('', 2, '26'), sum('gpt-5', 1, '1')],
        byDay: [sum('2026-11-01', 1, '1'), sum('2026-11-20', 2, '26')],
        byDimension: null,
      })
    })

    it('S3.8 sums by provider with cost, and by a dimension that the catalog names', async () => {
      const setting = await open(tested, closing)
      const { billing } = setting
      const use = (key: string, change: object = {}) =>
        billing.recordUsage({
          accountId,
          meter: 'model_calls',
          costUsd: '0.000000000001',
          idempotencyKey: key,
          ...change,
        })
      await use('u-1', { provider: 'azure', dimensions: { feature: 'chat' } })
      await use('u-2', { provider: 'azure', costUsd: '1.5', dimensions: { feature: 'search' } })
      await use('u-3', { meter: 'ai_tokens', costUsd: undefined, quantity: 10 })
      const summary = await billing.usage.summary({ accountId, dimension: 'feature' })
      expect(summary.costUsd).toBe('1.500000000001')
      expect(summary.byProvider.map(({ name, costUsd }) => [name, costUsd])).toEqual([
        ['', '0'],
        ['azure', '1.500000000001'],
      ])
      expect(summary.byDimension?.map(({ name, costUsd, events }) => [name, costUsd, events])).toEqual([
        ['chat', '0.000000000001', 1],
        ['search', '1.5', 1],
      ])
      for (const dimension of ['user', 'Feature', '', '__proto__'])
        await expectRefused(setting, 'option_unsupported', () => billing.usage.summary({ accountId, dimension }))
    })
  })

  describe(`usage.timeline on ${tested.name}`, () => {
    it('S3.8 has one row a day, days without usage as zeros', async () => {
      const { billing } = await open(tested, closing)
      const use = { accountId, meter: 'ai_tokens', quantity: 10 } as const
      await billing.recordUsage({ ...use, occurredAt: '2026-11-19T10:00:00Z', idempotencyKey: 'u-1' })
      const minutes = { accountId, meter: 'compute_minutes', quantity: 1, occurredAt: '2026-11-19T11:00:00Z' } as const
      await billing.recordUsage({ ...minutes, idempotencyKey: 'u-2' })
      await billing.recordUsage({ ...use, idempotencyKey: 'u-3' })
      const span = { accountId, from: '2026-11-18', to: '2026-11-22', by: 'day' } as const
      const all = await billing.usage.timeline(span)
      expect(all.days.map(({ name, events, sparks, quantity }) => [name, events, sparks, quantity])).toEqual([
        ['2026-11-18', 0, 0n, null],
        ['2026-11-19', 2, parseSparks('51'), null],
        ['2026-11-20', 0, 0n, null],
        ['2026-11-21', 1, parseSparks('1'), null],
      ])
      const one = await billing.usage.timeline({ ...span, meter: 'ai_tokens' })
      expect(one.days.map(({ quantity }) => quantity)).toEqual(['0', '10', '0', '10'])
      expect((await billing.usage.timeline({ accountId, by: 'day' })).days).toHaveLength(21)
    })

    it('S3.8 refuses spans and meters that are none', async () => {
      const setting = await open(tested, closing)
      const good = { accountId, from: '2026-11-01', to: '2026-11-22', by: 'day' }
      await expectAllRefused(setting, setting.billing.usage.timeline, good, [
        ...badAccounts,
        ['by: hour', { by: 'hour' }, 'invalid_request'],
        ['by: missing', { by: undefined }, 'invalid_request'],
        ['meter: unknown', { meter: 'nope' }, 'invalid_request'],
        ['from: no day', { from: '2026-02-30' }, 'invalid_timestamp'],
        ['from: after to', { from: '2026-11-23' }, 'invalid_range'],
        ['to: four years on', { to: '2030-11-22' }, 'invalid_range'],
      ])
    })
  })
}
