import { parseSparks } from 'billfold'
import { afterEach, describe, expect, it } from 'vitest'
import { type BadInput, badIds, badInputs, badQuantities, badReasons, badWrites } from './bad-values.js'
import { accountId, expectAllRefused, expectRefused, open, otherAccountId } from './setting.js'
import { stores, type TestedStore } from './stores.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** A service on which 1,000 tokens for 100 of 1,000 Sparks were recorded. */
async function openUsed(tested: TestedStore) {
  const setting = await open(tested, closing)
  const { billing } = setting
  await billing.credits.grant({ accountId, amount: 1_000, reason: 'welcome', idempotencyKey: 'g-1' })
  const use = { accountId, meter: 'ai_tokens', quantity: 1_000, dimensions: { feature: 'chat' }, apiKeyId: 'key_1' }
  const { id } = await billing.recordUsage({ ...use, meter: 'ai_tokens', idempotencyKey: 'u-1' })
  const naming = { accountId, id, reason: 'counted twice', idempotencyKey: 'a-1' }
  return { ...setting, id, naming, amendment: { ...naming, quantity: 400 } }
}

const badNames: readonly BadInput[] = [
  ...badWrites,
  ...badReasons,
  ...badIds.map(([what, id]): BadInput => [`id: ${what}`, { id }, 'invalid_id']),
  ['id: missing', { id: undefined }, 'invalid_request'],
  ['id: unknown', { id: 'use_missing' }, 'not_found'],
]
const badAmendments: readonly BadInput[] = [
  ...badNames,
  ...badQuantities.map(([what, quantity]): BadInput => [`quantity: ${what}`, { quantity }, 'invalid_quantity']),
  ['quantity: missing', { quantity: undefined }, 'invalid_request'],
  ['quantity: beside tokens', { tokens: { input: 5 } }, 'invalid_request'],
  ['costUsd: a number', { quantity: undefined, costUsd: 5 }, 'invalid_amount'],
  ['serviceTier: another word', { serviceTier: 'fast' }, 'invalid_request'],
]

for (const tested of stores) {
  describe(`usage.amend on ${tested.name}`, () => {
    it('S3.11 refuses what is no amendment, and writes nothing', async () => {
      const setting = await openUsed(tested)
      await expectAllRefused(setting, setting.billing.usage.amend, setting.amendment, badAmendments)
      for (const [, input] of badInputs)
        await expect(setting.billing.usage.amend(input as never)).rejects.toMatchObject({ httpStatus: 400 })
    })

    it('S3.11 gives back what usage costs less, and charges what it costs more', async () => {
      const setting = await openUsed(tested)
      const { billing, id, naming, amendment } = setting
      const less = await billing.usage.amend(amendment)
      expect(less).toMatchObject({
        status: 'recorded',
        corrects: id,
        sparks: parseSparks('40'),
        settledBy: { credits: parseSparks('40') },
        balance: { balance: parseSparks('960') },
        quota: { used: '400' },
      })
      const more = await billing.usage.amend({ ...naming, tokens: { input: 2_000 }, idempotencyKey: 'a-2' })
      expect(more).toMatchObject({ sparks: parseSparks('200'), balance: { balance: parseSparks('800') } })
      expect(await billing.usage.get({ accountId, id })).toMatchObject({
        quantity: '2000',
        sparks: parseSparks('200'),
        tokens: { input: 2_000 },
        amended: true,
        voided: false,
        billed: true,
        original: { quantity: '1000', sparks: parseSparks('100') },
        corrections: [
          { id: less.id, quantity: '-600', sparks: parseSparks('-60'), reason: 'counted twice' },
          { id: more.id, quantity: '1600', sparks: parseSparks('160') },
        ],
      })
      expect(await billing.usage.summary({ accountId })).toMatchObject({ events: 1, sparks: parseSparks('200') })
      const { items } = await billing.credits.transactions({ accountId })
      expect(items.map(({ operation, corrects }) => [operation, corrects])).toEqual([
        ['amend', id],
        ['amend', id],
        ['usage', null],
        ['grant', null],
      ])
    })

    it('S3.11 answers a repeat as the first call, and refuses the key for another body', async () => {
      const setting = await openUsed(tested)
      const { billing, amendment, naming } = setting
      const first = await billing.usage.amend(amendment)
      const again = await billing.usage.amend(amendment)
      expect(again).toMatchObject({ id: first.id, status: 'duplicate', sparks: first.sparks, balance: first.balance })
      await expectRefused(setting, 'idempotency_conflict', () => billing.usage.amend({ ...amendment, quantity: 401 }))
      await billing.usage.void({ ...naming, idempotencyKey: 'v-1' })
      await expectRefused(setting, 'idempotency_conflict', () =>
        billing.usage.void({ ...naming, reason: 'other', idempotencyKey: 'v-1' }),
      )
    })

    it('S1.2 rates an amendment by the model of the usage, unless it names another', async () => {
      const { billing } = await open(tested, closing)
      const call = { accountId, meter: 'model_calls', model: 'gpt-5', tokens: { input: 1_000_000 } } as const
      const { id } = await billing.recordUsage({ ...call, idempotencyKey: 'u-1' })
      const change = { accountId, id, reason: 'output was missing', idempotencyKey: 'a-1' }
      const tokens = { input: 1_000_000, output: 100_000 }
      expect(await billing.usage.amend({ ...change, tokens })).toMatchObject({ costUsd: '2.25' })
      await expect(
        billing.usage.amend({ ...change, tokens, model: 'nope', idempotencyKey: 'a-2' }),
      ).rejects.toMatchObject({ code: 'model_not_priced' })
      expect(await billing.usage.get({ accountId, id })).toMatchObject({
        costUsd: '2.25',
        original: { costUsd: '1.25' },
      })
      expect(await billing.costs.summary({ accountId })).toMatchObject({ costUsd: '2.25' })
    })

    it('S2.6 takes an amendment off the budgets that the usage counted against', async () => {
      const { billing, amendment } = await openUsed(tested)
      const scope = { apiKeyId: 'key_1' }
      await billing.budgets.set({ accountId, scope, limit: 1_000, interval: 'month', idempotencyKey: 'b-1' })
      const use = { accountId, meter: 'ai_tokens', quantity: 1_000, apiKeyId: 'key_1', idempotencyKey: 'u-2' } as const
      const { id } = await billing.recordUsage(use)
      await billing.usage.amend({ ...amendment, id })
      expect(await billing.budgets.get({ accountId, scope })).toMatchObject({ used: parseSparks('40') })
    })

    it('S3.10 shows usage of another account, and what is no usage, as missing', async () => {
      const setting = await openUsed(tested)
      const { billing, amendment, naming } = setting
      const use = { accountId: otherAccountId, meter: 'ai_tokens', quantity: 1_000, idempotencyKey: 'u-1' } as const
      const foreign = await billing.recordUsage(use)
      const grant = await billing.credits.grant({ accountId, amount: 1, reason: 'gift', idempotencyKey: 'g-2' })
      const correction = await billing.usage.amend({ ...amendment, idempotencyKey: 'a-0' })
      for (const id of [foreign.id, grant.id, correction.id]) {
        await expectRefused(setting, 'not_found', () => billing.usage.amend({ ...amendment, id }))
        await expectRefused(setting, 'not_found', () => billing.usage.void({ ...naming, id }))
        await expectRefused(setting, 'not_found', () => billing.usage.get({ accountId, id }))
      }
    })
  })

  describe(`usage.void on ${tested.name}`, () => {
    it('S3.11 refuses what voids nothing, and writes nothing', async () => {
      const setting = await openUsed(tested)
      await expectAllRefused(setting, setting.billing.usage.void, setting.naming, badNames)
      await expectRefused(setting, 'unknown_field', () => setting.billing.usage.void(setting.amendment as never))
    })

    it('S3.11 gives all of it back, once', async () => {
      const setting = await openUsed(tested)
      const { billing, id, naming, amendment } = setting
      const voided = await billing.usage.void(naming)
      expect(voided).toMatchObject({ corrects: id, sparks: 0n, balance: { balance: parseSparks('1000') } })
      expect(await billing.usage.void(naming)).toMatchObject({ id: voided.id, status: 'duplicate' })
      await expectRefused(setting, 'invalid_state', () => billing.usage.void({ ...naming, idempotencyKey: 'v-2' }))
      // Whoever amends what is void would have it count as no event.
      await expectRefused(setting, 'invalid_state', () => billing.usage.amend({ ...amendment, idempotencyKey: 'a-2' }))
      expect(await billing.usage.get({ accountId, id })).toMatchObject({ voided: true, amended: true, sparks: 0n })
      expect(await billing.usage.summary({ accountId })).toMatchObject({ events: 0, sparks: 0n })
      expect(await billing.getQuota({ accountId, meter: 'ai_tokens' })).toMatchObject({ used: '0' })
    })
  })
}
