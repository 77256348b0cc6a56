import { parseSparks } from 'billfold'
import { afterEach, describe, expect, it } from 'vitest'
import { suspension } from '../../../src/testing/store-conformance/commands.js'
import { type BadInput, badIds, badInputs, badQuantities, badTexts, foreignFields } from './bad-values.js'
import { accountId, catalog, changed, expectRefused, open, shared } from './setting.js'
import { stores } from './stores.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const good = { accountId, meter: 'ai_tokens', quantity: '10' } as const

const bad: readonly BadInput[] = [
  ...badQuantities.map(([what, quantity]): BadInput => [`quantity: ${what}`, { quantity }, 'invalid_quantity']),
  ['quantity: missing', { quantity: undefined }, 'invalid_request'],
  ['quantity: beside tokens', { tokens: { input: 5 } }, 'invalid_request'],
  ['tokens: only zeros', { quantity: undefined, tokens: { input: 0 } }, 'invalid_quantity'],
  ['costUsd: negative', { meter: 'model_calls', quantity: undefined, costUsd: '-1' }, 'invalid_amount'],
  [
    'costUsd: beyond all bounds',
    { meter: 'model_calls', quantity: undefined, costUsd: '9'.repeat(40) },
    'amount_out_of_range',
  ],
  [
    'model: unknown',
    { meter: 'model_calls', quantity: undefined, tokens: { input: 5 }, model: 'nope' },
    'model_not_priced',
  ],
  ...badTexts(200).map(([what, model]): BadInput => [`model: ${what}`, { model }, 'invalid_request']),
  ['meter: unknown', { meter: 'nope' }, 'invalid_request'],
  ['meter: __proto__', { meter: '__proto__' }, 'invalid_request'],
  ['meter: missing', { meter: undefined }, 'invalid_request'],
  ...badIds.map(([what, id]): BadInput => [`accountId: ${what}`, { accountId: id }, 'invalid_id']),
  ['accountId: missing', { accountId: undefined }, 'invalid_request'],
  ['accountId: unknown', { accountId: 'acct_missing' }, 'not_found'],
  ['idempotencyKey, which a question has not', { idempotencyKey: 'k' }, 'unknown_field'],
  ...foreignFields.map(([what, fields]): BadInput => [`fields of ours: ${what}`, fields, 'unknown_field']),
]

for (const tested of stores) {
  describe(`authorize on ${tested.name}`, () => {
    const openCase = shared(tested)
    for (const [what, change, code] of bad) {
      it(`S0.6 refuses ${what} as ${code}, and leaves no mark on the quota`, async () => {
        const setting = await openCase()
        const own = { ...good, accountId: setting.accountId }
        await expectRefused(setting, code, () => setting.billing.authorize(changed(own, change)))
      })
    }

    it('S0.6 refuses what is no input', async () => {
      const setting = await openCase()
      for (const [, input] of badInputs) {
        await expectRefused(setting, 'invalid_request', () => setting.billing.authorize(input as never))
      }
    })

    it('S3.9 answers yes up to the last Spark, and no to one more, with what would help', async () => {
      const setting = await open(tested, closing)
      const { billing } = setting
      await billing.credits.grant({ accountId, amount: 10, reason: 'welcome', idempotencyKey: 'g-1' })
      const before = await setting.everything()
      expect(await billing.authorize({ ...good, quantity: 100 })).toMatchObject({ allowed: true, source: 'credits' })
      expect(await setting.everything()).toEqual(before)
      const refusal = await billing.authorize({ ...good, quantity: 101 })
      expect(refusal).toMatchObject({ allowed: false, reason: 'insufficient_credits', httpStatus: 402 })
      expect(refusal).toMatchObject({
        remedies: [
          { kind: 'top_up', package: 'starter', missingSparks: parseSparks('0.1') },
          { kind: 'upgrade', plan: 'pro' },
          { kind: 'smaller_request', quantity: '100' },
        ],
      })
    })

    it('S0.6 passes 80 %, reaches 100 %, and then throttles without recording usage', async () => {
      const { billing } = await open(tested, closing)
      await billing.credits.grant({ accountId, amount: 10_000, reason: 'welcome', idempotencyKey: 'g-1' })
      const ask = { accountId, meter: 'compute_minutes', quantity: 1 } as const
      const use = (quantity: string, key: string) => billing.recordUsage({ ...ask, quantity, idempotencyKey: key })
      expect(await use('80', 'u-1')).toMatchObject({ quota: { status: 'below_quota' } })
      expect(await use('1', 'u-2')).toMatchObject({ quota: { status: 'near_quota' } })
      expect(await use('18.999999', 'u-3')).toMatchObject({ quota: { status: 'near_quota' } })
      expect(await use('0.000001', 'u-4')).toMatchObject({ quota: { status: 'at_quota', used: '100' } })
      const refusal = await billing.authorize(ask)
      expect(refusal).toMatchObject({ allowed: false, reason: 'quota_exceeded', httpStatus: 429 })
      expect(refusal).toMatchObject({ retryAt: new Date('2026-12-01T00:00:00Z'), quota: { status: 'throttled' } })
      const { periodStartsAt, ...quota } = await billing.getQuota(ask && { accountId, meter: ask.meter })
      expect(quota).toMatchObject({ status: 'throttled', used: '100', remaining: '0' })
      expect(periodStartsAt).toEqual(new Date('2026-11-01T00:00:00Z'))
    })

    it('S0.6 lets nothing through where the limit is 0, whatever there is to pay with', async () => {
      const { billing } = await open(tested, closing)
      await billing.credits.grant({ accountId, amount: 10_000, reason: 'welcome', idempotencyKey: 'g-1' })
      const ask = { accountId, meter: 'images', quantity: 1 } as const
      const refusal = await billing.authorize(ask)
      expect(refusal).toMatchObject({ allowed: false, reason: 'quota_exceeded', httpStatus: 429 })
      expect(refusal).toMatchObject({ quota: { limit: '0', used: '0', remaining: '0', status: 'throttled' } })
      const use = { ...ask, onInsufficient: 'refuse', idempotencyKey: 'u-1' } as const
      await expect(billing.recordUsage(use)).rejects.toMatchObject({ code: 'quota_exceeded' })
    })

    it('S0.6 names no time to try again when none helps: for an account that is suspended, and for more than the whole limit', async () => {
      const { billing, store } = await open(tested, closing)
      await billing.credits.grant({ accountId, amount: 100_000, reason: 'welcome', idempotencyKey: 'g-1' })
      const ask = { accountId, meter: 'compute_minutes', quantity: 101 } as const
      const tooLarge = await billing.authorize(ask)
      expect(tooLarge).toMatchObject({ reason: 'quota_exceeded', retryAt: null })
      expect(tooLarge.allowed ? [] : tooLarge.remedies.map(({ kind }) => kind)).not.toContain('wait')
      const rules = { catalog, metering: [], tracing: [], collecting: null }
      await store.ledger.commit([suspension('suspend', accountId, 's-1')], rules)
      expect(await billing.authorize({ ...ask, quantity: 1 })).toMatchObject({
        reason: 'suspended',
        httpStatus: 403,
        retryAt: null,
        remedies: [],
      })
    })

    it('S0.6 has no limit where the plan names none', async () => {
      const { billing } = await open(tested, closing)
      await billing.recordUsage({ ...good, quantity: '1000000', idempotencyKey: 'u-1' })
      const quota = await billing.getQuota({ accountId, meter: 'ai_tokens' })
      expect(quota).toMatchObject({ status: 'below_quota', limit: null, remaining: null })
    })
  })
}
