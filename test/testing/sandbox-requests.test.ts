import Stripe from 'stripe'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from '../../src/testing/sandbox/sandbox.js'

let box: Sandbox
let stripe: Stripe

beforeEach(async () => {
  box = await sandbox()
  stripe = clientOf(box)
})
afterEach(() => box.close())

describe('what Stripe takes for a request', () => {
  it('C4 refuses both cursors of a list', async () => {
    const { id } = await stripe.customers.create({})
    await expect(stripe.customers.list({ starting_after: id, ending_before: id })).rejects.toMatchObject({
      statusCode: 400,
      message: 'You may only specify one of these parameters: starting_after, ending_before.',
    })
  })

  it('C4 refuses JSON for v1, and a version that was never published', async () => {
    const authorization = `Bearer ${box.stripe.apiKey}`
    const json = await fetch(`${box.url}/v1/products`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: '{"name":"Pro"}',
    })
    expect([json.status, await json.text()]).toEqual([400, expect.stringContaining('x-www-form-urlencoded')])
    const versioned = (version: string) =>
      fetch(`${box.url}/v1/products`, { headers: { authorization, 'stripe-version': version } })
    expect((await versioned('1999-01-01')).status).toBe(400)
    expect((await versioned('2024-06-20')).status).toBe(200)
  })

  it('C4 names the first request where it replays an answer', async () => {
    const first = await stripe.products.create({ name: 'Pro' }, { idempotencyKey: 'k1' })
    const again = await stripe.products.create({ name: 'Pro' }, { idempotencyKey: 'k1' })
    expect(again.lastResponse.headers).toMatchObject({
      'idempotent-replayed': 'true',
      'idempotency-key': 'k1',
      'original-request': first.lastResponse.requestId,
    })
    expect(again.lastResponse.requestId).not.toBe(first.lastResponse.requestId)
  })

  it('C4 takes idempotency keys of up to 255 characters', async () => {
    const create = (length: number) => stripe.products.create({ name: 'Pro' }, { idempotencyKey: 'k'.repeat(length) })
    await expect(create(256)).rejects.toMatchObject({ statusCode: 400 })
    await expect(create(255)).resolves.toMatchObject({ name: 'Pro' })
  })

  it('C4 keeps the limits of metadata, also over several updates', async () => {
    const keys = (from: number, count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${from + index}`, 'v']))
    const { id } = await stripe.customers.create({ metadata: keys(0, 50) })
    for (const metadata of [keys(0, 51), keys(50, 1), { ['k'.repeat(41)]: 'v' }, { k0: 'v'.repeat(501) }]) {
      await expect(stripe.customers.update(id, { metadata })).rejects.toMatchObject({
        statusCode: 400,
        param: 'metadata',
        message: expect.stringMatching(/^Metadata( keys| values)? can have up to (50|40|500) /),
      })
    }
    await stripe.customers.update(id, { metadata: { k0: 'v'.repeat(500), k1: '' } })
    await expect(stripe.customers.update(id, { metadata: { ['k'.repeat(40)]: 'v' } })).resolves.toBeDefined()
  })

  it('C4 refuses what is no e-mail address, and currencies that Stripe does not know', async () => {
    const { id } = await stripe.customers.create({ email: 'ada+billing@mail.example.com' })
    await expect(stripe.customers.update(id, { email: 'not-an-email' })).rejects.toMatchObject({
      code: 'email_invalid',
      param: 'email',
      message: 'Invalid email address: not-an-email',
    })
    expect(await stripe.customers.update(id, { email: '' })).toMatchObject({ email: null })
    await expect(stripe.paymentIntents.create({ amount: 500, currency: 'xxx' })).rejects.toMatchObject({
      statusCode: 400,
      param: 'currency',
      message: expect.stringContaining('Invalid currency: xxx'),
    })
    await expect(stripe.paymentIntents.create({ amount: 500, currency: 'CHF' })).resolves.toMatchObject({
      currency: 'chf',
    })
  })
})

describe('amounts', () => {
  it('S3.2 refuses charges below the least of their currency', async () => {
    for (const [currency, least] of [
      ['usd', 50],
      ['gbp', 30],
      ['jpy', 50],
      ['huf', 17_500],
    ] as const) {
      await expect(stripe.paymentIntents.create({ amount: least - 1, currency })).rejects.toMatchObject({
        code: 'amount_too_small',
      })
      await expect(page(least - 1, currency)).rejects.toMatchObject({ code: 'amount_too_small' })
      await expect(stripe.paymentIntents.create({ amount: least, currency })).resolves.toBeDefined()
      await expect(page(least, currency)).resolves.toBeDefined()
    }
  })

  it('S3.2 refuses amounts that cards cannot carry: a last digit of thousandths, a part of a króna', async () => {
    const product = await stripe.products.create({ name: 'Credits' })
    for (const [currency, good, bad] of [
      ['kwd', 1010, 1001],
      ['tnd', 5000, 5005],
      ['isk', 10_000, 10_001],
      ['ugx', 500_000, 500_050],
    ] as const) {
      const price = (unit_amount: number) => stripe.prices.create({ product: product.id, currency, unit_amount })
      await expect(stripe.paymentIntents.create({ amount: bad, currency })).rejects.toMatchObject({ param: 'amount' })
      await expect(price(bad)).rejects.toMatchObject({ param: 'unit_amount' })
      await expect(stripe.paymentIntents.create({ amount: good, currency })).resolves.toBeDefined()
      await expect(price(good)).resolves.toBeDefined()
    }
  })

  it('S3.4 prorates, discounts and taxes to amounts that can be charged', async () => {
    for (const [currency, small, large, step] of [
      ['isk', 100_000, 200_000, 100],
      ['tnd', 10_000, 20_000, 10],
      ['jpy', 1000, 2000, 1],
    ] as const) {
      const { clock, id } = await clockedCustomer()
      const product = await stripe.products.create({ name: 'Pro' })
      const price = (unit_amount: number) =>
        stripe.prices.create({ product: product.id, currency, unit_amount, recurring: { interval: 'month' } })
      const coupon = await stripe.coupons.create({ percent_off: 7, duration: 'forever' })
      const rate = await stripe.taxRates.create({ display_name: 'VAT', percentage: 19.6, inclusive: false })
      const subscription = await stripe.subscriptions.create({
        customer: id,
        items: [{ price: (await price(small)).id }],
        discounts: [{ coupon: coupon.id }],
        default_tax_rates: [rate.id],
      })
      await stripe.testHelpers.testClocks.advance(clock, { frozen_time: start + 11 * 86_400 })
      await stripe.subscriptions.update(subscription.id, {
        items: [{ id: subscription.items.data[0]?.id ?? '', price: (await price(large)).id }],
        proration_behavior: 'always_invoice',
      })
      const { data } = await stripe.invoices.list({ customer: id })
      expect(data).toHaveLength(2)
      for (const invoice of data) {
        const amounts = [invoice.total, ...invoice.lines.data.map(({ amount }) => amount)]
        expect(amounts.map((amount) => Math.abs(amount % step))).toEqual(amounts.map(() => 0))
        expect(invoice.status).toBe('paid')
      }
    }
  })
})

const start = 1_772_323_200

async function clockedCustomer() {
  const { id: clock } = await stripe.testHelpers.testClocks.create({ frozen_time: start })
  const { id } = await stripe.customers.create({
    test_clock: clock,
    payment_method: 'pm_card_visa',
    invoice_settings: { default_payment_method: 'pm_card_visa' },
  })
  return { clock, id }
}

function page(unit_amount: number, currency: string) {
  return stripe.checkout.sessions.create({
    mode: 'payment',
    success_url: 'https://a.test',
    line_items: [{ price_data: { currency, unit_amount, product_data: { name: 'Credits' } }, quantity: 1 }],
  })
}

function clientOf({ stripe: { apiKey, host, port, protocol } }: Sandbox): Stripe {
  return new Stripe(apiKey, { host, port, protocol, telemetry: false, maxNetworkRetries: 0 })
}
