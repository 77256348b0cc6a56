import { parseSparks } from 'billfold'
import { afterEach, describe, expect, it } from 'vitest'
import {
  type BadInput,
  badIds,
  badInputs,
  badKeys,
  badMetadata,
  badQuantities,
  badTexts,
  badTimes,
  foreignFields,
} from './bad-values.js'
import { accountId, changed, expectRefused, open, otherAccountId, shared } from './setting.js'
import { stores } from './stores.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const good = { accountId, meter: 'ai_tokens', quantity: '10', idempotencyKey: 'u-1' } as const
const { quantity: _, ...unmeasured } = good

const bad: readonly BadInput[] = [
  ...badQuantities.map(([what, quantity]): BadInput => [`quantity: ${what}`, { quantity }, 'invalid_quantity']),
  ['quantity: more decimals than the meter counts', { quantity: '1.5' }, 'invalid_quantity'],
  ['quantity: missing', { quantity: undefined }, 'invalid_request'],
  ['quantity: given beside tokens', { tokens: { input: 5 } }, 'invalid_request'],
  ...badIds.map(([what, id]): BadInput => [`accountId: ${what}`, { accountId: id }, 'invalid_id']),
  ['accountId: missing', { accountId: undefined }, 'invalid_request'],
  ['accountId: in capitals', { accountId: 'ACCT_A' }, 'not_found'],
  ['accountId: unknown', { accountId: 'acct_missing' }, 'not_found'],
  ['accountId: a system account', { accountId: 'platform:revenue' }, 'not_found'],
  ...badKeys.map(([what, key]): BadInput => [`key: ${what}`, { idempotencyKey: key }, 'invalid_idempotency_key']),
  ['key: missing', { idempotencyKey: undefined }, 'idempotency_key_required'],
  ['meter: unknown', { meter: 'nope' }, 'invalid_request'],
  ['meter: __proto__', { meter: '__proto__' }, 'invalid_request'],
  ['meter: constructor', { meter: 'constructor' }, 'invalid_request'],
  ['meter: missing', { meter: undefined }, 'invalid_request'],
  ['meter: null', { meter: null }, 'invalid_request'],
  ['meter: an array', { meter: ['ai_tokens'] }, 'invalid_request'],
  ['meter: in capitals', { meter: 'AI_TOKENS' }, 'invalid_request'],
  ['meter: a hundred thousand characters', { meter: 'm'.repeat(100_000) }, 'invalid_request'],
  ...badTimes.map(([what, occurredAt, code]): BadInput => [`occurredAt: ${what}`, { occurredAt }, code]),
  ['occurredAt: more than 5 minutes ahead', { occurredAt: '2026-11-21T12:05:01Z' }, 'timestamp_out_of_range'],
  ...badMetadata.map(([what, dimensions]): BadInput => [`dimensions: ${what}`, { dimensions }, 'invalid_metadata']),
  ...badTexts(200).map(([what, model]): BadInput => [`model: ${what}`, { model }, 'invalid_request']),
  ['holdId: unknown', { holdId: 'hld_missing' }, 'not_found'],
  ...badIds.map(([what, holdId]): BadInput => [`holdId: ${what}`, { holdId }, 'invalid_id']),
  ['onInsufficient: another word', { onInsufficient: 'ignore' }, 'invalid_request'],
  ['onInsufficient: null', { onInsufficient: null }, 'invalid_request'],
  ...foreignFields.map(([what, fields]): BadInput => [`fields of ours: ${what}`, fields, 'unknown_field']),
]

const badTokens: readonly BadInput[] = [
  ['null', null],
  ['a number', 5],
  ['an array', [5]],
  ['empty', {}],
  ['only zeros', { input: 0 }],
  ['a negative count', { input: -1, output: 5 }],
  ['minus zero', { input: 5, output: -0 }],
  ['a fraction', { input: 1.5 }],
  ['text', { input: '5' }],
  ['a bigint', { input: 5n }],
  ['not a number', { input: Number.NaN }],
  ['an unsafe number', { input: Number.MAX_SAFE_INTEGER + 1 }],
  ['more than ten to the 12th', { input: 1e12 + 1 }],
  ['more than ten to the 12th together', { input: 1e12, output: 1 }],
  ['the pool __proto__', JSON.parse('{"__proto__":5,"input":5}')],
  ['the pool constructor', { constructor: 5 }],
  ['a pool that is no name', { 'in put': 5 }],
  ['a thousand pools', Object.fromEntries(Array.from({ length: 1_000 }, (_pool, index) => [`pool${index}`, 1]))],
  ['a Map', new Map([['input', 5]])],
  ['another prototype', { __proto__: { output: 5 }, input: 5 }],
].map(([what, tokens]): BadInput => [`tokens: ${what}`, { tokens }, 'invalid_quantity'])

const badCosts: readonly BadInput[] = [
  ['null', null],
  ['a number', 0.5],
  ['negative', '-0.01'],
  ['minus zero', '-0'],
  ['exponent notation', '1e-7'],
  ['with a currency', '$5'],
  ['a separator', '1,5'],
  ['empty', ''],
  ['blank', ' '],
  ['nineteen decimals', '0.0000000000000000001'],
  ['a hundred thousand digits', '9'.repeat(100_000)],
  ['an array', ['5']],
  ['a bigint', 5n],
].map(([what, costUsd]): BadInput => [`costUsd: ${what}`, { meter: 'model_calls', costUsd }, 'invalid_amount'])

for (const tested of stores) {
  describe(`recordUsage on ${tested.name}`, () => {
    const openCase = shared(tested)
    for (const [what, change, code] of bad) {
      it(`C6 refuses ${what} as ${code}, writes nothing, and leaves the key free`, async () => {
        const setting = await openCase()
        const own = { ...good, accountId: setting.accountId }
        await expectRefused(setting, code, () => setting.billing.recordUsage(changed(own, change)))
        expect(await setting.billing.recordUsage(own)).toMatchObject({ status: 'recorded', sparks: parseSparks('1') })
      })
    }

    for (const [what, change, code] of [...badTokens, ...badCosts]) {
      it(`C6 S1.2 refuses ${what} as ${code}, writes nothing, and leaves the key free`, async () => {
        const setting = await openCase()
        const own = { ...unmeasured, accountId: setting.accountId }
        await expectRefused(setting, code, () => setting.billing.recordUsage(changed(own, change)))
        expect(await setting.billing.recordUsage({ ...own, quantity: 10 })).toMatchObject({ status: 'recorded' })
      })
    }

    for (const [what, input] of badInputs) {
      it(`C6 refuses ${what} for an input`, async () => {
        const setting = await openCase()
        await expectRefused(setting, 'invalid_request', () => setting.billing.recordUsage(input as never))
      })
    }

    it('S1.2 refuses a cost that is more Sparks than can be stored, whoever would pay', async () => {
      const setting = await open(tested, closing)
      const input = { accountId, meter: 'model_calls', costUsd: '9'.repeat(30), idempotencyKey: 'u-1' } as const
      await expectRefused(setting, 'amount_out_of_range', () => setting.billing.recordUsage(input))
    })

    it('S1.2 refuses tokens of a model, or of a pool, that has no price', async () => {
      const setting = await open(tested, closing)
      const call = { accountId, meter: 'model_calls', idempotencyKey: 'u-1' } as const
      const models = [
        { model: 'nope', tokens: { input: 5 } },
        { model: '__proto__', tokens: { input: 5 } },
        { model: 'gpt-5', tokens: { input: 5, audio: 1 } },
      ]
      for (const measure of models) {
        await expectRefused(setting, 'model_not_priced', () => setting.billing.recordUsage({ ...call, ...measure }))
      }
      await expectRefused(setting, 'invalid_request', () =>
        setting.billing.recordUsage({ ...call, tokens: { input: 5 } }),
      )
      const priced = { ...call, model: 'gpt-5', tokens: { input: 1_000_000, output: 0 } }
      expect(await setting.billing.recordUsage(priced)).toMatchObject({ costUsd: '1.25', sparks: parseSparks('37500') })
    })

    it('S3.10 shows a hold of another account as one that does not exist', async () => {
      const setting = await open(tested, closing)
      const { billing } = setting
      await billing.credits.grant({ accountId: otherAccountId, amount: 10, reason: 'welcome', idempotencyKey: 'g-1' })
      const foreign = await billing.hold({
        accountId: otherAccountId,
        meter: 'ai_tokens',
        quantity: 1,
        idempotencyKey: 'h',
      })
      const errors = []
      for (const holdId of [foreign.id, 'hld_missing']) {
        errors.push(await expectRefused(setting, 'not_found', () => billing.recordUsage({ ...good, holdId })))
      }
      expect(errors[0]?.message.replace(foreign.id, 'hld_missing')).toBe(errors[1]?.message)
    })

    it('C6 takes whole numbers, decimal text and bigints of whole units alike', async () => {
      const { billing } = await open(tested, closing)
      const quantities = [10n, 10, '10', '10.000000', '0010']
      for (const [index, quantity] of quantities.entries()) {
        const recorded = await billing.recordUsage({ ...good, quantity, idempotencyKey: `u-${index}` })
        expect(recorded).toMatchObject({ status: 'recorded', sparks: parseSparks('1') })
      }
      expect(await billing.getQuota({ accountId, meter: 'ai_tokens' })).toMatchObject({ used: '50' })
    })

    it('C6 takes the shortest and the longest of what is allowed', async () => {
      const { billing } = await open(tested, closing)
      const dimensions = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`k${index}`, '🙂'.repeat(250)]))
      const longest = {
        accountId,
        meter: 'compute_minutes',
        quantity: '0.000001',
        idempotencyKey: 'k'.repeat(255),
        model: 'm'.repeat(200),
        dimensions: { ...dimensions, k0: '' },
        occurredAt: '2026-11-21T12:05:00Z',
      } as const
      expect(await billing.recordUsage(longest)).toMatchObject({ status: 'recorded', sparks: 50n })
      const most = { ...good, quantity: '1000000000000', idempotencyKey: 'k' }
      expect(await billing.recordUsage(most)).toMatchObject({ sparks: parseSparks('100000000000') })
      const early = { ...good, occurredAt: new Date(Date.UTC(2000, 0, 1)), idempotencyKey: 'early' }
      expect(await billing.recordUsage(early)).toMatchObject({ status: 'recorded' })
      const offset = { ...good, occurredAt: '2024-02-29T23:59:59.123456789+05:30', idempotencyKey: 'offset' }
      expect(await billing.recordUsage(offset)).toMatchObject({ status: 'recorded' })
      const days = await billing.usage.summary({ accountId, from: '2024-02-01', to: '2024-03-02' })
      expect(days.byDay.map(({ name }) => name)).toEqual(['2024-02-29'])
    })

    it('C6 takes the input as it was at the call, frozen or changed afterwards', async () => {
      const { billing, store } = await open(tested, closing)
      const frozen = Object.freeze({ ...good, dimensions: Object.freeze({ feature: 'chat' }) })
      expect(await billing.recordUsage(frozen)).toMatchObject({ status: 'recorded' })
      const changed = {
        accountId,
        meter: 'ai_tokens' as const,
        tokens: { input: 1_000 },
        dimensions: { feature: 'chat' },
        occurredAt: new Date('2026-11-20T00:00:00Z'),
        idempotencyKey: 'u-2',
      }
      const recording = billing.recordUsage(changed)
      changed.tokens.input = 1
      changed.dimensions.feature = 'x'
      changed.occurredAt.setTime(0)
      changed.idempotencyKey = 'u-3'
      const { id, sparks } = await recording
      expect(sparks).toBe(parseSparks('100'))
      const entry = await store.ledger.entry(accountId, id)
      expect(entry).toMatchObject({ key: 'u-2', usage: { tokens: { input: 1_000 }, dimensions: { feature: 'chat' } } })
    })

    it('C6 answers a repeat as the first call, and refuses the key for another body', async () => {
      const setting = await open(tested, closing)
      const { billing } = setting
      const first = await billing.recordUsage(good)
      expect(await billing.recordUsage(good)).toMatchObject({
        id: first.id,
        status: 'duplicate',
        balance: first.balance,
      })
      const others = [
        { quantity: '11' },
        { meter: 'compute_minutes' },
        { model: 'm' },
        { occurredAt: '2026-11-21T00:00:00Z' },
      ]
      for (const other of others) {
        const input = { ...good, ...other } as typeof good
        await expectRefused(setting, 'idempotency_conflict', () => billing.recordUsage(input))
      }
    })

    it('C6 records eight equal calls at once as one', async () => {
      const { billing } = await open(tested, closing)
      const answers = await Promise.all(Array.from({ length: 8 }, () => billing.recordUsage(good)))
      expect(new Set(answers.map(({ id }) => id)).size).toBe(1)
      expect(answers.filter(({ status }) => status === 'recorded')).toHaveLength(1)
      expect(await billing.getQuota({ accountId, meter: 'ai_tokens' })).toMatchObject({ used: '10' })
    })

    it('S3.10 keeps the keys of two accounts apart', async () => {
      const { billing } = await open(tested, closing)
      const [own, other] = [good, { ...good, accountId: otherAccountId }]
      expect(await billing.recordUsage(own)).toMatchObject({ status: 'recorded' })
      expect(await billing.recordUsage(other)).toMatchObject({ status: 'recorded' })
    })

    it('S3.9 refuses what is one short, and takes the last Spark', async () => {
      const setting = await open(tested, closing)
      const { billing } = setting
      await billing.credits.grant({ accountId, amount: 9, reason: 'welcome', idempotencyKey: 'g-1' })
      const spend = { ...good, quantity: 100, onInsufficient: 'refuse' } as const
      const before = await billing.credits.balance({ accountId })
      const error = await billing.recordUsage(spend).catch((reason: unknown) => reason)
      expect(error).toMatchObject({ code: 'insufficient_credits', httpStatus: 402 })
      expect(await billing.credits.balance({ accountId })).toEqual(before)
      await billing.credits.grant({ accountId, amount: 1, reason: 'more', idempotencyKey: 'g-2' })
      expect(await billing.recordUsage(spend)).toMatchObject({ balance: { balance: 0n, debt: 0n } })
    })

    it('S0.6 refuses what would cross a limit whole, and takes what reaches it', async () => {
      const { billing } = await open(tested, closing)
      await billing.credits.grant({ accountId, amount: 10_000, reason: 'welcome', idempotencyKey: 'g-1' })
      const use = (quantity: string, key: string) =>
        billing.recordUsage({
          accountId,
          meter: 'compute_minutes',
          quantity,
          idempotencyKey: key,
          onInsufficient: 'refuse',
        })
      await use('99', 'u-1')
      await expect(use('2', 'u-2')).rejects.toMatchObject({ code: 'quota_exceeded', httpStatus: 429 })
      expect(await billing.getQuota({ accountId, meter: 'compute_minutes' })).toMatchObject({
        used: '99',
        status: 'throttled',
      })
      expect(await use('1', 'u-3')).toMatchObject({ quota: { used: '100', remaining: '0' } })
    })
  })

  describe(`usage.get on ${tested.name}`, () => {
    it('S3.10 answers usage of another account, and what is no usage, as missing', async () => {
      const setting = await open(tested, closing)
      const { billing } = setting
      const foreign = await billing.recordUsage({ ...good, accountId: otherAccountId })
      const grant = await billing.credits.grant({ accountId, amount: 1, reason: 'welcome', idempotencyKey: 'g-1' })
      for (const id of [foreign.id, grant.id, 'use_missing']) {
        const error = await expectRefused(setting, 'not_found', () => billing.usage.get({ accountId, id }))
        expect(error.message).toBe(`No usage ${id} on account ${accountId}.`)
      }
      for (const [, id] of badIds) {
        await expectRefused(setting, 'invalid_id', () => billing.usage.get({ accountId, id: id as never }))
      }
      for (const [, input] of badInputs) {
        await expectRefused(setting, 'invalid_request', () => billing.usage.get(input as never))
      }
    })
  })
}
