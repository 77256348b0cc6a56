import { parseSparks } from 'billfold'
import { afterEach, describe, expect, it } from 'vitest'
import { changePlan } from '../../../src/testing/store-conformance/commands.js'
import {
  type BadInput,
  badAmounts,
  badIds,
  badInputs,
  badKeys,
  badQuantities,
  badTexts,
  foreignFields,
  hugeAmounts,
} from './bad-values.js'
import {
  accountId,
  catalog,
  changed,
  expectRefused,
  expireDue,
  open,
  otherAccountId,
  type Setting,
  shared,
} from './setting.js'
import { stores, type TestedStore } from './stores.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** A case of its own on a service that others use too, with 1,000 Sparks. */
function sharedFunded(tested: TestedStore) {
  const openCase = shared(tested)
  return async () => {
    const setting = await openCase()
    await setting.billing.credits.grant({ ...good, accountId: setting.accountId, amount: 1_000, reason: 'welcome' })
    return setting
  }
}

/** A service whose accounts have 1,000 Sparks each. */
async function openFunded(tested: TestedStore) {
  const setting = await open(tested, closing)
  for (const id of [accountId, otherAccountId]) {
    await setting.billing.credits.grant({ accountId: id, amount: 1_000, reason: 'welcome', idempotencyKey: 'g-1' })
  }
  return setting
}

const good = { accountId, amount: '100', idempotencyKey: 'h-1' } as const
const metered = { accountId, meter: 'ai_tokens', quantity: '1000', idempotencyKey: 'h-1' } as const

const common: readonly BadInput[] = [
  ...badIds.map(([what, id]): BadInput => [`accountId: ${what}`, { accountId: id }, 'invalid_id']),
  ['accountId: missing', { accountId: undefined }, 'invalid_request'],
  ...badKeys.map(([what, key]): BadInput => [`key: ${what}`, { idempotencyKey: key }, 'invalid_idempotency_key']),
  ['key: missing', { idempotencyKey: undefined }, 'idempotency_key_required'],
  ...foreignFields.map(([what, fields]): BadInput => [`fields of ours: ${what}`, fields, 'unknown_field']),
]

const badHolds: readonly BadInput[] = [
  ...common,
  ['accountId: unknown', { accountId: 'acct_missing' }, 'not_found'],
  ...badAmounts.map(([what, amount]): BadInput => [`amount: ${what}`, { amount }, 'invalid_amount']),
  ...hugeAmounts.map(([what, amount]): BadInput => [`amount: ${what}`, { amount }, 'amount_out_of_range']),
  ['amount: missing, and no meter', { amount: undefined }, 'invalid_request'],
  ['amount: beside a meter', { meter: 'ai_tokens', quantity: 5 }, 'invalid_request'],
  ['quantity: beside an amount', { quantity: 5 }, 'invalid_request'],
  ['tokens: beside an amount', { tokens: { input: 5 } }, 'invalid_request'],
  ['costUsd: beside an amount', { costUsd: '1' }, 'invalid_request'],
  ['model: beside an amount', { model: 'gpt-5' }, 'invalid_request'],
  ...[999, 0, -1, 30 * 86_400_000 + 1, 1_000.5, Number.NaN, Number.POSITIVE_INFINITY, '60000', null, 60_000n].map(
    (ttlMs): BadInput => [`ttlMs: ${String(ttlMs)}`, { ttlMs }, 'invalid_request'],
  ),
  ...badTexts(500)
    .filter(([what]) => what !== 'blank')
    .map(([what, reason]): BadInput => [`reason: ${what}`, { reason }, 'invalid_request']),
]

const badMeteredHolds: readonly BadInput[] = [
  ...badQuantities.map(([what, quantity]): BadInput => [`quantity: ${what}`, { quantity }, 'invalid_quantity']),
  ['quantity: missing', { quantity: undefined }, 'invalid_request'],
  ['quantity: beside tokens', { tokens: { input: 5 } }, 'invalid_request'],
  ['meter: unknown', { meter: 'nope' }, 'invalid_request'],
  ['meter: __proto__', { meter: '__proto__' }, 'invalid_request'],
  ['meter: null', { meter: null }, 'invalid_request'],
  ['dimensions: a list', { dimensions: [] }, 'invalid_metadata'],
  ['apiKeyId: empty', { apiKeyId: '' }, 'invalid_id'],
  ['userId: with a space', { userId: 'a b' }, 'invalid_id'],
]

const badCaptures: readonly BadInput[] = [
  ...common,
  ['accountId: unknown', { accountId: 'acct_missing' }, 'not_found'],
  ...badIds.map(([what, holdId]): BadInput => [`holdId: ${what}`, { holdId }, 'invalid_id']),
  ['holdId: missing', { holdId: undefined }, 'invalid_request'],
  ['holdId: unknown', { holdId: 'hld_missing' }, 'not_found'],
  ...badAmounts
    .filter(
      ([, amount]) =>
        !/^0/.test(String(amount)) || typeof amount === 'object' || String(amount) === '0x10' || Object.is(amount, -0),
    )
    .map(([what, amount]): BadInput => [`amount: ${what}`, { amount }, 'invalid_amount']),
  ...hugeAmounts.map(
    ([what, amount]): BadInput => [`amount: ${what}`, { amount, onExcess: 'refuse' }, 'amount_out_of_range'],
  ),
  ['amount: above the hold where excess is refused', { amount: '101', onExcess: 'refuse' }, 'amount_out_of_range'],
  ['quantity: on a hold without a meter', { quantity: 5 }, 'invalid_request'],
  ['model: on a hold without a meter', { model: 'gpt-5' }, 'invalid_request'],
  ['onExcess: another word', { onExcess: 'ignore' }, 'invalid_request'],
  ['onExcess: null', { onExcess: null }, 'invalid_request'],
]

for (const tested of stores) {
  describe(`hold on ${tested.name}`, () => {
    const openCase = sharedFunded(tested)
    const refuses = (what: string, code: string) =>
      `S2.3 refuses ${what} as ${code}, writes nothing, and leaves the key free`

    for (const [what, change, code] of badHolds) {
      it(refuses(what, code), async () => {
        const setting = await openCase()
        const own = { ...good, accountId: setting.accountId }
        await expectRefused(setting, code, () => setting.billing.hold(changed(own, change)))
        expect(await setting.billing.hold(own)).toMatchObject({ status: 'open', sparks: parseSparks('100') })
      })
    }
    for (const [what, change, code] of badMeteredHolds) {
      it(refuses(`${what}, on a meter`, code), async () => {
        const setting = await openCase()
        const own = { ...metered, accountId: setting.accountId }
        await expectRefused(setting, code, () => setting.billing.hold(changed(own, change)))
        expect(await setting.billing.hold(own)).toMatchObject({ status: 'open', quantity: '1000' })
      })
    }

    it('S2.3 refuses what is no input', async () => {
      const setting = await openFunded(tested)
      const { billing } = setting
      for (const [, input] of badInputs) {
        for (const call of [billing.hold, billing.capture, billing.release]) {
          const before = await setting.everything()
          await expect(call(input as never)).rejects.toMatchObject({ name: 'BillingError', httpStatus: 400 })
          expect(await setting.everything()).toEqual(before)
        }
      }
    })

    it('S2.3 reserves to the last Spark, and refuses one more', async () => {
      const setting = await openFunded(tested)
      const { billing } = setting
      await billing.hold({ ...good, amount: '1000' })
      const more = { ...good, amount: 1n, idempotencyKey: 'h-2' }
      const before = await billing.credits.balance({ accountId })
      await expect(billing.hold(more)).rejects.toMatchObject({ code: 'insufficient_credits', httpStatus: 402 })
      expect(await billing.credits.balance({ accountId })).toEqual(before)
      expect(await setting.store.ledger.entries(accountId, { limit: 10 })).toHaveLength(1)
    })

    it('S2.3 answers a repeat as the first call, and refuses the key for another body', async () => {
      const setting = await openFunded(tested)
      const { billing } = setting
      const first = await billing.hold(good)
      expect(await billing.hold(good)).toEqual(first)
      for (const other of [{ amount: '101' }, { ttlMs: 5_000 }, { reason: 'x' }]) {
        await expectRefused(setting, 'idempotency_conflict', () => billing.hold({ ...good, ...other }))
      }
    })
  })

  describe(`capture on ${tested.name}`, () => {
    const openCase = sharedFunded(tested)
    const opened = async (setting: Pick<Setting, 'billing'>, id = accountId) => {
      const held = await setting.billing.hold({ ...good, accountId: id })
      return { accountId: id, holdId: held.id, idempotencyKey: 'c-1' } as const
    }

    for (const [what, change, code] of badCaptures) {
      it(`S2.3 refuses ${what} as ${code}, writes nothing, and leaves the key free`, async () => {
        const setting = await openCase()
        const input = await opened(setting, setting.accountId)
        await expectRefused(setting, code, () => setting.billing.capture(changed(input, change)))
        expect(await setting.billing.capture(input)).toMatchObject({ status: 'recorded', captured: parseSparks('100') })
      })
    }

    it('S2.3 refuses a quantity that is none, and an amount, on a meter', async () => {
      const setting = await openFunded(tested)
      const { billing } = setting
      const { id: holdId } = await billing.hold(metered)
      const input = { accountId, holdId, idempotencyKey: 'c-1' }
      const zeros = new Set<unknown>(['0', '0.000000', 0, 0n])
      for (const [, quantity] of badQuantities.filter(([, value]) => !zeros.has(value) || Object.is(value, -0))) {
        await expectRefused(setting, 'invalid_quantity', () => billing.capture(changed(input, { quantity })))
      }
      await expectRefused(setting, 'invalid_request', () => billing.capture({ ...input, amount: 5 }))
      await expectRefused(setting, 'invalid_request', () =>
        billing.capture({ ...input, quantity: 5, tokens: { input: 5 } }),
      )
      expect(await billing.capture({ ...input, quantity: 10 })).toMatchObject({ captured: parseSparks('1') })
    })

    it('S2.3 takes nothing when nothing was used, and gives all of it back', async () => {
      const setting = await openFunded(tested)
      const { billing } = setting
      for (const [index, amount] of (['0', 0, 0n] as const).entries()) {
        const { id } = await billing.hold({ ...good, idempotencyKey: `h-${index}` })
        const captured = await billing.capture({ accountId, holdId: id, amount, idempotencyKey: `c-${index}` })
        expect(captured).toMatchObject({ status: 'recorded', captured: 0n })
      }
      for (const [index, measure] of [{ quantity: '0' }, { quantity: 0n }, { tokens: { input: 0 } }].entries()) {
        const { id } = await billing.hold({ ...metered, idempotencyKey: `m-${index}` })
        const captured = await billing.capture({ accountId, holdId: id, ...measure, idempotencyKey: `d-${index}` })
        expect(captured).toMatchObject({ captured: 0n, usage: { sparks: 0n, quota: { used: '0', held: '0' } } })
      }
      expect(await billing.credits.balance({ accountId })).toMatchObject({
        balance: parseSparks('1000'),
        held: 0n,
        available: parseSparks('1000'),
      })
    })

    it('S2.3 resolves a hold once: a second capture or release is refused, a repeat is not', async () => {
      const setting = await openFunded(tested)
      const { billing } = setting
      const { holdId } = await opened(setting)
      const first = { accountId, holdId, amount: '60', idempotencyKey: 'c-1' }
      expect(await billing.capture(first)).toMatchObject({ status: 'recorded', captured: parseSparks('60') })
      expect(await billing.capture(first)).toMatchObject({ status: 'duplicate', captured: parseSparks('60') })
      const second = { ...first, idempotencyKey: 'c-2' }
      await expectRefused(setting, 'invalid_state', () => billing.capture(second))
      await expectRefused(setting, 'invalid_state', () => billing.release({ accountId, holdId, idempotencyKey: 'r-1' }))
      await expectRefused(setting, 'idempotency_conflict', () => billing.capture({ ...first, amount: '61' }))
      expect(await billing.credits.balance({ accountId })).toMatchObject({ balance: parseSparks('940'), held: 0n })
    })

    it('S2.3 takes what exceeds the hold by default, or leaves it to the house', async () => {
      const setting = await openFunded(tested)
      const { billing } = setting
      const { holdId } = await opened(setting)
      expect(await billing.capture({ accountId, holdId, amount: '101', idempotencyKey: 'c-1' })).toMatchObject({
        captured: parseSparks('101'),
      })
      const { id } = await billing.hold({ ...good, idempotencyKey: 'h-2' })
      const excess = { accountId, holdId: id, amount: '101', onExcess: 'write_off', idempotencyKey: 'c-2' } as const
      expect(await billing.capture(excess)).toMatchObject({ captured: parseSparks('100') })
    })

    it('S2.3 two holds that share what the plan includes are taken in full where excess is refused, at no more than the rest', async () => {
      const { billing, store } = await openFunded(tested)
      const rules = { catalog, metering: [], tracing: [], collecting: null }
      await store.ledger.commit([changePlan(accountId, 'p-1', 'pro')], rules)
      const taken = { ...metered, quantity: '502500' }
      const first = await billing.hold({ ...taken, idempotencyKey: 'h-1' })
      const second = await billing.hold({ ...taken, idempotencyKey: 'h-2' })
      expect([first.sparks, second.sparks]).toEqual([0n, parseSparks('500')])
      const settle = (holdId: string, idempotencyKey: string) =>
        billing.capture({ accountId, holdId, onExcess: 'refuse', idempotencyKey })
      expect(await settle(first.id, 'c-1')).toMatchObject({ captured: 0n })
      const more = {
        accountId,
        holdId: second.id,
        quantity: '502501',
        onExcess: 'refuse',
        idempotencyKey: 'c-2',
      } as const
      await expect(billing.capture(more)).rejects.toMatchObject({ code: 'amount_out_of_range' })
      expect(await settle(second.id, 'c-3')).toMatchObject({ captured: parseSparks('500') })
    })

    it('S2.3 refuses a hold that has expired, which stays expired', async () => {
      const setting = await openFunded(tested)
      const { billing } = setting
      const held = await billing.hold(good)
      setting.advance(2 * 3_600_000)
      await expireDue(setting)
      const input = { accountId, holdId: held.id, idempotencyKey: 'c-1' }
      const error = await expectRefused(setting, 'invalid_state', () => billing.capture({ ...input, amount: '60' }))
      expect(error.message).toContain('recordUsage')
      await expectRefused(setting, 'invalid_state', () => billing.release(input))
      expect(await billing.credits.balance({ accountId })).toMatchObject({ balance: parseSparks('1000'), held: 0n })
    })

    it('S3.10 shows a hold of another account as one that does not exist', async () => {
      const setting = await openFunded(tested)
      const { billing } = setting
      const foreign = await billing.hold({ ...good, accountId: otherAccountId })
      const foreignMetered = await billing.hold({ ...metered, accountId: otherAccountId, idempotencyKey: 'h-2' })
      const messages = []
      for (const holdId of [foreign.id, foreignMetered.id, 'hld_missing']) {
        const input = { accountId, holdId, idempotencyKey: 'c-1' }
        for (const call of [billing.capture, billing.release]) {
          const error = await expectRefused(setting, 'not_found', () => call(input))
          messages.push(error.message.replace(holdId, '…'))
          expect(error.details).toEqual({ holdId })
        }
      }
      expect(new Set(messages).size).toBe(1)
    })
  })

  describe(`release on ${tested.name}`, () => {
    const openCase = sharedFunded(tested)
    for (const [what, change, code] of [...common, ...badCaptures.filter(([what]) => what.startsWith('holdId'))]) {
      it(`S2.3 refuses ${what} as ${code}, writes nothing, and leaves the key free`, async () => {
        const setting = await openCase()
        const { id } = await setting.billing.hold({ ...good, accountId: setting.accountId })
        const input = { accountId: setting.accountId, holdId: id, idempotencyKey: 'r-1' }
        await expectRefused(setting, code, () => setting.billing.release(changed(input, change)))
        expect(await setting.billing.release(input)).toMatchObject({ status: 'released' })
        expect(await setting.billing.release(input)).toMatchObject({ status: 'released' })
      })
    }
  })
}
