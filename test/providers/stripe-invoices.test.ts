import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { formatMoney } from '../../src/core/domain/money.js'
import { type StripeProvider, stripeProvider } from '../../src/providers/stripe/index.js'
import { fromStripeInvoice } from '../../src/providers/stripe/invoice.js'
import type { Sandbox } from '../../src/testing/sandbox/sandbox.js'
import { stripeClient, timedSandbox } from './sandboxed.js'
import { customerWithCard, planPrice, subscribe, useCard } from './stripe-customer.js'

const dayMs = 86_400_000
let box: Sandbox & { now(): number }
let stripe: StripeProvider

beforeEach(async () => {
  box = await timedSandbox()
  stripe = stripeProvider({ client: stripeClient(box), now: box.now })
})
afterEach(() => box.close())

const key = () => ({ idempotencyKey: crypto.randomUUID() })
const addItem = (customer: string, amount: number, description = 'Consulting') =>
  stripe.client.invoiceItems.create({ customer, currency: 'usd', amount, description })

describe('an invoice of what waits', () => {
  it('S4.1 goes from draft to paid, and says each step', async () => {
    const customerId = await customerWithCard(stripe)
    expect(await stripe.invoices.generate({ customerId, description: null }, key())).toBeNull()
    await addItem(customerId, 1250)
    await addItem(customerId, 250, 'Travel')
    const draft = await stripe.invoices.generate({ customerId, description: 'October' }, key())
    expect(draft).toMatchObject({ status: 'draft', number: null, url: null, description: 'October' })
    const id = draft?.externalId ?? ''
    await expect(stripe.invoices.pdf(id, {})).rejects.toMatchObject({ code: 'invalid_state' })
    await expect(stripe.invoices.pay({ externalId: id, paymentMethodId: null }, {})).rejects.toMatchObject({
      code: 'invalid_state',
    })
    for (let time = 0; time < 2; time += 1) {
      const open = await stripe.invoices.finalize(id, {})
      expect(open).toMatchObject({ status: 'open', number: expect.any(String), url: expect.any(String) })
    }
    const paid = await stripe.invoices.pay({ externalId: id, paymentMethodId: null }, key())
    expect(paid).toMatchObject({ invoice: { status: 'paid' }, payment: { status: 'succeeded' } })
    expect(formatMoney(paid.invoice.total)).toBe('15')
    expect(paid.invoice.lines.map(({ description, amount }) => [description, formatMoney(amount)]).sort()).toEqual([
      ['Consulting', '12.5'],
      ['Travel', '2.5'],
    ])
    const again = await stripe.invoices.pay({ externalId: id, paymentMethodId: null }, key())
    expect(again).toEqual({ invoice: paid.invoice, payment: { status: 'succeeded' } })
    const pdf = await stripe.invoices.pdf(id, {})
    expect(pdf).toMatchObject({ status: 'ready' })
    const bytes = await (await fetch(pdf.status === 'ready' ? pdf.url : '')).text()
    expect(bytes.startsWith('%PDF-')).toBe(true)
    await expect(stripe.invoices.void(id, {})).rejects.toMatchObject({ code: 'invalid_state' })
  })

  it('S4.1 is made once under its key', async () => {
    const customerId = await customerWithCard(stripe)
    await addItem(customerId, 500)
    const options = key()
    const first = await stripe.invoices.generate({ customerId, description: null }, options)
    await addItem(customerId, 700)
    const again = await stripe.invoices.generate({ customerId, description: null }, options)
    expect(again?.externalId).toBe(first?.externalId)
  })

  it('S4.1 may be taken back or given up', async () => {
    const customerId = await customerWithCard(stripe)
    const open = async () => {
      await addItem(customerId, 500)
      const draft = await stripe.invoices.generate({ customerId, description: null }, key())
      return (await stripe.invoices.finalize(draft?.externalId ?? '', {})).externalId
    }
    const [first, second] = [await open(), await open()]
    for (let time = 0; time < 2; time += 1) {
      expect((await stripe.invoices.void(first, {})).status).toBe('void')
      expect((await stripe.invoices.markUncollectible(second, {})).status).toBe('uncollectible')
    }
    await expect(stripe.invoices.pay({ externalId: first, paymentMethodId: null }, {})).rejects.toMatchObject({
      code: 'invalid_state',
    })
    const late = await stripe.invoices.pay({ externalId: second, paymentMethodId: null }, key())
    expect(late.invoice.status).toBe('paid')
  })
})

describe('an invoice that is declined', () => {
  const declines = [
    ['pm_card_chargeCustomerFail', 'declined'],
    ['pm_card_chargeDeclinedInsufficientFunds', 'insufficient_funds'],
    ['pm_card_chargeDeclinedLostCard', 'blocked'],
    ['pm_card_chargeDeclinedStolenCard', 'blocked'],
    ['pm_card_chargeDeclinedExpiredCard', 'expired'],
    ['pm_card_chargeDeclinedIncorrectCvc', 'incorrect_details'],
    ['pm_card_chargeDeclinedProcessingError', 'try_again'],
  ] as const
  it('S0.7 says why, and is paid with another card', async () => {
    const customerId = await customerWithCard(stripe)
    await addItem(customerId, 500)
    const draft = await stripe.invoices.generate({ customerId, description: null }, key())
    const { externalId } = await stripe.invoices.finalize(draft?.externalId ?? '', {})
    const seen: string[] = []
    for (const [card, reason] of declines) {
      const method = await stripe.client.paymentMethods.attach(card, { customer: customerId }).catch(() => null)
      if (method === null) continue
      const paid = await stripe.invoices.pay({ externalId, paymentMethodId: method.id }, key())
      expect(paid.payment, card).toMatchObject({ status: 'declined', reason })
      expect(paid.invoice.status).toBe('payment_failed')
      seen.push(card)
    }
    expect(seen.length).toBeGreaterThanOrEqual(1)
    expect((await stripe.invoices.list({ customerId, status: 'payment_failed', limit: 5 }, {})).items).toHaveLength(1)
    const paid = await stripe.invoices.pay({ externalId, paymentMethodId: null }, key())
    expect(paid).toMatchObject({ invoice: { status: 'paid' }, payment: { status: 'succeeded' } })
  })

  it('S4.1 asks for a confirmation where the bank wants one, and says where', async () => {
    const customerId = await customerWithCard(stripe)
    await addItem(customerId, 500)
    const draft = await stripe.invoices.generate({ customerId, description: null }, key())
    const { externalId, url } = await stripe.invoices.finalize(draft?.externalId ?? '', {})
    await useCard(stripe, customerId, 'pm_card_authenticationRequired')
    const { invoice, payment } = await stripe.invoices.pay({ externalId, paymentMethodId: null }, key())
    expect(payment).toEqual({ status: 'requires_action', url })
    expect(invoice.status).not.toBe('paid')
  })

  it('S4.1 without any payment method says so', async () => {
    const { externalId: customerId } = await stripe.customers.create(
      { accountId: 'bare', email: null, name: null },
      key(),
    )
    await addItem(customerId, 500)
    const draft = await stripe.invoices.generate({ customerId, description: null }, key())
    const { externalId } = await stripe.invoices.finalize(draft?.externalId ?? '', {})
    const { payment } = await stripe.invoices.pay({ externalId, paymentMethodId: null }, key())
    expect(payment).toMatchObject({ status: 'declined', reason: 'no_payment_method' })
  })
})

describe('the invoices of a customer', () => {
  it('S3.1 come newest first, page by page, and by status', async () => {
    const customerId = await customerWithCard(stripe)
    const other = await customerWithCard(stripe)
    await addItem(other, 100)
    await stripe.invoices.generate({ customerId: other, description: null }, key())
    const ids: string[] = []
    for (let index = 0; index < 7; index += 1) {
      await addItem(customerId, 100 + index)
      const draft = await stripe.invoices.generate({ customerId, description: null }, key())
      ids.unshift(draft?.externalId ?? '')
      if (index % 2 === 0) await stripe.invoices.finalize(ids[0] ?? '', {})
    }
    const listed: string[] = []
    let after: string | undefined
    do {
      const page = await stripe.invoices.list({ customerId, limit: 3, ...(after ? { after } : {}) }, {})
      listed.push(...page.items.map(({ externalId }) => externalId))
      after = page.next ?? undefined
    } while (after)
    expect(listed).toEqual(ids)
    const open = await stripe.invoices.list({ customerId, status: 'open', limit: 100 }, {})
    expect(open.items.map(({ externalId }) => externalId)).toEqual(ids.filter((_, index) => index % 2 === 0))
    expect(open.next).toBeNull()
    expect(await stripe.invoices.list({ customerId, status: 'deleted', limit: 5 }, {})).toEqual({
      items: [],
      next: null,
    })
  })

  it('S1.5 S4.1 come from subscriptions too, and the next one is known before', async () => {
    const customerId = await customerWithCard(stripe)
    expect(await stripe.invoices.upcoming({ customerId }, {})).toBeNull()
    const id = await subscribe(stripe, customerId, planPrice('pro', '20'))
    const [first] = (await stripe.invoices.list({ customerId, limit: 5 }, {})).items
    expect(first).toMatchObject({ status: 'paid', subscriptionId: id })
    const upcoming = await stripe.invoices.upcoming({ customerId }, {})
    expect(formatMoney(upcoming?.amountDue ?? planPrice('x', '0').amount)).toBe('20')
    box.advance(32 * dayMs)
    expect((await stripe.invoices.list({ customerId, limit: 5 }, {})).items).toHaveLength(2)
  })
})

describe('an invoice as Stripe writes it', () => {
  const invoice = {
    id: 'in_1',
    customer: 'cus_1',
    currency: 'usd',
    created: 1,
    subtotal: 100,
    total: 100,
    amount_due: 100,
    amount_paid: 0,
    lines: { data: [] },
    status_transitions: {},
  }
  const table: readonly (readonly [object, string])[] = [
    [{ status: 'draft' }, 'draft'],
    [{ status: 'open' }, 'open'],
    [{ status: 'open', due_date: 99 }, 'past_due'],
    [{ status: 'open', due_date: 101 }, 'open'],
    [{ status: 'open', attempt_count: 1, next_payment_attempt: 200 }, 'past_due'],
    [{ status: 'open', attempt_count: 4, next_payment_attempt: null }, 'payment_failed'],
    [{ status: 'paid', attempt_count: 4 }, 'paid'],
    [{ status: 'uncollectible' }, 'uncollectible'],
    [{ status: 'void' }, 'void'],
    [{ status: null }, 'draft'],
    [{ status: 'a_new_word' }, 'unknown'],
  ]
  for (const [given, status] of table) {
    it(`S0.7 S3.12 is ${status} for ${JSON.stringify(given)}`, () => {
      expect(fromStripeInvoice({ ...invoice, ...given }, 100_000).status).toBe(status)
    })
  }
})
