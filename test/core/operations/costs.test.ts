import { afterEach, describe, expect, it } from 'vitest'
import { csvLine } from '../../../src/core/operations/csv.js'
import { type BadInput, badAccounts, badPages } from './bad-values.js'
import { accountId, expectAllRefused, expectRefused, open, otherAccountId } from './setting.js'
import { stores, type TestedStore } from './stores.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** A service on which two models of two providers were used on two days, and something that has no cost. */
async function openUsed(tested: TestedStore) {
  const setting = await open(tested, closing)
  const { billing } = setting
  const use = (key: string, day: string, change: object) =>
    billing.recordUsage({
      accountId,
      meter: 'model_calls',
      model: 'gpt-5',
      tokens: { input: 1_000_000 },
      occurredAt: `2026-11-${day}T10:00:00Z`,
      idempotencyKey: key,
      ...change,
    })
  await use('u-1', '18', { provider: 'azure' })
  await use('u-2', '18', { provider: 'openai', tokens: { input: 100 } })
  await use('u-3', '20', { provider: 'azure', model: '=evil', costUsd: '0.000000000000000001', tokens: { input: 7 } })
  await use('u-4', '20', { meter: 'ai_tokens', model: 'gpt-5', tokens: undefined, quantity: 50 })
  await use('u-5', '20', { accountId: otherAccountId })
  return setting
}

const badSpans: readonly BadInput[] = [
  ...badAccounts,
  ['from: no day', { from: '2026-02-30' }, 'invalid_timestamp'],
  ['from: after to', { from: '2026-11-23', to: '2026-11-22' }, 'invalid_range'],
]

async function textOf(chunks: AsyncIterable<string>): Promise<string> {
  let text = ''
  for await (const chunk of chunks) text += chunk
  return text
}

for (const tested of stores) {
  describe(`costs on ${tested.name}`, () => {
    it('S4.1 refuse spans and pages that are none', async () => {
      const setting = await openUsed(tested)
      const { summary, timeline, list, export: exported } = setting.billing.costs
      await expectAllRefused(setting, summary, { accountId }, badSpans)
      await expectAllRefused(setting, timeline, { accountId }, badSpans)
      await expectAllRefused(setting, list, { accountId }, [...badSpans, ...badPages])
      const read = (input: never) => textOf(exported(input))
      const good = { accountId, format: 'csv' }
      const formats: readonly BadInput[] = [
        ['format: missing', { format: undefined }, 'invalid_request'],
        ['format: another', { format: 'xlsx' }, 'invalid_request'],
        ['limit', { limit: 5 }, 'unknown_field'],
      ]
      await expectAllRefused(setting, read, good, [...badSpans, ...formats])
    })

    it('S4.1 sum what models cost before margin, by provider, model and day', async () => {
      const { billing } = await openUsed(tested)
      expect(await billing.costs.summary({ accountId })).toEqual({
        from: '2026-11-01',
        to: '2026-11-22',
        currency: 'USD',
        costUsd: '1.250125',
        tokens: '1000100',
        events: 2,
        byProvider: [
          { name: 'azure', costUsd: '1.25' },
          { name: 'openai', costUsd: '0.000125' },
        ],
        byModel: [{ name: 'gpt-5', costUsd: '1.250125' }],
        byDay: [{ name: '2026-11-18', costUsd: '1.250125' }],
        breakdown: [
          { provider: 'azure', model: 'gpt-5', costUsd: '1.25', tokens: '1000000', events: 1 },
          { provider: 'openai', model: 'gpt-5', costUsd: '0.000125', tokens: '100', events: 1 },
        ],
      })
      const { days } = await billing.costs.timeline({ accountId, from: '2026-11-17', to: '2026-11-20' })
      expect(days).toEqual([
        { name: '2026-11-17', costUsd: '0' },
        { name: '2026-11-18', costUsd: '1.250125' },
        { name: '2026-11-19', costUsd: '0' },
      ])
    })

    it('S4.1 list what has a cost, newest first, a page at a time', async () => {
      const setting = await openUsed(tested)
      const { billing } = setting
      const first = await billing.costs.list({ accountId, limit: 2 })
      expect(first.items.map(({ costUsd }) => costUsd)).toEqual(['0.000000000000000001', '0.000125'])
      const second = await billing.costs.list({ accountId, limit: 2, cursor: first.nextCursor ?? '' })
      expect(second).toMatchObject({ items: [{ costUsd: '1.25', tokens: { input: 1_000_000 } }], nextCursor: null })
      expect((await billing.costs.list({ accountId, from: '2026-11-22' })).items).toEqual([])
      await expectRefused(setting, 'invalid_cursor', () =>
        billing.costs.list({ accountId: otherAccountId, cursor: first.nextCursor ?? '' }),
      )
    })

    it('S4.5 export all of it as CSV in which no cell is a formula', async () => {
      const { billing } = await openUsed(tested)
      for (let count = 0; count < 110; count += 1) {
        const use = { accountId, meter: 'model_calls', costUsd: '0.01', idempotencyKey: `m-${count}` } as const
        await billing.recordUsage({ ...use, dimensions: { note: 'a,b' } })
      }
      const text = await textOf(billing.costs.export({ accountId, format: 'csv' }))
      const lines = text.split('\r\n')
      expect(lines).toHaveLength(1 + 113 + 1)
      expect(lines[0]).toBe(
        'id,recorded_at,occurred_at,meter,provider,model,service_tier,quantity,cost,sparks,dimensions',
      )
      expect(lines[1]).toMatch(/,model_calls,,,,0,0\.01,300,"\{""note"":""a,b""\}"$/)
      expect(lines[111]).toContain(`,model_calls,azure,"'=evil",standard,7,0.000000000000000001,`)
      expect(await textOf(billing.costs.export({ accountId, format: 'csv', to: '2026-01-01' }))).toBe(`${lines[0]}\r\n`)
    })
  })
}

describe('csvLine', () => {
  it.each([
    ['plain text', 'plain text'],
    ['a,b', '"a,b"'],
    ['say "hi"', '"say ""hi"""'],
    ['two\nlines', '"two\nlines"'],
    ['-5.25', '-5.25'],
    ['', ''],
    ['=HYPERLINK("http://evil","x")', `"'=HYPERLINK(""http://evil"",""x"")"`],
    ['\t=1+1', `"'\t=1+1"`],
    ['  @SUM(1)', `"'  @SUM(1)"`],
    ['+1-555', `"'+1-555"`],
    ['-2+3', `"'-2+3"`],
    ['＝1', `"'＝1"`],
    ['\r', `"'\r"`],
    ['a=1', 'a=1'],
  ])('S4.5 writes %j as %j', (text, cell) => {
    expect(csvLine([text, 'end'])).toBe(`${cell},end\r\n`)
  })
})
