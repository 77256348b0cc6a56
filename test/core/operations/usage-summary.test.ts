import { parseSparks } from 'billfold'
import { afterEach, describe, expect, it } from 'vitest'
import { badIds, badInputs } from './bad-values.js'
import { accountId, expectRefused, open, otherAccountId } from './setting.js'
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
      expect(await billing.usage.summary({ accountId })).toEqual({
        from: '2026-11-01',
        to: '2026-11-22',
        events: 3,
        sparks: parseSparks('27'),
        byMeter: [
          { name: 'ai_tokens', events: 2, quantity: '20', sparks: parseSparks('2') },
          { name: 'compute_minutes', events: 1, quantity: '0.5', sparks: parseSparks('25') },
        ],
        byModel: [
          { name: '', events: 2, quantity: null, sparks: parseSparks('26') },
          { name: 'gpt-5', events: 1, quantity: null, sparks: parseSparks('1') },
        ],
        byDay: [
          { name: '2026-11-01', events: 1, quantity: null, sparks: parseSparks('1') },
          { name: '2026-11-20', events: 2, quantity: null, sparks: parseSparks('26') },
        ],
      })
    })
  })
}
