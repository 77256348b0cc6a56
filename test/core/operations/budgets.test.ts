import { parseSparks } from 'billfold'
import { afterEach, describe, expect, it } from 'vitest'
import { type BadInput, badAccounts, badAmounts, badIds, badPages, badWrites, hugeAmounts } from './bad-values.js'
import { accountId, expectAllRefused, expectRefused, open, otherAccountId } from './setting.js'
import { stores, type TestedStore } from './stores.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** A service whose account has 1,000 Sparks. */
async function openFunded(tested: TestedStore) {
  const setting = await open(tested, closing)
  await setting.billing.credits.grant({ accountId, amount: 1_000, reason: 'gift', idempotencyKey: 'g-1' })
  return setting
}

const scope = { apiKeyId: 'key_1' }
const good = { accountId, scope, limit: '10', interval: 'day', idempotencyKey: 'b-1' } as const
const use = { accountId, meter: 'ai_tokens', quantity: 40, apiKeyId: 'key_1' } as const

const badScopes: readonly BadInput[] = [
  ...[null, 'key_1', [], {}, { apiKeyId: 'a', userId: 'b' }, { dimension: 'user' }, { value: 'x' }].map(
    (wrong): BadInput => [`scope: ${JSON.stringify(wrong)}`, { scope: wrong }, 'invalid_request'],
  ),
  ...badIds.map(([what, id]): BadInput => [`apiKeyId: ${what}`, { scope: { apiKeyId: id } }, 'invalid_id']),
  ...['feature', 'Team', '', '__proto__', 'account'].map(
    (dimension): BadInput => [`dimension: ${dimension}`, { scope: { dimension, value: 'x' } }, 'option_unsupported'],
  ),
  ...[`a\0`, 'x'.repeat(501), '\ud800'].map(
    (value): BadInput => ['value: no text', { scope: { dimension: 'team', value } }, 'invalid_metadata'],
  ),
]
const zeros = new Set<unknown>(['0', '0.000000', 0, 0n])
const badBudgets: readonly BadInput[] = [
  ...badWrites,
  ...badScopes,
  ...badAmounts
    .filter(([, limit]) => limit !== null && (!zeros.has(limit) || Object.is(limit, -0)))
    .map(([what, limit]): BadInput => [`limit: ${what}`, { limit }, 'invalid_amount']),
  ...hugeAmounts.map(([what, limit]): BadInput => [`limit: ${what}`, { limit }, 'amount_out_of_range']),
  ['limit: missing', { limit: undefined }, 'invalid_request'],
  ['interval: hour', { interval: 'hour' }, 'invalid_request'],
  ['interval: missing', { interval: undefined }, 'invalid_request'],
]

for (const tested of stores) {
  describe(`budgets on ${tested.name}`, () => {
    it('S2.6 names the first of several budgets that are too small: that of the account, then of each dimension', async () => {
      const { billing } = await openFunded(tested)
      const budget = (scope: object | undefined, idempotencyKey: string) =>
        billing.budgets.set({ accountId, scope, limit: '1', interval: 'day', idempotencyKey } as never)
      await budget({ userId: 'ada' }, 'b-1')
      await budget({ apiKeyId: 'key_1' }, 'b-2')
      const both = { ...use, userId: 'ada', onInsufficient: 'refuse' } as const
      await expect(billing.recordUsage({ ...both, idempotencyKey: 'u-1' })).rejects.toMatchObject({
        details: { budget: { scope: 'api_key=key_1' } },
      })
      await budget(undefined, 'b-3')
      await expect(billing.recordUsage({ ...both, idempotencyKey: 'u-2' })).rejects.toMatchObject({
        details: { budget: { scope: 'account' } },
      })
    })

    it('S2.6 refuse what is no budget, and write nothing', async () => {
      const setting = await openFunded(tested)
      const { billing } = setting
      await expectAllRefused(setting, billing.budgets.set, good, badBudgets)
      await expectAllRefused(setting, billing.budgets.get, { accountId, scope }, [...badAccounts, ...badScopes])
      await expectAllRefused(setting, billing.budgets.list, { accountId }, [...badAccounts, ...badPages])
    })

    it('S2.6 let usage through up to their limit, and nothing that would go over it', async () => {
      const setting = await openFunded(tested)
      const { billing } = setting
      const begins = { periodStartsAt: new Date('2026-11-21T00:00:00Z'), resetsAt: new Date('2026-11-22T00:00:00Z') }
      expect(await billing.budgets.set(good)).toEqual({
        scope,
        limit: parseSparks('10'),
        interval: 'day',
        used: 0n,
        held: 0n,
        remaining: parseSparks('10'),
        status: 'below',
        ...begins,
      })
      await billing.recordUsage({ ...use, idempotencyKey: 'u-1' })
      await billing.hold({ ...use, idempotencyKey: 'h-1' })
      expect(await billing.budgets.get({ accountId, scope })).toMatchObject({
        used: parseSparks('4'),
        held: parseSparks('4'),
        remaining: parseSparks('2'),
      })
      const strict = { ...use, onInsufficient: 'refuse', idempotencyKey: 'u-2' } as const
      await expect(billing.recordUsage(strict)).rejects.toMatchObject({ code: 'quota_exceeded', httpStatus: 429 })
      expect(await billing.authorize(use)).toMatchObject({ allowed: false, reason: 'budget_exceeded' })
      const { apiKeyId: _, ...keyless } = use
      expect(await billing.authorize(keyless)).toMatchObject({ allowed: true })
      setting.advance(12 * 3_600_000)
      expect(await billing.budgets.get({ accountId, scope })).toMatchObject({
        used: 0n,
        held: 0n,
        status: 'below',
        resetsAt: new Date('2026-11-23T00:00:00Z'),
      })
    })

    it('S2.6 of the account, a key, a user and a dimension are told apart, and listed a page at a time', async () => {
      const { billing } = await openFunded(tested)
      const team = { dimension: 'team', value: 'a=b | “größer” 🙂' }
      const scopes = [undefined, scope, { apiKeyId: 'key_2' }, team, { userId: 'ada' }]
      for (const [index, each] of scopes.entries()) {
        const budget = { ...good, interval: 'never', idempotencyKey: `b-${index}` } as const
        const { scope: _, ...whole } = budget
        const set = await billing.budgets.set(each ? { ...budget, scope: each } : whole)
        expect(set).toMatchObject({ scope: each ?? null, resetsAt: null, periodStartsAt: null })
      }
      await billing.recordUsage({ ...use, userId: 'ada', dimensions: { team: team.value }, idempotencyKey: 'u-1' })
      const seen = []
      let cursor: string | undefined
      do {
        const page = await billing.budgets.list({ accountId, limit: 2, ...(cursor ? { cursor } : {}) })
        seen.push(...page.items)
        cursor = page.nextCursor ?? undefined
      } while (cursor !== undefined)
      expect(seen.map((each) => [each.scope, each.used])).toEqual(
        [
          [null, '4'],
          [scope, '4'],
          [{ apiKeyId: 'key_2' }, '0'],
          [team, '4'],
          [{ userId: 'ada' }, '4'],
        ].map(([name, used]) => [name, parseSparks(used as string)]),
      )
    })

    it('S2.6 are taken away by null, changed under another key, and answered again for the same', async () => {
      const setting = await openFunded(tested)
      const { billing } = setting
      const first = await billing.budgets.set(good)
      expect(await billing.budgets.set(good)).toEqual(first)
      for (const other of [{ limit: '11' }, { interval: 'week' }, { scope: { apiKeyId: 'key_2' } }] as const)
        await expectRefused(setting, 'idempotency_conflict', () => billing.budgets.set({ ...good, ...other }))
      await billing.recordUsage({ ...use, idempotencyKey: 'u-1' })
      const lower = await billing.budgets.set({ ...good, limit: 3, idempotencyKey: 'b-2' })
      expect(lower).toMatchObject({ status: 'reached', used: parseSparks('4'), remaining: 0n })
      expect(await billing.budgets.set({ ...good, limit: 0, idempotencyKey: 'b-3' })).toMatchObject({ limit: 0n })
      expect(await billing.budgets.set({ ...good, limit: null, idempotencyKey: 'b-4' })).toBeNull()
      expect(await billing.budgets.list({ accountId })).toEqual({ items: [], nextCursor: null })
      expect(await billing.authorize(use)).toMatchObject({ allowed: true })
    })

    it('S3.10 of another account are not seen', async () => {
      const setting = await openFunded(tested)
      const { billing } = setting
      for (const id of ['key_1', 'key_2'])
        await billing.budgets.set({ ...good, accountId: otherAccountId, scope: { apiKeyId: id }, idempotencyKey: id })
      expect(await billing.budgets.get({ accountId, scope })).toBeNull()
      const { nextCursor } = await billing.budgets.list({ accountId: otherAccountId, limit: 1 })
      const cursor = nextCursor ?? ''
      await expectRefused(setting, 'invalid_cursor', () => billing.budgets.list({ accountId, cursor }))
      expect((await billing.budgets.list({ accountId: otherAccountId, cursor })).items).toHaveLength(1)
    })
  })
}
