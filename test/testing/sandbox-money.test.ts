import Stripe from 'stripe'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from '../../src/testing/sandbox/sandbox.js'

const daySeconds = 86_400
const start = 1_772_323_200
let box: Sandbox
let stripe: Stripe

beforeEach(async () => {
  box = await sandbox()
  stripe = clientOf(box)
})
afterEach(() => box.close())

describe('expansion', () => {
  it('C4 gives whole objects, down to the balance transaction of the latest charge', async () => {
    const { id } = await paidIntent()
    const intent = await stripe.paymentIntents.retrieve(id, { expand: ['latest_charge.balance_transaction'] })
    expect(intent.latest_charge).toMatchObject({
      balance_transaction: { object: 'balance_transaction', amount: 500, fee: 45, net: 455, type: 'charge' },
    })
  })

  it('C4 refuses what is no other object, and more than four levels', async () => {
    const { id } = await paidIntent()
    const retrieve = (path: string) => stripe.paymentIntents.retrieve(id, { expand: [path] })
    for (const path of ['nope', 'metadata', 'amount', 'description', 'latest_charge.metadata', 'payment_method.card']) {
      await expect(retrieve(path)).rejects.toMatchObject({
        statusCode: 400,
        message: `This property cannot be expanded (${path}).`,
      })
    }
    await expect(retrieve('a.b.c.d.e')).rejects.toMatchObject({
      message: 'You cannot expand more than 4 levels of a property (a.b.c.d.e).',
    })
    await expect(stripe.paymentIntents.list({ expand: ['customer'] })).rejects.toMatchObject({
      message: "This property cannot be expanded (customer). You may want to try expanding 'data.customer' instead.",
    })
    // What names nothing now could name something.
    await expect(retrieve('review')).resolves.toMatchObject({ review: null })
  })

  it('C4 undoes a change whose answer cannot be expanded', async () => {
    await expect(stripe.customers.create({ expand: ['email'] })).rejects.toMatchObject({ statusCode: 400 })
    expect((await stripe.customers.list()).data).toEqual([])
  })
})

describe('balance transactions', () => {
  it('S3.6 of a charge and its refund are read one by one and listed', async () => {
    const intent = await paidIntent()
    const refund = await stripe.refunds.create({ payment_intent: intent.id, amount: 200 })
    const charge = await stripe.charges.retrieve(String(intent.latest_charge))
    const listed = await stripe.balanceTransactions.list({})
    expect(listed.data).toMatchObject([
      { id: refund.balance_transaction, amount: -200, fee: 0, net: -200, type: 'refund', source: refund.id },
      { id: charge.balance_transaction, amount: 500, type: 'charge', source: charge.id, status: 'pending' },
    ])
    expect((await stripe.balanceTransactions.list({ type: 'refund' })).data).toHaveLength(1)
    expect((await stripe.balanceTransactions.list({ source: charge.id })).data).toHaveLength(1)
    box.advance(3 * daySeconds * 1000)
    expect(await stripe.balanceTransactions.retrieve(String(charge.balance_transaction))).toMatchObject({
      status: 'available',
    })
    await expect(stripe.balanceTransactions.retrieve('txn_none')).rejects.toMatchObject({ statusCode: 404 })
  })

  it('S3.6 show what a dispute takes', async () => {
    const { id } = await stripe.customers.create({})
    const method = await stripe.paymentMethods.attach('pm_card_createDispute', { customer: id })
    await stripe.paymentIntents.create({
      amount: 500,
      currency: 'usd',
      customer: id,
      payment_method: method.id,
      confirm: true,
      off_session: true,
    })
    expect((await stripe.balanceTransactions.list({ type: 'adjustment' })).data).toMatchObject([
      { amount: -500, fee: 1500, net: -2000, reporting_category: 'dispute' },
    ])
  })
})

describe('the currency of a customer', () => {
  it('S3.4 is one for as long as a subscription runs or an item waits', async () => {
    const customer = await cardHolder()
    const [usd, eur] = [await monthly('usd'), await monthly('eur')]
    const { id } = await stripe.subscriptions.create({ customer, items: [{ price: usd }] })
    const inEuro = [
      () => stripe.subscriptions.create({ customer, items: [{ price: eur }] }),
      () => stripe.invoiceItems.create({ customer, amount: 500, currency: 'eur' }),
      () =>
        stripe.checkout.sessions.create({
          mode: 'subscription',
          customer,
          success_url: 'https://a.test',
          line_items: [{ price: eur, quantity: 1 }],
        }),
    ]
    for (const create of inEuro) {
      await expect(create()).rejects.toMatchObject({
        statusCode: 400,
        message: expect.stringContaining('You cannot combine currencies on a single customer.'),
      })
    }
    await stripe.subscriptions.cancel(id)
    for (const create of inEuro) await expect(create()).resolves.toBeDefined()
    await expect(stripe.invoiceItems.create({ customer, amount: 500, currency: 'usd' })).rejects.toMatchObject({
      message: expect.stringContaining('with currency eur'),
    })
  })
})

describe('invoices of little or nothing', () => {
  it('S3.5 are paid when they are finalized, and what is too small for a payment waits for the next one', async () => {
    const customer = await cardHolder()
    const invoiced = async (amount?: number) => {
      if (amount !== undefined) await stripe.invoiceItems.create({ customer, amount, currency: 'usd' })
      const draft = await stripe.invoices.create({ customer, pending_invoice_items_behavior: 'include' })
      return stripe.invoices.finalizeInvoice(draft.id)
    }
    expect(await invoiced()).toMatchObject({ status: 'paid', total: 0, amount_paid: 0, attempted: true })
    expect(await invoiced(49)).toMatchObject({ status: 'paid', total: 49, amount_due: 0, ending_balance: 49 })
    expect(await stripe.customers.retrieve(customer)).toMatchObject({ balance: 49 })
    expect(await invoiced(50)).toMatchObject({ status: 'open', total: 50, starting_balance: 49, amount_due: 99 })
    expect(await stripe.customers.retrieve(customer)).toMatchObject({ balance: 0 })
    expect((await stripe.paymentIntents.list({ customer })).data).toHaveLength(1)
  })
})

describe('promotion codes', () => {
  it('S3.2 are not made for the past, and are over when their time is', async () => {
    const coupon = await stripe.coupons.create({ percent_off: 10, duration: 'once' })
    const create = (expires_at: number) =>
      stripe.promotionCodes.create({ promotion: { type: 'coupon', coupon: coupon.id }, code: 'SOON', expires_at })
    const now = Math.floor(Date.now() / 1000)
    await expect(create(now - 10)).rejects.toMatchObject({ statusCode: 400, param: 'expires_at' })
    const { id, active } = await create(now + 600)
    expect(active).toBe(true)
    box.advance(700_000)
    expect(await stripe.promotionCodes.retrieve(id)).toMatchObject({ active: false })
    expect((await stripe.promotionCodes.list({ active: true })).data).toEqual([])
    await expect(stripe.promotionCodes.update(id, { active: true })).rejects.toMatchObject({ statusCode: 400 })
    // The code is free again.
    await expect(create(now + 6000)).resolves.toMatchObject({ active: true })
  })
})

describe('test clocks', () => {
  it('C4 advance by two intervals of the shortest subscription at most', async () => {
    const { id: clock } = await stripe.testHelpers.testClocks.create({ frozen_time: start })
    const customer = await cardHolder({ test_clock: clock })
    const advance = (frozen_time: number) => stripe.testHelpers.testClocks.advance(clock, { frozen_time })
    await stripe.subscriptions.create({ customer, items: [{ price: await monthly('usd', 'year') }] })
    await expect(advance(start + 732 * daySeconds)).rejects.toMatchObject({ statusCode: 400, param: 'frozen_time' })
    const { id } = await stripe.subscriptions.create({ customer, items: [{ price: await monthly('usd') }] })
    // March and April: 61 days.
    await expect(advance(start + 62 * daySeconds)).rejects.toMatchObject({ param: 'frozen_time' })
    await advance(start + 61 * daySeconds)
    expect((await stripe.testHelpers.testClocks.retrieve(clock)).status).toBe('ready')
    await stripe.subscriptions.cancel(id)
    await expect(advance(start + 400 * daySeconds)).resolves.toBeDefined()
  })
})

async function paidIntent() {
  return stripe.paymentIntents.create({
    amount: 500,
    currency: 'usd',
    payment_method: 'pm_card_visa',
    confirm: true,
    return_url: 'https://a.test',
    metadata: { a: 'b' },
  })
}

async function cardHolder(more: Stripe.CustomerCreateParams = {}): Promise<string> {
  const { id } = await stripe.customers.create({
    payment_method: 'pm_card_visa',
    invoice_settings: { default_payment_method: 'pm_card_visa' },
    ...more,
  })
  return id
}

async function monthly(currency: string, interval: 'month' | 'year' = 'month'): Promise<string> {
  const { id: product } = await stripe.products.create({ name: 'Pro' })
  return (await stripe.prices.create({ product, currency, unit_amount: 2000, recurring: { interval } })).id
}

function clientOf({ stripe: { apiKey, host, port, protocol } }: Sandbox): Stripe {
  return new Stripe(apiKey, { host, port, protocol, telemetry: false, maxNetworkRetries: 0 })
}
