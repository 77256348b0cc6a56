import { afterAll, describe, expect, it } from 'vitest'
import { memoryStore } from '../../src/adapters/memory.js'
import type { CheckoutRequest } from '../../src/core/ports/capabilities/checkout.js'
import { createBilling, defineCatalog } from '../../src/index.js'
import { dollars, planPrice } from '../../src/testing/provider-conformance/subject.js'
import { lagoAt } from './lago-customer.js'
import { payPage } from './lago-pages.js'
import { lagoRequest, leaveCard } from './lago-subject.js'
import { lagoClient, timedSandbox } from './sandboxed.js'

const box = await timedSandbox()
afterAll(() => box.close())
const api = lagoClient(box)
const options = {
  paymentProvider: { type: 'stripe', code: 'main' },
  webhook: { algorithm: 'hmac', key: box.lago.hmacKey },
} as const
const { lago, begin } = lagoAt(box, api, options)
const bare = lagoAt(box, api)

let count = 0
const customer = async (at = lago) => {
  count += 1
  return (await at.customers.create({ accountId: `acc_${count}`, email: null, name: null }, {})).externalId
}
const page = (customerId: string) => ({
  intentId: `chk_${crypto.randomUUID()}`,
  accountId: customerId,
  customerId,
  promotionCodes: false,
  successUrl: 'https://app.example/done',
  cancelUrl: 'https://app.example/back',
})
const toPay = (customerId: string): CheckoutRequest => ({
  ...page(customerId),
  mode: 'payment',
  title: 'Credits',
  amount: dollars(10n),
})
const oneOffs = async (customerId: string) =>
  (await api.invoices.findAllInvoices({ external_customer_id: customerId, invoice_type: 'one_off' })).data.invoices

describe('a sale at Lago', () => {
  it('S0.3 is an invoice of its own, which no saved card pays before the customer has', async () => {
    const customerId = await customer()
    await leaveCard(api, customerId)
    const session = await lago.checkout.create(toPay(customerId), {})
    box.advance(1000)
    expect((await lago.checkout.get(session.externalId, {})).status).toBe('open')
    expect(await (await fetch(session.url ?? '')).text()).toContain('Pay $10.00')
    await payPage(session.url ?? '')
    expect(await lago.checkout.get(session.externalId, {})).toMatchObject({ status: 'paid', amount: dollars(10n) })
  })

  it('S0.3 stays open after a card that was declined, and waits for a bank', async () => {
    const session = await lago.checkout.create(toPay(await customer()), {})
    await payPage(session.url ?? '', '4000000000000002')
    expect((await lago.checkout.get(session.externalId, {})).status).toBe('open')
    await payPage(session.url ?? '', '000123456789')
    expect((await lago.checkout.get(session.externalId, {})).status).toBe('processing')
    box.advance(61_000)
    expect((await lago.checkout.get(session.externalId, {})).status).toBe('paid')
  })

  it('C4 is over after a day, and its invoice is void: nobody is reminded of what was not bought', async () => {
    const customerId = await customer()
    const session = await lago.checkout.create(toPay(customerId), {})
    expect((session.expiresAt ?? 0) - box.now()).toBeLessThanOrEqual(86_400_000)
    box.advance(86_400_000)
    expect(await lago.checkout.get(session.externalId, {})).toMatchObject({ status: 'expired', url: null })
    expect((await oneOffs(customerId)).map(({ status }) => status)).toEqual(['voided'])
  })

  it('C4 is not closed while a bank works on it', async () => {
    const session = await lago.checkout.create(toPay(await customer()), {})
    await payPage(session.url ?? '', '000123456789')
    expect((await lago.checkout.expire(session.externalId, {})).status).toBe('processing')
    box.advance(61_000)
    expect((await lago.checkout.expire(session.externalId, {})).status).toBe('paid')
  })

  it('C4 GoCardless has no page to pay on', async () => {
    const customerId = await customer()
    await api.customers.createCustomer({
      customer: { external_id: customerId, billing_configuration: { payment_provider: 'gocardless' } },
    })
    await expect(lago.checkout.create(toPay(customerId), {})).rejects.toMatchObject({ code: 'option_unsupported' })
    await begin(customerId, planPrice(dollars(20n)))
    const [invoice] = (await lago.invoices.list({ customerId, limit: 1 }, {})).items
    const { payment } = await lago.invoices.pay({ externalId: invoice?.externalId ?? '', paymentMethodId: null }, {})
    expect(payment).toMatchObject({ status: 'declined', reason: 'no_payment_method' })
  })

  it('G8 is made once: its answer may be lost before it carries our id, and is found by its line', async () => {
    for (const [method, pathIncludes] of [
      ['POST', '/api/v1/invoices'],
      ['PUT', '/api/v1/invoices'],
    ] as const) {
      const customerId = await customer()
      const asked = toPay(customerId)
      box.faults.inject({ match: { method, pathIncludes }, kind: 'reset_after' })
      await expect(lago.checkout.create(asked, {})).rejects.toMatchObject({ code: 'outcome_unknown' })
      const session = await lago.checkout.create(asked, {})
      expect(session.intentId).toBe(asked.intentId)
      expect((await oneOffs(customerId)).map(({ lago_id: id }) => id)).toEqual([session.externalId])
    }
  })

  it('G8 of two processes at once leads to one page: what the later one made is void', async () => {
    const customerId = await customer()
    const asked = toPay(customerId)
    const other = await otherProcess()
    const made = await Promise.all([lago, other].map((each) => each.checkout.create(asked, {})))
    expect(new Set(made.map(({ externalId }) => externalId)).size).toBe(1)
    const payable = (await oneOffs(customerId)).filter(({ status }) => status === 'finalized')
    expect(payable.length).toBe(1)
  })

  it('C4 what Lago has no page for is option_unsupported, and nothing is made', async () => {
    const customerId = await customer()
    const poor = await customer(bare.lago)
    for (const asked of [
      { ...page(customerId), mode: 'subscription', price: planPrice(dollars(20n)), seats: 1, trialDays: 0 },
      { ...toPay(customerId), promotionCodes: true },
      toPay(poor),
      { ...page(poor), mode: 'setup', currency: 'USD' },
    ] as const)
      await expect(lago.checkout.create(asked, {})).rejects.toMatchObject({ code: 'option_unsupported' })
    expect([await oneOffs(customerId), await oneOffs(poor)]).toEqual([[], []])
  })

  it('S0.5 a page to leave a payment method is done when there is a newer one than before', async () => {
    const customerId = await customer()
    const before = await leaveCard(api, customerId)
    const asked = { ...page(customerId), mode: 'setup', currency: 'USD' } as const
    const session = await lago.checkout.create(asked, {})
    expect(await lago.checkout.get(session.externalId, {})).toMatchObject({ status: 'open', paymentMethodId: null })
    box.advance(1000)
    await payPage(session.url ?? '', '5555555555554444')
    const done = await lago.checkout.get(session.externalId, {})
    expect(done).toMatchObject({ status: 'paid', intentId: asked.intentId, customerId, externalId: session.externalId })
    expect([done.paymentMethodId === null, done.paymentMethodId === before]).toEqual([false, false])
    for (const id of ['setup_', 'setup_x', 'setup_W10'])
      await expect(lago.checkout.get(id, {})).rejects.toMatchObject({ code: 'not_found' })
  })

  it('S1.5 subscribing at Lago is not sold on a page, and is followed when it is made there', async () => {
    const customerId = await customer()
    const id = await begin(customerId, planPrice(dollars(20n)))
    expect((await lago.subscriptions.list(customerId, {})).map(({ externalId }) => externalId)).toEqual([id])
  })
})

describe('a service that sells through Lago', () => {
  const catalog = defineCatalog({
    plans: { free: {} },
    packages: { starter: { price: '20', sparks: '500000' } },
  })

  const open = async () => {
    const store = memoryStore({ now: box.now })
    const redirects = { allowedOrigins: ['https://app.example'] }
    const billing = createBilling({
      catalog,
      store,
      providers: { default: lago },
      redirects,
      environment: { now: box.now },
    })
    const accountId = `acct_${crypto.randomUUID()}`
    await billing.accounts.ensure({ accountId })
    const balance = async () => (await billing.credits.balance({ accountId })).available
    return { billing, accountId, balance }
  }
  const returns = { successUrl: 'https://app.example/done', cancelUrl: 'https://app.example/back' }

  it('G8 gives what was sold once, by the webhook and by whoever comes back, and takes back what was refunded', async () => {
    const { billing, accountId, balance } = await open()
    const sale = { ...returns, accountId, kind: 'package', package: 'starter' } as const
    const checkout = await billing.createCheckout(sale)
    await payPage(checkout.url)
    const invoice = { lago_id: checkout.externalId, invoice_type: 'one_off' }
    const payload = { webhook_type: 'invoice.payment_status_updated', object_type: 'invoice', invoice }
    for (const key of ['k1', 'k2']) {
      const { rawBody, headers } = lagoRequest(box, JSON.stringify(payload), `${key}_${accountId}`)
      await (await billing.webhooks.handle('lago', { rawBody, headers: Object.fromEntries(headers) })).applied
    }
    await billing.verifyCheckout({ accountId, checkoutId: checkout.id })
    expect(await balance()).toBe(500_000_000_000n)
    const [payment] = (await billing.payments.list({ accountId })).items
    await billing.payments.refund({ accountId, paymentId: payment?.id ?? '', reason: 'r', idempotencyKey: 'r1' })
    expect(await balance()).toBe(0n)
    const { differences, checked } = await billing.reconcile({ accountId })
    expect([differences, checked.checkouts, checked.payments]).toEqual([[], 1, 1])
    expect((await billing.verifyLedger()).findings).toEqual([])
    await billing.close()
  })

  it('S0.5 keeps the payment method that was left, as the one to pay with', async () => {
    const { billing, accountId } = await open()
    const checkout = await billing.createCheckout({ ...returns, accountId, kind: 'setup' })
    await payPage(checkout.url)
    await billing.verifyCheckout({ accountId, checkoutId: checkout.id })
    const methods = await billing.paymentMethods.list({ accountId })
    expect(methods.map(({ isDefault }) => isDefault)).toEqual([true])
    await billing.close()
  })
})

/** The same provider with a memory of its own. */
async function otherProcess() {
  const { vi } = await import('vitest')
  vi.resetModules()
  const fresh = await import('./lago-customer.js')
  return fresh.lagoAt(box, api, options).lago
}
