import { afterAll, describe, expect, it } from 'vitest'
import { formatMoney } from '../../src/core/domain/money.js'
import { meterNamed } from '../../src/providers/door/meter-names.js'
import { invoiceSchema, invoiceStatus, toInvoice } from '../../src/providers/lago/invoice.js'
import { dollars, planPrice } from '../../src/testing/provider-conformance/subject.js'
import { lagoAt } from './lago-customer.js'
import { leaveCard } from './lago-subject.js'
import { lagoClient, timedSandbox } from './sandboxed.js'

const dayMs = 86_400_000
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
const latest = async (customerId: string) => {
  const [found] = (await lago.invoices.list({ customerId, limit: 1 }, {})).items
  if (!found) throw new Error('no invoice')
  return found
}
const pay = (externalId: string, paymentMethodId: string | null = null) =>
  lago.invoices.pay({ externalId, paymentMethodId }, {})

describe('invoices at Lago', () => {
  it('S0.1 are listed newest first with what they charge for, and read one by one', async () => {
    const customerId = await customer()
    await begin(customerId, planPrice(dollars(20n)))
    box.advance(40 * dayMs)
    const { items } = await lago.invoices.list({ customerId, limit: 10 }, {})
    expect(items.length).toBe(2)
    expect(items[0]?.createdAt).toBeGreaterThan(items[1]?.createdAt ?? 0)
    const [newest] = items
    expect(newest).toMatchObject({
      customerId,
      subscriptionId: customerId,
      total: dollars(20n),
      amountPaid: dollars(0n),
    })
    expect(newest?.lines.map(({ description, amount }) => [description, formatMoney(amount)])).toEqual([
      ['A plan', '20'],
    ])
    expect((newest?.endsAt ?? 0) - (newest?.startsAt ?? 0)).toBeGreaterThanOrEqual(28 * dayMs)
    expect(await lago.invoices.get(newest?.externalId ?? '', {})).toEqual(newest)
    const first = await lago.invoices.list({ customerId, limit: 1 }, {})
    const second = await lago.invoices.list({ customerId, limit: 1, after: first.next ?? '' }, {})
    expect([...first.items, ...second.items]).toEqual(items)
    expect(second.next).toBeNull()
  })

  it('S0.7 S3.12 by status: of both of Lago’s words, and what lies across them', async () => {
    const customerId = await customer()
    await begin(customerId, planPrice(dollars(20n)))
    const { externalId } = await latest(customerId)
    const statuses = ['draft', 'open', 'past_due', 'payment_failed', 'paid', 'uncollectible', 'void'] as const
    const found = async () => {
      const lists = statuses.map((status) => lago.invoices.list({ customerId, status, limit: 10 }, {}))
      const pages = await Promise.all(lists)
      return statuses.filter((_, place) => pages[place]?.items.some((invoice) => invoice.externalId === externalId))
    }
    expect(await found()).toEqual(['open'])
    await api.invoices.updateInvoice(externalId, { invoice: { payment_status: 'failed' } })
    expect(await found()).toEqual(['payment_failed'])
    box.advance(3 * dayMs)
    expect(await found()).toEqual(['past_due'])
    await api.invoices.loseDisputeInvoice(externalId)
    expect(await found()).toEqual(['uncollectible'])
    await lago.invoices.void(externalId, {})
    expect(await found()).toEqual(['void'])
  })

  const table: readonly (readonly [string, string | null, object, string])[] = [
    ['draft', 'pending', {}, 'draft'],
    ['generating', 'pending', {}, 'processing'],
    ['pending', 'pending', {}, 'processing'],
    ['open', 'pending', {}, 'open'],
    ['finalized', 'pending', {}, 'open'],
    ['finalized', 'pending', { payment_overdue: true }, 'past_due'],
    ['finalized', 'failed', {}, 'payment_failed'],
    ['finalized', 'failed', { payment_overdue: true }, 'past_due'],
    ['finalized', 'succeeded', {}, 'paid'],
    ['finalized', 'succeeded', { payment_overdue: true }, 'paid'],
    ['finalized', 'pending', { payment_dispute_lost_at: '2026-01-01T00:00:00Z' }, 'uncollectible'],
    ['finalized', 'sometimes', {}, 'unknown'],
    ['voided', 'pending', {}, 'void'],
    ['closed', 'pending', {}, 'void'],
    ['failed', 'pending', {}, 'generation_failed'],
    ['failed', 'failed', {}, 'payment_failed'],
    ['paid', null, {}, 'paid'],
    ['deleted', 'pending', {}, 'deleted'],
    ['frozen', 'succeeded', {}, 'unknown'],
  ]
  for (const [status, payment, more, word] of table)
    it(`S0.7 S3.12 ${status} and ${payment} ${JSON.stringify(more)} is ${word}`, () => {
      expect(invoiceStatus({ status, payment_status: payment, ...more })).toBe(word)
    })

  it('S0.1 S3.11 a charge for usage names our meter, also under a name of the app, and what one costs', () => {
    const charge = (code: string) => ({
      amount_cents: 55,
      total_amount_cents: 55,
      units: '13750.0',
      precise_unit_amount: '0.00004',
      item: { type: 'charge', code, name: code },
    })
    const fees = [charge('billfold_ai_tokens'), charge('api-calls'), charge('somebody_elses')]
    const invoice = toInvoice(
      invoiceSchema.parse({
        lago_id: 'i',
        status: 'finalized',
        currency: 'USD',
        fees_amount_cents: 165,
        taxes_amount_cents: 0,
        total_amount_cents: 165,
        created_at: '2026-11-01T00:00:00Z',
        fees: [...fees, { ...charge('billfold_plan'), item: { type: 'subscription', code: 'billfold_plan' } }],
      }),
      meterNamed({ calls: 'api-calls' }),
    )
    expect(invoice.lines.map(({ meter }) => meter)).toEqual(['ai_tokens', 'calls', null, null])
    expect(invoice.lines[0]?.unitPrice).toBe('0.00004')
  })

  it('S0.1 G1 adds up: what is charged, less what is taken off, with tax; credits pay a part of it', () => {
    const invoice = toInvoice(
      invoiceSchema.parse({
        lago_id: 'i',
        status: 'finalized',
        payment_status: 'pending',
        currency: 'EUR',
        fees_amount_cents: 10_000,
        coupons_amount_cents: 1_000,
        progressive_billing_credit_amount_cents: 500,
        taxes_amount_cents: 1_700,
        credit_notes_amount_cents: 200,
        prepaid_credit_amount_cents: 4_000,
        total_amount_cents: 6_000,
        total_paid_amount_cents: 1_000,
        created_at: '2026-01-01T00:00:00Z',
        payment_due_date: '2026-01-31',
        metadata: [{ key: 'billfold_intent', value: 'chk_1' }],
      }),
      () => null,
    )
    const { subtotal, discount, tax, total, creditsApplied, amountDue, amountPaid } = invoice
    expect([subtotal, discount, tax, total, creditsApplied, amountDue, amountPaid].map(formatMoney)).toEqual([
      '100',
      '15',
      '17',
      '102',
      '42',
      '50',
      '10',
    ])
    expect([invoice.intentId, invoice.dueAt]).toEqual(['chk_1', Date.parse('2026-02-01')])
  })

  it('S0.3 go from draft over final to paid, and say each step', async () => {
    const customerId = await customer()
    await leaveCard(api, customerId)
    await api.customers.createCustomer({
      customer: { external_id: customerId, billing_configuration: { invoice_grace_period: 3 } },
    })
    await begin(customerId, planPrice(dollars(20n)))
    const draft = await latest(customerId)
    expect(draft).toMatchObject({ status: 'draft', number: null, finalizedAt: null })
    await expect(pay(draft.externalId)).rejects.toMatchObject({ code: 'invalid_state' })
    await expect(lago.invoices.pdf(draft.externalId, {})).rejects.toMatchObject({ code: 'invalid_state' })
    for (let time = 0; time < 2; time += 1) {
      const { number, finalizedAt, status } = await lago.invoices.finalize(draft.externalId, {})
      expect([number === null, finalizedAt === null, status === 'draft']).toEqual([false, false, false])
    }
    const paid = await pay(draft.externalId)
    expect(paid).toMatchObject({
      payment: { status: 'succeeded' },
      invoice: { status: 'paid', amountDue: dollars(0n) },
    })
    expect(paid.invoice.paidAt).not.toBeNull()
    expect(await pay(draft.externalId)).toEqual(paid)
    await expect(lago.invoices.void(draft.externalId, {})).rejects.toMatchObject({ code: 'invalid_state' })
  })

  it('S0.3 a card that is declined is told, though Lago answers nothing; another one pays', async () => {
    const customerId = await customer()
    await leaveCard(api, customerId, '4000000000000341')
    await begin(customerId, planPrice(dollars(20n)))
    const { externalId } = await latest(customerId)
    const refused = await pay(externalId)
    expect(refused).toMatchObject({ payment: { status: 'declined' }, invoice: { status: 'payment_failed' } })
    const other = await leaveCard(api, customerId)
    const { payment } = await pay(externalId, other)
    expect(payment).toEqual({ status: 'succeeded' })
  })

  it('S0.3 without a saved method the customer is sent to a page, and pays there', async () => {
    const customerId = await customer()
    await begin(customerId, planPrice(dollars(20n)))
    const { externalId } = await latest(customerId)
    const { payment, invoice } = await pay(externalId)
    if (payment.status !== 'requires_action') throw new Error(payment.status)
    expect(invoice.status).toBe('open')
    await fetch(payment.url ?? '', { method: 'POST', body: new URLSearchParams({ card: '4242424242424242' }) })
    expect((await pay(externalId)).invoice.status).toBe('paid')
  })

  it('S0.3 a customer without a payment service is told so: Lago would answer 200 and do nothing', async () => {
    const customerId = await customer(bare.lago)
    await begin(customerId, planPrice(dollars(20n)))
    const { payment } = await pay((await latest(customerId)).externalId)
    expect(payment).toMatchObject({ status: 'declined', reason: 'no_payment_method' })
  })

  it('S0.3 a card that wants its holder is told with where to go; a bank takes its time', async () => {
    const customerId = await customer()
    await leaveCard(api, customerId, '4000002760003184')
    await begin(customerId, planPrice(dollars(20n)))
    const { externalId } = await latest(customerId)
    expect((await pay(externalId)).payment).toMatchObject({
      status: 'requires_action',
      url: expect.stringContaining('/lago/pay/'),
    })
    const bank = await leaveCard(api, customerId, '000123456789')
    expect((await pay(externalId, bank)).payment).toEqual({ status: 'processing' })
    // Lago refuses to begin another one meanwhile.
    expect((await pay(externalId, bank)).payment).toEqual({ status: 'processing' })
    box.advance(61_000)
    expect((await pay(externalId)).invoice.status).toBe('paid')
  })

  it('S0.2 the PDF is waited for, and not ready is an answer with a time', async () => {
    const customerId = await customer()
    await begin(customerId, planPrice(dollars(20n)))
    const { externalId } = await latest(customerId)
    const aborted = AbortSignal.abort()
    await expect(lago.invoices.pdf(externalId, { signal: aborted })).rejects.toMatchObject({ code: 'provider_timeout' })
    const file = await lago.invoices.pdf(externalId, {})
    if (file.status !== 'ready') throw new Error(file.status)
    expect((await (await fetch(file.url)).text()).startsWith('%PDF-')).toBe(true)
  })

  it('S0.2 a PDF that Lago is slow to write is not ready yet', async () => {
    const customerId = await customer()
    await begin(customerId, planPrice(dollars(20n)))
    const { externalId } = await latest(customerId)
    // The empty answer comes, and nothing was queued.
    box.faults.inject({ match: { pathIncludes: '/download' }, kind: 'status', status: 200 })
    expect(await lago.invoices.pdf(externalId, {})).toEqual({ status: 'not_ready', retryAfterMs: 5_000 })
    box.faults.clear()
  })

  it('C4 whoever has no plan gets no invoices of nothing', async () => {
    const customerId = await customer()
    box.advance(70 * dayMs)
    expect(await lago.invoices.list({ customerId, limit: 10 }, {})).toEqual({ items: [], next: null })
  })
})
