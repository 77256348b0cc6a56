import { createBilling, defineCatalog, parseSparks } from 'billfold'
import { afterEach, describe, expect, it } from 'vitest'
import { type BadInput, badReasons, badTexts, badWrites } from './bad-values.js'
import { accountId, createClock, expectAllRefused, expectRefused, open, otherAccountId } from './setting.js'
import { stores } from './stores.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const badZones = ['', 'UTC+1', '+01:00', 'Mars/Olympus', 'EST ', '../etc', 'x'.repeat(100_000), null, 5]
const noZones = badZones.map((zone): BadInput => [`zone: ${String(zone).slice(0, 20)}`, { zone }, 'invalid_request'])
const badTerms: readonly BadInput[] = (
  [
    ['text', 'x', 'invalid_request'],
    ['a list', [], 'invalid_request'],
    ['a map', new Map(), 'invalid_request'],
    ['a date', new Date(0), 'invalid_request'],
    ['meters as a map', { meters: new Map() }, 'invalid_request'],
    ['a meter as a date', { meters: { images: new Date(0) } }, 'invalid_request'],
    ['features as a set', { features: new Set() }, 'invalid_request'],
    ['another field', { rates: {} }, 'unknown_field'],
    ['an unknown meter', { meters: { nope: { limit: '5' } } }, 'invalid_request'],
    ['the meter __proto__', { meters: JSON.parse('{"__proto__":{"limit":"5"}}') }, 'invalid_request'],
    ['a limit below zero', { meters: { images: { limit: '-1' } } }, 'invalid_quantity'],
    ['a limit with seven decimals', { meters: { images: { limit: '0.0000001' } } }, 'invalid_quantity'],
    ['a limit as a number', { meters: { images: { limit: 5 } } }, 'invalid_request'],
    ['an unlimited limit', { meters: { images: { limit: 'unlimited' } } }, 'invalid_quantity'],
    ['another field of a meter', { meters: { images: { price: '5' } } }, 'unknown_field'],
    ['a feature that is a number', { features: { seats: 5 } }, 'invalid_request'],
    ['a feature without a name', { features: { '': true } }, 'invalid_request'],
    ['a feature with a line break', { features: { 'a\nb': true } }, 'invalid_request'],
    ['an empty value', { features: { support: '' } }, 'invalid_request'],
    ['a value with a NUL', { features: { support: 'a\0' } }, 'invalid_request'],
  ] as const
).map(([what, terms, code]): BadInput => [`terms: ${what}`, { terms }, code])

for (const tested of stores) {
  describe(`accounts.update on ${tested.name}`, () => {
    it('S3.11 a repeated update leaves what later ones said', async () => {
      const { billing } = await open(tested, closing)
      const update = (email: string, idempotencyKey: string) =>
        billing.accounts.update({ accountId, email, idempotencyKey })
      await update('first@example.com', 'u-1')
      await update('second@example.com', 'u-2')
      expect(await update('first@example.com', 'u-1')).toMatchObject({ email: 'second@example.com' })
      expect(await update('second@example.com', 'u-2')).toMatchObject({ email: 'second@example.com' })
    })

    it('S3.10 refuses what changes nothing for the good, and writes nothing', async () => {
      const setting = await open(tested, closing)
      const good = { accountId, name: 'Ada', email: 'ada@example.com', zone: 'Europe/Berlin', idempotencyKey: 'a-1' }
      const bad: readonly BadInput[] = [
        ...badWrites,
        ...badTexts(200).map(([what, name]): BadInput => [`name: ${what}`, { name }, 'invalid_request']),
        ['email: none', { email: 'not-an-email' }, 'invalid_request'],
        ['email: null', { email: null }, 'invalid_request'],
        ['plan', { plan: 'pro' }, 'unknown_field'],
        ...noZones,
        ...badTerms,
      ]
      await expectAllRefused(setting, setting.billing.accounts.update, good, bad)
    })

    it('S4.1 changes what is given, and leaves the rest as it is', async () => {
      const setting = await open(tested, closing)
      const { get, update } = setting.billing.accounts
      const before = await get({ accountId })
      expect(before).toMatchObject({ zone: 'UTC', suspendedFor: null, terms: null })
      const first = { accountId, name: 'Ada', idempotencyKey: 'a-1' }
      expect(await update(first)).toEqual({ ...before, name: 'Ada' })
      const rate = { mode: 'graduated', tiers: [{ upTo: null, sparks: '2', per: '1', flat: '0' }] } as const
      const meters = { images: { limit: '5', rate }, ai_tokens: { included: '10.5' } }
      const terms = { meters, features: { sso: true } }
      const second = { accountId, email: 'ada@example.com', terms, zone: 'Asia/Tokyo', idempotencyKey: 'a-2' }
      const changed = { ...before, name: 'Ada', email: 'ada@example.com', terms, zone: 'Asia/Tokyo' }
      expect(await update(second)).toEqual(changed)
      expect(await update({ ...first, idempotencyKey: 'a-3' })).toEqual(changed)
      expect(await update(second)).toEqual(changed)
      await expectRefused(setting, 'idempotency_conflict', () => update({ ...second, terms: null }))
      const quota = await setting.billing.getQuota({ accountId, meter: 'images' })
      expect(quota).toMatchObject({ limit: '5', resetsAt: new Date('2026-11-30T15:00:00Z') })
      expect(await get({ accountId: otherAccountId })).toMatchObject({ name: null, zone: 'UTC', terms: null })
      expect(await update({ accountId, terms: null, idempotencyKey: 'a-4' })).toEqual({ ...changed, terms: null })
    })
  })

  describe(`accounts.suspend and resume on ${tested.name}`, () => {
    it('S2.4 refuse what names no account or reason, and write nothing', async () => {
      const setting = await open(tested, closing)
      const good = { accountId, reason: 'fraud', idempotencyKey: 's-1' }
      for (const verb of [setting.billing.accounts.suspend, setting.billing.accounts.resume])
        await expectAllRefused(setting, verb, good, [...badWrites, ...badReasons])
    })

    it('S2.4 stop new usage and let it go on; what happened is recorded', async () => {
      const setting = await open(tested, closing)
      const { billing } = setting
      const { suspend, resume, get } = billing.accounts
      await billing.credits.grant({ accountId, amount: 100, reason: 'gift', idempotencyKey: 'g-1' })
      const use = { accountId, meter: 'ai_tokens', quantity: 10 } as const
      const stop = { accountId, reason: 'fraud', idempotencyKey: 's-1' }
      expect(await suspend(stop)).toMatchObject({ suspendedFor: 'fraud' })
      expect(await suspend(stop)).toMatchObject({ suspendedFor: 'fraud' })
      await expectRefused(setting, 'idempotency_conflict', () => suspend({ ...stop, reason: 'other' }))
      expect(await billing.authorize(use)).toMatchObject({ allowed: false, reason: 'suspended', httpStatus: 403 })
      await expect(billing.hold({ ...use, idempotencyKey: 'h-1' })).rejects.toMatchObject({ code: 'invalid_state' })
      expect(await billing.recordUsage({ ...use, idempotencyKey: 'u-1' })).toMatchObject({ status: 'recorded' })
      expect(await get({ accountId: otherAccountId })).toMatchObject({ suspendedFor: null })
      expect(await resume({ accountId, reason: 'cleared', idempotencyKey: 's-1' })).toMatchObject({
        suspendedFor: null,
      })
      expect(await billing.authorize(use)).toMatchObject({ allowed: true })
    })
  })

  describe(`accounts.ensure on ${tested.name}`, () => {
    it('S4.1 takes the zone of a new account, and leaves that of one that is there', async () => {
      const setting = await open(tested, closing)
      const { ensure } = setting.billing.accounts
      const made = await ensure({ accountId: 'acct_new', zone: 'America/New_York' })
      expect(made).toMatchObject({ created: true, zone: 'America/New_York' })
      const again = await ensure({ accountId: 'acct_new', zone: 'Asia/Tokyo' })
      expect(again).toMatchObject({ created: false, zone: 'America/New_York' })
      const quota = await setting.billing.getQuota({ accountId: 'acct_new', meter: 'images' })
      expect(quota.resetsAt).toEqual(new Date('2026-12-01T05:00:00Z'))
      await expectAllRefused(setting, ensure, { accountId: 'acct_other' }, noZones)
      await expectRefused(setting, 'not_found', () => setting.billing.accounts.get({ accountId: 'acct_other' }))
    })

    it('S3.8 gives the credits of the plan at once, and to eight calls at once only once', async () => {
      const { now } = createClock()
      const store = await tested.open({ now })
      const plans = { club: { credits: { sparks: '500' } } }
      const billing = createBilling({ catalog: defineCatalog({ plans }), store, environment: { now } })
      closing.push(() => billing.close())
      const made = await Promise.all(Array.from({ length: 8 }, () => billing.accounts.ensure({ accountId })))
      expect(made.filter(({ created }) => created)).toHaveLength(1)
      await billing.recordUsage({ accountId, meter: 'ai_tokens', quantity: 1_000, idempotencyKey: 'u-1' })
      expect(await billing.credits.balance({ accountId })).toMatchObject({
        balance: parseSparks('400'),
        planCredits: parseSparks('500'),
        usedThisMonth: parseSparks('100'),
        grants: [{ amount: parseSparks('500'), expiresAt: new Date('2026-12-01T00:00:00Z') }],
      })
    })
  })
}
