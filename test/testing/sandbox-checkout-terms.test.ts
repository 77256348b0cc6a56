import Stripe from 'stripe'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from '../../src/testing/sandbox/sandbox.js'

const dayMs = 24 * 60 * 60 * 1000
let box: Sandbox
let stripe: Stripe

beforeEach(async () => {
  box = await sandbox()
  const { apiKey, ...address } = box.stripe
  stripe = new Stripe(apiKey, { ...address, telemetry: false, maxNetworkRetries: 0 })
})
afterEach(() => box.close())

describe('a checkout with a discount', () => {
  it('S1.4 takes it off what is charged, and redeems it only when it completes', async () => {
    const coupon = await stripe.coupons.create({ percent_off: 25 })
    const session = await oneTime({ discounts: [{ coupon: coupon.id }] })
    expect(session).toMatchObject({
      amount_subtotal: 2000,
      amount_total: 1500,
      total_details: { amount_discount: 500 },
      discounts: [{ coupon: coupon.id, promotion_code: null }],
    })
    expect((await stripe.coupons.retrieve(coupon.id)).times_redeemed).toBe(0)
    await pay(session)
    const done = await stripe.checkout.sessions.retrieve(session.id, { expand: ['payment_intent'] })
    expect(done.payment_intent).toMatchObject({ amount_received: 1500 })
    expect((await stripe.coupons.retrieve(coupon.id)).times_redeemed).toBe(1)
  })

  it('S1.4 takes a promotion code on the page, and lets go of it again', async () => {
    const coupon = await stripe.coupons.create({ amount_off: 2000, currency: 'usd', name: 'Launch' })
    await stripe.promotionCodes.create({ promotion: { type: 'coupon', coupon: coupon.id }, code: 'LAUNCH' })
    await expect(oneTime({ allow_promotion_codes: true, discounts: [{ coupon: coupon.id }] })).rejects.toMatchObject({
      param: 'allow_promotion_codes',
    })
    const session = await oneTime({ allow_promotion_codes: true })
    const promote = (form: Record<string, string>) => post(`/checkout/${session.id}/promotion`, form)
    expect(await (await fetch(session.url ?? '')).text()).toContain('Promotion code')
    const wrong = await promote({ code: 'NONE' })
    expect(wrong.status).toBe(402)
    expect(await wrong.text()).toContain('This code is invalid.')
    await promote({ code: 'launch' })
    expect(await stripe.checkout.sessions.retrieve(session.id)).toMatchObject({
      amount_total: 0,
      payment_status: 'no_payment_required',
    })
    await promote({ remove: '1' })
    expect(await stripe.checkout.sessions.retrieve(session.id)).toMatchObject({
      amount_total: 2000,
      payment_status: 'unpaid',
    })
    const plain = await oneTime()
    await post(`/checkout/${plain.id}/promotion`, { code: 'launch' })
    expect(await stripe.checkout.sessions.retrieve(plain.id)).toMatchObject({ amount_total: 2000 })
  })

  it('S1.4 refuses a promotion code below its least amount, in another currency, and after a first purchase', async () => {
    const { id: coupon } = await stripe.coupons.create({ percent_off: 50 })
    const promotion = { type: 'coupon', coupon } as const
    const promoted = async (restrictions: object, customer?: string) => {
      const { code } = await stripe.promotionCodes.create({ promotion, restrictions })
      const session = await oneTime({ allow_promotion_codes: true, ...(customer ? { customer } : {}) })
      const answer = await post(`/checkout/${session.id}/promotion`, { code })
      const { amount_total: total } = await stripe.checkout.sessions.retrieve(session.id)
      return { session, total, text: answer.status === 402 ? await answer.text() : '' }
    }
    const above = await promoted({ minimum_amount: 2001, minimum_amount_currency: 'usd' })
    expect([above.total, above.text]).toEqual([2000, expect.stringContaining('minimum amount is not met')])
    expect((await promoted({ minimum_amount: 100, minimum_amount_currency: 'eur' })).total).toBe(2000)
    expect((await promoted({ minimum_amount: 2000, minimum_amount_currency: 'usd' })).total).toBe(1000)

    const { id } = await stripe.customers.create({ email: 'ada@example.com' })
    const first = await promoted({ first_time_transaction: true }, id)
    expect(first.total).toBe(1000)
    await pay(first.session)
    expect(await stripe.checkout.sessions.retrieve(first.session.id)).toMatchObject({ payment_status: 'paid' })
    const second = await promoted({ first_time_transaction: true }, id)
    expect([second.total, second.text]).toEqual([2000, expect.stringContaining('prior transactions')])
  })

  it('S1.5 goes on with the subscription for as long as the coupon lasts', async () => {
    const half = await stripe.coupons.create({ percent_off: 50, duration: 'repeating', duration_in_months: 2 })
    const session = await monthly({ discounts: [{ coupon: half.id }] })
    expect(session.amount_total).toBe(500)
    await pay(session)
    for (let month = 0; month < 3; month += 1) box.advance(31 * dayMs)
    const { subscription } = await stripe.checkout.sessions.retrieve(session.id)
    const bills = (await stripe.invoices.list({ subscription: String(subscription) })).data
    expect(
      bills
        .map(({ total }) => total)
        .reverse()
        .slice(0, 3),
    ).toEqual([500, 500, 1000])
    const once = await stripe.coupons.create({ percent_off: 50, duration: 'once' })
    const { id: customer } = await stripe.customers.create({
      payment_method: 'pm_card_visa',
      invoice_settings: { default_payment_method: 'pm_card_visa' },
    })
    const product = await stripe.products.create({ name: 'Basic' })
    const price = await stripe.prices.create({
      product: product.id,
      currency: 'usd',
      unit_amount: 1000,
      recurring: { interval: 'month' },
    })
    const second = await stripe.subscriptions.create({
      customer,
      items: [{ price: price.id }],
      discounts: [{ coupon: once.id }],
    })
    box.advance(32 * dayMs)
    const later = (await stripe.invoices.list({ subscription: second.id })).data
    expect(later.map(({ total }) => total)).toEqual([1000, 500])
  })
})

describe('a checkout with tax', () => {
  it('S1.4 asks where the buyer is, and charges what is due there', async () => {
    const session = await oneTime({ automatic_tax: { enabled: true }, customer_creation: 'always' })
    expect(session.automatic_tax).toMatchObject({ enabled: true, status: 'requires_location_inputs' })
    expect(await (await fetch(session.url ?? '')).text()).toContain('Country, for tax')
    expect((await pay(session)).status).toBe(402)
    await post(`/checkout/${session.id}/pay`, { card: '4242424242424242', country: 'DE' })
    const done = await stripe.checkout.sessions.retrieve(session.id, {
      expand: ['payment_intent', 'customer', 'line_items'],
    })
    expect(done).toMatchObject({
      amount_subtotal: 2000,
      amount_total: 2380,
      total_details: { amount_tax: 380 },
      payment_intent: { amount_received: 2380 },
      customer: { address: { country: 'DE' } },
    })
    expect(done.line_items?.data[0]).toMatchObject({ amount_tax: 380, amount_total: 2380 })
  })

  it('S1.4 knows the place of a known customer, and fixed rates need none', async () => {
    const { id: customer } = await stripe.customers.create({ address: { country: 'FR' } })
    expect(await oneTime({ customer, automatic_tax: { enabled: true } })).toMatchObject({ amount_total: 2400 })
    const rate = await stripe.taxRates.create({ display_name: 'Tax', percentage: 5, inclusive: false })
    const item = { price_data: { currency: 'usd', unit_amount: 2000, product_data: { name: 'Credits' } }, quantity: 1 }
    expect(await oneTime({ line_items: [{ ...item, tax_rates: [rate.id] }] })).toMatchObject({ amount_total: 2100 })
    await expect(oneTime({ line_items: [{ ...item, tax_rates: ['txr_none'] }] })).rejects.toMatchObject({
      code: 'resource_missing',
    })
  })
})

describe('other kinds of checkout', () => {
  it('S1.4 saves a card without charging it, and asks for 3-D Secure where the card does', async () => {
    const { id: customer } = await stripe.customers.create({})
    const session = await stripe.checkout.sessions.create({
      mode: 'setup',
      currency: 'usd',
      customer,
      success_url: 'https://shop.test/done',
      setup_intent_data: { metadata: { account: 'a1' } },
    })
    expect((await pay(session, '4000000000000002')).status).toBe(402)
    const step = await pay(session, '4000002500003155')
    expect(step.headers.get('location')).toBe(`/authenticate/${session.id}`)
    const done = await post(`/authenticate/${session.id}/complete`, {})
    expect(done.headers.get('location')).toBe('https://shop.test/done')
    const complete = await stripe.checkout.sessions.retrieve(session.id, { expand: ['setup_intent'] })
    expect(complete).toMatchObject({
      status: 'complete',
      payment_status: 'no_payment_required',
      setup_intent: { status: 'succeeded', metadata: { account: 'a1' } },
    })
    expect((await stripe.customers.listPaymentMethods(customer)).data).toHaveLength(1)
  })

  it.each(['payment', 'subscription'] as const)(
    'S1.4 waits for 3-D Secure in a %s, and fails without it',
    async (mode) => {
      const session = mode === 'payment' ? await oneTime() : await monthly()
      await pay(session, '4000002760003184')
      const failed = await post(`/authenticate/${session.id}/fail`, {})
      expect(failed.headers.get('location')).toContain(`/checkout/${session.id}?problem=`)
      expect(await stripe.checkout.sessions.retrieve(session.id)).toMatchObject({ status: 'open', subscription: null })
      await pay(session, '4000002760003184')
      await post(`/authenticate/${session.id}/complete`, {})
      expect(await stripe.checkout.sessions.retrieve(session.id)).toMatchObject({
        status: 'complete',
        payment_status: 'paid',
      })
    },
  )

  it('S1.5 begins a trial without a card where that is enough', async () => {
    const trial = {
      trial_period_days: 7,
      trial_settings: { end_behavior: { missing_payment_method: 'cancel' as const } },
    }
    const session = await monthly({ payment_method_collection: 'if_required', subscription_data: trial })
    const page = await (await fetch(session.url ?? '')).text()
    expect(page).toContain('7 days free')
    expect(page).toContain('No card now')
    await pay(session, '')
    const { subscription } = await stripe.checkout.sessions.retrieve(session.id)
    expect(await stripe.subscriptions.retrieve(String(subscription))).toMatchObject({
      status: 'trialing',
      default_payment_method: null,
    })
    box.advance(8 * dayMs)
    expect(await stripe.subscriptions.retrieve(String(subscription))).toMatchObject({ status: 'canceled' })
  })

  it('S3.2 makes an invoice for a single payment when asked', async () => {
    const session = await oneTime({ invoice_creation: { enabled: true, invoice_data: { metadata: { order: '7' } } } })
    await pay(session)
    const done = await stripe.checkout.sessions.retrieve(session.id, { expand: ['invoice'] })
    expect(done).toMatchObject({
      payment_status: 'paid',
      invoice: { status: 'paid', total: 2000, metadata: { order: '7' } },
    })
    expect((await stripe.paymentIntents.list()).data).toHaveLength(1)
  })

  it('S1.5 bills one-time items with the first invoice of a subscription', async () => {
    const once = { price_data: { currency: 'usd', unit_amount: 300, product_data: { name: 'Setup' } }, quantity: 1 }
    const session = await monthly({}, [once])
    expect(session.amount_total).toBe(1300)
    await pay(session)
    const done = await stripe.checkout.sessions.retrieve(session.id, { expand: ['invoice'] })
    expect(done.invoice).toMatchObject({ total: 1300, status: 'paid' })
  })
})

function oneTime(more: Partial<Stripe.Checkout.SessionCreateParams> = {}) {
  return stripe.checkout.sessions.create({
    mode: 'payment',
    success_url: 'https://shop.test/done',
    line_items: [
      { price_data: { currency: 'usd', unit_amount: 2000, product_data: { name: 'Credits' } }, quantity: 1 },
    ],
    ...more,
  })
}

function monthly(
  more: Partial<Stripe.Checkout.SessionCreateParams> = {},
  also: Stripe.Checkout.SessionCreateParams.LineItem[] = [],
) {
  const recurring = { interval: 'month' as const }
  const price_data = { currency: 'usd', unit_amount: 1000, product_data: { name: 'Pro' }, recurring }
  return stripe.checkout.sessions.create({
    mode: 'subscription',
    success_url: 'https://shop.test/done',
    line_items: [{ price_data, quantity: 1 }, ...also],
    ...more,
  })
}

function pay({ id }: { id: string }, card = '4242424242424242') {
  return post(`/checkout/${id}/pay`, { card })
}

function post(path: string, form: Record<string, string>) {
  return fetch(`${box.url}${path}`, { method: 'POST', body: new URLSearchParams(form), redirect: 'manual' })
}
