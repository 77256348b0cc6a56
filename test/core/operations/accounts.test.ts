import { afterEach, describe, expect, it } from 'vitest'
import { badIds, badInputs, badTexts } from './bad-values.js'
import { accountId, expectRefused, open } from './setting.js'
import { stores } from './stores.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const badEmails = [
  null,
  '',
  ' ',
  'not-an-email',
  'a@b',
  '@example.com',
  'a@@example.com',
  'a b@example.com',
  'a@example.com\n',
  ' a@example.com',
  'a@example.com\0',
  'a\r\nbcc: b@example.com',
  `${'a'.repeat(250)}@example.com`,
  `${'a'.repeat(100_000)}@`,
  5,
  ['a@example.com'],
  { toString: () => 'a@example.com' },
]

for (const tested of stores) {
  describe(`accounts on ${tested.name}`, () => {
    it('S3.10 are not made for an id that is none', async () => {
      const setting = await open(tested, closing)
      const { ensure, get } = setting.billing.accounts
      for (const [, id] of badIds) {
        await expectRefused(setting, 'invalid_id', () => ensure({ accountId: id as never }))
        await expectRefused(setting, 'invalid_id', () => get({ accountId: id as never }))
      }
      for (const [, input] of badInputs) {
        await expectRefused(setting, 'invalid_request', () => ensure(input as never))
        await expectRefused(setting, 'invalid_request', () => get(input as never))
      }
    })

    it('S3.10 take no e-mail, name or field that is none, and keep what they had', async () => {
      const setting = await open(tested, closing)
      const { ensure, get } = setting.billing.accounts
      await ensure({ accountId, email: 'ada@example.com', name: 'Ada' })
      for (const email of badEmails) {
        await expectRefused(setting, 'invalid_request', () => ensure({ accountId, email: email as never }))
        await expectRefused(setting, 'invalid_request', () => ensure({ accountId: 'acct_new', email: email as never }))
      }
      for (const [, name] of [...badTexts(200), ['empty', ''] as const]) {
        await expectRefused(setting, 'invalid_request', () => ensure({ accountId, name: name as never }))
      }
      for (const fields of [{ plan: 'pro' }, { balance: 1n }, JSON.parse('{"__proto__":{"plan":"pro"}}')]) {
        const input = Object.defineProperties({ accountId }, Object.getOwnPropertyDescriptors(fields))
        await expectRefused(setting, 'unknown_field', () => ensure(input))
        await expectRefused(setting, 'unknown_field', () => get(input))
      }
      await expectRefused(setting, 'not_found', () => get({ accountId: 'acct_new' }))
      expect(await get({ accountId })).toMatchObject({ email: 'ada@example.com', name: 'Ada', plan: 'free' })
    })

    it('S3.10 with ids of any length that is allowed are told apart by every letter and its case', async () => {
      const { billing } = await open(tested, closing)
      const ids = [
        'a',
        'A',
        '0',
        'a.b',
        'a:b',
        'a-b',
        'a_b',
        '-',
        ':',
        'x'.repeat(128),
        `${'x'.repeat(127)}X`,
        'constructor',
        '__proto__',
      ]
      for (const id of ids)
        expect(await billing.accounts.ensure({ accountId: id })).toMatchObject({ id, created: true })
      for (const [index, id] of ids.entries()) {
        const input = { accountId: id, amount: index + 1, reason: 'welcome', idempotencyKey: 'g' }
        await billing.credits.grant(input)
      }
      for (const [index, id] of ids.entries()) {
        const { balance } = await billing.credits.balance({ accountId: id })
        expect(balance).toBe(BigInt(index + 1) * 1_000_000n)
      }
    })

    it('S3.10 are made once by many calls at once', async () => {
      const { billing } = await open(tested, closing)
      const calls = Array.from({ length: 16 }, () =>
        billing.accounts.ensure({ accountId: 'acct_new', name: '🙂 שלום' }),
      )
      const answers = await Promise.all(calls)
      expect(answers.filter(({ created }) => created)).toHaveLength(1)
      expect(await billing.accounts.get({ accountId: 'acct_new' })).toMatchObject({ name: '🙂 שלום' })
    })
  })
}
