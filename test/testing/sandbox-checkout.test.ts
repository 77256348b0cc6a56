import Stripe from 'stripe'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from '../../src/testing/sandbox/sandbox.js'
import { receiveWebhooks, type WebhookReceiver } from './webhook-receiver.js'

const dayMs = 24 * 60 * 60 * 1000
let box: Sandbox
let stripe: Stripe
let app: WebhookReceiver
let secret: string

beforeEach(async () => {
  box = await sandbox({ merchantName: 'Otter & Sons' })
  const { apiKey, ...address } = box.stripe
  stripe = new Stripe(apiKey, { ...address, telemetry: false, maxNetworkRetries: 0 })
  app = await receiveWebhooks()
  const endpoint = await stripe.webhookEndpoints.create({ url: app.url, enabled_events: ['*'] })
  secret = endpoint.secret ?? ''
})
afterEach(async () => {
  await box.close()
  await app.close()
})

describe('a checkout of one payment', () => {
  it('S1.4 leads from the session through payment to the success page and the webhook', async () => {
    const session = await oneTime({ client_reference_id: 'acct_1', metadata: { order: '7' } })
    expect(session).toMatchObject({
      status: 'open',
      payment_status: 'unpaid',
      amount_total: 2000,
      ui_mode: 'hosted_page',
    })
    expect(await (await fetch(session.url ?? '')).text()).toContain('Pay $20.00')
    const paid = await pay(session, '4242 4242 4242 4242')
    expect(paid.status).toBe(303)
    expect(paid.headers.get('location')).toBe(`https://shop.test/done?id=${session.id}`)
    const done = await stripe.checkout.sessions.retrieve(session.id, { expand: ['line_items', 'payment_intent'] })
    expect(done).toMatchObject({ status: 'complete', payment_status: 'paid', url: null, client_reference_id: 'acct_1' })
    expect(done.payment_intent).toMatchObject({ status: 'succeeded', amount_received: 2000 })
    expect(done.line_items?.data[0]).toMatchObject({ description: '<b>Credits</b>', quantity: 2, amount_total: 2000 })
    const completed = (await delivered()).find(({ type }) => type === 'checkout.session.completed')
    expect(completed?.data.object).toMatchObject({ id: session.id, payment_status: 'paid', metadata: { order: '7' } })
    expect(completed?.api_version).toBe('2026-10-28.endive')
  })

  it('S1.4 charges once however often the buyer pays', async () => {
    const session = await oneTime()
    const answers = await Promise.all([1, 2, 3].map(() => pay(session, '4242424242424242')))
    expect(answers.map(({ status }) => status)).toEqual([303, 303, 303])
    expect((await stripe.paymentIntents.list()).data).toHaveLength(1)
    expect((await delivered()).filter(({ type }) => type === 'checkout.session.completed')).toHaveLength(1)
  })

  it('S1.4 shows a decline on the page, charges nothing, and lets the buyer try again', async () => {
    const session = await oneTime()
    const declined = await pay(session, '4000000000000002')
    expect(declined.status).toBe(402)
    expect(await declined.text()).toContain('Your card was declined.')
    const open = await stripe.checkout.sessions.retrieve(session.id, { expand: ['payment_intent'] })
    expect(open).toMatchObject({ status: 'open', payment_status: 'unpaid' })
    expect(open.payment_intent).toMatchObject({
      status: 'requires_payment_method',
      last_payment_error: { code: 'card_declined', decline_code: 'generic_decline' },
    })
    expect((await pay(session, '1234')).status).toBe(402)
    expect((await pay(session, '4242424242424242')).status).toBe(303)
    expect((await stripe.paymentIntents.list()).data).toHaveLength(1)
  })

  it('S1.4 completes a delayed payment unpaid and reports later how it ended', async () => {
    const [good, bad] = [await oneTime(), await oneTime()]
    await pay(good, '000123456789')
    await pay(bad, '000111111116')
    expect(await stripe.checkout.sessions.retrieve(good.id)).toMatchObject({
      status: 'complete',
      payment_status: 'unpaid',
    })
    box.advance(61_000)
    expect(await stripe.checkout.sessions.retrieve(good.id)).toMatchObject({ payment_status: 'paid' })
    expect(await stripe.checkout.sessions.retrieve(bad.id)).toMatchObject({ payment_status: 'unpaid' })
    const about = (await delivered()).filter(({ type }) => type.startsWith('checkout.session.async'))
    expect(about.map(({ type, data }) => [type, (data.object as { id: string }).id])).toEqual([
      ['checkout.session.async_payment_succeeded', good.id],
      ['checkout.session.async_payment_failed', bad.id],
    ])
  })

  it('S1.4 expires by hand or after 24 hours, and then takes no money', async () => {
    const [first, second] = [await oneTime(), await oneTime()]
    expect(await stripe.checkout.sessions.expire(first.id)).toMatchObject({ status: 'expired', url: null })
    await expect(stripe.checkout.sessions.expire(first.id)).rejects.toMatchObject({ statusCode: 400 })
    box.advance(dayMs + 1000)
    expect((await pay(second, '4242424242424242')).status).toBe(410)
    expect(await stripe.checkout.sessions.retrieve(second.id)).toMatchObject({ status: 'expired' })
    expect((await delivered()).filter(({ type }) => type === 'checkout.session.expired')).toHaveLength(2)
  })

  it('S1.4 leaves the session open when the buyer cancels', async () => {
    const session = await oneTime()
    const cancelled = await fetch(`${box.url}/checkout/${session.id}/cancel`, { method: 'POST', redirect: 'manual' })
    expect(cancelled.headers.get('location')).toBe('https://shop.test/cart')
    expect(await stripe.checkout.sessions.retrieve(session.id)).toMatchObject({ status: 'open' })
  })

  it('S1.4 cannot be cancelled in one tab once it is complete in another', async () => {
    const [paid, processing] = [await oneTime(), await oneTime({ success_url: 'https://shop.test/wait' })]
    await pay(paid, '4242424242424242')
    await pay(processing, '000123456789')
    const cancel = ({ id }: Stripe.Checkout.Session) =>
      fetch(`${box.url}/checkout/${id}/cancel`, { method: 'POST', redirect: 'manual' })
    expect((await cancel(paid)).headers.get('location')).toBe(`https://shop.test/done?id=${paid.id}`)
    expect((await cancel(processing)).headers.get('location')).toBe('https://shop.test/wait')
    const expired = await oneTime()
    await stripe.checkout.sessions.expire(expired.id)
    expect((await cancel(expired)).headers.get('location')).toBe('https://shop.test/cart')
  })

  it.each([
    ['ugx', 500_000, 'UGX\u00a05,000'],
    ['isk', 12_300, 'ISK\u00a0123'],
    ['jpy', 500, '¥500'],
    ['mga', 500, 'MGA\u00a0500'],
    ['kwd', 1_230, 'KWD\u00a01.230'],
  ])('S1.4 shows %s as Stripe counts it', async (currency, amount, shown) => {
    const item = { currency, unit_amount: amount, product_data: { name: 'Credits' } }
    const { url } = await oneTime({ line_items: [{ price_data: item, quantity: 1 }] })
    expect(await (await fetch(url ?? '')).text()).toContain(`<h1 class="amount">${shown}</h1>`)
  })

  it('leads back from pages that are not there', async () => {
    const missing = ['/nowhere', '/checkout/cs_none', '/portal/bps_none', '/invoice/in_none']
    for (const path of missing) {
      const answer = await fetch(`${box.url}${path}`)
      expect(answer.status).toBe(404)
      expect(await answer.text()).toContain('href="/"')
    }
  })

  it('S1.4 escapes whatever the page shows', async () => {
    const page = await (await fetch((await oneTime({ customer_email: '"><script>@x.test' })).url ?? '')).text()
    expect(page).toContain('&lt;b&gt;Credits&lt;/b&gt;')
    expect(page).toContain('Otter &amp; Sons')
    expect(page).not.toContain('<script>')
    await expect(oneTime({ cancel_url: 'javascript:alert(1)' })).rejects.toMatchObject({ code: 'url_invalid' })
  })

  it('S1.4 refuses what Stripe refuses: modes, quantities, small amounts, expiry', async () => {
    const price = await monthly()
    await expect(oneTime({ line_items: [{ price: price.id, quantity: 1 }] })).rejects.toMatchObject({
      param: 'line_items',
    })
    const small = { currency: 'usd', unit_amount: 10, product_data: { name: 'Gum' } }
    await expect(oneTime({ line_items: [{ price_data: small, quantity: 1 }] })).rejects.toMatchObject({
      code: 'amount_too_small',
    })
    await expect(oneTime({ expires_at: Math.floor(Date.now() / 1000) + 60 })).rejects.toMatchObject({
      param: 'expires_at',
    })
    await expect(oneTime({ line_items: [] })).rejects.toMatchObject({ code: 'parameter_missing' })
    expect((await stripe.products.list({ limit: 100 })).data.map(({ name }) => name)).not.toContain('Gum')
  })
})

describe('a checkout of a subscription', () => {
  it('S1.5 starts a subscription with its period on the items and a paid invoice', async () => {
    const session = await subscribe()
    const done = await stripe.checkout.sessions.retrieve(session.id, { expand: ['subscription', 'invoice'] })
    const subscription = done.subscription as Stripe.Subscription
    expect(subscription).toMatchObject({ status: 'active', metadata: { account: 'a1' } })
    const item = subscription.items.data[0]
    expect((item?.current_period_end ?? 0) - (item?.current_period_start ?? 0)).toBeGreaterThan(27 * 86_400)
    expect(done.invoice).toMatchObject({
      status: 'paid',
      total: 1900,
      parent: { subscription_details: { subscription: subscription.id } },
    })
    expect(done.customer_details?.email).toBe('buyer@example.com')
    const types = (await delivered()).map(({ type }) => type)
    for (const type of [
      'customer.created',
      'customer.subscription.created',
      'invoice.paid',
      'checkout.session.completed',
    ]) {
      expect(types).toContain(type)
    }
  })

  it('S1.5 renews on the clock and bills the metered usage of the period', async () => {
    const meter = await stripe.billing.meters.create({
      display_name: 'Sparks',
      event_name: 'sparks',
      default_aggregation: { formula: 'sum' },
    })
    const product = await stripe.products.create({ name: 'Sparks' })
    const usage = await stripe.prices.create({
      product: product.id,
      currency: 'usd',
      unit_amount_decimal: Stripe.Decimal.from('0.004'),
      recurring: { interval: 'month', usage_type: 'metered', meter: meter.id },
    })
    const session = await subscribe([{ price: usage.id }])
    const { customer, subscription } = await stripe.checkout.sessions.retrieve(session.id)
    await stripe.billing.meterEvents.create({
      event_name: 'sparks',
      payload: { stripe_customer_id: String(customer), value: '500000' },
    })
    box.advance(32 * dayMs)
    const { data } = await stripe.invoices.list({ subscription: String(subscription) })
    expect(data.map(({ billing_reason, total }) => [billing_reason, total])).toEqual([
      ['subscription_cycle', 1900 + 2000],
      ['subscription_create', 1900],
    ])
  })

  it('S1.5 cancels and reactivates from the portal, and ends with the period', async () => {
    const session = await subscribe()
    const { customer, subscription } = await stripe.checkout.sessions.retrieve(session.id)
    const portal = await stripe.billingPortal.sessions.create({
      customer: String(customer),
      return_url: 'https://shop.test/back',
    })
    const press = (action: string) =>
      fetch(`${portal.url}/${action}`, {
        method: 'POST',
        body: new URLSearchParams({ subscription: String(subscription) }),
        redirect: 'manual',
      })
    const current = () => stripe.subscriptions.retrieve(String(subscription))
    expect(await (await fetch(portal.url)).text()).toContain('Cancel subscription')
    expect((await press('cancel')).status).toBe(303)
    expect(await current()).toMatchObject({ cancel_at_period_end: true, status: 'active' })
    expect(await (await fetch(portal.url)).text()).toContain('Keep subscription')
    await press('reactivate')
    expect(await current()).toMatchObject({ cancel_at_period_end: false, cancel_at: null })
    await stripe.subscriptions.update(String(subscription), { cancel_at_period_end: true })
    box.advance(32 * dayMs)
    expect(await current()).toMatchObject({ status: 'canceled' })
    expect((await fetch(portal.url)).status).toBe(410)
    const types = (await delivered()).map(({ type }) => type)
    expect(types.filter((type) => type === 'customer.subscription.updated')).toHaveLength(3)
    expect(types).toContain('customer.subscription.deleted')
  })

  it('S1.5 shows nobody another customer', async () => {
    const session = await subscribe()
    const { subscription } = await stripe.checkout.sessions.retrieve(session.id)
    const stranger = await stripe.customers.create({ email: 'eve@example.com' })
    const portal = await stripe.billingPortal.sessions.create({ customer: stranger.id })
    const answer = await fetch(`${portal.url}/cancel`, {
      method: 'POST',
      body: new URLSearchParams({ subscription: String(subscription) }),
    })
    expect(answer.status).toBe(404)
    expect(await stripe.subscriptions.retrieve(String(subscription))).toMatchObject({ cancel_at_period_end: false })
  })

  it('S1.5 bills nothing while a trial runs', async () => {
    const price = await monthly()
    const session = await stripe.checkout.sessions.create({
      mode: 'subscription',
      success_url: 'https://shop.test/done',
      line_items: [{ price: price.id, quantity: 1 }],
      subscription_data: { trial_period_days: 14 },
    })
    await pay(session, '4242424242424242')
    const done = await stripe.checkout.sessions.retrieve(session.id, { expand: ['subscription'] })
    expect(done).toMatchObject({
      payment_status: 'no_payment_required',
      amount_total: 0,
      subscription: { status: 'trialing' },
    })
    box.advance(14 * dayMs + 1000)
    const { id } = done.subscription as Stripe.Subscription
    expect(await stripe.subscriptions.retrieve(id, { expand: ['latest_invoice'] })).toMatchObject({
      status: 'active',
      latest_invoice: { total: 1900 },
    })
  })
})

describe('webhooks', () => {
  it('S1.4 retries with backoff, signs each attempt anew, and logs them', async () => {
    app.answers.push(500, 503)
    await stripe.customers.create({})
    await box.flushWebhooks()
    expect(app.received).toHaveLength(1)
    box.advance(2000)
    await box.flushWebhooks()
    box.advance(6000)
    await box.flushWebhooks()
    expect(app.received.map(({ body }) => JSON.parse(body).type)).toEqual([
      'customer.created',
      'customer.created',
      'customer.created',
    ])
    expect(new Set(app.received.map(({ signature }) => signature)).size).toBe(3)
    const { data } = (await (await fetch(`${box.url}/_sandbox/events`)).json()) as { data: { deliveries: unknown[] }[] }
    expect(data[0]?.deliveries).toMatchObject([
      { state: 'delivered', attempts: [{ status: 500 }, { status: 503 }, { status: 200 }] },
    ])
  })

  it('S1.4 delivers in order of creation and only what the endpoint asked for', async () => {
    const picky = await receiveWebhooks()
    await stripe.webhookEndpoints.create({ url: picky.url, enabled_events: ['customer.updated'] })
    const { id } = await stripe.customers.create({ name: '0' })
    for (let index = 1; index < 20; index += 1) await stripe.customers.update(id, { name: String(index) })
    const names = (await delivered()).map(({ data }) => (data.object as { name: string }).name)
    expect(names).toEqual(Array.from({ length: 20 }, (_, index) => String(index)))
    expect(picky.received).toHaveLength(19)
    await picky.close()
  })

  it('S1.4 sends an event again on request', async () => {
    await stripe.customers.create({})
    const [event] = await delivered()
    const answer = await fetch(`${box.url}/_sandbox/webhooks/${event?.id}/resend`, { method: 'POST' })
    expect(answer.status).toBe(202)
    expect((await delivered()).map(({ id }) => id)).toEqual([event?.id, event?.id])
  })

  it('S1.4 lists events and shows the secret of an endpoint only once', async () => {
    const { id } = await stripe.customers.create({})
    const { data } = await stripe.events.list({ type: 'customer.created' })
    expect(data[0]).toMatchObject({
      object: 'event',
      data: { object: { id } },
      request: { id: expect.stringMatching(/^req_/) },
    })
    expect(await stripe.events.retrieve(data[0]?.id ?? '')).toMatchObject({ type: 'customer.created' })
    const endpoints = await stripe.webhookEndpoints.list()
    expect(secret).toMatch(/^whsec_/)
    expect(endpoints.data[0]).not.toHaveProperty('secret')
    expect(await stripe.webhookEndpoints.del(endpoints.data[0]?.id ?? '')).toMatchObject({ deleted: true })
  })
})

describe('the address bar', () => {
  it('S1.4 leads from the address of a form back to the page it is on', async () => {
    const { url, id } = await oneTime()
    const draft = await stripe.invoices.create({ customer: (await stripe.customers.create({})).id })
    await stripe.invoiceItems.create({
      customer: String(draft.customer),
      invoice: draft.id,
      amount: 500,
      currency: 'usd',
    })
    const open = await stripe.invoices.finalizeInvoice(draft.id)
    expect((await pay({ url } as Stripe.Checkout.Session, '4000000000000002')).status).toBe(402)
    for (const [address, page] of [
      [`${url}/pay`, `/checkout/${id}`],
      [`${url}/promotion`, `/checkout/${id}`],
      [`${open.hosted_invoice_url}/pay`, `/invoice/${open.id}`],
      [`${box.url}/authenticate/${id}/complete`, `/authenticate/${id}`],
    ] as const) {
      const answer = await fetch(address, { redirect: 'manual' })
      expect([answer.status, answer.headers.get('location')]).toEqual([303, page])
      expect((await fetch(address)).status).toBe(200)
    }
    expect((await stripe.checkout.sessions.retrieve(id)).status).toBe('open')
  })
})

function oneTime(more: Partial<Stripe.Checkout.SessionCreateParams> = {}) {
  return stripe.checkout.sessions.create({
    mode: 'payment',
    success_url: 'https://shop.test/done?id={CHECKOUT_SESSION_ID}',
    cancel_url: 'https://shop.test/cart',
    line_items: [
      { price_data: { currency: 'usd', unit_amount: 1000, product_data: { name: '<b>Credits</b>' } }, quantity: 2 },
    ],
    ...more,
  })
}

async function monthly() {
  const product = await stripe.products.create({ name: 'Pro' })
  return stripe.prices.create({
    product: product.id,
    currency: 'usd',
    unit_amount: 1900,
    recurring: { interval: 'month' },
  })
}

async function subscribe(more: Stripe.Checkout.SessionCreateParams.LineItem[] = []) {
  const price = await monthly()
  const session = await stripe.checkout.sessions.create({
    mode: 'subscription',
    success_url: 'https://shop.test/done',
    line_items: [{ price: price.id, quantity: 1 }, ...more],
    subscription_data: { metadata: { account: 'a1' } },
  })
  await pay(session, '4242424242424242')
  return session
}

function pay({ url }: Stripe.Checkout.Session, card: string) {
  return fetch(`${url ?? ''}/pay`, { method: 'POST', body: new URLSearchParams({ card }), redirect: 'manual' })
}

/** What the app received, each checked against its signature at the sandbox's time. */
async function delivered(): Promise<Stripe.Event[]> {
  await box.flushWebhooks()
  return app.received.map(({ body, signature }) => stripe.webhooks.constructEvent(body, signature, secret))
}
