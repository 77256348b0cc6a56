import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { ValidateFunction } from 'ajv'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from '../../src/testing/sandbox/sandbox.js'
import { loadSchemas, problemsOf } from './contract-schemas.js'

// The vendors' API descriptions are too large to keep here. Point CONTRACTS_DIR at a folder holding
// stripe.openapi.json and langfuse.openapi.json to check every answer against them.
const folder = process.env.CONTRACTS_DIR
const available = folder !== undefined && existsSync(join(folder, 'stripe.openapi.json'))

describe.skipIf(!available)('C4 answers have the shape of the published API (skipped without CONTRACTS_DIR)', () => {
  let box: Sandbox
  let stripe: (name: string) => ValidateFunction
  let langfuse: (name: string) => ValidateFunction

  beforeAll(async () => {
    box = await sandbox()
    stripe = loadSchemas(join(folder ?? '', 'stripe.openapi.json'))
    langfuse = loadSchemas(join(folder ?? '', 'langfuse.openapi.json'))
  })
  afterAll(() => box.close())

  it('C4 for every Stripe object the sandbox makes', async () => {
    const meter = await call('POST', 'billing/meters', {
      display_name: 'Sparks',
      event_name: 'sparks',
      'default_aggregation[formula]': 'sum',
    })
    const customer = await call('POST', 'customers', {
      email: 'a@example.com',
      'address[city]': 'Bonn',
      'metadata[a]': 'b',
    })
    const product = await call('POST', 'products', { name: 'Pro' })
    const price = await call('POST', 'prices', {
      product: product.id,
      currency: 'usd',
      unit_amount: '1900',
      'recurring[interval]': 'month',
    })
    const usage = await call('POST', 'prices', {
      product: product.id,
      currency: 'usd',
      unit_amount_decimal: '0.004',
      'recurring[interval]': 'month',
      'recurring[usage_type]': 'metered',
      'recurring[meter]': meter.id,
    })
    const meterEvent = await call('POST', 'billing/meter_events', {
      event_name: 'sparks',
      identifier: 'e1',
      'payload[stripe_customer_id]': customer.id,
      'payload[value]': '5',
    })
    const adjustment = await call('POST', 'billing/meter_event_adjustments', {
      event_name: 'sparks',
      type: 'cancel',
      'cancel[identifier]': 'e1',
    })
    const endpoint = await call('POST', 'webhook_endpoints', {
      url: 'http://127.0.0.1:9/hook',
      'enabled_events[0]': 'none.such',
    })
    const order = { mode: 'payment', success_url: 'https://a.test', 'line_items[0][quantity]': '1' }
    const inline = {
      'line_items[0][price_data][currency]': 'usd',
      'line_items[0][price_data][unit_amount]': '500',
      'line_items[0][price_data][product_data][name]': 'Credits',
    }
    const open = await call('POST', 'checkout/sessions', { ...order, ...inline })
    const setup = await call('POST', 'checkout/sessions', {
      mode: 'setup',
      currency: 'usd',
      success_url: 'https://a.test',
    })
    const bought = await call('POST', 'checkout/sessions', { ...order, ...inline })
    await pay(bought.id, '4242424242424242')
    const declined = await call('POST', 'checkout/sessions', { ...order, ...inline })
    await pay(declined.id, '4000000000000002')
    const subscribed = await call('POST', 'checkout/sessions', {
      mode: 'subscription',
      success_url: 'https://a.test',
      customer: customer.id,
      'line_items[0][price]': price.id,
      'line_items[0][quantity]': '1',
      'line_items[1][price]': usage.id,
    })
    await pay(subscribed.id, '4242424242424242')
    const complete = await call('GET', `checkout/sessions/${subscribed.id}?expand[]=line_items`)
    const subscription = await call('GET', `subscriptions/${String(complete.subscription)}`)
    const portal = await call('POST', 'billing_portal/sessions', { customer: customer.id })

    const checked: [string, unknown][] = [
      ['billing.meter', meter],
      ['customer', customer],
      ['product', product],
      ['price', price],
      ['price', usage],
      ['billing.meter_event', meterEvent],
      ['billing.meter_event_adjustment', adjustment],
      ['webhook_endpoint', endpoint],
      ['checkout.session', open],
      ['checkout.session', setup],
      ['checkout.session', await call('GET', `checkout/sessions/${bought.id}`)],
      ['checkout.session', complete],
      ['subscription', subscription],
      ['subscription', await call('POST', `subscriptions/${subscription.id}`, { cancel_at_period_end: 'true' })],
      ['invoice', await call('GET', `invoices/${String(subscription.latest_invoice)}`)],
      ['billing_portal.session', portal],
      [
        'billing_portal.configuration',
        await call('GET', `billing_portal/configurations/${String(portal.configuration)}`),
      ],
      ...(await data('payment_intents')).map((intent): [string, unknown] => ['payment_intent', intent]),
      ...(await data('events?limit=100')).map((event): [string, unknown] => ['event', event]),
      ...(await data(`checkout/sessions/${bought.id}/line_items`)).map((item): [string, unknown] => ['item', item]),
      ['error', await call('GET', 'customers/cus_none')],
      ['error', await call('POST', 'customers', { nonsense: '1' })],
      ['deleted_product', await call('DELETE', `products/${(await call('POST', 'products', { name: 'Old' })).id}`)],
      ['deleted_customer', await call('DELETE', `customers/${customer.id}`)],
    ]
    const problems = checked.flatMap(([name, value]) => problemsOf(stripe(name), name, value))
    expect(checked.length).toBeGreaterThan(30)
    // The check itself can fail: a field of the wrong type, and one that is missing.
    const itemless = { ...subscription, status: 7, items: undefined }
    expect(problemsOf(stripe('subscription'), 'subscription', itemless)).toHaveLength(2)
    expect([...new Set(problems)]).toEqual([])
  })

  it('C4 for what Langfuse answers', async () => {
    const span = {
      traceId: 'a'.repeat(32),
      spanId: 'b'.repeat(16),
      name: 'call',
      startTimeUnixNano: '1790000000000000000',
      attributes: [{ key: 'langfuse.observation.cost_details', value: { stringValue: '{"total":1}' } }],
    }
    const ask = async (method: string, path: string, body?: unknown, at = box): Promise<unknown> => {
      const { baseUrl, publicKey, secretKey } = at.langfuse
      const authorization = `Basic ${Buffer.from(`${publicKey}:${secretKey}`).toString('base64')}`
      const headers = { authorization, 'content-type': 'application/json', 'x-langfuse-ingestion-version': '4' }
      const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
      return (await fetch(`${baseUrl}/api/public${path}`, init)).json()
    }
    const all = 'core,basic,time,io,metadata,model,usage,prompt,metrics,trace_context'
    const resourceSpans = [{ scopeSpans: [{ spans: [span] }] }]
    const old = await sandbox({ langfuse: { version: 3 } })
    await ask('POST', '/otel/v1/traces', { resourceSpans }, old)
    const score = { id: 's', traceId: span.traceId, name: 'done', value: 1, dataType: 'BOOLEAN' }
    const checked: [string, unknown][] = [
      ['OtelTraceResponse', await ask('POST', '/otel/v1/traces', { resourceSpans })],
      ['CreateScoreResponse', await ask('POST', '/scores', score)],
      ['legacyObservationsViews', await ask('GET', '/observations', undefined, old)],
      ['TraceWithFullDetails', await ask('GET', `/traces/${span.traceId}`, undefined, old)],
      ['ObservationsV2Response', await ask('GET', `/v2/observations?fields=${all}`)],
      ['ObservationsV2Response', await ask('GET', '/v2/observations')],
      ['Projects', await ask('GET', '/projects')],
      ['HealthResponse', await ask('GET', '/health')],
      ['IngestionResponse', await ask('POST', '/ingestion', { batch: [{ id: 'e', type: 'trace-create' }] })],
    ]
    await old.close()
    expect(checked.flatMap(([name, value]) => problemsOf(langfuse(name), name, value))).toEqual([])
  })

  type Answer = { readonly id: string; readonly [field: string]: unknown }

  async function call(method: string, path: string, form?: Record<string, string>): Promise<Answer> {
    const answer = await fetch(`${box.url}/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${box.stripe.apiKey}` },
      ...(form === undefined ? {} : { body: new URLSearchParams(form) }),
    })
    return (await answer.json()) as Answer
  }

  async function data(path: string): Promise<unknown[]> {
    return (await call('GET', path)).data as unknown[]
  }

  function pay(session: string, card: string) {
    return fetch(`${box.url}/checkout/${session}/pay`, {
      method: 'POST',
      body: new URLSearchParams({ card }),
      redirect: 'manual',
    })
  }
})
