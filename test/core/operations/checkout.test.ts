import { parseSparks } from 'billfold'
import { afterEach, describe, expect, it } from 'vitest'
import { type BadInput, badIds, badInputs, badKeys, badRedirects, foreignFields } from './bad-values.js'
import { openSandboxed, pay } from './sandboxed.js'
import { accountId, changed, expectRefused, otherAccountId, sharedWith } from './setting.js'
import { stores } from './stores.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const good = {
  accountId,
  kind: 'package',
  package: 'starter',
  successUrl: 'https://app.example.com/ok',
  cancelUrl: 'https://app.example.com/no',
} as const
const { package: _, ...unpriced } = good
const forAmount = { ...unpriced, kind: 'credits', amount: '10' } as const

const bad: readonly BadInput[] = [
  ...badRedirects.flatMap(([what, address, code]): BadInput[] => [
    [`successUrl: ${what}`, { successUrl: address }, code],
    [`cancelUrl: ${what}`, { cancelUrl: address }, code],
  ]),
  ['successUrl: missing', { successUrl: undefined }, 'invalid_request'],
  ['cancelUrl: missing', { cancelUrl: undefined }, 'invalid_request'],
  ['kind: missing', { kind: undefined }, 'invalid_request'],
  ['kind: another word', { kind: 'gift' }, 'invalid_request'],
  ['kind: __proto__', { kind: '__proto__' }, 'invalid_request'],
  ['package: missing, and no amount', { package: undefined }, 'invalid_request'],
  ['package: unknown', { package: 'pack_hidden' }, 'not_found'],
  ['package: a hundred thousand characters', { package: 'p'.repeat(100_000) }, 'not_found'],
  ['package: __proto__', { package: '__proto__' }, 'not_found'],
  ['package: null', { package: null }, 'invalid_request'],
  ['package: an array', { package: ['starter'] }, 'invalid_request'],
  ['amount: beside a package', { amount: '0' }, 'unknown_field'],
  ['priceId', { priceId: 'price_attackers_cheap_price' }, 'unknown_field'],
  ['metadata', { metadata: { accountId: 'acct_b' } }, 'unknown_field'],
  ['trialDays', { trialDays: 3650 }, 'unknown_field'],
  ['credits', { credits: '1000000' }, 'unknown_field'],
  ...[-1, 0, -0, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '2', null, 2n, [2], true].map(
    (quantity): BadInput => [`quantity: ${String(quantity)} of ${typeof quantity}`, { quantity }, 'invalid_quantity'],
  ),
  ['quantity: 1,001', { quantity: 1_001 }, 'amount_out_of_range'],
  ['quantity: a billion', { quantity: 1_000_000_000 }, 'amount_out_of_range'],
  ...badIds.map(([what, id]): BadInput => [`accountId: ${what}`, { accountId: id }, 'invalid_id']),
  ['accountId: missing', { accountId: undefined }, 'invalid_request'],
  ['accountId: unknown', { accountId: 'acct_missing' }, 'not_found'],
  ...badKeys.map(([what, key]): BadInput => [`key: ${what}`, { idempotencyKey: key }, 'invalid_idempotency_key']),
  ...foreignFields.map(([what, fields]): BadInput => [`fields of ours: ${what}`, fields, 'unknown_field']),
]

const badAmounts: readonly BadInput[] = [
  ['zero', '0', 'invalid_amount'],
  ['zero cents', '0.00', 'invalid_amount'],
  ['minus zero', '-0', 'invalid_amount'],
  ['negative', '-10', 'invalid_amount'],
  ['a tenth of a cent', '1.005', 'invalid_amount'],
  ['more than 1000', '1000.01', 'amount_out_of_range'],
  ['very much more', '9'.repeat(40), 'amount_out_of_range'],
  ['more digits than are read', '9'.repeat(41), 'invalid_amount'],
  ['a hundred thousand digits', '9'.repeat(100_000), 'invalid_amount'],
  ['exponent notation', '1e2', 'invalid_amount'],
  ['a separator', '1,000', 'invalid_amount'],
  ['spaces', ' 10 ', 'invalid_amount'],
  ['a currency', '$10', 'invalid_amount'],
  ['empty', '', 'invalid_amount'],
  ['null', null, 'invalid_amount'],
  ['a fraction as a number', 0.1 + 0.2, 'invalid_amount'],
  ['a number', 10, 'invalid_amount'],
  ['a bigint', 10n, 'invalid_amount'],
  ['an array', ['10'], 'invalid_amount'],
  ['an object that reads as an amount', { toString: () => '10' }, 'invalid_amount'],
  ['a symbol', Symbol('10'), 'invalid_amount'],
].map(([what, amount, code]) => [`amount: ${String(what)}`, { amount }, code] as BadInput)

const badPlans: readonly BadInput[] = [
  ['plan: missing', { plan: undefined }, 'invalid_request'],
  ['plan: unknown', { plan: 'gold' }, 'not_found'],
  ['plan: a hundred thousand characters', { plan: 'p'.repeat(100_000) }, 'not_found'],
  ['plan: constructor', { plan: 'constructor' }, 'not_found'],
  ['plan: one without a price', { plan: 'free' }, 'invalid_request'],
  ['plan: null', { plan: null }, 'invalid_request'],
  ['package: beside a plan', { package: 'starter' }, 'unknown_field'],
  ['price: beside a plan', { price: '0' }, 'unknown_field'],
  ['quantity: beside a plan', { quantity: 2 }, 'unknown_field'],
]

for (const tested of stores) {
  describe(`createCheckout on ${tested.name}`, () => {
    const openCase = sharedWith((afterwards) => openSandboxed(tested, afterwards))
    const groups = [
      [good, bad],
      [forAmount, badAmounts],
      [{ ...unpriced, kind: 'subscription', plan: 'pro' }, badPlans],
    ] as const
    for (const [input, cases] of groups) {
      for (const [what, change, code] of cases) {
        it(`S1.4 refuses ${what} as ${code}, writes nothing, and asks the provider for nothing`, async () => {
          const setting = await openCase()
          const own = { ...input, accountId: setting.accountId }
          const before = await setting.sessions()
          await expectRefused(setting, code, () => setting.billing.createCheckout(changed(own, change)))
          expect(await setting.sessions()).toBe(before)
        })
      }
    }

    it('S1.4 refuses what is no input', async () => {
      const setting = await openSandboxed(tested, closing)
      for (const [, input] of badInputs) {
        await expectRefused(setting, 'invalid_request', () => setting.billing.createCheckout(input as never))
        await expectRefused(setting, 'invalid_request', () => setting.billing.verifyCheckout(input as never))
      }
      expect(await setting.sessions()).toBe(0)
    })
  })

  describe(`a checkout on ${tested.name}`, () => {
    it('S1.4 sends absolute, normalized addresses for paths', async () => {
      const { billing, client } = await openSandboxed(tested, closing)
      const sale = await billing.createCheckout({ ...good, successUrl: '/billing/../ok?x=1', cancelUrl: '/no' })
      const session = await client.checkout.sessions.retrieve(sale.externalId)
      expect(session.success_url).toBe(`https://app.example.com/ok?x=1&checkout=${sale.id}`)
      expect(session.cancel_url).toBe(`https://app.example.com/no?checkout=${sale.id}`)
    })

    it('S1.4 takes amounts from a cent to 1000, and up to 1000 packages', async () => {
      const { billing } = await openSandboxed(tested, closing)
      const most = await billing.createCheckout({ ...forAmount, amount: '1000.00' })
      const verified = await billing.verifyCheckout({ accountId, checkoutId: most.id })
      expect(verified).toMatchObject({ amount: '1000', currency: 'USD', sparks: parseSparks('25000000') })
      const many = await billing.createCheckout({ ...good, quantity: 1_000 })
      const answer = await billing.verifyCheckout({ accountId, sessionId: many.externalId })
      expect(answer).toMatchObject({ amount: '20000', sparks: parseSparks('500000000') })
    })

    it('S1.4 has one page for a key, which is refused for another sale', async () => {
      const setting = await openSandboxed(tested, closing)
      const { billing } = setting
      const keyed = { ...good, idempotencyKey: 'k-1' }
      const pages = await Promise.all([billing.createCheckout(keyed), billing.createCheckout(keyed)])
      expect(pages[0]).toEqual(pages[1])
      for (const other of [{ quantity: 2 }, { successUrl: '/elsewhere' }]) {
        await expectRefused(setting, 'idempotency_conflict', () => billing.createCheckout({ ...keyed, ...other }))
      }
      expect(await setting.sessions()).toBe(1)
      const elsewhere = await billing.createCheckout({ ...keyed, accountId: otherAccountId })
      expect(elsewhere.id).not.toBe(pages[0]?.id)
    })

    it('S1.4 is made once when the first answer was lost', async () => {
      const setting = await openSandboxed(tested, closing)
      const { billing, box } = setting
      // Twice: the SDK sends a request again by itself when its connection was cut.
      const match = { method: 'POST', pathIncludes: '/v1/checkout/sessions' }
      box.faults.inject({ match, kind: 'reset_after', times: 2 })
      const keyed = { ...good, idempotencyKey: 'k-1' }
      await expect(billing.createCheckout(keyed)).rejects.toMatchObject({ name: 'BillingError', retryable: true })
      const page = await billing.createCheckout(keyed)
      expect(await setting.sessions()).toBe(1)
      expect(await billing.verifyCheckout({ accountId, checkoutId: page.id })).toMatchObject({ status: 'open' })
    })

    it('S1.4 gives what was paid for once, however often it is verified', async () => {
      const setting = await openSandboxed(tested, closing)
      const { billing } = setting
      const sale = await billing.createCheckout(good)
      await pay(setting, sale.url)
      const input = { accountId, checkoutId: sale.id }
      const answers = await Promise.all(Array.from({ length: 10 }, () => billing.verifyCheckout(input)))
      await setting.deliver('checkout.session.completed', 5)
      answers.push(await billing.verifyCheckout({ accountId, sessionId: sale.externalId }))
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set(['paid']))
      expect(await billing.credits.balance({ accountId })).toMatchObject({ balance: parseSparks('500000') })
      expect(await setting.store.inbox.backlog()).toEqual([])
    })

    it('S3.10 of another account looks like one that does not exist', async () => {
      const setting = await openSandboxed(tested, closing)
      const { billing } = setting
      const sale = await billing.createCheckout({ ...good, accountId: otherAccountId })
      await pay(setting, sale.url)
      const attempts = [
        { checkoutId: sale.id },
        { sessionId: sale.externalId },
        { checkoutId: 'chk_missing' },
        { sessionId: 'cs_test_missing' },
      ]
      const messages = new Set<string>()
      for (const attempt of attempts) {
        const call = () => billing.verifyCheckout({ accountId, ...attempt })
        messages.add((await expectRefused(setting, 'not_found', call)).message)
      }
      expect(messages.size).toBe(1)
      expect(await billing.verifyCheckout({ accountId: otherAccountId, checkoutId: sale.id })).toMatchObject({
        status: 'paid',
      })
    })

    it('S1.4 is verified by one id that is one', async () => {
      const setting = await openSandboxed(tested, closing)
      const { verifyCheckout } = setting.billing
      for (const [, id] of badIds) {
        await expectRefused(setting, 'invalid_id', () => verifyCheckout({ accountId, checkoutId: id as never }))
        await expectRefused(setting, 'invalid_id', () => verifyCheckout({ accountId, sessionId: id as never }))
        await expectRefused(setting, 'invalid_id', () =>
          verifyCheckout({ accountId: id as never, checkoutId: 'chk_1' }),
        )
      }
      const unclear = [{ accountId }, { accountId, checkoutId: 'chk_1', sessionId: 'cs_1' }] as never[]
      for (const input of unclear) await expectRefused(setting, 'invalid_request', () => verifyCheckout(input))
      const extra = { accountId, checkoutId: 'chk_1', status: 'paid' } as never
      await expectRefused(setting, 'unknown_field', () => verifyCheckout(extra))
    })

    it('S1.4 gives nothing when what was paid is not what was sold', async () => {
      const setting = await openSandboxed(tested, closing)
      const { billing, client, store } = setting
      const sale = await billing.createCheckout(good)
      const customer = await store.accounts.externalId(accountId, 'stripe')
      const cheap = await client.checkout.sessions.create({
        mode: 'payment',
        customer: customer ?? '',
        client_reference_id: sale.id,
        success_url: 'https://app.example.com/ok',
        line_items: [
          { quantity: 1, price_data: { currency: 'usd', unit_amount: 100, product_data: { name: 'Cheap' } } },
        ],
      })
      await pay(setting, cheap.url ?? '')
      await setting.deliver('checkout.session.completed')
      expect(await store.inbox.backlog()).toEqual([{ status: 'dead', count: 1 }])
      await store.intents.update(accountId, sale.id, { externalId: cheap.id })
      const verify = () => billing.verifyCheckout({ accountId, checkoutId: sale.id })
      await expect(verify()).rejects.toMatchObject({ code: 'checkout_mismatch', httpStatus: 409 })
      expect(await billing.credits.balance({ accountId })).toMatchObject({ balance: 0n, grants: [] })
    })

    it('S1.4 is processing while a bank debit is on its way, and gives when it comes', async () => {
      const setting = await openSandboxed(tested, closing)
      const { billing } = setting
      const sale = await billing.createCheckout(good)
      const verify = () => billing.verifyCheckout({ accountId, checkoutId: sale.id })
      await pay(setting, sale.url, '000123456789')
      await setting.deliver('checkout.session.completed')
      expect(await verify()).toMatchObject({ status: 'processing', balance: { balance: 0n } })
      setting.advance(61_000)
      await setting.deliver('checkout.session.async_payment_succeeded', 2)
      expect(await verify()).toMatchObject({ status: 'paid', balance: { balance: parseSparks('500000') } })
    })

    it('S1.4 has failed when the debit does not come, gives nothing, and leaves room for another page', async () => {
      const setting = await openSandboxed(tested, closing)
      const { billing } = setting
      const sale = await billing.createCheckout(good)
      const verify = () => billing.verifyCheckout({ accountId, checkoutId: sale.id })
      await pay(setting, sale.url, '000111111116')
      expect(await verify()).toMatchObject({ status: 'processing' })
      setting.advance(61_000)
      await setting.deliver('checkout.session.async_payment_failed', 2)
      expect(await verify()).toMatchObject({ status: 'failed', balance: { balance: 0n } })
      expect(await setting.store.inbox.backlog()).toEqual([])
      const again = await billing.createCheckout(good)
      expect(again.id).not.toBe(sale.id)
      await pay(setting, again.url)
      expect(await billing.verifyCheckout({ accountId, checkoutId: again.id })).toMatchObject({
        status: 'paid',
        balance: { balance: parseSparks('500000') },
      })
    })
  })
}
