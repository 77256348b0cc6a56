import type Stripe from 'stripe'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Sandbox, type SandboxOptions, sandbox } from '../../src/testing/sandbox/sandbox.js'
import { stripeClient } from '../providers/sandboxed.js'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
/** A month of thirty days, so that halves are whole. */
const start = Date.parse('2026-11-01T00:00:00Z')
let box: Sandbox
let stripe: Stripe

const open = async (options: SandboxOptions = {}) => {
  box = await sandbox({ now: () => start, ...options })
  stripe = stripeClient(box)
}
beforeEach(() => open())
afterEach(() => box.close())

describe('a subscription begins', () => {
  it('S1.5 paid by the default payment method: active, with its first invoice', async () => {
    const { customer } = await payer()
    const price = await monthly(1000)
    const made = await stripe.subscriptions.create({
      customer,
      items: [{ price, quantity: 3 }],
      metadata: { account: 'a1' },
      expand: ['latest_invoice'],
    })
    expect(made).toMatchObject({
      status: 'active',
      billing_mode: { type: 'flexible' },
      billing_cycle_anchor: start / 1000,
      latest_invoice: { status: 'paid', amount_paid: 3000, billing_reason: 'subscription_create' },
    })
    expect(made.items.data[0]).toMatchObject({
      quantity: 3,
      current_period_start: start / 1000,
      current_period_end: Date.parse('2026-12-01T00:00:00Z') / 1000,
    })
  })

  it('S1.5 is refused without a payment method, and is incomplete when asked to wait for one', async () => {
    const { id: customer } = await stripe.customers.create({})
    const items = [{ price: await monthly(1000) }]
    await expect(stripe.subscriptions.create({ customer, items })).rejects.toMatchObject({
      statusCode: 400,
      code: 'resource_missing',
      message: expect.stringContaining('no attached payment source or default payment method'),
    })
    expect((await stripe.subscriptions.list({ status: 'all' })).data).toEqual([])
    const made = await stripe.subscriptions.create({
      customer,
      items,
      payment_behavior: 'default_incomplete',
      expand: ['latest_invoice'],
    })
    expect(made).toMatchObject({ status: 'incomplete', latest_invoice: { status: 'open', amount_due: 1000 } })
  })

  it('S1.5 whose first payment is declined is incomplete, or is not made at all', async () => {
    const { customer } = await payer('chargeDeclined')
    const items = [{ price: await monthly(1000) }]
    await expect(
      stripe.subscriptions.create({ customer, items, payment_behavior: 'error_if_incomplete' }),
    ).rejects.toMatchObject({ statusCode: 402, type: 'StripeCardError', code: 'card_declined' })
    expect((await stripe.subscriptions.list({ status: 'all' })).data).toEqual([])
    const { id, status } = await stripe.subscriptions.create({ customer, items })
    expect(status).toBe('incomplete')
    box.advance(23 * hourMs - 1000)
    expect((await stripe.subscriptions.retrieve(id)).status).toBe('incomplete')
    box.advance(1000)
    expect(await stripe.subscriptions.retrieve(id, { expand: ['latest_invoice'] })).toMatchObject({
      status: 'incomplete_expired',
      latest_invoice: { status: 'void' },
    })
  })

  it('S1.5 with a later anchor pays for the part before it, by the second', async () => {
    const { customer } = await payer()
    const price = await monthly(3000)
    const anchor = Date.parse('2026-11-16T00:00:00Z') / 1000
    const made = await stripe.subscriptions.create({
      customer,
      items: [{ price }],
      billing_cycle_anchor: anchor,
      expand: ['latest_invoice'],
    })
    // 15 of the 31 days from 16 October to 16 November.
    expect(made.latest_invoice).toMatchObject({ amount_due: Math.round((3000 * 15) / 31) })
    expect(made.items.data[0]?.current_period_end).toBe(anchor)
    const late = Date.parse('2026-12-02T00:00:00Z') / 1000
    await expect(
      stripe.subscriptions.create({ customer, items: [{ price }], billing_cycle_anchor: late }),
    ).rejects.toMatchObject({ statusCode: 400, param: 'billing_cycle_anchor' })
  })

  it('S1.5 names what it does not take', async () => {
    const { customer } = await payer()
    const price = await monthly(1000)
    const create = (more: object) =>
      stripe.subscriptions.create({ customer, items: [{ price }], ...more } as Stripe.SubscriptionCreateParams)
    await expect(create({ backdate_start_date: 1 })).rejects.toMatchObject({ param: 'backdate_start_date' })
    await expect(create({ payment_behavior: 'pending_if_incomplete' })).rejects.toMatchObject({
      param: 'payment_behavior',
    })
    await expect(create({ collection_method: 'send_invoice' })).rejects.toMatchObject({ param: 'days_until_due' })
    await expect(create({ items: [{ price }, { price }] })).rejects.toMatchObject({ param: 'items' })
    await expect(create({ trial_end: 1 })).rejects.toMatchObject({ param: 'trial_end' })
  })
})

describe('payment methods of a subscription', () => {
  it('S1.5 are the customer’s own', async () => {
    const { customer } = await payer()
    const other = await payer()
    const items = [{ price: await monthly(1000) }]
    await expect(
      stripe.subscriptions.create({ customer, items, default_payment_method: other.method }),
    ).rejects.toMatchObject({ statusCode: 400, param: 'default_payment_method' })
  })

  it('S1.5 are saved from the first payment when asked to, and the subscription becomes active', async () => {
    const { id: customer } = await stripe.customers.create({})
    const card = await method(customer, 'visa')
    const made = await stripe.subscriptions.create({
      customer,
      items: [{ price: await monthly(1000) }],
      payment_behavior: 'default_incomplete',
      payment_settings: { save_default_payment_method: 'on_subscription' },
    })
    expect(made).toMatchObject({ status: 'incomplete', default_payment_method: null })
    await stripe.invoices.pay(String(made.latest_invoice), { payment_method: card })
    expect(await stripe.subscriptions.retrieve(made.id)).toMatchObject({
      status: 'active',
      default_payment_method: card,
    })
    box.advance(30 * dayMs + hourMs)
    expect(await amounts(made.id)).toEqual([[1000], [1000]])
  })
})

describe('a change of price or quantity', () => {
  it('S1.5 waits for the next invoice as credit for unused and charge for remaining time', async () => {
    const { id, item } = await subscribed(await monthly(1000))
    box.advance(15 * dayMs)
    const changed = await stripe.subscriptions.update(id, { items: [{ id: item, price: await monthly(2000) }] })
    expect(changed.items.data[0]).toMatchObject({ id: item, price: { unit_amount: 2000 } })
    expect(await amounts(id)).toEqual([[1000]])
    box.advance(15 * dayMs + hourMs)
    expect(await amounts(id)).toEqual([[-500, 1000, 2000], [1000]])
    const [renewal] = (await stripe.invoices.list({ subscription: id })).data
    expect(renewal).toMatchObject({ status: 'paid', total: 2500, billing_reason: 'subscription_cycle' })
    expect(
      renewal?.lines.data.map(({ description, parent }) => [description, parent?.subscription_item_details?.proration]),
    ).toEqual([
      ['Unused time on P1000 after 16 Nov 2026', true],
      ['Remaining time on P2000 after 16 Nov 2026', true],
      ['1 × P2000', false],
    ])
  })

  it('S1.5 is billed at once, at a given instant, or not at all', async () => {
    const { id, item } = await subscribed(await monthly(1000), 10)
    box.advance(10 * dayMs)
    const at = start / 1000 + 5 * 86_400
    await stripe.subscriptions.update(id, {
      items: [{ id: item, quantity: 12 }],
      proration_behavior: 'always_invoice',
      proration_date: at,
    })
    // 25 of 30 days: 10 seats back, 12 seats anew.
    expect((await amounts(id))[0]).toEqual([Math.round((-10_000 * 25) / 30), 10_000])
    await stripe.subscriptions.update(id, { items: [{ id: item, quantity: 1 }], proration_behavior: 'none' })
    expect(await amounts(id)).toHaveLength(2)
    await expect(
      stripe.subscriptions.update(id, { items: [{ id: item, quantity: 2 }], proration_date: at - 40 * 86_400 }),
    ).rejects.toMatchObject({ param: 'proration_date' })
  })

  it('S1.5 leaves what is owed to the customer for the next invoice', async () => {
    const { id, item, customer } = await subscribed(await monthly(3000))
    box.advance(15 * dayMs)
    await stripe.subscriptions.update(id, {
      items: [{ id: item, price: await monthly(1000) }],
      proration_behavior: 'always_invoice',
    })
    const [credit] = (await stripe.invoices.list({ subscription: id })).data
    expect(credit).toMatchObject({ total: -1000, amount_due: 0, status: 'paid', ending_balance: -1000 })
    expect(await stripe.customers.retrieve(customer)).toMatchObject({ balance: -1000 })
    box.advance(15 * dayMs + hourMs)
    const [renewal] = (await stripe.invoices.list({ subscription: id })).data
    expect(renewal).toMatchObject({ total: 1000, amount_due: 0, starting_balance: -1000, ending_balance: 0 })
  })

  it('S1.5 of the interval begins a period now and is billed now', async () => {
    const { id, item } = await subscribed(await monthly(1000))
    box.advance(15 * dayMs)
    const changed = await stripe.subscriptions.update(id, {
      items: [{ id: item, price: await priced(10_000, 'year') }],
    })
    expect(changed.items.data[0]).toMatchObject({
      current_period_start: start / 1000 + 15 * 86_400,
      current_period_end: Date.parse('2027-11-16T00:00:00Z') / 1000,
    })
    expect((await amounts(id))[0]).toEqual([-500, 10_000])
  })

  it('S1.5 takes the cycle anchor as the object of endive', async () => {
    const { id } = await subscribed(await monthly(1000))
    box.advance(15 * dayMs)
    const old = { billing_cycle_anchor: 'now' } as unknown as Stripe.SubscriptionUpdateParams
    await expect(stripe.subscriptions.update(id, old)).rejects.toMatchObject({ statusCode: 400 })
    const changed = await stripe.subscriptions.update(id, { billing_cycle_anchor: { type: 'now' } })
    expect(changed.billing_cycle_anchor).toBe(start / 1000 + 15 * 86_400)
    expect((await amounts(id))[0]).toEqual([-500, 1000])
  })

  it('S1.5 goes through items of their own', async () => {
    const { id, item } = await subscribed(await monthly(1000))
    box.advance(15 * dayMs)
    const seats = await monthly(200)
    const added = await stripe.subscriptionItems.create({ subscription: id, price: seats, quantity: 5 })
    expect(added).toMatchObject({ quantity: 5, subscription: id })
    await stripe.subscriptionItems.update(added.id, { quantity: 6 })
    expect((await stripe.subscriptionItems.list({ subscription: id })).data).toHaveLength(2)
    expect(await stripe.subscriptionItems.del(added.id)).toMatchObject({ id: added.id, deleted: true })
    await expect(stripe.subscriptionItems.retrieve(added.id)).rejects.toMatchObject({ statusCode: 404 })
    await expect(stripe.subscriptionItems.del(item)).rejects.toMatchObject({ statusCode: 400 })
    box.advance(15 * dayMs + hourMs)
    expect((await amounts(id))[0]).toEqual([500, -500, 600, -600, 1000])
  })

  it('S1.5 waits for its payment when asked to', async () => {
    const { id, item } = await subscribed(await monthly(1000), 1, 'chargeDeclined')
    const bigger = await monthly(2000)
    box.advance(15 * dayMs)
    const update = (payment_behavior: 'error_if_incomplete' | 'pending_if_incomplete' | 'allow_incomplete') =>
      stripe.subscriptions.update(id, {
        items: [{ id: item, price: bigger }],
        proration_behavior: 'always_invoice',
        payment_behavior,
      })
    await expect(update('error_if_incomplete')).rejects.toMatchObject({ statusCode: 402 })
    const waiting = await update('pending_if_incomplete')
    expect(waiting.items.data[0]?.price.unit_amount).toBe(1000)
    expect(waiting.pending_update?.subscription_items?.[0]?.price.unit_amount).toBe(2000)
    box.advance(23 * hourMs)
    expect(await stripe.subscriptions.retrieve(id)).toMatchObject({ pending_update: null, status: 'active' })
    expect(await eventTypes()).toContain('customer.subscription.pending_update_expired')
    const changed = await update('allow_incomplete')
    expect(changed).toMatchObject({ status: 'past_due', items: { data: [{ price: { unit_amount: 2000 } }] } })
  })
})

describe('a trial', () => {
  it('S1.5 is announced three days before its end and becomes a paid period', async () => {
    const { customer } = await payer()
    const { id, status } = await stripe.subscriptions.create({
      customer,
      items: [{ price: await monthly(1000) }],
      trial_period_days: 14,
    })
    expect(status).toBe('trialing')
    box.advance(11 * dayMs - 1000)
    expect(await eventTypes()).not.toContain('customer.subscription.trial_will_end')
    box.advance(1000)
    expect(await eventTypes()).toContain('customer.subscription.trial_will_end')
    box.advance(3 * dayMs + hourMs)
    expect((await stripe.subscriptions.retrieve(id)).status).toBe('active')
    expect(await amounts(id)).toEqual([[1000], [0]])
  })

  it.each([
    ['cancel', 'canceled', 'customer.subscription.deleted'],
    ['pause', 'paused', 'customer.subscription.paused'],
    ['create_invoice', 'past_due', 'invoice.payment_failed'],
  ] as const)('S1.5 without a payment method ends as told: %s', async (missing, status, event) => {
    const { id: customer } = await stripe.customers.create({})
    const { id } = await stripe.subscriptions.create({
      customer,
      items: [{ price: await monthly(1000) }],
      trial_period_days: 7,
      trial_settings: { end_behavior: { missing_payment_method: missing } },
    })
    box.advance(7 * dayMs + hourMs)
    expect((await stripe.subscriptions.retrieve(id)).status).toBe(status)
    expect(await eventTypes()).toContain(event)
  })

  it('S1.5 of less than three days is announced when it begins', async () => {
    const { customer } = await payer()
    await stripe.subscriptions.create({ customer, items: [{ price: await monthly(1000) }], trial_period_days: 2 })
    expect(await eventTypes()).toContain('customer.subscription.trial_will_end')
  })

  it('S1.5 is ended early, and charges a whole period then', async () => {
    const { customer } = await payer()
    const { id } = await stripe.subscriptions.create({
      customer,
      items: [{ price: await monthly(1000) }],
      trial_period_days: 14,
    })
    box.advance(2 * dayMs)
    const ended = await stripe.subscriptions.update(id, { trial_end: 'now' })
    expect(ended).toMatchObject({ status: 'active', billing_cycle_anchor: start / 1000 + 2 * 86_400 })
    expect((await amounts(id))[0]).toEqual([1000])
  })
})

describe('the end of a subscription', () => {
  it('S1.5 comes now, with usage and unused time when asked', async () => {
    const { id } = await subscribed(await monthly(1000))
    box.advance(15 * dayMs)
    const gone = await stripe.subscriptions.cancel(id, {
      prorate: true,
      invoice_now: true,
      cancellation_details: { comment: 'too dear', feedback: 'too_expensive' },
    })
    expect(gone).toMatchObject({
      status: 'canceled',
      ended_at: start / 1000 + 15 * 86_400,
      cancellation_details: { reason: 'cancellation_requested', comment: 'too dear', feedback: 'too_expensive' },
    })
    expect((await amounts(id))[0]).toEqual([-500])
    await expect(stripe.subscriptions.cancel(id)).rejects.toMatchObject({ statusCode: 404 })
    await expect(stripe.subscriptions.update(id, { description: 'x' })).rejects.toMatchObject({ statusCode: 400 })
    expect((await stripe.subscriptions.update(id, { metadata: { a: 'b' } })).metadata).toEqual({ a: 'b' })
  })

  it('S1.5 comes with the period, or on a day, or is taken back', async () => {
    const { id } = await subscribed(await monthly(1000))
    const set = await stripe.subscriptions.update(id, { cancel_at_period_end: true })
    expect(set).toMatchObject({ cancel_at_period_end: true, cancel_at: Date.parse('2026-12-01T00:00:00Z') / 1000 })
    const back = await stripe.subscriptions.update(id, { cancel_at_period_end: false })
    expect(back).toMatchObject({ cancel_at_period_end: false, cancel_at: null, canceled_at: null })
    await stripe.subscriptions.update(id, { cancel_at: start / 1000 + 86_400 })
    box.advance(dayMs)
    expect(await stripe.subscriptions.retrieve(id)).toMatchObject({
      status: 'canceled',
      ended_at: start / 1000 + 86_400,
    })
    expect(await amounts(id)).toEqual([[1000]])
  })
})

describe('a pause', () => {
  it('S1.5 credits the unused time, bills nothing, and is over once the new period is paid', async () => {
    const { id } = await subscribed(await monthly(1000))
    box.advance(15 * dayMs)
    const paused = await stripe.subscriptions.pause(id)
    expect(paused).toMatchObject({
      status: 'paused',
      status_details: { paused: { type: 'subscription', subscription: { type: 'pause_requested' } } },
    })
    await expect(stripe.subscriptions.pause(id)).rejects.toMatchObject({ statusCode: 400 })
    box.advance(60 * dayMs)
    expect(await amounts(id)).toEqual([[1000]])
    const resumed = await stripe.subscriptions.resume(id, { payment_behavior: 'resume_on_payment_success' })
    expect(resumed).toMatchObject({ status: 'active', billing_cycle_anchor: start / 1000 + 75 * 86_400 })
    expect(resumed).not.toHaveProperty('status_details')
    expect((await amounts(id))[0]).toEqual([-500, 1000])
    const types = box.webhooks.emitted().map(({ type }) => type)
    expect(types).toEqual(expect.arrayContaining(['customer.subscription.paused', 'customer.subscription.resumed']))
    // The API itself reaches back thirty days.
    expect(await eventTypes()).not.toContain('customer.subscription.paused')
  })

  it('S1.5 is not lifted by the credit it came with, and ends in past_due when the resumption is declined', async () => {
    const { id, customer } = await subscribed(await monthly(1000))
    box.advance(15 * dayMs)
    expect((await stripe.subscriptions.pause(id, { invoicing_behavior: 'invoice' })).status).toBe('paused')
    expect((await amounts(id))[0]).toEqual([-500])
    await stripe.subscriptions.update(id, { default_payment_method: await method(customer, 'chargeDeclined') })
    const waiting = await stripe.subscriptions.resume(id)
    await expect(stripe.invoices.pay(String(waiting.latest_invoice))).rejects.toMatchObject({ statusCode: 402 })
    expect((await stripe.subscriptions.retrieve(id)).status).toBe('past_due')
  })

  it('S1.5 stays paused while a resumption that is paid first is declined, which is tried again', async () => {
    const { id, customer } = await subscribed(await monthly(1000))
    await stripe.subscriptions.pause(id, { bill_for: { unused_time_from: { type: 'none' } } })
    await stripe.subscriptions.update(id, { default_payment_method: await method(customer, 'chargeDeclined') })
    const payment_behavior = 'resume_on_payment_success'
    await stripe.subscriptions.resume(id, { payment_behavior }).catch(() => {})
    const waiting = await stripe.subscriptions.retrieve(id, { expand: ['latest_invoice'] })
    expect(waiting).toMatchObject({ status: 'paused', latest_invoice: { status: 'open', attempt_count: 1 } })
    await stripe.subscriptions.update(id, { default_payment_method: await method(customer, 'visa') })
    box.advance(2 * dayMs)
    expect(await stripe.subscriptions.retrieve(id, { expand: ['latest_invoice'] })).toMatchObject({
      status: 'active',
      latest_invoice: { status: 'paid', attempt_count: 2 },
    })
  })

  it('S1.5 goes on while the resumption is not paid', async () => {
    const { id } = await subscribed(await monthly(1000))
    await stripe.subscriptions.pause(id, { bill_for: { unused_time_from: { type: 'none' } } })
    const waiting = await stripe.subscriptions.resume(id, { expand: ['latest_invoice'] })
    expect(waiting).toMatchObject({ status: 'paused', latest_invoice: { status: 'open' } })
    box.advance(23 * hourMs)
    expect(await stripe.subscriptions.retrieve(id, { expand: ['latest_invoice'] })).toMatchObject({
      status: 'paused',
      latest_invoice: { status: 'void' },
    })
    await expect(stripe.subscriptions.resume((await subscribed(await monthly(500))).id)).rejects.toMatchObject({
      statusCode: 400,
    })
  })
})

describe('paused collection', () => {
  it.each([
    ['void', 'void'],
    ['mark_uncollectible', 'uncollectible'],
    ['keep_as_draft', 'draft'],
  ] as const)('S1.5 goes on with the periods and leaves invoices as told: %s', async (behavior, status) => {
    const { id } = await subscribed(await monthly(1000))
    const resumes = start / 1000 + 40 * 86_400
    await stripe.subscriptions.update(id, { pause_collection: { behavior, resumes_at: resumes } })
    box.advance(30 * dayMs + hourMs)
    expect(await stripe.subscriptions.retrieve(id, { expand: ['latest_invoice'] })).toMatchObject({
      status: 'active',
      pause_collection: { behavior, resumes_at: resumes },
      latest_invoice: { status },
    })
    box.advance(10 * dayMs)
    expect((await stripe.subscriptions.retrieve(id)).pause_collection).toBeNull()
  })
})

describe('dunning', () => {
  it('S4.2 tries again by the schedule, then the account decides', async () => {
    await box.close()
    await open({ failedPayments: { retryDays: [1, 3], afterwards: 'unpaid' } })
    const { id } = await subscribed(await monthly(1000), 1, 'chargeDeclined')
    box.advance(30 * dayMs + hourMs)
    const current = () => stripe.subscriptions.retrieve(id, { expand: ['latest_invoice'] })
    expect(await current()).toMatchObject({
      status: 'past_due',
      latest_invoice: { status: 'open', attempt_count: 1, next_payment_attempt: expect.any(Number) },
    })
    box.advance(dayMs)
    expect(await current()).toMatchObject({ status: 'past_due', latest_invoice: { attempt_count: 2 } })
    box.advance(2 * dayMs)
    expect(await current()).toMatchObject({
      status: 'unpaid',
      latest_invoice: { attempt_count: 3, next_payment_attempt: null },
    })
  })

  it('S4.2 ends in cancellation by default, for the reason it was', async () => {
    const { id } = await subscribed(await monthly(1000), 1, 'chargeDeclined')
    box.advance(30 * dayMs + hourMs + 14 * dayMs)
    expect(await stripe.subscriptions.retrieve(id)).toMatchObject({
      status: 'canceled',
      cancellation_details: { reason: 'payment_failed' },
    })
  })

  it('S4.2 ends when the customer has a method that works', async () => {
    const { id, customer } = await subscribed(await monthly(1000), 1, 'chargeDeclined')
    box.advance(30 * dayMs + hourMs)
    expect((await stripe.subscriptions.retrieve(id)).status).toBe('past_due')
    await stripe.subscriptions.update(id, { default_payment_method: await method(customer, 'visa') })
    box.advance(dayMs)
    expect(await stripe.subscriptions.retrieve(id, { expand: ['latest_invoice'] })).toMatchObject({
      status: 'active',
      latest_invoice: { status: 'paid' },
    })
  })
})

describe('renewal', () => {
  it('S1.1 counts usage that is reported while the invoice is a draft, and none after', async () => {
    const meter = await stripe.billing.meters.create({
      display_name: 'Sparks',
      event_name: 'sparks',
      default_aggregation: { formula: 'sum' },
    })
    const product = await stripe.products.create({ name: 'Usage' })
    const price = await stripe.prices.create({
      product: product.id,
      currency: 'usd',
      unit_amount: 1,
      recurring: { interval: 'month', usage_type: 'metered', meter: meter.id },
    })
    const { id, customer } = await subscribed(price.id)
    const report = (value: string) =>
      stripe.billing.meterEvents.create({
        event_name: 'sparks',
        payload: { stripe_customer_id: customer, value },
        timestamp: start / 1000 + 86_400,
      })
    box.advance(dayMs)
    await report('40')
    box.advance(29 * dayMs)
    await report('2')
    const [draft] = (await stripe.invoices.list({ subscription: id })).data
    expect(draft).toMatchObject({ status: 'draft', total: 40 })
    box.advance(hourMs)
    await report('100')
    expect(await stripe.invoices.retrieve(draft?.id ?? '')).toMatchObject({ status: 'paid', total: 42 })
  })

  it('S1.5 drafts the invoice, finalizes it an hour later and charges it', async () => {
    const { id } = await subscribed(await monthly(1000))
    box.advance(30 * dayMs)
    const renewed = await stripe.subscriptions.retrieve(id, { expand: ['latest_invoice'] })
    expect(renewed.latest_invoice).toMatchObject({
      status: 'draft',
      number: null,
      hosted_invoice_url: null,
      automatically_finalizes_at: Date.parse('2026-12-01T01:00:00Z') / 1000,
    })
    expect(renewed.items.data[0]?.current_period_end).toBe(Date.parse('2027-01-01T00:00:00Z') / 1000)
    box.advance(hourMs)
    expect(await stripe.invoices.retrieve(String((renewed.latest_invoice as Stripe.Invoice).id))).toMatchObject({
      status: 'paid',
      status_transitions: { finalized_at: Date.parse('2026-12-01T01:00:00Z') / 1000 },
    })
  })

  it('S1.5 is announced a week before, with what it will come to', async () => {
    const { id } = await subscribed(await monthly(1000))
    box.advance(23 * dayMs - 1000)
    expect(await eventTypes()).not.toContain('invoice.upcoming')
    box.advance(1000)
    const { data } = await stripe.events.list({ type: 'invoice.upcoming' })
    expect(data[0]?.data.object).toMatchObject({ object: 'invoice', total: 1000, status: 'draft' })
    expect(await amounts(id)).toEqual([[1000]])
  })

  it('S1.5 of several missed periods happens one by one, each at its time', async () => {
    const { id } = await subscribed(await monthly(1000))
    box.advance(95 * dayMs)
    const { data } = await stripe.invoices.list({ subscription: id })
    expect(data.map(({ created }) => new Date(created * 1000).toISOString().slice(0, 10))).toEqual([
      '2027-02-01',
      '2027-01-01',
      '2026-12-01',
      '2026-11-01',
    ])
  })
})

async function payer(card = 'visa') {
  const { id: customer } = await stripe.customers.create({ email: 'ada@example.com' })
  const id = await method(customer, card)
  await stripe.customers.update(customer, { invoice_settings: { default_payment_method: id } })
  return { customer, method: id }
}

async function method(customer: string, card: string): Promise<string> {
  const name = card === 'chargeDeclined' ? 'pm_card_chargeCustomerFail' : `pm_card_${card}`
  return (await stripe.paymentMethods.attach(name, { customer })).id
}

/** A subscription that was paid once; a card that is declined is put in afterwards. */
async function subscribed(price: string, quantity = 1, card = 'visa') {
  const { customer } = await payer()
  const many = quantity === 1 ? {} : { quantity }
  const made = await stripe.subscriptions.create({ customer, items: [{ price, ...many }] })
  if (card !== 'visa') {
    await stripe.subscriptions.update(made.id, { default_payment_method: await method(customer, card) })
  }
  return { id: made.id, item: made.items.data[0]?.id ?? '', customer }
}

function monthly(amount: number): Promise<string> {
  return priced(amount, 'month')
}

async function priced(amount: number, interval: 'month' | 'year'): Promise<string> {
  const product = await stripe.products.create({ name: `P${amount}` })
  const price = await stripe.prices.create({
    product: product.id,
    currency: 'usd',
    unit_amount: amount,
    recurring: { interval },
  })
  return price.id
}

/** The amounts of every invoice's lines, newest invoice first. */
async function amounts(subscription: string): Promise<number[][]> {
  const { data } = await stripe.invoices.list({ subscription })
  return data.map(({ lines }) => lines.data.map(({ amount }) => amount))
}

async function eventTypes(): Promise<string[]> {
  return (await stripe.events.list({ limit: 100 })).data.map(({ type }) => type)
}
