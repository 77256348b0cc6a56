import { parseSparks } from 'billfold'
import { afterEach, describe, expect, it } from 'vitest'
import { grant, reversePayment } from '../../../src/testing/store-conformance/commands.js'
import { type BadInput, badAmounts, badIds, badReasons, badWrites, hugeAmounts } from './bad-values.js'
import { accountId, catalog, expectAllRefused, expectRefused, open, otherAccountId } from './setting.js'
import { stores, type TestedStore } from './stores.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** A service whose account has a grant of 100 Sparks. */
async function openGranted(tested: TestedStore) {
  const setting = await open(tested, closing)
  const { id } = await setting.billing.credits.grant({ accountId, amount: 100, reason: 'gift', idempotencyKey: 'g-1' })
  return { ...setting, grantId: id }
}

const adjustment = { accountId, amount: '-30', reason: 'goodwill', idempotencyKey: 'a-1' } as const
const isNegative = (value: unknown) => /^-[1-9]\d*$/.test(String(value)) && typeof value !== 'object'
const badAdjustments: readonly BadInput[] = [
  ...badWrites,
  ...badReasons,
  ...badAmounts
    .filter(([, amount]) => !isNegative(amount))
    .map(([what, amount]): BadInput => [`amount: ${what}`, { amount }, 'invalid_amount']),
  ...hugeAmounts.map(([what, amount]): BadInput => [`amount: ${what}`, { amount }, 'amount_out_of_range']),
  ['amount: the smallest bigint', { amount: -(2n ** 63n) }, 'amount_out_of_range'],
  ['amount: zero below zero', { amount: '-0' }, 'invalid_amount'],
  ['amount: two signs', { amount: '--5' }, 'invalid_amount'],
  ['amount: a sign alone', { amount: '-' }, 'invalid_amount'],
  ['amount: missing, and nothing to reverse', { amount: undefined }, 'invalid_request'],
  ...badIds.map(([what, reverses]): BadInput => [`reverses: ${what}`, { reverses }, 'invalid_id']),
  ['reverses: unknown', { reverses: 'grt_missing' }, 'not_found'],
]

for (const tested of stores) {
  describe(`credits.adjust on ${tested.name}`, () => {
    it('S3.11 what was refunded of a grant, or has expired, is not reversed a second time', async () => {
      const { billing, store } = await open(tested, closing)
      const rules = { catalog, metering: [], tracing: [], collecting: null }
      const payment = { id: 'pay_1', nanos: 10n, currency: 'USD' }
      await store.ledger.commit([grant(accountId, 'paid', parseSparks('1000'), { grantKind: 'paid', payment })], rules)
      await store.ledger.commit([reversePayment(accountId, 'pay_1', 're_1', { nanos: 5n, rank: 1 })], rules)
      const reversal = { accountId, reverses: 'grant_paid', reason: 'by mistake', idempotencyKey: 'a-1' }
      expect(await billing.credits.adjust(reversal)).toMatchObject({ amount: parseSparks('-500') })
      const balance = async () => (await billing.credits.balance({ accountId })).balance
      expect(await balance()).toBe(0n)
      const given = await billing.credits.grant({ accountId, amount: 10, reason: 'gift', idempotencyKey: 'g-9' })
      await billing.credits.expire({ accountId, grantId: given.id, reason: 'over', idempotencyKey: 'e-1' })
      const again = { ...reversal, reverses: given.id, idempotencyKey: 'a-2' }
      await expect(billing.credits.adjust(again)).rejects.toMatchObject({ code: 'refund_exceeds_original' })
      expect(await balance()).toBe(0n)
    })

    it('S3.11 refuses what is no adjustment, and writes nothing', async () => {
      const setting = await openGranted(tested)
      await expectAllRefused(setting, setting.billing.credits.adjust, adjustment, badAdjustments)
    })

    it('S3.11 takes and adds, and may leave debt', async () => {
      const { billing } = await openGranted(tested)
      const taken = await billing.credits.adjust(adjustment)
      expect(taken).toMatchObject({ status: 'recorded', amount: parseSparks('-30') })
      expect(taken.balance).toMatchObject({ balance: parseSparks('70') })
      const amounts = [-80, 5n, '5.5'] as const
      for (const [index, amount] of amounts.entries())
        await billing.credits.adjust({ ...adjustment, amount, idempotencyKey: `b-${index}` })
      expect(await billing.credits.balance({ accountId })).toMatchObject({
        balance: parseSparks('-4.499995'),
        debt: parseSparks('4.499995'),
        grants: [],
      })
    })

    it('S3.7 takes back what a transaction did, once, and names it', async () => {
      const setting = await openGranted(tested)
      const { billing, grantId } = setting
      const { amount: _, ...reversal } = { ...adjustment, reverses: grantId }
      expect(await billing.credits.adjust({ ...reversal, amount: -40 })).toMatchObject({ amount: parseSparks('-40') })
      await expectRefused(setting, 'refund_exceeds_original', () =>
        billing.credits.adjust({ ...reversal, amount: -61, idempotencyKey: 'a-2' }),
      )
      const rest = await billing.credits.adjust({ ...reversal, idempotencyKey: 'a-3' })
      expect(rest).toMatchObject({ amount: parseSparks('-60'), balance: { balance: 0n } })
      await expectRefused(setting, 'refund_exceeds_original', () =>
        billing.credits.adjust({ ...reversal, idempotencyKey: 'a-4' }),
      )
      await expectRefused(setting, 'invalid_state', () =>
        billing.credits.adjust({ ...reversal, reverses: rest.id, idempotencyKey: 'a-5' }),
      )
      const { items } = await billing.credits.transactions({ accountId })
      expect(items.map(({ operation, corrects }) => [operation, corrects])).toEqual([
        ['adjust', grantId],
        ['adjust', grantId],
        ['grant', null],
      ])
    })

    it('S3.11 answers a repeat as the first call, and refuses the key for another body', async () => {
      const setting = await openGranted(tested)
      const { billing } = setting
      const first = await billing.credits.adjust(adjustment)
      expect(await billing.credits.adjust(adjustment)).toEqual({ ...first, status: 'duplicate' })
      for (const other of [{ amount: '30' }, { reason: 'x' }])
        await expectRefused(setting, 'idempotency_conflict', () => billing.credits.adjust({ ...adjustment, ...other }))
    })

    it('S3.10 reverses nothing of another account, and no usage', async () => {
      const setting = await openGranted(tested)
      const { billing } = setting
      const grant = { accountId: otherAccountId, amount: 5, reason: 'gift', idempotencyKey: 'g-1' }
      const foreign = await billing.credits.grant(grant)
      const { amount: _, ...reversal } = { ...adjustment, reverses: foreign.id }
      await expectRefused(setting, 'not_found', () => billing.credits.adjust(reversal))
      const used = await billing.recordUsage({ accountId, meter: 'ai_tokens', quantity: 10, idempotencyKey: 'u-1' })
      await expectRefused(setting, 'invalid_state', () => billing.credits.adjust({ ...reversal, reverses: used.id }))
    })
  })

  describe(`credits.expire on ${tested.name}`, () => {
    it('S3.11 refuses what ends nothing, and writes nothing', async () => {
      const setting = await openGranted(tested)
      const input = { accountId, grantId: setting.grantId, reason: 'over', idempotencyKey: 'x-1' }
      const bad: readonly BadInput[] = [
        ...badWrites,
        ...badReasons,
        ...badIds.map(([what, grantId]): BadInput => [`grantId: ${what}`, { grantId }, 'invalid_id']),
        ['grantId: missing', { grantId: undefined }, 'invalid_request'],
        ['grantId: unknown', { grantId: 'grt_missing' }, 'not_found'],
      ]
      await expectAllRefused(setting, setting.billing.credits.expire, input, bad)
      const grant = { accountId: otherAccountId, amount: 5, reason: 'gift', idempotencyKey: 'g-1' }
      const { id } = await setting.billing.credits.grant(grant)
      const foreign = { ...input, grantId: id }
      await expectRefused(setting, 'not_found', () => setting.billing.credits.expire(foreign))
    })

    it('S3.11 ends what is left of a grant, apart from what holds reserve, and again nothing', async () => {
      const setting = await openGranted(tested)
      const { billing, grantId } = setting
      await billing.hold({ accountId, amount: 25, idempotencyKey: 'h-1' })
      const input = { accountId, grantId, reason: 'over', idempotencyKey: 'x-1' }
      const ended = await billing.credits.expire(input)
      expect(ended).toMatchObject({ status: 'recorded', amount: parseSparks('-75'), balance: { available: 0n } })
      expect(await billing.credits.expire(input)).toEqual({ ...ended, status: 'duplicate' })
      expect(await billing.credits.expire({ ...input, idempotencyKey: 'x-2' })).toMatchObject({ amount: 0n })
      await expectRefused(setting, 'idempotency_conflict', () => billing.credits.expire({ ...input, reason: 'x' }))
    })
  })

  describe(`credits.autoTopUp on ${tested.name}`, () => {
    const autoTopUp = { threshold: '50', package: 'starter', maximumPerDay: 3 } as const
    const input = { accountId, autoTopUp, idempotencyKey: 't-1' }

    it('S2.5 refuses what sets nothing, and writes nothing', async () => {
      const setting = await open(tested, closing)
      const within = (change: object) => ({ autoTopUp: { ...autoTopUp, ...change } })
      const bad: readonly BadInput[] = [
        ...badWrites,
        ['autoTopUp: missing', { autoTopUp: undefined }, 'invalid_request'],
        ['package: unknown', within({ package: 'nope' }), 'not_found'],
        ['package: __proto__', within({ package: '__proto__' }), 'not_found'],
        ['threshold: missing', within({ threshold: undefined }), 'invalid_request'],
        ...badAmounts.map(
          ([what, threshold]): BadInput => [`threshold: ${what}`, within({ threshold }), 'invalid_amount'],
        ),
        ...[0, -1, 101, 1.5, '3', null].map(
          (maximumPerDay): BadInput => [
            `maximumPerDay: ${maximumPerDay}`,
            within({ maximumPerDay }),
            'invalid_request',
          ],
        ),
        ['another field', within({ isPending: true }), 'unknown_field'],
      ]
      await expectAllRefused(setting, setting.billing.credits.autoTopUp.set, input, bad)
      await expectRefused(setting, 'not_found', () =>
        setting.billing.credits.autoTopUp.get({ accountId: 'acct_missing' }),
      )
    })

    it('S2.5 asks when the balance falls below, and no more once it was ended', async () => {
      const setting = await open(tested, closing)
      const { billing } = setting
      const { get, set } = billing.credits.autoTopUp
      expect(await get({ accountId })).toBeNull()
      await billing.credits.grant({ accountId, amount: 100, reason: 'gift', idempotencyKey: 'g-1' })
      const view = { threshold: parseSparks('50'), package: 'starter', maximumPerDay: 3, isPending: false, askedAt: [] }
      expect(await set(input)).toEqual(view)
      expect(await set(input)).toEqual(view)
      await expectRefused(setting, 'idempotency_conflict', () => set({ ...input, autoTopUp: null }))
      await billing.recordUsage({ accountId, meter: 'ai_tokens', quantity: 600, idempotencyKey: 'u-1' })
      expect(await get({ accountId })).toMatchObject({ isPending: true, askedAt: [new Date(setting.now())] })
      expect(await set({ accountId, autoTopUp: null, idempotencyKey: 't-2' })).toBeNull()
      expect(await get({ accountId: otherAccountId })).toBeNull()
    })
  })
}
