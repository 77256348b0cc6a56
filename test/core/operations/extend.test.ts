import { parseSparks } from 'billfold'
import { afterEach, describe, expect, it } from 'vitest'
import { type BadInput, badAmounts, badIds, badQuantities, badWrites, hugeAmounts } from './bad-values.js'
import { accountId, expectAllRefused, expectRefused, expireDue, open, otherAccountId } from './setting.js'
import { stores, type TestedStore } from './stores.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** A service whose accounts have 1,000 Sparks each, of which the first holds 100 for work and 100 for 1,000 tokens. */
async function openHeld(tested: TestedStore) {
  const setting = await open(tested, closing)
  const { billing } = setting
  for (const id of [accountId, otherAccountId])
    await billing.credits.grant({ accountId: id, amount: 1_000, reason: 'welcome', idempotencyKey: 'g-1' })
  const plain = await billing.hold({ accountId, amount: 100, idempotencyKey: 'h-1' })
  const metered = await billing.hold({ accountId, meter: 'ai_tokens', quantity: 1_000, idempotencyKey: 'h-2' })
  const good = { accountId, holdId: plain.id, idempotencyKey: 'e-1' }
  return { ...setting, plain, metered, good, onMeter: { ...good, holdId: metered.id } }
}

const bad: readonly BadInput[] = [
  ...badWrites,
  ...badIds.map(([what, holdId]): BadInput => [`holdId: ${what}`, { holdId }, 'invalid_id']),
  ['holdId: missing', { holdId: undefined }, 'invalid_request'],
  ['holdId: unknown', { holdId: 'hld_missing' }, 'not_found'],
  ...[999, 0, -1, 30 * 86_400_000 + 1, 1_000.5, Number.NaN, '60000', null].map(
    (ttlMs): BadInput => [`ttlMs: ${String(ttlMs)}`, { ttlMs }, 'invalid_request'],
  ),
  ...badAmounts.map(([what, amount]): BadInput => [`amount: ${what}`, { amount }, 'invalid_amount']),
  ...hugeAmounts.map(([what, amount]): BadInput => [`amount: ${what}`, { amount }, 'amount_out_of_range']),
  ['amount: more than there is', { amount: '801' }, 'insufficient_credits'],
  ['quantity: on a hold without a meter', { quantity: 5 }, 'invalid_request'],
  ['model: on a hold without a meter', { model: 'gpt-5' }, 'invalid_request'],
]
const badOnMeter: readonly BadInput[] = [
  ...badQuantities.map(([what, quantity]): BadInput => [`quantity: ${what}`, { quantity }, 'invalid_quantity']),
  ['amount: on a meter', { amount: 5 }, 'invalid_request'],
  ['model: without a measure', { model: 'gpt-5' }, 'invalid_request'],
]

for (const tested of stores) {
  describe(`extend on ${tested.name}`, () => {
    it('S2.3 refuses what extends nothing, and leaves the hold as it was', async () => {
      const setting = await openHeld(tested)
      await expectAllRefused(setting, setting.billing.extend, setting.good, bad)
      await expectAllRefused(setting, setting.billing.extend, setting.onMeter, badOnMeter)
    })

    it('S2.3 gives a hold more time by the store’s clock, and never less than it had', async () => {
      const setting = await openHeld(tested)
      const { billing, good, plain } = setting
      setting.advance(600_000)
      const longer = await billing.extend({ ...good, ttlMs: 3_600_000 })
      expect(longer).toMatchObject({ id: plain.id, status: 'open', sparks: plain.sparks })
      expect(longer.expiresAt).toEqual(new Date(setting.now() + 3_600_000))
      const shorter = await billing.extend({ ...good, ttlMs: 1_000, idempotencyKey: 'e-2' })
      expect(shorter.expiresAt).toEqual(longer.expiresAt)
      setting.advance(3_599_999)
      expect(await billing.credits.balance({ accountId })).toMatchObject({ held: parseSparks('100') })
      setting.advance(1)
      expect(await billing.credits.balance({ accountId })).toMatchObject({ held: 0n })
      await expireDue(setting)
      await expectRefused(setting, 'invalid_state', () => billing.extend({ ...good, idempotencyKey: 'e-3' }))
    })

    it('S2.3 reserves more, to the last Spark', async () => {
      const { billing, good, onMeter } = await openHeld(tested)
      expect(await billing.extend({ ...good, amount: '300' })).toMatchObject({ sparks: parseSparks('400') })
      const more = { ...onMeter, quantity: 5_000, idempotencyKey: 'e-2' }
      expect(await billing.extend(more)).toMatchObject({ quantity: '6000', sparks: parseSparks('600') })
      expect(await billing.credits.balance({ accountId })).toMatchObject({ available: 0n, held: parseSparks('1000') })
      const captured = await billing.capture({ accountId, holdId: more.holdId, quantity: 6_000, idempotencyKey: 'c-1' })
      expect(captured).toMatchObject({ captured: parseSparks('600') })
    })

    it('S2.3 answers a repeat as the first call, and refuses the key for another body', async () => {
      const setting = await openHeld(tested)
      const { billing, good } = setting
      const first = await billing.extend({ ...good, amount: 1 })
      expect(await billing.extend({ ...good, amount: 1 })).toEqual(first)
      expect(await billing.credits.balance({ accountId })).toMatchObject({ held: parseSparks('201') })
      for (const other of [{ amount: 2 }, { amount: 1, ttlMs: 5_000 }])
        await expectRefused(setting, 'idempotency_conflict', () => billing.extend({ ...good, ...other }))
    })

    it('S3.10 shows a hold of another account as one that does not exist', async () => {
      const setting = await openHeld(tested)
      const { billing, good } = setting
      const foreign = await billing.hold({ accountId: otherAccountId, amount: 1, idempotencyKey: 'h-1' })
      await expectRefused(setting, 'not_found', () => billing.extend({ ...good, holdId: foreign.id }))
    })

    it('S2.3 refuses a hold that was captured or released', async () => {
      const setting = await openHeld(tested)
      const { billing, good, onMeter } = setting
      await billing.capture({ ...good, idempotencyKey: 'c-1' })
      await billing.release({ ...onMeter, idempotencyKey: 'r-1' })
      for (const input of [good, onMeter]) await expectRefused(setting, 'invalid_state', () => billing.extend(input))
    })
  })
}
