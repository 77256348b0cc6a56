import { afterAll, describe, expect, it } from 'vitest'
import { lagoClient, timedSandbox } from '../providers/sandboxed.js'
import { receiver } from './lago-receiver.js'

const dayMs = 86_400_000
const box = await timedSandbox()
afterAll(() => box.close())
const api = lagoClient(box)

let count = 0
type Customer = Parameters<typeof api.customers.createCustomer>[0]['customer']
const customer = async (more: Partial<Customer> = {}) => {
  count += 1
  const { data } = await api.customers.createCustomer({
    customer: { external_id: `cus_${count}`, ...more } as Customer,
  })
  return data.customer.external_id
}
const linked = { billing_configuration: { payment_provider: 'stripe', payment_provider_code: 'main' } } as const

await api.billableMetrics.createBillableMetric({
  billable_metric: { name: 'Calls', code: 'calls', aggregation_type: 'sum_agg', field_name: 'n' },
})
const metric = (await api.billableMetrics.findBillableMetric('calls')).data.billable_metric.lago_id
for (const [code, cents] of [
  ['small', 2000],
  ['large', 6200],
] as const)
  await api.plans.createPlan({
    plan: {
      name: `Plan ${code}`,
      code,
      interval: 'monthly',
      amount_cents: cents,
      amount_currency: 'USD',
      pay_in_advance: true,
      charges: [
        { billable_metric_id: metric, charge_model: 'standard', pay_in_advance: false, properties: { amount: '0.01' } },
      ],
    },
  })
const subscribe = (id: string, plan = 'small') =>
  api.subscriptions.createSubscription({
    subscription: { external_customer_id: id, external_id: id, plan_code: plan, billing_time: 'anniversary' },
  })
const use = (id: string, n: number) =>
  api.events.createEvent({
    event: { transaction_id: crypto.randomUUID(), external_subscription_id: id, code: 'calls', properties: { n } },
  })
const listed = async (id: string, query = {}) =>
  (await api.invoices.findAllInvoices({ external_customer_id: id, ...query })).data.invoices
const one = async (id: string) => (await api.invoices.findInvoice(id)).data.invoice
const leave = async (id: string, card = '4242424242424242') => {
  const { data } = await api.customers.generateCustomerCheckoutUrl(id)
  const answer = await fetch(data.customer.checkout_url ?? '', { method: 'POST', body: new URLSearchParams({ card }) })
  expect(answer.status).toBe(200)
}
const nextPeriod = () => box.advance(32 * dayMs)
/** What was asked for is done at the next look at the clock. */
const settled = () => box.advance(1000)

describe('invoices of the Lago twin', () => {
  it('C4 come at once for what is paid in advance, and at the end of a period for what was used in it', async () => {
    const id = await customer()
    await subscribe(id)
    const [first] = await listed(id)
    expect([first?.status, first?.payment_status, first?.total_amount_cents]).toEqual(['finalized', 'pending', 2000])
    await use(id, 300)
    nextPeriod()
    const [second, ...others] = await listed(id)
    expect([second?.total_amount_cents, others.length]).toEqual([2300, 1])
    const fees = (await one(second?.lago_id ?? '')).fees?.map(({ item, amount_cents: cents }) => [item.type, cents])
    expect(fees).toEqual([
      ['subscription', 2000],
      ['charge', 300],
    ])
  })

  it('C4 are drafts while usage may come late, and final by the clock or by hand', async () => {
    const id = await customer({ billing_configuration: { invoice_grace_period: 3 } })
    await subscribe(id)
    const [draft] = await listed(id, { 'statuses[]': ['draft'] })
    expect(draft?.number).toContain('DRAFT')
    const { data } = await api.invoices.finalizeInvoice(draft?.lago_id ?? '')
    expect(data.invoice.status).toBe('finalized')
    await expect(api.invoices.finalizeInvoice(draft?.lago_id ?? '')).rejects.toMatchObject({ status: 404 })
    nextPeriod()
    const [waiting] = await listed(id, { 'statuses[]': ['draft'] })
    const late = Date.parse(waiting?.created_at ?? '') - 60_000
    await api.events.createEvent({
      event: {
        transaction_id: 'late',
        external_subscription_id: id,
        code: 'calls',
        timestamp: String(late / 1000) as never,
        properties: { n: 100 },
      },
    })
    box.advance(4 * dayMs)
    expect(await one(waiting?.lago_id ?? '')).toMatchObject({ status: 'finalized', total_amount_cents: 2100 })
  })

  it('C4 of nothing are not made for a customer who wants none', async () => {
    for (const [more, count] of [
      [{ finalize_zero_amount_invoice: 'skip' as const }, 0],
      [{}, 1],
    ] as const) {
      const id = await customer(more)
      await api.plans
        .createPlan({
          plan: {
            name: 'Free',
            code: 'free',
            interval: 'monthly',
            amount_cents: 0,
            amount_currency: 'USD',
            pay_in_advance: false,
          },
        })
        .catch(() => {})
      await subscribe(id, 'free')
      nextPeriod()
      expect((await listed(id)).length).toBe(count)
    }
  })

  it('C4 settle an upgrade: the rest of the old plan comes back as a credit note, the new one is paid by days', async () => {
    const id = await customer()
    await subscribe(id)
    box.advance(10 * dayMs)
    const started = (await api.subscriptions.findSubscription(id)).data.subscription
    await subscribe(id, 'large')
    const [change] = await listed(id)
    // Days of the calendar, whatever the time of the day.
    const from = Date.parse(started.current_billing_period_started_at?.slice(0, 10) ?? '')
    const days = Math.ceil((Date.parse(started.current_billing_period_ending_at ?? '') - from) / dayMs)
    const rest = days - 10
    expect(change?.fees_amount_cents).toBe(Math.round((6200 * rest) / days))
    expect(change?.credit_notes_amount_cents).toBe(Math.round((2000 * rest) / days))
    const notes = (await api.creditNotes.findAllCreditNotes({ external_customer_id: id })).data.credit_notes
    expect(notes.map(({ credit_status: status, balance_amount_cents: left }) => [status, left])).toEqual([
      ['consumed', 0],
    ])
  })

  it('C4 are collected through the payment service that a customer is linked to, and by no other way', async () => {
    const bare = await customer()
    await subscribe(bare)
    const [open] = await listed(bare)
    await api.invoices.retryPayment(open?.lago_id ?? '')
    settled()
    expect((await one(open?.lago_id ?? '')).payment_status).toBe('pending')
    await expect(api.invoices.invoicePaymentUrl(open?.lago_id ?? '')).rejects.toMatchObject({ status: 422 })

    const id = await customer(linked)
    await leave(id)
    await subscribe(id)
    settled()
    const [paid] = await listed(id)
    expect(paid?.payment_status).toBe('succeeded')
    const { payments } = (await api.payments.findAllPayments({ external_customer_id: id })).data
    expect(payments.map(({ amount_cents: cents, payment_status: status }) => [cents, status])).toEqual([
      [2000, 'succeeded'],
    ])
  })

  it('C4 say that a payment failed, are tried again and paid on a page; a paid one is neither tried nor voided', async () => {
    const id = await customer(linked)
    await leave(id, '4000000000000341')
    await subscribe(id)
    settled()
    const [invoice] = await listed(id)
    const invoiceId = invoice?.lago_id ?? ''
    expect((await one(invoiceId)).payment_status).toBe('failed')
    const { data } = await api.invoices.invoicePaymentUrl(invoiceId)
    const page = data.invoice_payment_details?.payment_url ?? ''
    expect(await (await fetch(page)).text()).toContain('Pay $20.00')
    const card = new URLSearchParams({ card: '4242424242424242' })
    expect((await fetch(page, { method: 'POST', body: card })).status).toBe(200)
    expect((await one(invoiceId)).payment_status).toBe('succeeded')
    await expect(api.invoices.retryPayment(invoiceId)).rejects.toMatchObject({ status: 405 })
    await expect(api.invoices.voidInvoice(invoiceId)).rejects.toMatchObject({ status: 405 })
  })

  it('C4 are overdue when nobody has paid in time, lost in a dispute, or void', async () => {
    const id = await customer({ net_payment_term: 3 })
    await subscribe(id)
    const [{ lago_id: invoiceId } = { lago_id: '' }] = await listed(id)
    box.advance(5 * dayMs)
    expect((await listed(id, { payment_overdue: true })).map(({ lago_id: found }) => found)).toEqual([invoiceId])
    await api.invoices.loseDisputeInvoice(invoiceId)
    expect((await listed(id, { payment_dispute_lost: true })).length).toBe(1)
    const { data } = await api.invoices.voidInvoice(invoiceId)
    expect(data.invoice.status).toBe('voided')
  })

  it('C4 S0.2 have no file when it is asked for: the answer is empty, and the file comes later with a webhook', async () => {
    const hooks = await receiver()
    await api.webhookEndpoints.createWebhookEndpoint({
      webhook_endpoint: { webhook_url: hooks.url, event_types: ['invoice.generated'] } as never,
    })
    const id = await customer({ name: 'Ada Lovelace' })
    await subscribe(id)
    const [{ lago_id: invoiceId } = { lago_id: '' }] = await listed(id)
    expect((await api.invoices.downloadInvoice(invoiceId)).data).toBeNull()
    settled()
    const url = (await api.invoices.downloadInvoice(invoiceId)).data.invoice.file_url ?? ''
    const file = await fetch(url)
    expect(file.headers.get('content-type')).toBe('application/pdf')
    const bytes = Buffer.from(await file.arrayBuffer()).toString('latin1')
    for (const part of ['%PDF-1.4', '(Plan small)', '($20.00)', '(Ada Lovelace)']) expect(bytes).toContain(part)
    await box.flushWebhooks()
    expect(hooks.letters.length).toBe(1)
    await hooks.close()
  })

  it('C4 S0.5 the portal shows plan and invoices, and changes what is paid with', async () => {
    const id = await customer({ ...linked, name: 'Ada' })
    await leave(id)
    await subscribe(id)
    settled()
    const { data } = await api.customers.getCustomerPortalUrl(id)
    const url = data.customer.portal_url
    const page = await (await fetch(url)).text()
    for (const part of ['Plan small', '$20.00', '✓ Paid', 'Visa ···· 4242']) expect(page).toContain(part)
    const card = new URLSearchParams({ card: '5555555555554444' })
    expect((await fetch(`${url}/card`, { method: 'POST', body: card, redirect: 'manual' })).status).toBe(303)
    const methods = (await api.customers.findAllCustomersPaymentMethods(id)).data.payment_methods
    expect(methods.map(({ is_default: isDefault }) => isDefault)).toEqual([true, false])
    await api.customers.paymentMethodSetAsDefault(methods[1]?.lago_id ?? '', id)
    await api.customers.destroyPaymentMethod(methods[0]?.lago_id ?? '', id)
    expect((await api.customers.findAllCustomersPaymentMethods(id)).data.payment_methods.length).toBe(1)
    box.advance(12 * 3_600_000)
    expect((await fetch(url)).status).toBe(410)
  })
})

describe('credit notes of the Lago twin', () => {
  it('C4 give back what was paid, and never more', async () => {
    const id = await customer(linked)
    await leave(id)
    await subscribe(id)
    settled()
    const [{ lago_id: invoiceId } = { lago_id: '' }] = await listed(id)
    const feeId = (await one(invoiceId)).fees?.[0]?.lago_id ?? ''
    const give = (cents: number) =>
      api.creditNotes.createCreditNote({
        credit_note: {
          invoice_id: invoiceId,
          refund_amount_cents: cents,
          items: [{ fee_id: feeId, amount_cents: cents }],
        },
      })
    const { data } = await give(500)
    expect(data.credit_note.refund_status).toBe('pending')
    settled()
    expect((await api.creditNotes.findCreditNote(data.credit_note.lago_id)).data.credit_note.refund_status).toBe(
      'succeeded',
    )
    await expect(give(1501)).rejects.toMatchObject({ status: 422 })
    await give(1500)
  })
})

describe('wallets of the Lago twin', () => {
  const wallet = async (id: string, more = {}) =>
    (
      await api.wallets.createWallet({
        wallet: { external_customer_id: id, rate_amount: '1', currency: 'USD', ...more } as never,
      })
    ).data.wallet

  it('C4 pay invoices, and know of unbilled usage only after a while', async () => {
    const id = await customer()
    await subscribe(id)
    const { lago_id: walletId } = await wallet(id, { granted_credits: '25.5' })
    await use(id, 1000)
    const read = async () => (await api.wallets.findWallet(walletId)).data.wallet
    expect(await read()).toMatchObject({ credits_balance: '25.5', balance_cents: 2550, ongoing_balance_cents: 2550 })
    box.advance(300_000)
    expect(await read()).toMatchObject({ balance_cents: 2550, ongoing_balance_cents: 1550 })
    nextPeriod()
    const [invoice] = await listed(id)
    expect(invoice).toMatchObject({ prepaid_credit_amount_cents: 2550, total_amount_cents: 450 })
    expect(await read()).toMatchObject({ balance_cents: 0, consumed_credits: '25.5' })
  })

  it('C4 take the same top-up twice, floor to five decimals, and wait for the payment of what is bought', async () => {
    const id = await customer()
    const { lago_id: walletId } = await wallet(id)
    const top = (given: object) =>
      api.walletTransactions.createWalletTransaction({ wallet_transaction: { wallet_id: walletId, ...given } as never })
    for (let time = 0; time < 2; time += 1) await top({ granted_credits: '1.0000099' })
    const { data } = await top({ paid_credits: '10' })
    expect(data.wallet_transactions.map(({ status }) => status)).toEqual(['pending'])
    const balance = async () => (await api.wallets.findWallet(walletId)).data.wallet.credits_balance
    expect(await balance()).toBe('2.0')
    await api.invoices.updateInvoice(data.wallet_transactions[0]?.lago_invoice_id ?? '', {
      invoice: { payment_status: 'succeeded' },
    })
    expect(await balance()).toBe('12.0')
    await top({ voided_credits: '2' })
    expect(await balance()).toBe('10.0')
  })

  it('C4 are five at most, each under its own code, and over when they expire', async () => {
    const id = await customer()
    const expiration_at = new Date(box.now() + dayMs).toISOString()
    const first = await wallet(id, { code: 'a', granted_credits: '1', expiration_at })
    await expect(wallet(id, { code: 'a' })).rejects.toMatchObject({ status: 422 })
    for (const code of ['b', 'c', 'd', 'e']) await wallet(id, { code })
    await expect(wallet(id, { code: 'f' })).rejects.toMatchObject({ status: 422 })
    box.advance(dayMs + 3_600_000)
    expect((await api.wallets.findWallet(first.lago_id)).data.wallet.status).toBe('terminated')
    await wallet(id, { code: 'f' })
  })
})
