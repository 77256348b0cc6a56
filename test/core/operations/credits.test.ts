import { parseSparks } from 'billfold'
import { afterEach, describe, expect, it } from 'vitest'
import {
  type BadInput,
  badAmounts,
  badIds,
  badInputs,
  badKeys,
  badTexts,
  badTimes,
  foreignFields,
  hugeAmounts,
} from './bad-values.js'
import { accountId, changed, expectRefused, open, otherAccountId, shared } from './setting.js'
import { stores } from './stores.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const good = { accountId, amount: '100', unit: 'sparks', reason: 'purchase', idempotencyKey: 'g-1' } as const

const bad: readonly BadInput[] = [
  ...badAmounts.map(([what, amount]): BadInput => [`amount: ${what}`, { amount }, 'invalid_amount']),
  ...hugeAmounts.map(([what, amount]): BadInput => [`amount: ${what}`, { amount }, 'amount_out_of_range']),
  ['amount: missing', { amount: undefined }, 'invalid_request'],
  ['unit: a currency', { unit: 'usd' }, 'unit_mismatch'],
  ['unit: a hundred thousand characters', { unit: 'u'.repeat(100_000) }, 'unit_mismatch'],
  ['unit: in capitals', { unit: 'Sparks' }, 'unit_mismatch'],
  ['unit: a number', { unit: 5 }, 'invalid_request'],
  ['unit: null', { unit: null }, 'invalid_request'],
  ['kind: another word', { kind: 'free' }, 'invalid_request'],
  ['kind: null', { kind: null }, 'invalid_request'],
  ...badTexts(500).map(([what, reason]): BadInput => [`reason: ${what}`, { reason }, 'invalid_request']),
  ['reason: missing', { reason: undefined }, 'invalid_request'],
  ['reason: empty', { reason: '' }, 'invalid_request'],
  ...[1.5, Number.NaN, Number.POSITIVE_INFINITY, 1_001, -1_001, '1', null, 1n].map(
    (priority): BadInput => [`priority: ${String(priority)}`, { priority }, 'invalid_request'],
  ),
  ...badTimes.map(([what, expiresAt, code]): BadInput => [`expiresAt: ${what}`, { expiresAt }, code]),
  ['expiresAt: in the past', { expiresAt: '2020-01-01T00:00:00Z' }, 'timestamp_out_of_range'],
  ['expiresAt: now', { expiresAt: '2026-11-21T12:00:00Z' }, 'timestamp_out_of_range'],
  ...badIds.map(([what, id]): BadInput => [`accountId: ${what}`, { accountId: id }, 'invalid_id']),
  ['accountId: unknown', { accountId: 'acct_missing' }, 'not_found'],
  ['accountId: missing', { accountId: undefined }, 'invalid_request'],
  ...badKeys.map(([what, key]): BadInput => [`key: ${what}`, { idempotencyKey: key }, 'invalid_idempotency_key']),
  ['key: missing', { idempotencyKey: undefined }, 'idempotency_key_required'],
  ...foreignFields.map(([what, fields]): BadInput => [`fields of ours: ${what}`, fields, 'unknown_field']),
]

for (const tested of stores) {
  describe(`credits.grant on ${tested.name}`, () => {
    it('S3.11 grants of one millisecond burn in the order in which they were given', async () => {
      const { billing } = await open(tested, closing)
      const ids: string[] = []
      for (let count = 0; count < 9; count += 1) {
        const gift = { accountId, amount: 1, reason: 'gift', idempotencyKey: `order-${count}` }
        ids.push((await billing.credits.grant(gift)).id)
      }
      expect((await billing.credits.balance({ accountId })).grants.map(({ id }) => id)).toEqual(ids)
    })

    const openCase = shared(tested)
    for (const [what, change, code] of bad) {
      it(`S3.11 refuses ${what} as ${code}, writes nothing, and leaves the key free`, async () => {
        const setting = await openCase()
        const own = { ...good, accountId: setting.accountId }
        await expectRefused(setting, code, () => setting.billing.credits.grant(changed(own, change)))
        const granted = await setting.billing.credits.grant(own)
        expect(granted).toMatchObject({ status: 'recorded', balance: { balance: parseSparks('100') } })
      })
    }

    it('S3.11 refuses what is no input', async () => {
      const setting = await open(tested, closing)
      for (const [, input] of badInputs) {
        const call = () => setting.billing.credits.grant(input as never)
        const before = await setting.everything()
        await expect(call()).rejects.toMatchObject({ name: 'BillingError', httpStatus: 400 })
        expect(await setting.everything()).toEqual(before)
      }
    })

    it('S3.11 takes safe whole numbers, decimal text, and micro-sparks as bigint', async () => {
      const { billing } = await open(tested, closing)
      const amounts = [100, '100', 100_000_000n, '100.000000', '0100']
      for (const [index, amount] of amounts.entries()) {
        const granted = await billing.credits.grant({ ...good, amount, idempotencyKey: `g-${index}` })
        expect(granted).toMatchObject({ status: 'recorded', amount: parseSparks('100') })
      }
      expect(await billing.credits.balance({ accountId })).toMatchObject({ balance: parseSparks('500') })
    })

    it('S3.11 takes the most that can be stored, and refuses one micro-spark more', async () => {
      const setting = await open(tested, closing)
      const most = 2n ** 63n - 1n
      expect(await setting.billing.credits.grant({ ...good, amount: most })).toMatchObject({ amount: most })
      const more = { ...good, amount: 1n, idempotencyKey: 'g-2' }
      await expectRefused(setting, 'amount_out_of_range', () => setting.billing.credits.grant(more))
      const owed = { accountId, meter: 'ai_tokens', quantity: 10, idempotencyKey: 'u-1' } as const
      expect(await setting.billing.recordUsage(owed)).toMatchObject({ balance: { balance: most - parseSparks('1') } })
    })

    it('S3.11 keeps free text as it is', async () => {
      const { billing } = await open(tested, closing)
      const reasons = [
        '<script>alert(1)</script>',
        'שלום 🙂 \u202e',
        '=HYPERLINK("http://evil")',
        ' two\nlines\t',
        '🙂'.repeat(250),
      ]
      for (const [index, reason] of reasons.entries()) {
        await billing.credits.grant({ ...good, reason, idempotencyKey: `g-${index}` })
      }
      const { items } = await billing.credits.transactions({ accountId })
      expect(items.map(({ reason }) => reason).reverse()).toEqual(reasons)
    })

    it('S3.11 gives once for sixteen deliveries at once, and refuses the key for another body', async () => {
      const setting = await open(tested, closing)
      const { billing } = setting
      const answers = await Promise.all(Array.from({ length: 16 }, () => billing.credits.grant(good)))
      expect(answers.filter(({ status }) => status === 'recorded')).toHaveLength(1)
      expect(await billing.credits.balance({ accountId })).toMatchObject({ balance: parseSparks('100') })
      const others = [
        { amount: '101' },
        { reason: 'gift' },
        { kind: 'paid' },
        { priority: 1 },
        { expiresAt: '2027-01-01T00:00:00Z' },
      ]
      for (const other of others) {
        const input = { ...good, ...other } as typeof good
        await expectRefused(setting, 'idempotency_conflict', () => billing.credits.grant(input))
      }
      expect(await billing.credits.grant({ ...good, accountId: otherAccountId })).toMatchObject({ status: 'recorded' })
    })

    it('S3.11 expires at its moment and not before', async () => {
      const setting = await open(tested, closing)
      const { billing } = setting
      await billing.credits.grant({ ...good, expiresAt: new Date(setting.now() + 1_000) })
      setting.advance(999)
      expect(await billing.credits.balance({ accountId })).toMatchObject({ grants: [{ reason: 'purchase' }] })
      setting.advance(1)
      expect(await billing.credits.balance({ accountId })).toMatchObject({ grants: [] })
      const spend = {
        accountId,
        meter: 'ai_tokens',
        quantity: 10,
        idempotencyKey: 'u-1',
        onInsufficient: 'refuse',
      } as const
      await expect(billing.recordUsage(spend)).rejects.toMatchObject({ code: 'insufficient_credits' })
    })
  })

  describe(`credits.balance on ${tested.name}`, () => {
    it('S3.8 refuses what names no account, and other fields', async () => {
      const setting = await open(tested, closing)
      const { balance } = setting.billing.credits
      for (const [, id] of badIds) await expectRefused(setting, 'invalid_id', () => balance({ accountId: id as never }))
      await expectRefused(setting, 'not_found', () => balance({ accountId: 'acct_missing' }))
      for (const [, input] of badInputs) await expectRefused(setting, 'invalid_request', () => balance(input as never))
      await expectRefused(setting, 'unknown_field', () => balance({ accountId, unit: "usd'--" } as never))
    })
  })

  describe(`credits.transactions on ${tested.name}`, () => {
    it('S3.7 pages through every change once, newest first', async () => {
      const { billing } = await open(tested, closing)
      for (let index = 0; index < 7; index += 1) {
        await billing.credits.grant({ ...good, reason: `grant ${index}`, idempotencyKey: `g-${index}` })
      }
      const seen: string[] = []
      let cursor: string | null = null
      do {
        const page: Awaited<ReturnType<typeof billing.credits.transactions>> = await billing.credits.transactions({
          accountId,
          limit: 3,
          ...(cursor === null ? {} : { cursor }),
        })
        seen.push(...page.items.map(({ reason }) => reason))
        cursor = page.nextCursor
      } while (cursor !== null)
      expect(seen).toEqual([6, 5, 4, 3, 2, 1, 0].map((index) => `grant ${index}`))
    })

    it('S3.7 refuses a page size that is none', async () => {
      const setting = await open(tested, closing)
      for (const limit of [
        -1,
        0,
        101,
        100_000,
        '10',
        '10abc',
        1.5,
        Number.NaN,
        Number.POSITIVE_INFINITY,
        null,
        5n,
        [5],
        true,
      ]) {
        const call = () => setting.billing.credits.transactions({ accountId, limit: limit as never })
        await expectRefused(setting, 'invalid_range', call)
      }
      expect(await setting.billing.credits.transactions({ accountId, limit: 100 })).toEqual({
        items: [],
        nextCursor: null,
      })
    })

    it('S3.10 refuses a cursor that was not handed out to this account', async () => {
      const setting = await open(tested, closing)
      const { billing } = setting
      for (const key of ['g-1', 'g-2']) {
        await billing.credits.grant({ ...good, idempotencyKey: key })
        await billing.credits.grant({ ...good, accountId: otherAccountId, idempotencyKey: key })
      }
      const { nextCursor: foreign } = await billing.credits.transactions({ accountId: otherAccountId, limit: 1 })
      const cursors = [
        foreign,
        'eyJhY2NvdW50IjoiYWNjdF9iIn0=',
        btoa(`${accountId}|0`),
        btoa(`${accountId}|-1`),
        btoa(`${accountId}|1e3`),
        btoa(`${accountId}|5|6`),
        btoa(`${accountId}|${'9'.repeat(19)}`),
        btoa(`${accountId}|1 OR 1=1`),
        btoa(`${accountId}|`),
        '',
        'not base64 !',
        '🙂',
        '\0',
        'A'.repeat(100_000),
        null,
        5,
        ['x'],
      ]
      for (const cursor of cursors) {
        const call = () => billing.credits.transactions({ accountId, cursor: cursor as never })
        await expectRefused(setting, 'invalid_cursor', call)
      }
      const own = await billing.credits.transactions({ accountId, limit: 1 })
      const input = { accountId, cursor: own.nextCursor ?? '' }
      expect((await billing.credits.transactions(input)).items).toHaveLength(1)
    })

    it('S3.10 refuses what names no account, and a tenant beside it', async () => {
      const setting = await open(tested, closing)
      const { transactions } = setting.billing.credits
      for (const [, id] of badIds)
        await expectRefused(setting, 'invalid_id', () => transactions({ accountId: id as never }))
      await expectRefused(setting, 'not_found', () => transactions({ accountId: 'acct_missing' }))
      for (const [, input] of badInputs)
        await expectRefused(setting, 'invalid_request', () => transactions(input as never))
      await expectRefused(setting, 'unknown_field', () => transactions({ accountId, tenantId: 'acct_b' } as never))
    })
  })
}
