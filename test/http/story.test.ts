import { randomBytes } from 'node:crypto'
import { createHandler } from 'billfold/http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { paymentStatusesOf, paymentWord } from '../../src/http/wire/payment-status.js'
import { invoiceStatusesOf, invoiceWord, invoiceWordsOf } from '../../src/http/wire/status.js'
import { payOnPage } from '../providers/sandboxed.js'
import { accountId, openWorld, site, type World } from './world.js'

let world: World
beforeEach(async () => {
  world = await openWorld()
})
afterEach(() => world.close())

const get = (path: string, headers?: Record<string, string>) => world.ask('GET', path, undefined, headers)

/** An invoice of what the account owes. */
async function invoiceOfDebt(): Promise<string> {
  const usage = { accountId, meter: 'ai_tokens', costUsd: '10', quantity: 1_000, idempotencyKey: 'debt' } as const
  await world.billing.recordUsage(usage)
  const { body } = await world.ask('POST', `/account/${accountId}/invoices/generate`, { of: 'debt' })
  return body.id
}

describe('credits by HTTP', () => {
  it('S3.6 S3.2 S3.7 S3.8 a package is bought on a page, paid, listed, and spent', async () => {
    const packages = await get('/credit-packages/')
    expect(packages.body).toMatchObject([
      { id: 'small', price: 10, currency: 'USD', credits: '250000' },
      { id: 'large', price: 50 },
    ])
    const bought = await world.ask('POST', '/credit-packages/small/purchase/', {})
    expect(bought.body).toMatchObject({ status: 'open', payment: null, next_action: { type: 'redirect' } })
    const again = await world.ask('POST', '/credit-packages/small/purchase', {})
    expect(again.body.checkout_id).toBe(bought.body.checkout_id)
    await payOnPage(bought.body.next_action.url)
    await world.billing.verifyCheckout({ accountId, checkoutId: bought.body.checkout_id })

    const usage = { accountId, meter: 'ai_tokens', costUsd: '1', quantity: 10, idempotencyKey: 'u' } as const
    await world.billing.recordUsage(usage)
    expect((await get('/credits/balance/')).body).toEqual({
      credits: '220000',
      available_credits: '220000',
      held_credits: '0',
      debt: '0',
      plan_credits_per_month: '0',
      credits_used_this_month: '30000',
      grants: [
        {
          id: expect.stringMatching(/^grt_/),
          kind: 'paid',
          reason: 'purchase of small',
          amount: '250000',
          remaining: '220000',
          granted_at: expect.any(String),
          expires_at: null,
        },
      ],
    })
    const { body } = await get('/credits/transactions/?limit=1')
    expect(body.results).toMatchObject([{ transaction_type: 'usage', amount: '-30000', balance_after: '220000' }])
    const rest = await get(body.next.slice('/api/billing'.length))
    expect(rest.body).toMatchObject({ results: [{ transaction_type: 'grant', amount: '250000' }], next: null })
    expect((await get('/transactions/')).body.results).toHaveLength(2)
    expect((await get('/credits/usage/')).body).toMatchObject({ results: [{ sparks: '30000', total_price: 1.2 }] })
    expect((await get('/credits/usage/summary/')).body).toMatchObject({
      total_credits_used: '30000',
      total_cost: 1,
      by_operation: { ai_tokens: { credits: '30000', count: 1 } },
    })
    const { body: limits } = await get('/credits/usage/limits/')
    expect(limits).toMatchObject({ plan: 'free', budgets: [] })
    expect(limits.limits).toContainEqual(expect.objectContaining({ meter: 'workflows', limit: '5', used: '0' }))

    const payments = await get('/payments/')
    expect(payments.body.results).toMatchObject([
      { status: 'succeeded', amount: 10, refunded_amount: 0, checkout_id: bought.body.checkout_id },
    ])
    const { id } = payments.body.results[0]
    expect((await get(`/payments/${id}/`)).body).toEqual(payments.body.results[0])
    expect((await get('/payments/?status=completed')).body.results).toHaveLength(1)
    expect((await get('/payments/?status=failed')).body.results).toEqual([])
    expect(await get('/payments/?status=paid')).toMatchObject({ status: 400, body: { code: 'invalid_request' } })
    expect(await get(`/payments/${id}`, { authorization: 'Bearer stranger' })).toMatchObject({ status: 404 })
  })

  it('S3.6 a stored method is charged at once, once for a key, and never without one', async () => {
    const method = await world.ask('POST', '/payment-methods/', { payment_method_id: 'pm_card_visa' })
    const body = { payment_method_id: method.body.id }
    const keyless = await world.ask('POST', '/credit-packages/small/purchase/', body)
    expect(keyless).toMatchObject({ status: 400, body: { code: 'idempotency_key_required' } })
    for (const _ of [1, 2]) {
      const paid = await world.ask('POST', '/credit-packages/small/purchase/', body, { 'idempotency-key': 'k' })
      expect(paid.body).toMatchObject({ status: 'paid', payment: { status: 'succeeded' }, next_action: null })
    }
    expect((await get('/credits/balance')).body.credits).toBe('250000')
    const missing = await world.ask('POST', '/credit-packages/nothing/purchase', {})
    expect(missing).toMatchObject({ status: 404, body: { code: 'not_found' } })
  })

  it('S3.8 an account that is not there has nothing, and is not made by being asked for', async () => {
    const stranger = { authorization: 'Bearer stranger' }
    expect((await get('/credits/balance/', stranger)).body).toMatchObject({
      credits: '0',
      credits_used_this_month: '0',
    })
    for (const path of ['/credits/transactions/', '/transactions/', '/credits/usage/'])
      expect((await get(path, stranger)).body).toEqual({ results: [], next: null, previous: null })
    expect((await get('/credits/usage/summary/', stranger)).body).toMatchObject({ total_events: 0, by_model: {} })
    expect((await get('/credits/usage/limits/', stranger)).body).toEqual({ plan: null, limits: [], budgets: [] })
    await expect(world.billing.accounts.get({ accountId: 'other' })).rejects.toMatchObject({ code: 'not_found' })
  })

  it('S3.9 usage that must not be owed is 402 with a code and remedies', async () => {
    const event = { meter: 'ai_tokens', cost_usd: '5', quantity: 1, on_insufficient: 'refuse' }
    const refused = await world.ask('POST', '/usage/events', event, { 'idempotency-key': 'k' })
    expect(refused).toMatchObject({ status: 402, body: { code: 'insufficient_credits', outcome: 'not_applied' } })
  })
})

describe('payment methods by HTTP', () => {
  it('S3.3 S3.5 are offered, added, changed, made the default, and taken away', async () => {
    expect((await get('/payment-methods/available/')).body).toContainEqual(expect.objectContaining({ type: 'card' }))
    const [first, second] = [
      await world.ask('POST', '/payment-methods/', { payment_method_id: 'pm_card_visa' }),
      await world.ask('POST', '/payment-methods/', { payment_method_id: 'pm_card_mastercard' }),
    ].map(({ body }) => body)
    expect([first.is_default, second.is_default]).toEqual([true, false])
    const change = { name: 'Ada', expiry_year: 2040 }
    expect((await world.ask('PUT', `/payment-methods/${second.id}/`, change)).body).toMatchObject(change)
    expect((await world.ask('PATCH', `/payment-methods/${second.id}`, { expiry_month: 2 })).body).toMatchObject({
      ...change,
      expiry_month: 2,
    })
    await world.ask('POST', `/payment-methods/${second.id}/set_default/`)
    const defaults = (await get('/payment-methods/')).body.filter((each: { is_default: boolean }) => each.is_default)
    expect(defaults).toMatchObject([{ id: second.id, card_last4: expect.stringMatching(/^\d{4}$/) }])
    expect(await world.ask('DELETE', `/payment-methods/${second.id}/`)).toMatchObject({ status: 204, body: '' })
    expect(await get(`/payment-methods/${second.id}/`)).toMatchObject({ status: 404 })
    expect((await get(`/payment-methods/${first.id}/`)).body).toMatchObject({ card_brand: 'visa' })
  })

  it('S3.5 a card number is refused wherever it stands', async () => {
    for (const body of [{ payment_method_id: '4242424242424242' }, { payment_method_id: 'pm_1', cvc: '123' }]) {
      const answer = await world.ask('POST', '/payment-methods/', body)
      expect(answer.status).toBe(400)
      expect(JSON.stringify(answer.body)).not.toContain('4242')
    }
  })
})

describe('invoices as PDF by HTTP', () => {
  it('S0.2 S3.1 lead to the PDF, and are handed out as one', async () => {
    const id = await invoiceOfDebt()
    const led = await get(`/invoices/${id}/pdf`)
    expect(led.status).toBe(302)
    expect(led.headers.get('location')).toMatch(/^http/)
    const answer = await world.handler(
      new Request(`${site}${world.handler.basePath}/invoices/${id}/download_pdf/`, {
        headers: { authorization: 'Bearer owner' },
      }),
    )
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('application/pdf')
    expect(answer.headers.get('content-disposition')).toBe(`attachment; filename="${id}.pdf"`)
    expect((await answer.text()).slice(0, 5)).toBe('%PDF-')
  })

  it('S0.2 what is not ready says when to ask again, and what is no PDF is not handed on', async () => {
    const id = await invoiceOfDebt()
    const billing = {
      ...world.billing,
      invoices: { ...world.billing.invoices, pdf: async () => ({ status: 'not_ready', retryAfterMs: 2_500 }) as const },
    }
    const identify = () => ({ accountId, scopes: ['billing:read'] as const })
    const waiting = createHandler(billing, { identify })
    const answer = await waiting(new Request(`${site}/api/billing/invoices/${id}/pdf`))
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '3'])
    expect(await answer.json()).toMatchObject({ code: 'not_ready', retryable: true })

    let pieces = 0
    const endless = new ReadableStream({
      pull(controller) {
        pieces += 1
        controller.enqueue(new TextEncoder().encode('%PDF-'.padEnd(1_048_576)))
      },
    })
    const answers = [
      new Response('<html>secret</html>'),
      new Response('gone', { status: 404 }),
      new Response(),
      new Response(endless),
    ]
    const broken = createHandler(world.billing, {
      identify,
      fetch: async () => answers.shift() as Response,
      onError: () => undefined,
    })
    for (const status of [502, 503, 502, 502]) {
      const refused = await broken(new Request(`${site}/api/billing/invoices/${id}/download_pdf`))
      expect(refused.status).toBe(status)
      expect(await refused.text()).not.toContain('secret')
    }
    expect(pieces).toBeLessThan(30)
  })
})

describe('the dashboard and the portal by HTTP', () => {
  it('S0.4 shows sums, a series and the quota of each meter', async () => {
    await world.billing.recordUsage({ accountId, meter: 'workflows', quantity: 2, idempotencyKey: 'a' })
    const today = new Date(world.box.now()).toISOString().slice(0, 10)
    const { body } = await get('/usage')
    const workflows = body.meters.find(({ meter }: { meter: string }) => meter === 'workflows')
    expect(workflows).toMatchObject({
      quantity: '2',
      events: 1,
      quota: { limit: '5', remaining: '3', status: 'below_quota' },
    })
    expect(workflows.series.at(-1)).toEqual({ date: today, quantity: '2', events: 1, sparks: '500' })
    expect(body).toMatchObject({ events: 1, is_complete: true, upcoming_invoice: null })
    expect(await get('/usage?from=2026-02-30')).toMatchObject({ status: 400, body: { code: 'invalid_timestamp' } })
  })

  it('S0.5 S1.5 leads to the portal, and back only to where it may', async () => {
    await world.ask('POST', '/payment-methods/', { payment_method_id: 'pm_card_visa' })
    const { body } = await get('/portal')
    expect(body.portal_url).toMatch(/^http/)
    const led = await get('/portal?redirect=true')
    expect([led.status, led.headers.get('location')?.slice(0, 4)]).toEqual([302, 'http'])
    const astray = await get('/portal?return_url=https://evil.example/')
    expect(astray).toMatchObject({ status: 400, body: { code: 'redirect_not_allowed' } })
  })
})

describe('usage recorded by HTTP', () => {
  it('S1.1 S3.10 is the caller’s own, once for a key, wherever the key stands', async () => {
    const event = {
      meter: 'workflows',
      quantity: '1',
      dimensions: { ticket: 'T-1' },
      occurred_at: new Date(world.box.now()).toISOString(),
    }
    const first = await world.ask('POST', '/usage/events', event, { 'idempotency-key': 'k' })
    expect(first.body).toMatchObject({
      status: 'recorded',
      sparks: '250',
      settled_by: { allowance: '250' },
      quota: { used: '1' },
    })
    const again = await world.ask('POST', '/usage/events', { ...event, idempotency_key: 'k' })
    expect(again.body).toMatchObject({ status: 'duplicate', id: first.body.id })
    const both = await world.ask(
      'POST',
      '/usage/events',
      { ...event, idempotency_key: 'x' },
      { 'idempotency-key': 'y' },
    )
    expect(both).toMatchObject({ status: 400, body: { errors: [{ field: 'idempotency_key' }] } })
    expect(await world.ask('POST', '/usage/events', event)).toMatchObject({
      body: { code: 'idempotency_key_required' },
    })
    const foreign = await world.ask('POST', '/usage/events', { ...event, account_id: 'other' })
    expect(foreign).toMatchObject({ status: 400, body: { code: 'unknown_field' } })
  })

  it('S1.1 a batch has a result for each, in order; one that is malformed fails it whole', async () => {
    const events = [
      { meter: 'workflows', quantity: 1, idempotency_key: 'a' },
      { meter: 'ai_tokens', cost_usd: '5', quantity: 1, idempotency_key: 'b', on_insufficient: 'refuse' },
    ]
    const { status, body } = await world.ask('POST', '/usage/events', { events })
    expect([status, body.results]).toMatchObject([
      200,
      [{ status: 'recorded' }, { status: 'refused', error: { code: 'insufficient_credits', status: 402 } }],
    ])
    const wrong = { events: [...events, { meter: 'workflows', quantity: -1, idempotency_key: 'c' }] }
    expect(await world.ask('POST', '/usage/events', wrong)).toMatchObject({
      status: 400,
      body: { code: 'invalid_quantity' },
    })
    const one = { meter: 'workflows', quantity: 1 }
    const many = Array.from({ length: 1_001 }, (_, index) => ({ ...one, idempotency_key: `n${index}` }))
    expect(await world.ask('POST', '/usage/events', { events: many })).toMatchObject({
      status: 413,
      body: { code: 'batch_too_large' },
    })
  })
})

describe('a subscription by HTTP', () => {
  it('S4.5 S1.4 S1.5 is chosen from the plans, paid for on a page, previewed and changed', async () => {
    const { body: sold } = await get('/plans')
    expect(sold).toMatchObject({ currency: 'USD', credit_price: '0.00004' })
    expect(sold.plans).toContainEqual(
      expect.objectContaining({
        id: 'starter',
        price: { amount: 29, currency: 'USD', interval: 'month', per_seat: false, trial_days: 0 },
        is_default: false,
      }),
    )
    const page = await world.ask('POST', '/checkout', { kind: 'subscription', plan: 'starter' })
    const checkout = `/checkout/${page.body.checkout_id}`
    expect((await get(checkout)).body).toMatchObject({
      status: 'open',
      kind: 'subscription',
      plan: 'starter',
      amount: 29,
    })
    await payOnPage(page.body.checkout_url)
    expect((await get(checkout)).body).toMatchObject({ status: 'paid', checkout_id: page.body.checkout_id })
    expect((await get(`/account/${accountId}/checkout/${page.body.session_id}`)).body).toMatchObject({ status: 'paid' })
    expect((await get('/subscription')).body).toMatchObject({ tier: 'starter', status: 'active' })

    const { body: preview } = await world.ask('POST', '/subscription/preview', { plan: 'team' })
    expect(preview).toMatchObject({ currency: 'USD', amount_due: 170 })
    expect((await get('/subscription')).body.tier).toBe('starter')
    const change = { plan: 'team', previewed_at: preview.at }
    const changed = await world.ask('POST', '/subscription/change', change, { 'idempotency-key': 'up' })
    expect(changed.body).toMatchObject({ subscription: { tier: 'team' }, payment: { status: 'succeeded', url: null } })
    const { body: paid } = await get('/invoices')
    expect(paid.results[0]).toMatchObject({ total: preview.total, status: 'paid' })
  })

  it('S3.10 only who may change what the account is subscribed to opens a page for that', async () => {
    await world.close()
    world = await openWorld({ people: { owner: { accountId, scopes: ['billing:pay'] } } })
    for (const sale of [{ kind: 'subscription', plan: 'starter' }, { kind: 'setup' }])
      expect(await world.ask('POST', '/checkout', sale)).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    expect(await world.ask('POST', '/checkout', { kind: 'credits', amount: '5' })).toMatchObject({ status: 200 })
  })
})

describe('webhooks by HTTP', () => {
  const payload = '{"id":"evt_1","type":"some.future.event","data":{"object":{"id":"x_1"}}}'
  const send = (body: string | Uint8Array, headers: Record<string, string>, provider = 'stripe') =>
    world.handler(
      new Request(`${site}/api/billing/webhooks/${provider}`, { method: 'POST', body: body as BodyInit, headers }),
    )

  it('S1.4 are taken by their signature alone, from any origin', async () => {
    const headers = { 'stripe-signature': world.sign(payload), origin: 'https://evil.example', cookie: 'session=1' }
    for (const _ of [1, 2]) expect((await send(payload, headers)).status).toBe(200)
  })

  it('S1.4 answer whoever is not the provider without a word of why', async () => {
    const strangers: readonly (readonly [number, Promise<Response>])[] = [
      [400, send(payload, {})],
      [400, send(payload, { 'stripe-signature': world.sign('{}') })],
      [413, send(randomBytes(1_048_577), { 'stripe-signature': world.sign(payload) })],
      [404, send(payload, {}, 'nobody')],
    ]
    for (const [status, answering] of strangers) {
      const answer = await answering
      expect(answer.status).toBe(status)
      expect(await answer.json()).toMatchObject({
        status,
        detail: 'The webhook was not taken.',
        outcome: 'not_applied',
      })
    }
  })
})

describe('words for states', () => {
  it('S0.7 S3.12 S4.2 each vocabulary has a word for each state of an invoice, and filters take its own words only', () => {
    const vocabularies = {
      finalized: ['draft', 'finalized', 'failed', 'paid', 'voided'],
      pending: ['draft', 'pending', 'paid', 'uncollectible', 'void'],
      open: ['draft', 'open', 'past_due', 'paid', 'void'],
    } as const
    for (const [name, words] of Object.entries(vocabularies) as [keyof typeof vocabularies, readonly string[]][]) {
      expect([...invoiceWordsOf(name)].sort()).toEqual([...words].sort())
      for (const word of words)
        for (const status of invoiceStatusesOf(name, word)) expect(invoiceWord(name, status)).toBe(word)
      const foreign = Object.values(vocabularies)
        .flat()
        .filter((word) => !words.includes(word))
      for (const word of foreign) expect(() => invoiceStatusesOf(name, word)).toThrow('status: one of')
      expect(() => invoiceWord(name, 'unknown')).toThrow('not known')
      expect(invoiceWord(name, 'deleted')).toBeNull()
    }
  })

  it('S0.7 S3.12 the vocabulary is the app’s choice', async () => {
    const id = await invoiceOfDebt()
    for (const [statuses, word] of [
      ['finalized', 'finalized'],
      ['pending', 'pending'],
      ['open', 'open'],
    ] as const) {
      const identify = () => ({ accountId, scopes: ['billing:read'] as const })
      const handler = createHandler(world.billing, { identify, wire: { statuses } })
      const answer = await handler(new Request(`${site}/api/billing/invoices?status=${word}`))
      expect(await answer.json()).toMatchObject({ results: [{ id, status: word }] })
    }
  })

  it('S3.2 each state of a payment has the word of S3; completed asks for succeeded', () => {
    expect(paymentStatusesOf('completed')).toEqual(['succeeded'])
    for (const word of ['pending', 'pending_approval', 'processing', 'succeeded', 'failed', 'refunded', 'cancelled'])
      for (const status of paymentStatusesOf(word)) expect(paymentWord(status)).toBe(word)
    expect(() => paymentStatusesOf('paid')).toThrow('status: one of')
    expect(() => paymentWord('unknown')).toThrow('not known')
  })
})
