import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseMoney } from '../../src/core/domain/money.js'
import type { PaymentCheckout, SubscriptionCheckout } from '../../src/core/ports/capabilities/checkout.js'
import type { PlanPrice } from '../../src/core/ports/capabilities/plan-price.js'
import { fromStripeSession, toStripeSession } from '../../src/providers/stripe/checkout.js'
import { type StripeProvider, stripeProvider } from '../../src/providers/stripe/index.js'
import { fromStripeSubscription } from '../../src/providers/stripe/subscription.js'
import { type Sandbox, sandbox } from '../../src/testing/sandbox/sandbox.js'
import { receiveWebhooks } from '../testing/webhook-receiver.js'
import { payOnPage, stripeClient } from './sandboxed.js'

const dayMs = 86_400_000
let box: Sandbox
let stripe: StripeProvider

beforeEach(async () => {
  box = await sandbox()
  stripe = stripeProvider({ client: stripeClient(box) })
})
afterEach(() => box.close())

const ada = { accountId: 'acc_1', email: 'ada@example.com', name: 'Ada' }
const customer = async () => (await stripe.customers.create(ada, { idempotencyKey: 'cus:acc_1' })).externalId

const page = async () => ({
  intentId: 'int_1',
  accountId: 'acc_1',
  customerId: await customer(),
  successUrl: 'https://app.example/billing/success?session={CHECKOUT_SESSION_ID}',
  cancelUrl: 'https://app.example/billing/cancel',
  promotionCodes: false,
})

const order = async (given: Partial<PaymentCheckout> = {}): Promise<PaymentCheckout> => ({
  ...(await page()),
  mode: 'payment',
  title: '250,000 Sparks',
  amount: parseMoney('10', 'USD'),
  ...given,
})

const pro: PlanPrice = {
  plan: 'pro',
  title: 'Pro',
  amount: parseMoney('10', 'USD'),
  interval: 'month',
  overage: [],
}

const monthly = async (given: Partial<SubscriptionCheckout> = {}): Promise<SubscriptionCheckout> => ({
  ...(await page()),
  mode: 'subscription',
  price: pro,
  seats: 1,
  trialDays: 0,
  ...given,
})

describe('customers', () => {
  it('C4 carry our account id, name and e-mail', async () => {
    const id = await customer()
    await stripe.customers.update?.(id, ada, {})
    await stripe.customers.update?.(id, { email: null, name: null }, {})
    expect(await stripe.client.customers.retrieve(id)).toMatchObject({
      email: 'ada@example.com',
      name: 'Ada',
      metadata: { billfold_account_id: 'acc_1' },
    })
  })

  for (const kind of ['status', 'status_after'] as const) {
    it(`C4 are one after a 500 that Stripe replays (${kind})`, async () => {
      box.faults.inject({ match: { method: 'POST', pathIncludes: '/v1/customers' }, kind, status: 500 })
      const id = await customer()
      expect(await customer()).toBe(id)
      expect((await stripe.client.customers.list()).data.map((each) => each.id)).toEqual([id])
    })
  }

  it('C4 are one when the answer to the create was lost', async () => {
    box.faults.inject({ match: { method: 'POST', pathIncludes: '/v1/customers' }, kind: 'reset_after', times: 2 })
    const first = await customer().catch((error: unknown) => error)
    if (typeof first !== 'string') expect(first).toMatchObject({ code: 'outcome_unknown' })
    const id = await customer()
    const { data } = await stripe.client.customers.list()
    expect(data.map((each) => each.id)).toEqual([id])
  })
})

describe('a checkout of one payment', () => {
  it('S3.2 refuses less than Stripe charges at once as the amount it is', async () => {
    for (const [amount, currency] of [
      ['0.49', 'USD'],
      ['49', 'JPY'],
    ] as const) {
      const asked = await order({ amount: parseMoney(amount, currency) })
      await expect(stripe.checkout.create(asked, { idempotencyKey: currency })).rejects.toMatchObject({
        code: 'invalid_amount',
        httpStatus: 400,
        outcome: 'not_applied',
        details: { code: 'amount_too_small' },
      })
    }
  })

  it('S1.4 goes from open to paid, with what was paid', async () => {
    const created = await stripe.checkout.create(await order(), { idempotencyKey: 'k1' })
    expect(created).toMatchObject({
      status: 'open',
      intentId: 'int_1',
      amount: parseMoney('10', 'USD'),
      subscriptionId: null,
    })
    expect(created.expiresAt).toBeGreaterThan(Date.now())
    await payOnPage(created.url)
    expect(await stripe.checkout.get(created.externalId, {})).toMatchObject({
      status: 'paid',
      customerId: created.customerId,
      amount: parseMoney('10', 'USD'),
      url: null,
    })
  })

  it('S1.4 is processing while a bank debit is on its way, and paid when it has come', async () => {
    const { externalId, url } = await stripe.checkout.create(await order(), { idempotencyKey: 'k1' })
    await payOnPage(url, '000123456789')
    expect(await stripe.checkout.get(externalId, {})).toMatchObject({ status: 'processing' })
    box.advance(61_000)
    expect(await stripe.checkout.get(externalId, {})).toMatchObject({ status: 'paid' })
  })

  it('S1.4 is never paid when the debit fails', async () => {
    const { externalId, url } = await stripe.checkout.create(await order(), { idempotencyKey: 'k1' })
    await payOnPage(url, '000111111116')
    box.advance(61_000)
    expect((await stripe.checkout.get(externalId, {})).status).not.toBe('paid')
  })

  it('S1.4 expires when nobody pays', async () => {
    const { externalId } = await stripe.checkout.create(await order(), { idempotencyKey: 'k1' })
    box.advance(dayMs + 1000)
    expect(await stripe.checkout.get(externalId, {})).toMatchObject({ status: 'expired', url: null })
  })

  it('S1.4 is one session when the answer was lost and the create is repeated', async () => {
    const asked = await order()
    box.faults.inject({
      match: { method: 'POST', pathIncludes: '/v1/checkout/sessions' },
      kind: 'reset_after',
      times: 2,
    })
    const first = await stripe.checkout.create(asked, { idempotencyKey: 'k1' }).catch((error: unknown) => error)
    const again = await stripe.checkout.create(asked, { idempotencyKey: 'k1' })
    if (first instanceof Error) expect(first).toMatchObject({ code: 'outcome_unknown', outcome: 'unknown' })
    const { data } = await stripe.client.checkout.sessions.list()
    expect(data.map((each) => each.id)).toEqual([again.externalId])
  })

  it('S1.4 is found after a 500 that followed its making, and is the same at every repeat', async () => {
    const asked = await order()
    const match = { method: 'POST', pathIncludes: '/v1/checkout/sessions' }
    box.faults.inject({ match, kind: 'status_after', status: 500 })
    const first = await stripe.checkout.create(asked, { idempotencyKey: 'k1' })
    expect(await stripe.checkout.create(asked, { idempotencyKey: 'k1' })).toEqual(first)
    expect((await stripe.client.checkout.sessions.list()).data.map(({ id }) => id)).toEqual([first.externalId])
  })

  it('S1.4 is made under another key after a 500 that made nothing, and is the same for whoever asks now', async () => {
    const asked = await order()
    const match = { method: 'POST', pathIncludes: '/v1/checkout/sessions' }
    box.faults.inject({ match, kind: 'status', status: 500 })
    const ask = () => stripe.checkout.create(asked, { idempotencyKey: 'k1' })
    const [first, ...others] = await Promise.all([ask(), ask().catch(() => null), ask().catch(() => null)])
    for (const other of [...others.filter((session) => session !== null), await ask()]) expect(other).toEqual(first)
    expect((await stripe.client.checkout.sessions.list()).data.map(({ id }) => id)).toEqual([first?.externalId])
  })

  it('S1.4 has an unknown outcome after one 500 upon another, or when nobody can say what was made', async () => {
    const asked = await order()
    const match = { method: 'POST', pathIncludes: '/v1/checkout/sessions' }
    const unknown = { code: 'outcome_unknown', outcome: 'unknown', details: { status: 500 } }
    box.faults.inject({ match, kind: 'status', status: 500, times: 2 })
    await expect(stripe.checkout.create(asked, { idempotencyKey: 'k1' })).rejects.toMatchObject(unknown)
    box.faults.inject({ match, kind: 'status', status: 500 })
    box.faults.inject({ match: { ...match, method: 'GET' }, kind: 'status', status: 503 })
    await expect(stripe.checkout.create(asked, { idempotencyKey: 'k2' })).rejects.toMatchObject(unknown)
    expect((await stripe.checkout.create(asked, { idempotencyKey: 'k2' })).status).toBe('open')
  })

  it('S1.4 is not made when Stripe takes no more requests', async () => {
    const asked = await order()
    box.faults.inject({
      match: { pathIncludes: '/v1/checkout/sessions' },
      kind: 'status',
      status: 429,
      headers: { 'retry-after': '100000000' },
    })
    await expect(stripe.checkout.create(asked, { idempotencyKey: 'k1' })).rejects.toMatchObject({
      code: 'provider_unavailable',
      outcome: 'not_applied',
      details: { retryAfterMs: 3_600_000 },
    })
  })

  it('S1.4 has an unknown outcome when Stripe does not answer in time', async () => {
    const impatient = stripeProvider({ client: stripeClient(box, { timeout: 200 }) })
    const asked = await order()
    box.faults.inject({ match: { pathIncludes: '/v1/checkout/sessions' }, kind: 'hang' })
    await expect(impatient.checkout.create(asked, { idempotencyKey: 'k1' })).rejects.toMatchObject({
      code: 'outcome_unknown',
    })
  })

  it('S1.4 of a customer who is not there is refused', async () => {
    const asked = await order({ customerId: 'cus_none' })
    await expect(stripe.checkout.create(asked, { idempotencyKey: 'k1' })).rejects.toMatchObject({
      code: 'provider_rejected',
    })
  })

  it('C4 with a wrong key says that it is the key', async () => {
    const wrong = stripeProvider({
      client: stripeClient({ ...box, stripe: { ...box.stripe, apiKey: 'sk_test_wrong' } }),
    })
    await expect(wrong.checkout.get('cs_1', {})).rejects.toMatchObject({
      code: 'provider_authentication',
      retryable: false,
    })
  })
})

describe('what is asked of a checkout', () => {
  const metadata = { billfold_intent_id: 'int_1', billfold_account_id: 'acc_1' }

  it('S1.4 names no payment methods, and carries our ids', async () => {
    const params = toStripeSession(await order(), null)
    expect(params).toEqual({
      mode: 'payment',
      customer: expect.any(String),
      client_reference_id: 'int_1',
      success_url: 'https://app.example/billing/success?session={CHECKOUT_SESSION_ID}',
      cancel_url: 'https://app.example/billing/cancel',
      metadata,
      line_items: [
        { quantity: 1, price_data: { currency: 'usd', unit_amount: 1000, product_data: { name: '250,000 Sparks' } } },
      ],
      payment_intent_data: { metadata, description: '250,000 Sparks' },
      invoice_creation: { enabled: true, invoice_data: { metadata } },
    })
  })

  it('S1.5 puts our ids and plan on the subscription too', async () => {
    const priced = { plan: 'price_1', metered: ['price_2'] }
    expect(toStripeSession(await monthly({ seats: 3 }), priced)).toMatchObject({
      mode: 'subscription',
      metadata,
      line_items: [{ quantity: 3, price: 'price_1' }, { price: 'price_2' }],
      subscription_data: { metadata: { ...metadata, billfold_plan: 'pro' } },
    })
    expect(toStripeSession(await monthly({ trialDays: 14 }), priced).subscription_data).toMatchObject({
      trial_period_days: 14,
    })
  })

  it('S1.5 offers promotion codes and tax only when it is told to', async () => {
    const plain = toStripeSession(await order(), null)
    expect(plain).not.toHaveProperty('allow_promotion_codes')
    expect(plain).not.toHaveProperty('automatic_tax')
    const asked = await order({ promotionCodes: true })
    expect(toStripeSession(asked, null, { automaticTax: true, invoices: false })).toMatchObject({
      allow_promotion_codes: true,
      automatic_tax: { enabled: true },
    })
    expect(toStripeSession(asked, null, { invoices: false })).not.toHaveProperty('invoice_creation')
  })

  it('S1.4 asks for a payment method alone', async () => {
    const { customerId, ...rest } = await page()
    expect(toStripeSession({ ...rest, customerId, mode: 'setup', currency: 'USD' }, null)).toMatchObject({
      mode: 'setup',
      currency: 'usd',
      customer: customerId,
    })
  })
})

describe('a session as Stripe writes it', () => {
  const session = { id: 'cs_1', status: 'complete', payment_status: 'paid' }

  const table: readonly (readonly [string | null, string, string])[] = [
    ['open', 'unpaid', 'open'],
    ['open', 'paid', 'open'],
    ['complete', 'paid', 'paid'],
    ['complete', 'no_payment_required', 'paid'],
    ['complete', 'unpaid', 'processing'],
    ['complete', 'a_new_word', 'processing'],
    ['expired', 'unpaid', 'expired'],
    ['a_new_word', 'paid', 'processing'],
    [null, 'paid', 'processing'],
  ]
  for (const [status, payment, expected] of table) {
    it(`S1.4 is ${expected} when it is ${status} and ${payment}`, () => {
      expect(fromStripeSession({ ...session, status, payment_status: payment }).status).toBe(expected)
    })
  }

  it('S1.4 may carry ids or the objects themselves', () => {
    const short = fromStripeSession({ ...session, customer: 'cus_1', subscription: 'sub_1' })
    const long = fromStripeSession({
      ...session,
      customer: { id: 'cus_1', name: 'Ada' },
      subscription: { id: 'sub_1' },
    })
    expect(long).toEqual(short)
    expect(short).toMatchObject({ customerId: 'cus_1', subscriptionId: 'sub_1', amount: null, intentId: null })
  })

  it('S1.4 falls back to the metadata for our intent', () => {
    expect(fromStripeSession({ ...session, metadata: { billfold_intent_id: 'int_1' } }).intentId).toBe('int_1')
  })

  it('S1.4 that is none is refused, and what was done stays unknown', () => {
    for (const answer of [null, 'text', {}, { id: 'cs_1' }, { ...session, id: '' }]) {
      expect(() => fromStripeSession(answer)).toThrowError(
        expect.objectContaining({ code: 'provider_response_invalid', outcome: 'unknown' }),
      )
    }
  })
})

describe('a subscription', () => {
  it('S1.5 is bought on the page and read with its plan and period', async () => {
    const asked = await monthly()
    const { externalId, url } = await stripe.checkout.create(asked, { idempotencyKey: 'k1' })
    await payOnPage(url)
    const { subscriptionId } = await stripe.checkout.get(externalId, {})
    const subscription = await stripe.subscriptions.get(subscriptionId ?? '', {})
    expect(subscription).toMatchObject({
      status: 'active',
      plan: 'pro',
      customerId: asked.customerId,
      cancelsAtPeriodEnd: false,
    })
    const { currentPeriodStartsAt, currentPeriodEndsAt } = subscription
    expect((currentPeriodEndsAt ?? 0) - (currentPeriodStartsAt ?? 0)).toBeGreaterThanOrEqual(28 * dayMs)
    expect(await stripe.subscriptions.list(asked.customerId, {})).toEqual([subscription])
  })

  it('S1.5 shows after the portal that it ends with the period, and then that it has ended', async () => {
    const asked = await monthly()
    const { externalId, url } = await stripe.checkout.create(asked, { idempotencyKey: 'k1' })
    await payOnPage(url)
    const id = (await stripe.checkout.get(externalId, {})).subscriptionId ?? ''
    const portal = await stripe.portal.create(
      { customerId: asked.customerId, returnUrl: 'https://app.example/billing', flow: null },
      {},
    )
    await fetch(`${portal.url}/cancel`, {
      method: 'POST',
      body: new URLSearchParams({ subscription: id }),
      redirect: 'manual',
    })
    expect(await stripe.subscriptions.get(id, {})).toMatchObject({ status: 'active', cancelsAtPeriodEnd: true })
    box.advance(32 * dayMs)
    expect(await stripe.subscriptions.get(id, {})).toMatchObject({ status: 'canceled' })
  })

  it('S1.5 is listed newest first, over all pages', async () => {
    const customerId = await customer()
    const product = await stripe.client.products.create({ name: 'Pro' })
    const price = await stripe.client.prices.create({
      product: product.id,
      currency: 'usd',
      unit_amount: 100,
      recurring: { interval: 'month' },
    })
    const created: string[] = []
    for (let index = 0; index < 103; index += 1) {
      const params = {
        customer: customerId,
        items: [{ price: price.id }],
        collection_method: 'send_invoice' as const,
        days_until_due: 30,
        metadata: { billfold_plan: `p${index}` },
      }
      created.push((await stripe.client.subscriptions.create(params)).id)
    }
    const listed = await stripe.subscriptions.list(customerId, {})
    expect(listed.map(({ externalId }) => externalId)).toEqual(created.reverse())
  })

  const base = {
    id: 'sub_1',
    created: 1,
    customer: 'cus_1',
    status: 'active',
    pause_collection: null,
    metadata: {},
    cancel_at_period_end: false,
    cancel_at: null,
    items: {
      data: [{ id: 'si_1', current_period_start: 100, current_period_end: 200, quantity: 1, price: { id: 'price_1' } }],
    },
  }
  const statuses: readonly (readonly [string, string])[] = [
    ['incomplete', 'pending'],
    ['trialing', 'trialing'],
    ['active', 'active'],
    ['past_due', 'past_due'],
    ['unpaid', 'unpaid'],
    ['paused', 'paused'],
    ['canceled', 'canceled'],
    ['incomplete_expired', 'canceled'],
    ['a_new_word', 'unknown'],
    ['__proto__', 'unknown'],
  ]
  for (const [status, expected] of statuses) {
    it(`S1.5 is ${expected} when Stripe says ${status}`, () => {
      expect(fromStripeSubscription({ ...base, status }).status).toBe(expected)
    })
  }

  it('S1.5 is paused when its collection is, though Stripe calls it active', () => {
    expect(fromStripeSubscription({ ...base, pause_collection: { behavior: 'void' } }).status).toBe('paused')
    expect(fromStripeSubscription({ ...base, status: 'canceled', pause_collection: {} }).status).toBe('canceled')
  })

  it('S1.5 has the period of its items, or none', () => {
    expect(fromStripeSubscription(base)).toMatchObject({ currentPeriodStartsAt: 100_000, currentPeriodEndsAt: 200_000 })
    expect(fromStripeSubscription({ ...base, billing_cycle_anchor: 50 })).toMatchObject({ anchor: 50_000 })
    expect(fromStripeSubscription({ ...base, items: { data: [] } })).toMatchObject({
      currentPeriodStartsAt: null,
      currentPeriodEndsAt: null,
    })
  })

  it('S1.5 ends with its period also when Stripe names the moment instead', () => {
    expect(fromStripeSubscription({ ...base, cancel_at: 200 }).cancelsAtPeriodEnd).toBe(true)
    expect(fromStripeSubscription({ ...base, cancel_at: 900 }).cancelsAtPeriodEnd).toBe(false)
    expect(fromStripeSubscription({ ...base, cancel_at_period_end: true }).cancelsAtPeriodEnd).toBe(true)
  })
})

describe('webhooks from the sandbox', () => {
  it('S1.4 are verified as they come and point at the session that was paid', async () => {
    const app = await receiveWebhooks()
    const endpoint = await stripe.client.webhookEndpoints.create({ url: app.url, enabled_events: ['*'] })
    const { webhooks } = stripeProvider({
      client: stripe.client,
      webhookSecret: endpoint.secret ?? '',
      livemode: false,
    })
    const { externalId, url } = await stripe.checkout.create(await order(), { idempotencyKey: 'k1' })
    await payOnPage(url)
    await box.flushWebhooks()
    const subjects = await Promise.all(
      app.received.map(async ({ body, signature }) => {
        const headers = new Map([['stripe-signature', signature]])
        return webhooks.interpret(
          await webhooks.verify({ rawBody: new TextEncoder().encode(body), headers }, Date.now()),
          {},
        )
      }),
    )
    expect(subjects).toContainEqual({ kind: 'checkout', externalId })
    await app.close()
  })
})
