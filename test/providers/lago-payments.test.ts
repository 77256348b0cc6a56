import { afterAll, describe, expect, it } from 'vitest'
import { toPayment } from '../../src/providers/lago/payment.js'
import { dollars, planPrice } from '../../src/testing/provider-conformance/subject.js'
import { lagoAt } from './lago-customer.js'
import { leaveCard } from './lago-subject.js'
import { lagoClient, timedSandbox } from './sandboxed.js'

const box = await timedSandbox()
afterAll(() => box.close())
const api = lagoClient(box)
const { lago, begin } = lagoAt(box, api, { paymentProvider: { type: 'stripe', code: 'main' } })
const bare = lagoAt(box, api)

let count = 0
const customer = async (at = lago) => {
  count += 1
  return (await at.customers.create({ accountId: `acc_${count}`, email: null, name: null }, {})).externalId
}
/** A payment of $20. */
const paid = async (card = '4242424242424242') => {
  const customerId = await customer()
  await leaveCard(api, customerId, card)
  await begin(customerId, planPrice(dollars(20n)))
  box.advance(1000)
  const [payment] = (await lago.payments.list({ customerId, limit: 1 }, {})).items
  return { customerId, paymentId: payment?.externalId ?? '' }
}
const reason = 'asked for'

describe('payments at Lago', () => {
  it('C4 carry the sale that their invoice names', async () => {
    const { paymentId } = await paid()
    const before = await lago.payments.get(paymentId, {})
    expect([before.status, before.intentId]).toEqual(['succeeded', null])
    await api.invoices.updateInvoice(before.invoiceId ?? '', {
      invoice: { metadata: [{ key: 'billfold_intent', value: 'chk_1' }] },
    })
    expect((await lago.payments.get(paymentId, {})).intentId).toBe('chk_1')
  })

  const words: readonly (readonly [string, string, string])[] = [
    ['succeeded', 'succeeded', 'succeeded'],
    ['failed', 'failed', 'failed'],
    ['pending', 'pending', 'processing'],
    ['requires_action', 'processing', 'requires_action'],
    ['strange', 'strange', 'unknown'],
  ]
  for (const [status, payment_status, word] of words)
    it(`C4 ${payment_status} (${status}) is ${word}`, () => {
      const row = {
        lago_id: 'p',
        amount_cents: 100,
        amount_currency: 'USD',
        status,
        payment_status,
        created_at: '2026-01-01',
      }
      expect(toPayment(row, 0, null).status).toBe(word)
    })

  it('C4 are given back by credit notes, once under a key, though Lago has no keys', async () => {
    const { customerId, paymentId } = await paid()
    const asked = { paymentId, amount: dollars(5n), reason }
    const key = { idempotencyKey: 'refund_1' }
    const first = await lago.payments.refund(asked, key)
    const again = await Promise.all([1, 2, 3].map(() => lago.payments.refund(asked, key)))
    expect(new Set([first, ...again].map(({ externalId }) => externalId)).size).toBe(1)
    const notes = (await api.creditNotes.findAllCreditNotes({ external_customer_id: customerId })).data.credit_notes
    expect(notes.map(({ refund_amount_cents: cents, description }) => [cents, description])).toEqual([[500, reason]])
  })

  it('G8 a refund whose answer was lost is found again, and not given twice', async () => {
    const { paymentId } = await paid()
    const asked = { paymentId, amount: dollars(5n), reason }
    const key = { idempotencyKey: 'refund_lost' }
    box.faults.inject({ match: { method: 'POST', pathIncludes: '/credit_notes' }, kind: 'reset_after' })
    await expect(lago.payments.refund(asked, key)).rejects.toMatchObject({ code: 'outcome_unknown' })
    await lago.payments.refund(asked, key)
    const { refunds } = await lago.payments.reversals(paymentId, {})
    expect(refunds.map(({ amount }) => amount)).toEqual([dollars(5n)])
  })

  it('C4 a refund is pending until the payment service has spoken, and one that failed gave nothing back', async () => {
    const { paymentId } = await paid('4000000000005126')
    const { status } = await lago.payments.refund({ paymentId, amount: null, reason }, {})
    expect(status).toBe('pending')
    expect((await lago.payments.get(paymentId, {})).status).toBe('refunded')
    box.advance(1000)
    const { refunds } = await lago.payments.reversals(paymentId, {})
    expect(refunds.map((refund) => refund.status)).toEqual(['failed'])
    expect(await lago.payments.get(paymentId, {})).toMatchObject({ status: 'succeeded', refunded: dollars(0n) })
  })

  it('C4 one that did not succeed cannot be given back', async () => {
    const { paymentId } = await paid('4000000000000341')
    await expect(lago.payments.refund({ paymentId, amount: null, reason }, {})).rejects.toMatchObject({
      code: 'invalid_state',
    })
  })
})

describe('pages of Lago', () => {
  it('S0.5 the portal is a link, and a card is left on the page of the payment service', async () => {
    const customerId = await customer()
    const { url } = await lago.portal.create({ customerId, returnUrl: 'https://app.example', flow: null }, {})
    expect(await (await fetch(url)).text()).toContain('Your billing')
    const flow = { kind: 'update_payment_method' } as const
    const setup = await lago.portal.create({ customerId, returnUrl: 'https://app.example', flow }, {})
    await fetch(setup.url, { method: 'POST', body: new URLSearchParams({ card: '4242424242424242' }) })
    const [method] = await lago['payment-methods'].list(customerId, {})
    expect(method).toMatchObject({ type: 'stripe', last4: null, isDefault: true })
  })

  it('S0.5 without a payment service there is no page to leave a card on: option_unsupported', async () => {
    const customerId = await customer(bare.lago)
    const flow = { kind: 'update_payment_method' } as const
    await expect(
      bare.lago.portal.create({ customerId, returnUrl: 'https://app.example', flow }, {}),
    ).rejects.toMatchObject({ code: 'option_unsupported' })
  })
})
