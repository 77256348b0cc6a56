import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { telemetry } from './telemetry.js'
import { accountId, openWorld, type World } from './world.js'

const { instrumentation, spans, metrics, reset } = telemetry()
const lines: { readonly level: string; readonly message: string; readonly [field: string]: unknown }[] = []
const at = (level: string) => (fields: object, message: string) => void lines.push({ level, message, ...fields })
const logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }

let world: World
beforeAll(async () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(new W3CTraceContextPropagator())
  world = await openWorld({ observed: { instrumentation, logger } })
  world.billing.on('app', 'credit.granted', () => {
    throw new Error('down')
  })
})
afterAll(async () => {
  await world.close()
  context.disable()
  propagation.disable()
})
beforeEach(() => {
  reset()
  lines.length = 0
})

const named = (name: string) => spans().find((span) => span.name === name)

describe('telemetry', () => {
  it('S31 a request is a span by the pattern of its route, part of its caller’s trace, and what is done for it is part of it', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    await world.ask('GET', `/account/${accountId}/usage?limit=5`, undefined, { traceparent })
    const server = named('GET /api/billing/account/{organization_id}/usage')
    expect(server).toMatchObject({
      kind: SpanKind.SERVER,
      parentSpanContext: { spanId: 'b7ad6b7169203331' },
      attributes: {
        'http.request.method': 'GET',
        'http.route': '/api/billing/account/{organization_id}/usage',
        'http.response.status_code': 200,
        'url.scheme': 'https',
      },
    })
    expect(server?.spanContext().traceId).toBe('0af7651916cd43dd8448eb211c80319c')
    const verb = named('usage.list')
    expect(verb).toMatchObject({ kind: SpanKind.INTERNAL, attributes: { 'billfold.operation': 'usage.list' } })
    expect(verb?.parentSpanContext?.spanId).toBe(server?.spanContext().spanId)
    expect(lines).toEqual([
      {
        level: 'info',
        message: 'request',
        method: 'GET',
        route: '/api/billing/account/{organization_id}/usage',
        status: 200,
        durationMs: expect.any(Number),
        requestId: expect.any(String),
      },
    ])
  })

  it('S31 what a provider is asked is a span of its own, within the verb that asks', async () => {
    const sale = { accountId, kind: 'credits', amount: '10', idempotencyKey: 'c' } as const
    const { url } = await world.billing.createCheckout({
      ...sale,
      successUrl: 'https://app.example/s',
      cancelUrl: 'https://app.example/c',
    })
    expect(url).toMatch(/^http/)
    const call = named('stripe checkout.create')
    expect(call).toMatchObject({
      kind: SpanKind.CLIENT,
      attributes: { 'billfold.provider': 'stripe', 'billfold.operation': 'checkout.create' },
    })
    expect(call?.parentSpanContext?.spanId).toBe(named('createCheckout')?.spanContext().spanId)
  })

  it('S31 what fails has its code and none of its words; nothing there has no route', async () => {
    await world.ask('GET', '/nothing/here')
    expect(named('GET')?.attributes).toEqual({
      'http.request.method': 'GET',
      'url.scheme': 'https',
      'http.response.status_code': 404,
    })
    await world.billing.accounts.get({ accountId: 'nobody' }).catch(() => {})
    const failed = named('accounts.get')
    expect(failed?.status).toEqual({ code: SpanStatusCode.ERROR })
    expect(failed?.attributes['error.type']).toBe('not_found')
    expect(failed?.events).toEqual([])
  })

  it('S31 deliveries are spans and are counted by what came of them', async () => {
    await world.billing.credits.grant({ accountId, amount: '1', reason: 'gift', idempotencyKey: 'g' })
    await world.billing.sync.flush()
    expect(named('send consumer:app')).toMatchObject({
      kind: SpanKind.PRODUCER,
      attributes: { 'messaging.destination.name': 'consumer:app', 'error.type': 'retry' },
    })
    expect(lines.filter(({ message }) => message !== 'request')).toEqual([
      { level: 'error', message: 'background', where: 'consumer app', code: 'internal_error', error: 'Error' },
      { level: 'info', message: 'delivery', destination: 'consumer:app', delivered: 0, postponed: 1, parked: 0 },
    ])
    const sent = (await metrics()).find(({ name }) => name === 'messaging.client.sent.messages')
    expect(sent?.points).toContainEqual(
      expect.objectContaining({
        value: 1,
        attributes: expect.objectContaining({ 'messaging.destination.name': 'consumer:app', 'error.type': 'retry' }),
      }),
    )
  })

  it('S31 metrics have the names and units of the conventions, and no id in their attributes', async () => {
    await world.ask('GET', `/account/${accountId}/usage`)
    await world.ask('GET', '/invoices/in_of_nobody')
    const found = await metrics()
    expect(found.map(({ name, unit }) => `${name} ${unit}`).sort()).toEqual([
      'billfold.operation.duration s',
      'billfold.provider.operation.duration s',
      'http.server.request.duration s',
      'messaging.client.operation.duration s',
      'messaging.client.sent.messages {message}',
    ])
    const values = found.flatMap(({ points }) => points.flatMap(({ attributes }) => Object.values(attributes)))
    expect(values).toContain('/api/billing/invoices/{invoice_id}')
    for (const value of values) expect(String(value)).not.toMatch(/acme|in_of_nobody|@|_[0-9a-f]{12}/)
  })

  it('S31 what is answered is what is answered without it', async () => {
    const plain = await openWorld()
    try {
      const [measured, unmeasured] = [await world.ask('GET', '/plans'), await plain.ask('GET', '/plans')]
      expect(measured.body).toEqual(unmeasured.body)
      expect(Object.keys(world.billing).sort()).toEqual(Object.keys(plain.billing).sort())
    } finally {
      await plain.close()
    }
    expect(trace.getActiveSpan()).toBeUndefined()
  })
})
