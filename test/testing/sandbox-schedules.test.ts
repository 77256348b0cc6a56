import type Stripe from 'stripe'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from '../../src/testing/sandbox/sandbox.js'
import { stripeClient } from '../providers/sandboxed.js'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
/** A month of thirty days, so that halves are whole. */
const start = Date.parse('2026-11-01T00:00:00Z')
const december = Date.parse('2026-12-01T00:00:00Z') / 1000
let box: Sandbox
let stripe: Stripe

beforeEach(async () => {
  box = await sandbox({ now: () => start })
  stripe = stripeClient(box)
})
afterEach(() => box.close())

describe('a subscription schedule', () => {
  it('S1.5 takes a subscription down at the end of its period', async () => {
    const pro = await monthly(2000)
    const basic = await monthly(1000)
    const { id, customer } = await subscribed(pro)
    const made = await stripe.subscriptionSchedules.create({ from_subscription: id })
    expect(made).toMatchObject({
      status: 'active',
      subscription: id,
      end_behavior: 'release',
      current_phase: { start_date: start / 1000, end_date: december },
      phases: [{ items: [{ price: pro, quantity: 1 }] }],
    })
    const planned = await stripe.subscriptionSchedules.update(made.id, {
      phases: [
        { items: [{ price: pro, quantity: 1 }], start_date: start / 1000, end_date: december },
        { items: [{ price: basic, quantity: 1 }], duration: { interval: 'month', interval_count: 1 } },
      ],
    })
    expect(planned.phases[1]).toMatchObject({ start_date: december, end_date: december + 31 * 86_400 })
    await expect(stripe.subscriptions.update(id, { cancel_at_period_end: true })).rejects.toMatchObject({
      statusCode: 400,
      message: expect.stringContaining('managed by the subscription schedule'),
    })
    box.advance(30 * dayMs + hourMs)
    const after = await stripe.subscriptions.retrieve(id)
    expect(after.items.data[0]?.price.id).toBe(basic)
    expect(await amounts(id)).toEqual([[1000], [2000]])
    box.advance(31 * dayMs)
    expect(await stripe.subscriptionSchedules.retrieve(made.id)).toMatchObject({
      status: 'released',
      released_subscription: id,
    })
    expect(await stripe.subscriptions.retrieve(id)).toMatchObject({ schedule: null, status: 'active' })
    expect((await stripe.subscriptionSchedules.list({ customer })).data.map((each) => each.id)).toEqual([made.id])
  })

  it('S1.5 prorates a phase that begins within a period', async () => {
    const pro = await monthly(1000)
    const max = await monthly(2000)
    const { id } = await subscribed(pro)
    const { id: schedule } = await stripe.subscriptionSchedules.create({ from_subscription: id })
    const middle = start / 1000 + 15 * 86_400
    await stripe.subscriptionSchedules.update(schedule, {
      phases: [
        { items: [{ price: pro }], start_date: start / 1000, end_date: middle },
        { items: [{ price: max }], duration: { interval: 'month' }, proration_behavior: 'always_invoice' },
      ],
      end_behavior: 'cancel',
    })
    box.advance(15 * dayMs)
    expect(await amounts(id)).toEqual([[-500, 1000], [1000]])
    box.advance(31 * dayMs)
    expect((await stripe.subscriptions.retrieve(id)).status).toBe('canceled')
    expect((await stripe.subscriptionSchedules.retrieve(schedule)).status).toBe('completed')
  })

  it('S1.5 is released, canceled with its subscription, and refused a second time', async () => {
    const { id } = await subscribed(await monthly(1000))
    const first = await stripe.subscriptionSchedules.create({ from_subscription: id })
    await expect(stripe.subscriptionSchedules.create({ from_subscription: id })).rejects.toMatchObject({
      statusCode: 400,
      param: 'from_subscription',
    })
    expect(await stripe.subscriptionSchedules.release(first.id)).toMatchObject({
      status: 'released',
      subscription: null,
    })
    await expect(stripe.subscriptionSchedules.cancel(first.id)).rejects.toMatchObject({ statusCode: 400 })
    const second = await stripe.subscriptionSchedules.create({ from_subscription: id })
    expect((await stripe.subscriptionSchedules.cancel(second.id)).status).toBe('canceled')
    expect((await stripe.subscriptions.retrieve(id)).status).toBe('canceled')
  })

  it('S1.5 starts a subscription on its day', async () => {
    const { customer } = await payer()
    const made = await stripe.subscriptionSchedules.create({
      customer,
      start_date: start / 1000 + 86_400,
      phases: [{ items: [{ price: await monthly(1000) }], duration: { interval: 'month', interval_count: 3 } }],
    })
    expect(made).toMatchObject({ status: 'not_started', subscription: null })
    box.advance(dayMs)
    const running = await stripe.subscriptionSchedules.retrieve(made.id, { expand: ['subscription'] })
    expect(running).toMatchObject({ status: 'active', subscription: { status: 'active', schedule: made.id } })
  })
})

describe('a preview of an invoice', () => {
  it('S2.5 shows what a change comes to, to the cent of what is then billed, and changes nothing', async () => {
    const { id, item, customer } = await subscribed(await monthly(1000))
    const bigger = await monthly(2500)
    box.advance(11 * dayMs)
    const at = start / 1000 + 11 * 86_400
    const items = [{ id: item, price: bigger }]
    const terms = { items, proration_date: at, proration_behavior: 'always_invoice' as const }
    const preview = await stripe.invoices.createPreview({ customer, subscription: id, subscription_details: terms })
    expect(preview).toMatchObject({ object: 'invoice', status: 'draft', id: expect.stringMatching(/^upcoming_in_/) })
    expect(await amounts(id)).toEqual([[1000]])
    expect((await stripe.subscriptions.retrieve(id)).items.data[0]?.price.unit_amount).toBe(1000)
    box.advance(hourMs)
    await stripe.subscriptions.update(id, terms)
    const [billed] = (await stripe.invoices.list({ subscription: id })).data
    expect(billed?.total).toBe(preview.total)
    expect(preview.total).toBe(Math.round((2500 * 19) / 30) - Math.round((1000 * 19) / 30))
  })

  it('S2.5 shows the next renewal with pending credits and the usage counted so far', async () => {
    const meter = await stripe.billing.meters.create({
      display_name: 'Sparks',
      event_name: 'sparks',
      default_aggregation: { formula: 'sum' },
    })
    const product = await stripe.products.create({ name: 'Usage' })
    const usage = await stripe.prices.create({
      product: product.id,
      currency: 'usd',
      unit_amount: 2,
      recurring: { interval: 'month', usage_type: 'metered', meter: meter.id },
    })
    const { id, item, customer } = await subscribed(await monthly(1000))
    await stripe.subscriptionItems.create({ subscription: id, price: usage.id })
    await stripe.billing.meterEvents.create({
      event_name: 'sparks',
      payload: { stripe_customer_id: customer, value: '50' },
    })
    box.advance(15 * dayMs)
    await stripe.subscriptions.update(id, { items: [{ id: item, quantity: 2 }] })
    const next = await stripe.invoices.createPreview({ subscription: id })
    expect(next.lines.data.map(({ amount }) => amount)).toEqual([-500, 1000, 100, 2000])
    const end = await stripe.invoices.createPreview({ subscription: id, subscription_details: { cancel_now: true } })
    expect(end.lines.data.map(({ amount }) => amount)).toEqual([-500, 1000, -1000, 100])
    const last = await stripe.invoices.createPreview({
      subscription: id,
      subscription_details: { cancel_at_period_end: true },
    })
    expect(last.lines.data.map(({ amount }) => amount)).toEqual([-500, 1000, 100])
  })

  it('S2.5 shows a first invoice before there is a subscription, and says when there is nothing to show', async () => {
    const { customer } = await payer()
    const price = await monthly(1000)
    const preview = await stripe.invoices.createPreview({
      customer,
      subscription_details: { items: [{ price, quantity: 3 }] },
    })
    expect(preview.total).toBe(3000)
    expect((await stripe.subscriptions.list({ customer, status: 'all' })).data).toEqual([])
    await expect(stripe.invoices.createPreview({ customer })).rejects.toMatchObject({
      statusCode: 404,
      code: 'invoice_upcoming_none',
    })
  })
})

async function payer() {
  const { id: customer } = await stripe.customers.create({ email: 'ada@example.com' })
  const { id } = await stripe.paymentMethods.attach('pm_card_visa', { customer })
  await stripe.customers.update(customer, { invoice_settings: { default_payment_method: id } })
  return { customer }
}

async function subscribed(price: string) {
  const { customer } = await payer()
  const made = await stripe.subscriptions.create({ customer, items: [{ price }] })
  return { id: made.id, item: made.items.data[0]?.id ?? '', customer }
}

async function monthly(amount: number): Promise<string> {
  const product = await stripe.products.create({ name: `P${amount}` })
  const terms = { product: product.id, currency: 'usd', unit_amount: amount, recurring: { interval: 'month' as const } }
  return (await stripe.prices.create(terms)).id
}

/** The amounts of every invoice's lines, newest invoice first. */
async function amounts(subscription: string): Promise<number[][]> {
  const { data } = await stripe.invoices.list({ subscription })
  return data.map(({ lines }) => lines.data.map(({ amount }) => amount))
}
