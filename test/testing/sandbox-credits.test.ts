import type Stripe from 'stripe'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from '../../src/testing/sandbox/sandbox.js'
import { stripeClient } from '../providers/sandboxed.js'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const start = Date.parse('2026-11-01T00:00:00Z')
let box: Sandbox
let stripe: Stripe

beforeEach(async () => {
  box = await sandbox({ now: () => start })
  stripe = stripeClient(box)
})
afterEach(() => box.close())

describe('billing credits', () => {
  it('S2.5 pay for usage when the invoice is finalized, by priority, then by what expires first', async () => {
    const { customer, subscription, use } = await metered()
    const late = await grant(customer, 300, { expires_at: start / 1000 + 90 * 86_400 })
    const soon = await grant(customer, 200, { expires_at: start / 1000 + 60 * 86_400 })
    const first = await grant(customer, 100, { priority: 1 })
    await use(450)
    expect(await balance(customer)).toMatchObject({ available: 600, ledger: 600 })
    box.advance(30 * dayMs)
    const [draft] = (await stripe.invoices.list({ subscription })).data
    expect(draft).toMatchObject({ status: 'draft', total: 450 + 1000, total_pretax_credit_amounts: [] })
    box.advance(hourMs)
    const paid = await stripe.invoices.retrieve(draft?.id ?? '')
    expect(paid).toMatchObject({ status: 'paid', subtotal: 1450, total: 1000, amount_paid: 1000 })
    expect(paid.total_pretax_credit_amounts?.map(({ amount, type }) => [amount, type])).toEqual([
      [100, 'credit_balance_transaction'],
      [200, 'credit_balance_transaction'],
      [150, 'credit_balance_transaction'],
    ])
    const debits = await stripe.billing.creditBalanceTransactions.list({ customer })
    expect(
      debits.data
        .filter(({ type }) => type === 'debit')
        .map(({ credit_grant, debit }) => [credit_grant, debit?.amount.monetary?.value]),
    ).toEqual([
      [late.id, 150],
      [soon.id, 200],
      [first.id, 100],
    ])
    expect(debits.data[0]?.debit).toMatchObject({ type: 'credits_applied', credits_applied: { invoice: paid.id } })
    expect(await balance(customer)).toMatchObject({ available: 150, ledger: 150 })
  })

  it('S2.5 come back with a void invoice', async () => {
    const { customer, use, meteredPrice } = await metered()
    await grant(customer, 100)
    const other = await stripe.subscriptions.create({
      customer,
      items: [{ price: meteredPrice }],
      collection_method: 'send_invoice',
      days_until_due: 30,
    })
    await use(160)
    box.advance(hourMs)
    await stripe.subscriptions.cancel(other.id, { invoice_now: true })
    const [invoice] = (await stripe.invoices.list({ subscription: other.id })).data
    expect(invoice).toMatchObject({ status: 'open', amount_due: 60 })
    expect(await balance(customer)).toEqual({ available: 0, ledger: 0 })
    await stripe.invoices.voidInvoice(invoice?.id ?? '')
    expect(await balance(customer)).toEqual({ available: 100, ledger: 100 })
  })

  it('S2.5 expire on their day, are expired by hand, and void only while untouched', async () => {
    const { customer } = await metered()
    const day = await grant(customer, 100, { expires_at: start / 1000 + 86_400 })
    const hand = await grant(customer, 50)
    const untouched = await grant(customer, 25)
    box.advance(dayMs)
    expect(await balance(customer)).toEqual({ available: 75, ledger: 75 })
    expect(await stripe.billing.creditGrants.expire(hand.id)).toMatchObject({ expires_at: start / 1000 + 86_400 })
    await expect(stripe.billing.creditGrants.voidGrant(hand.id)).rejects.toMatchObject({ statusCode: 400 })
    await expect(stripe.billing.creditGrants.expire(day.id)).rejects.toMatchObject({ statusCode: 400 })
    expect((await stripe.billing.creditGrants.voidGrant(untouched.id)).voided_at).not.toBeNull()
    expect(await balance(customer)).toEqual({ available: 0, ledger: 0 })
    const { data } = await stripe.billing.creditBalanceTransactions.list({ customer })
    expect(data.map(({ credit, debit }) => credit?.type ?? debit?.type)).toEqual([
      'credits_voided',
      'credits_expired',
      'credits_expired',
      'credits_granted',
      'credits_granted',
      'credits_granted',
    ])
  })

  it('S2.5 are not counted before they take effect, and can be extended', async () => {
    const { customer } = await metered()
    const made = await grant(customer, 100, { effective_at: start / 1000 + 86_400 })
    expect(await balance(customer)).toEqual({ available: 0, ledger: 100 })
    box.advance(dayMs)
    expect(await balance(customer)).toEqual({ available: 100, ledger: 100 })
    const until = start / 1000 + 30 * 86_400
    expect(await stripe.billing.creditGrants.update(made.id, { expires_at: until })).toMatchObject({
      expires_at: until,
    })
    expect((await stripe.billing.creditGrants.list({ customer })).data.map(({ id }) => id)).toEqual([made.id])
  })

  it('S2.5 name what they refuse', async () => {
    const { customer, licensedPrice } = await metered()
    const create = (more: object) => grant(customer, 100, more)
    await expect(create({ expires_at: 1 })).rejects.toMatchObject({ param: 'expires_at' })
    await expect(create({ priority: 101 })).rejects.toMatchObject({ param: 'priority' })
    await expect(
      create({ applicability_config: { scope: { prices: [{ id: licensedPrice }] } } }),
    ).rejects.toMatchObject({ statusCode: 400 })
    await expect(grant(customer, 0)).rejects.toMatchObject({ param: 'amount[monetary][value]' })
  })
})

function grant(customer: string, value: number, more: Partial<Stripe.Billing.CreditGrantCreateParams> = {}) {
  return stripe.billing.creditGrants.create({
    customer,
    amount: { type: 'monetary', monetary: { currency: 'usd', value } },
    applicability_config: { scope: { price_type: 'metered' } },
    category: 'paid',
    ...more,
  })
}

async function balance(customer: string) {
  const { balances } = await stripe.billing.creditBalanceSummaries.retrieve({
    customer,
    filter: { type: 'applicability_scope', applicability_scope: { price_type: 'metered' } },
  })
  const [first] = balances
  return {
    available: first?.available_balance.monetary?.value,
    ledger: first?.ledger_balance.monetary?.value ?? 0,
  }
}

/** A customer on a plan of ten dollars a month with usage at a cent apiece. */
async function metered() {
  const meter = await stripe.billing.meters.create({
    display_name: 'Sparks',
    event_name: 'sparks',
    default_aggregation: { formula: 'sum' },
  })
  const { id: customer } = await stripe.customers.create({})
  const { id: method } = await stripe.paymentMethods.attach('pm_card_visa', { customer })
  const product = await stripe.products.create({ name: 'Pro' })
  const licensed = await stripe.prices.create({
    product: product.id,
    currency: 'usd',
    unit_amount: 1000,
    recurring: { interval: 'month' },
  })
  const usage = await stripe.prices.create({
    product: product.id,
    currency: 'usd',
    unit_amount: 1,
    recurring: { interval: 'month', usage_type: 'metered', meter: meter.id },
  })
  const { id: subscription } = await stripe.subscriptions.create({
    customer,
    items: [{ price: licensed.id }, { price: usage.id }],
    default_payment_method: method,
  })
  const use = (value: number) =>
    stripe.billing.meterEvents.create({
      event_name: 'sparks',
      payload: { stripe_customer_id: customer, value: String(value) },
    })
  return { customer, subscription, use, licensedPrice: licensed.id, meteredPrice: usage.id }
}
