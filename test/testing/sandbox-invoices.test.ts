import Stripe from 'stripe'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from '../../src/testing/sandbox/sandbox.js'

const hourMs = 60 * 60 * 1000
const dayMs = 24 * hourMs
let box: Sandbox
let stripe: Stripe
let customer: string

beforeEach(async () => {
  box = await sandbox()
  const { apiKey, ...address } = box.stripe
  stripe = new Stripe(apiKey, { ...address, telemetry: false, maxNetworkRetries: 0 })
  customer = (await stripe.customers.create({ email: 'ada@example.com', name: 'Ada', address: { country: 'DE' } })).id
})
afterEach(() => box.close())

describe('an invoice', () => {
  it('S3.2 is a draft that items are put on, is finalized, and is paid with the default card', async () => {
    await saveCard('pm_card_visa')
    const draft = await stripe.invoices.create({ customer, metadata: { run: '1' } })
    expect(draft).toMatchObject({
      status: 'draft',
      billing_reason: 'manual',
      auto_advance: false,
      number: null,
      hosted_invoice_url: null,
      invoice_pdf: null,
      amount_due: 0,
      parent: null,
    })
    const first = await bill(1200, 'Sparks', { invoice: draft.id })
    await bill(300, 'Fee', { invoice: draft.id })
    await stripe.invoiceItems.update(first.id, { quantity: 2 })
    const filled = await stripe.invoices.retrieve(draft.id)
    expect(filled.lines.data.map(({ description, amount, quantity }) => [description, amount, quantity])).toEqual([
      ['Fee', 300, 1],
      ['Sparks', 2400, 2],
    ])
    expect(filled).toMatchObject({ subtotal: 2700, total: 2700, amount_due: 2700, amount_remaining: 2700 })
    const open = await stripe.invoices.finalizeInvoice(draft.id, { expand: ['confirmation_secret', 'payments'] })
    expect(open).toMatchObject({ status: 'open', attempted: false, attempt_count: 0 })
    expect(open.number).toMatch(/-0001$/)
    expect(open.hosted_invoice_url).toContain(box.url)
    expect(open.confirmation_secret?.client_secret).toMatch(/^pi_.*_secret_/)
    expect(open.payments?.data[0]).toMatchObject({ status: 'open', is_default: true, amount_requested: 2700 })
    await expect(stripe.invoices.finalizeInvoice(draft.id)).rejects.toMatchObject({
      message: "This invoice is already finalized, you can't re-finalize a non-draft invoice.",
    })
    const paid = await stripe.invoices.pay(draft.id)
    expect(paid).toMatchObject({
      status: 'paid',
      attempted: true,
      attempt_count: 1,
      amount_paid: 2700,
      amount_remaining: 0,
    })
    await expect(stripe.invoices.pay(draft.id)).rejects.toMatchObject({ message: 'Invoice is already paid' })
    const [payment] = (await stripe.invoicePayments.list({ invoice: draft.id })).data
    expect(payment).toMatchObject({ status: 'paid', amount_paid: 2700, payment: { type: 'payment_intent' } })
    expect((await stripe.invoicePayments.retrieve(payment?.id ?? '')).invoice).toBe(draft.id)
    const types = (await stripe.events.list({ type: 'invoice.*', limit: 30 })).data.map(({ type }) => type).reverse()
    expect(types.filter((type) => type !== 'invoice.updated')).toEqual([
      'invoice.created',
      'invoice.finalized',
      'invoice.paid',
      'invoice.payment_succeeded',
    ])
  })

  it('S3.2 takes in pending items only when asked, newest first', async () => {
    await bill(2000, 'older')
    const empty = await stripe.invoices.create({ customer })
    expect(empty.lines.data).toEqual([])
    expect((await stripe.invoiceItems.list({ customer, pending: true })).data).toHaveLength(1)
    const preview = await stripe.invoices.createPreview({ customer })
    expect(preview).toMatchObject({ total: 2000, billing_reason: 'upcoming' })
    expect((await stripe.invoices.list({ customer })).data).toHaveLength(1)
    const full = await stripe.invoices.create({ customer, pending_invoice_items_behavior: 'include' })
    expect(full).toMatchObject({ total: 2000, lines: { data: [{ description: 'older' }] } })
    expect((await stripe.invoiceItems.list({ customer, pending: true })).data).toEqual([])
    await stripe.invoices.del(full.id)
    await expect(stripe.invoices.retrieve(full.id)).rejects.toMatchObject({ statusCode: 404 })
    const [dead] = (await stripe.invoiceItems.list({ customer })).data
    await expect(stripe.invoiceItems.del(dead?.id ?? '')).rejects.toMatchObject({
      message: 'This invoice item has been deleted.',
    })
  })

  it('S3.4 stays open when the card is declined, and is paid with another', async () => {
    await saveCard('pm_card_chargeCustomerFail')
    const { id } = await open(5000)
    await expect(stripe.invoices.pay(id)).rejects.toMatchObject({
      type: 'StripeCardError',
      statusCode: 402,
      code: 'card_declined',
    })
    expect(await stripe.invoices.retrieve(id)).toMatchObject({
      status: 'open',
      attempted: true,
      attempt_count: 1,
      next_payment_attempt: null,
      amount_remaining: 5000,
    })
    const other = await stripe.paymentMethods.attach('pm_card_visa', { customer })
    expect(await stripe.invoices.pay(id, { payment_method: other.id })).toMatchObject({
      status: 'paid',
      attempt_count: 2,
    })
    expect((await stripe.events.list({ type: 'invoice.payment_failed' })).data).toHaveLength(1)
    const stranger = await stripe.paymentMethods.create({ type: 'card', card: { token: 'tok_visa' } })
    await expect(stripe.invoices.pay((await open(100)).id, { payment_method: stranger.id })).rejects.toMatchObject({
      param: 'payment_method',
    })
  })

  it('S3.4 waits for 3-D Secure and is paid once the holder has passed it', async () => {
    await saveCard('pm_card_authenticationRequired')
    const { id } = await open(5000)
    await expect(stripe.invoices.pay(id)).rejects.toMatchObject({ code: 'invoice_payment_intent_requires_action' })
    const [payment] = (await stripe.invoicePayments.list({ invoice: id })).data
    const intent = String(payment?.payment.payment_intent)
    expect(await stripe.paymentIntents.retrieve(intent)).toMatchObject({ status: 'requires_action' })
    expect((await stripe.events.list({ type: 'invoice.payment_action_required' })).data).toHaveLength(1)
    await fetch(`${box.url}/authenticate/${intent}/complete`, { method: 'POST', redirect: 'manual' })
    expect(await stripe.invoices.retrieve(id)).toMatchObject({ status: 'paid' })
  })

  it('S3.2 without a payment method cannot be charged, but can be paid some other way', async () => {
    const { id } = await open(5000)
    await expect(stripe.invoices.pay(id)).rejects.toMatchObject({ statusCode: 400 })
    const paid = await stripe.invoices.pay(id, { paid_out_of_band: true })
    expect(paid).toMatchObject({ status: 'paid', amount_remaining: 0 })
    const [payment] = (await stripe.invoicePayments.list({ invoice: id })).data
    expect(payment?.status).toBe('canceled')
  })

  it('S3.2 is voided or given up as uncollectible, and refuses what makes no sense', async () => {
    const [first, second] = [await open(100), await open(200)]
    expect(await stripe.invoices.voidInvoice(first.id)).toMatchObject({ status: 'void' })
    expect(await stripe.invoices.markUncollectible(second.id)).toMatchObject({ status: 'uncollectible' })
    await expect(stripe.invoices.markUncollectible(second.id)).rejects.toMatchObject({
      message: 'This invoice has already been marked uncollectible.',
    })
    await expect(stripe.invoices.voidInvoice(first.id)).rejects.toMatchObject({
      message: "You can only pass in open invoices. This invoice isn't open.",
    })
    await expect(stripe.invoices.del(first.id)).rejects.toMatchObject({
      message: 'You can only delete draft invoices.',
    })
    await expect(stripe.invoices.update(first.id, { description: 'x' })).rejects.toMatchObject({ param: 'description' })
    expect(await stripe.invoices.update(first.id, { metadata: { a: 'b' } })).toMatchObject({ metadata: { a: 'b' } })
    const [intent] = (await stripe.paymentIntents.list()).data.filter(({ amount }) => amount === 100)
    expect(intent).toMatchObject({ status: 'canceled', cancellation_reason: 'void_invoice' })
    const types = (await stripe.events.list({ type: 'invoice.*' })).data.map(({ type }) => type)
    expect(types).toEqual(expect.arrayContaining(['invoice.voided', 'invoice.marked_uncollectible']))
  })

  it('S3.2 to be sent needs a due date and is overdue when it passes', async () => {
    await expect(stripe.invoices.create({ customer, collection_method: 'send_invoice' })).rejects.toMatchObject({
      message: "If invoice collection method is 'send_invoice', you must specify 'due_date' or 'days_until_due'.",
    })
    await expect(stripe.invoices.create({ customer, days_until_due: 5 })).rejects.toMatchObject({ statusCode: 400 })
    const draft = await stripe.invoices.create({ customer, collection_method: 'send_invoice', days_until_due: 7 })
    await bill(900, 'Sparks', { invoice: draft.id })
    const sent = await stripe.invoices.sendInvoice(draft.id)
    expect(sent).toMatchObject({ status: 'open', due_date: draft.created + 7 * 86_400 })
    const due = { gte: draft.created, lte: draft.created + 8 * 86_400 }
    expect((await stripe.invoices.list({ due_date: due })).data).toHaveLength(1)
    expect((await stripe.invoices.list({ collection_method: 'charge_automatically' })).data).toEqual([])
    box.advance(8 * dayMs)
    expect((await stripe.events.list({ type: 'invoice.overdue' })).data).toHaveLength(1)
    expect((await stripe.events.list({ type: 'invoice.sent' })).data).toHaveLength(1)
  })

  it('S3.2 that advances by itself is finalized and charged after an hour, and tried again when that fails', async () => {
    const card = await saveCard('pm_card_chargeCustomerFail')
    const draft = await stripe.invoices.create({ customer, auto_advance: true })
    await bill(900, 'Sparks', { invoice: draft.id })
    expect(draft).toMatchObject({
      automatically_finalizes_at: draft.created + 3601,
      next_payment_attempt: draft.created + 3600,
    })
    box.advance(hourMs + 2000)
    const failed = await stripe.invoices.retrieve(draft.id)
    expect(failed).toMatchObject({ status: 'open', attempt_count: 1 })
    expect(failed.next_payment_attempt).toBeGreaterThan(draft.created)
    await stripe.paymentMethods.detach(card.id)
    await saveCard('pm_card_visa')
    box.advance(4 * dayMs)
    expect(await stripe.invoices.retrieve(draft.id)).toMatchObject({ status: 'paid', attempt_count: 2 })
  })

  it('S3.2 shows ten lines and lists the others', async () => {
    const draft = await stripe.invoices.create({ customer })
    for (let index = 0; index < 12; index += 1) await bill(100, `Line ${index}`, { invoice: draft.id })
    const full = await stripe.invoices.retrieve(draft.id)
    expect(full).toMatchObject({ total: 1200, lines: { has_more: true } })
    expect(full.lines.data).toHaveLength(10)
    const all = await stripe.invoices.listLineItems(draft.id, { limit: 5 }).autoPagingToArray({ limit: 100 })
    expect(all.map(({ description }) => description)).toEqual(
      Array.from({ length: 12 }, (_, index) => `Line ${11 - index}`),
    )
  })

  it('S3.2 has a page to pay it on, and a PDF that says what the page says', async () => {
    const draft = await stripe.invoices.create({ customer })
    await bill(123_456, 'Sparks (large) \\ für', { invoice: draft.id })
    const { hosted_invoice_url: url, invoice_pdf: file, number } = await stripe.invoices.finalizeInvoice(draft.id)
    const page = await (await fetch(url ?? '')).text()
    expect(page).toContain('$1,234.56')
    const press = (card: string) =>
      fetch(`${url}/pay`, { method: 'POST', body: new URLSearchParams({ card }), redirect: 'manual' })
    const declined = await press('4000000000000002')
    expect(declined.status).toBe(402)
    expect(await declined.text()).toContain('Your card was declined.')
    const before = await readPdf(file ?? '')
    expect(before).toContain('(OPEN)')
    expect((await press('4242424242424242')).status).toBe(303)
    expect(await stripe.invoices.retrieve(draft.id)).toMatchObject({ status: 'paid' })
    const after = await readPdf(file ?? '')
    for (const part of ['(PAID)', `(${number})`, '(Ada)', '($1,234.56)', 'Sparks \\(large\\) \\\\ f\xfcr']) {
      expect(after).toContain(part)
    }
    const table = Number(/startxref\n(\d+)/.exec(after)?.[1])
    expect(after.slice(table, table + 4)).toBe('xref')
    const [first] = [...after.slice(table).matchAll(/^(\d{10}) 00000 n/gm)]
    expect(after.slice(Number(first?.[1]))).toMatch(/^1 0 obj/)
  })
})

describe('discounts and taxes', () => {
  it('S3.2 take a percentage or an amount off, for once or for a while', async () => {
    const tenth = await stripe.coupons.create({ percent_off: 10, duration: 'forever' })
    const five = await stripe.coupons.create({ amount_off: 500, currency: 'usd', duration: 'once', name: 'Five off' })
    const draft = await stripe.invoices.create({ customer, discounts: [{ coupon: tenth.id }, { coupon: five.id }] })
    await bill(3000, 'A', { invoice: draft.id })
    await bill(1000, 'B', { invoice: draft.id })
    const counted = await stripe.invoices.retrieve(draft.id, { expand: ['discounts'] })
    expect(counted).toMatchObject({ subtotal: 4000, total: 4000 - 400 - 500 })
    expect(counted.total_discount_amounts?.map(({ amount }) => amount)).toEqual([400, 500])
    expect(counted.discounts[0]).toMatchObject({ object: 'discount', source: { type: 'coupon', coupon: tenth.id } })
    expect(counted.lines.data.map(({ discount_amounts }) => discount_amounts?.map(({ amount }) => amount))).toEqual([
      [100, 125],
      [300, 375],
    ])
    expect(await stripe.coupons.retrieve(five.id)).toMatchObject({ times_redeemed: 1 })
  })

  it('S3.2 refuse coupons and codes that no longer count', async () => {
    const coupon = await stripe.coupons.create({
      percent_off: 50,
      duration: 'repeating',
      duration_in_months: 3,
      max_redemptions: 1,
    })
    const code = await stripe.promotionCodes.create({ promotion: { type: 'coupon', coupon: coupon.id }, code: 'HALF' })
    expect(code).toMatchObject({ active: true, code: 'HALF', promotion: { coupon: coupon.id } })
    await expect(
      stripe.promotionCodes.create({ promotion: { type: 'coupon', coupon: coupon.id }, code: 'half' }),
    ).rejects.toMatchObject({ statusCode: 400 })
    expect((await stripe.promotionCodes.list({ code: 'half' })).data).toHaveLength(1)
    await stripe.invoices.create({ customer, discounts: [{ promotion_code: code.id }] })
    await expect(stripe.invoices.create({ customer, discounts: [{ coupon: coupon.id }] })).rejects.toMatchObject({
      code: 'coupon_expired',
    })
    await stripe.promotionCodes.update(code.id, { active: false })
    await expect(stripe.invoices.create({ customer, discounts: [{ promotion_code: code.id }] })).rejects.toMatchObject({
      code: 'promotion_code_inactive',
    })
    await expect(stripe.coupons.create({ percent_off: 10, amount_off: 5, currency: 'usd' })).rejects.toMatchObject({
      param: 'percent_off',
    })
    await expect(stripe.coupons.create({ percent_off: 10, duration: 'repeating' })).rejects.toMatchObject({
      param: 'duration_in_months',
    })
    expect(await stripe.coupons.del(coupon.id)).toMatchObject({ deleted: true })
  })

  it('S3.2 add exclusive taxes on what is left, and show inclusive ones', async () => {
    const vat = await stripe.taxRates.create({ display_name: 'VAT', percentage: 19, inclusive: false, country: 'DE' })
    const within = await stripe.taxRates.create({ display_name: 'VAT', percentage: 25, inclusive: true })
    const half = await stripe.coupons.create({ percent_off: 50 })
    const draft = await stripe.invoices.create({
      customer,
      default_tax_rates: [vat.id],
      discounts: [{ coupon: half.id }],
    })
    await bill(10_000, 'A', { invoice: draft.id })
    const counted = await stripe.invoices.retrieve(draft.id)
    expect(counted).toMatchObject({ subtotal: 10_000, total: 5950, total_excluding_tax: 5000, amount_due: 5950 })
    expect(counted.total_taxes).toMatchObject([
      { amount: 950, tax_behavior: 'exclusive', taxable_amount: 5000, tax_rate_details: { tax_rate: vat.id } },
    ])
    const other = await stripe.invoices.create({ customer })
    await bill(1000, 'B', { invoice: other.id, tax_rates: [within.id] })
    expect(await stripe.invoices.retrieve(other.id)).toMatchObject({
      total: 1000,
      total_excluding_tax: 800,
      subtotal_excluding_tax: 800,
      total_taxes: [{ amount: 200, tax_behavior: 'inclusive' }],
    })
  })

  it('S3.2 find the rate by themselves where the customer is known to live', async () => {
    const draft = await stripe.invoices.create({ customer, automatic_tax: { enabled: true } })
    await bill(1000, 'A', { invoice: draft.id })
    expect(await stripe.invoices.retrieve(draft.id)).toMatchObject({
      total: 1190,
      automatic_tax: { enabled: true, status: 'complete' },
    })
    const nowhere = await stripe.customers.create({})
    const lost = await stripe.invoices.create({ customer: nowhere.id, automatic_tax: { enabled: true } })
    expect(lost.automatic_tax.status).toBe('requires_location_inputs')
    await expect(stripe.invoices.finalizeInvoice(lost.id)).rejects.toMatchObject({
      code: 'customer_tax_location_invalid',
    })
  })
})

async function saveCard(name: string) {
  const card = await stripe.paymentMethods.attach(name, { customer })
  await stripe.customers.update(customer, { invoice_settings: { default_payment_method: card.id } })
  return card
}

function bill(amount: number, description: string, more: Partial<Stripe.InvoiceItemCreateParams> = {}) {
  return stripe.invoiceItems.create({ customer, amount, currency: 'usd', description, ...more })
}

async function open(amount: number) {
  const { id } = await stripe.invoices.create({ customer })
  await bill(amount, 'Sparks', { invoice: id })
  return stripe.invoices.finalizeInvoice(id)
}

async function readPdf(url: string): Promise<string> {
  const answer = await fetch(url)
  expect(answer.headers.get('content-type')).toBe('application/pdf')
  const text = Buffer.from(await answer.arrayBuffer()).toString('latin1')
  expect(text.startsWith('%PDF-1.4')).toBe(true)
  expect(text.trimEnd().endsWith('%%EOF')).toBe(true)
  return text
}
