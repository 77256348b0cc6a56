import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from 'lago-javascript-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LagoProvider } from '../../src/providers/lago/index.js'
import { dollars, planPrice } from '../../src/testing/provider-conformance/subject.js'
import { providerConformance } from '../../src/testing/provider-conformance.js'
import { lagoAt } from '../providers/lago-customer.js'
import { lagoSubject } from '../providers/lago-subject.js'
import { timedSandbox } from '../providers/sandboxed.js'
import { type Exchange, type LagoContract, lagoContract, recordingFetch } from './lago-contract.js'
import { receiver } from './lago-receiver.js'

// Lago's API description is not ours to keep here. Point CONTRACTS_DIR at a folder holding lago.openapi.json.
const folder = process.env.CONTRACTS_DIR
const available = folder !== undefined && existsSync(join(folder, 'lago.openapi.json'))

describe.skipIf(!available)('C4 Lago is spoken as it is published (skipped without CONTRACTS_DIR)', () => {
  let box: Awaited<ReturnType<typeof timedSandbox>>
  let contract: LagoContract
  const heard: Exchange[] = []

  beforeAll(async () => {
    box = await timedSandbox()
    contract = lagoContract(join(folder ?? '', 'lago.openapi.json'))
  })
  afterAll(() => box.close())

  const client = () => Client(box.lago.apiKey, { baseUrl: box.lago.baseUrl, customFetch: recordingFetch(heard) })
  const expectNoProblems = () => {
    const judged = heard.map((exchange) => contract.problemsOf(exchange))
    expect([...new Set(judged.flatMap(({ problems }) => problems))]).toEqual([])
    return [...new Set(judged.map(({ operation }) => operation))].sort()
  }

  it('C4 in every request of the provider and every answer to it', async () => {
    const { lago, subject } = lagoSubject(box, client())
    await lago.catalog.apply({ meters: [{ name: 'sparks', unit: 'spark' }], prices: [] }, {})
    for (const { run } of providerConformance(subject)) await run()
    await everyMoneyVerb(
      lago,
      (await subject.subscription?.(await newCustomer(lago), planPrice(dollars(20n)))) ?? '',
      box,
    )
    expect(expectNoProblems()).toEqual([
      'DELETE /customers/{external_customer_id}/payment_methods/{lago_id}',
      'DELETE /subscriptions/{external_id}',
      'GET /add_ons/{code}',
      'GET /billable_metrics',
      'GET /billable_metrics/{code}',
      'GET /credit_notes',
      'GET /customers',
      'GET /customers/{external_customer_id}',
      'GET /customers/{external_customer_id}/current_usage',
      'GET /customers/{external_customer_id}/past_usage',
      'GET /customers/{external_customer_id}/payment_methods',
      'GET /customers/{external_customer_id}/portal_url',
      'GET /customers/{external_customer_id}/projected_usage',
      'GET /events',
      'GET /invoices',
      'GET /invoices/{lago_id}',
      'GET /payments',
      'GET /payments/{lago_id}',
      'GET /plans',
      'GET /plans/{code}',
      'GET /subscriptions',
      'GET /subscriptions/{external_id}',
      'GET /wallet_transactions/{lago_id}',
      'GET /wallets',
      'GET /wallets/{lago_id}',
      'GET /wallets/{lago_id}/wallet_transactions',
      'POST /add_ons',
      'POST /billable_metrics',
      'POST /credit_notes',
      'POST /customers',
      'POST /customers/{external_customer_id}/checkout_url',
      'POST /events/batch',
      'POST /invoices',
      'POST /invoices/{lago_id}/download',
      'POST /invoices/{lago_id}/payment_url',
      'POST /invoices/{lago_id}/retry_payment',
      'POST /invoices/{lago_id}/void',
      'POST /plans',
      'POST /subscriptions',
      'POST /wallet_transactions',
      'POST /wallets',
      'PUT /customers/{external_customer_id}/payment_methods/{lago_id}/set_as_default',
      'PUT /invoices/{lago_id}',
      'PUT /plans/{code}',
    ])
  })

  it('C4 in usage, estimates, endpoints and refusals', async () => {
    const api = client()
    const { lago, begin } = lagoAt(box, api)
    const overage = [{ meter: 'sparks', sparkPrice: '0.00004' }]
    const { externalId } = await lago.customers.create({ accountId: 'acc_1', email: null, name: null }, {})
    await begin(externalId, { ...planPrice(dollars(20n)), overage })
    const usage = { external_subscription_id: externalId, code: 'billfold_sparks', properties: { sparks: '900' } }
    await api.events.createEvent({ event: { transaction_id: 'c1', ...usage } })
    await api.events.findEvent('c1')
    for (const which of ['current', 'projected', 'past'] as const)
      await lago['usage-reports'].periods({ customerId: externalId, which, meters: ['sparks'] }, {})
    const metric = await api.billableMetrics.findBillableMetric('billfold_sparks')
    await api.plans.createPlan({
      plan: {
        name: 'Instant',
        code: 'instant',
        interval: 'monthly',
        amount_cents: 9900,
        amount_currency: 'USD',
        pay_in_advance: true,
        charges: [
          {
            billable_metric_id: metric.data.billable_metric.lago_id,
            charge_model: 'standard',
            pay_in_advance: true,
            properties: { amount: '0.01' },
          },
        ],
      },
    })
    await api.subscriptions.createSubscription({
      subscription: { external_customer_id: externalId, external_id: externalId, plan_code: 'instant' },
    })
    await api.events.eventEstimateFees({ event: usage })
    await api.events.eventEstimateInstantFees({ event: usage })
    await api.events.eventBatchEstimateInstantFees({ events: [{ event: usage }] })
    const { data } = await api.webhookEndpoints.createWebhookEndpoint({
      webhook_endpoint: { webhook_url: 'http://127.0.0.1:9/hook', signature_algo: 'hmac' },
    })
    await api.webhookEndpoints.findAllWebhookEndpoints()
    await api.webhookEndpoints.destroyWebhookEndpoint(data.webhook_endpoint.lago_id)
    await api.webhooks.fetchPublicKey()
    for (const refused of [
      () => api.customers.findCustomer('none'),
      () => api.subscriptions.findSubscription('none'),
      () => api.events.createEvent({ event: { transaction_id: 'c1', ...usage } }),
      () => api.events.createEvent({} as never),
      () => Client('wrong', { baseUrl: box.lago.baseUrl, customFetch: recordingFetch(heard) }).plans.findAllPlans(),
    ])
      await expect(refused()).rejects.toMatchObject({ ok: false })
    expectNoProblems()
  })

  it('C4 in invoices, payments, methods, credit notes, wallets and links to pages', async () => {
    const api = client()
    const { begin } = lagoAt(box, api)
    const id = 'acc_money'
    await api.customers.createCustomer({
      customer: { external_id: id, billing_configuration: { payment_provider: 'stripe', invoice_grace_period: 1 } },
    })
    await api.customers.getCustomerPortalUrl(id)
    const { checkout_url: setup } = (await api.customers.generateCustomerCheckoutUrl(id)).data.customer
    const card = (number: string) => ({ method: 'POST', body: new URLSearchParams({ card: number }) })
    await fetch(setup ?? '', card('4000000000000341'))
    const [method] = (await api.customers.findAllCustomersPaymentMethods(id)).data.payment_methods
    await api.customers.paymentMethodSetAsDefault(method?.lago_id ?? '', id)
    await begin(id, planPrice(dollars(20n)))
    const mine = { external_customer_id: id }
    const [{ lago_id: draft } = { lago_id: '' }] = (await api.invoices.findAllInvoices(mine)).data.invoices
    await api.invoices.refreshInvoice(draft)
    await api.invoices.finalizeInvoice(draft)
    await api.invoices.updateInvoice(draft, { invoice: { metadata: [{ key: 'intent', value: 'chk_1' }] } })
    box.advance(1000)
    const { payment_url: page } = (await api.invoices.invoicePaymentUrl(draft)).data.invoice_payment_details ?? {}
    await api.invoices.retryPayment(draft)
    await fetch(page ?? '', card('4242424242424242'))
    await api.invoices.downloadInvoice(draft)
    box.advance(1000)
    await api.invoices.downloadInvoice(draft)
    const { fees } = (await api.invoices.findInvoice(draft)).data.invoice
    await api.customers.findAllCustomerInvoices(id)
    await api.customers.findAllCustomerPayments(id)
    const [payment] = (await api.payments.findAllPayments({ ...mine, invoice_id: draft })).data.payments
    await api.payments.findPayment(payment?.lago_id ?? '')
    const note = await api.creditNotes.createCreditNote({
      credit_note: {
        invoice_id: draft,
        reason: 'other',
        refund_amount_cents: 500,
        items: [{ fee_id: fees?.[0]?.lago_id ?? '', amount_cents: 500 }],
        metadata: { key: 'value' },
      },
    })
    await api.creditNotes.findCreditNote(note.data.credit_note.lago_id)
    await api.creditNotes.findAllCreditNotes(mine)
    const { wallet } = (
      await api.wallets.createWallet({ wallet: { ...mine, currency: 'USD', rate_amount: '1', granted_credits: '5' } })
    ).data
    const { wallet_transactions: made } = (
      await api.walletTransactions.createWalletTransaction({
        wallet_transaction: { wallet_id: wallet.lago_id, paid_credits: '5', voided_credits: '1' },
      })
    ).data
    await api.walletTransactions.findWalletTransaction(made[0]?.lago_id ?? '')
    await api.wallets.findAllWalletTransactions(wallet.lago_id)
    await api.wallets.findAllWallets(mine)
    await api.wallets.destroyWallet(wallet.lago_id)
    const [bought] = (await api.invoices.findAllInvoices({ ...mine, invoice_type: 'credit' })).data.invoices
    await api.invoices.loseDisputeInvoice(bought?.lago_id ?? '')
    await api.invoices.voidInvoice(bought?.lago_id ?? '')
    await api.customers.destroyPaymentMethod(method?.lago_id ?? '', id)
    expectNoProblems()
  })

  it('C4 in every webhook', async () => {
    box.advance(86_400_000 - (box.now() % 86_400_000)) // from midnight on: what Lago does at the end of a day stays out
    const hooks = await receiver()
    const api = client()
    await api.webhookEndpoints.createWebhookEndpoint({ webhook_endpoint: { webhook_url: hooks.url } })
    const { lago, begin } = lagoAt(box, api)
    const { externalId } = await lago.customers.create({ accountId: 'acc_2', email: null, name: null }, {})
    await lago.customers.update(externalId, { email: null, name: 'Ada' }, {})
    await begin(externalId, planPrice(dollars(20n)))
    await lago.subscriptions.cancel(externalId, 'period_end', {})
    const paying = { ...{ external_id: 'acc_3' }, billing_configuration: { payment_provider: 'stripe' } } as const
    await api.customers.createCustomer({ customer: paying })
    const { checkout_url: setup } = (await api.customers.generateCustomerCheckoutUrl('acc_3')).data.customer
    const choose = (card: string) => fetch(setup ?? '', { method: 'POST', body: new URLSearchParams({ card }) })
    await choose('4000000000000341')
    await begin('acc_3', planPrice(dollars(20n)))
    box.advance(1000)
    await choose('4000002760003184')
    const [{ lago_id: invoiceId } = { lago_id: '' }] = (
      await api.invoices.findAllInvoices({ external_customer_id: 'acc_3' })
    ).data.invoices
    await api.invoices.retryPayment(invoiceId)
    await api.invoices.downloadInvoice(invoiceId)
    box.advance(1000)
    await fetch(`${box.url}/lago/pay/${invoiceId}`, {
      method: 'POST',
      body: new URLSearchParams({ card: '4242424242424242' }),
    })
    await lago.subscriptions.cancel('acc_3', 'now', {})
    await api.wallets.createWallet({
      wallet: { external_customer_id: 'acc_3', currency: 'USD', rate_amount: '1', granted_credits: '5' },
    })
    await api.events.createEvent({
      event: { transaction_id: 'w1', code: 'nobodys', external_subscription_id: 'nobodys' },
    })
    box.advance(3_600_000)
    await box.flushWebhooks()
    const types = hooks.letters.map(({ body }) => (JSON.parse(body) as { webhook_type: string }).webhook_type)
    expect([...new Set(types)].sort()).toEqual([
      'credit_note.created',
      'customer.checkout_url_generated',
      'customer.created',
      'customer.payment_provider_created',
      'customer.updated',
      'event.error',
      'events.errors',
      'invoice.created',
      'invoice.generated',
      'invoice.payment_failure',
      'invoice.payment_status_updated',
      'payment.requires_action',
      'payment.succeeded',
      'subscription.started',
      'subscription.terminated',
      'subscription.updated',
      'wallet_transaction.created',
    ])
    expect(hooks.letters.flatMap(({ body }) => contract.webhookProblems(JSON.parse(body)))).toEqual([])
    await hooks.close()
  })
})

async function newCustomer(lago: LagoProvider): Promise<string> {
  return (await lago.customers.create({ accountId: crypto.randomUUID(), email: null, name: null }, {})).externalId
}

/** What the conformance suite does not ask for, since it cannot make an invoice at Lago. */
async function everyMoneyVerb(lago: LagoProvider, customerId: string, box: { advance(ms: number): void }) {
  const [invoice] = (await lago.invoices.list({ customerId, status: 'open', limit: 10 }, {})).items
  const externalId = invoice?.externalId ?? ''
  await lago.invoices.pay({ externalId, paymentMethodId: null }, {})
  await lago.invoices.pdf(externalId, {})
  await lago.invoices.void(externalId, {})
  for (const status of ['draft', 'past_due', 'payment_failed', 'paid', 'uncollectible', 'void'] as const)
    await lago.invoices.list({ customerId, status, limit: 10 }, {})
  const amount = dollars(5n)
  const asked = { customerId, amount, kind: 'paid', name: 'Welcome', expiresAt: null } as const
  const credit = await lago['invoice-credits'].grant(asked, { idempotencyKey: 'key_1' })
  await lago['invoice-credits'].end(credit.externalId, {})
  await lago['invoice-credits'].list(customerId, {})
  await lago['invoice-credits'].balance(customerId, {})
  box.advance(1000)
}
