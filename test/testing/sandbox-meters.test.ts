import Stripe from 'stripe'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Sandbox, type SandboxOptions, sandbox } from '../../src/testing/sandbox/sandbox.js'
import { stripeClient } from '../providers/sandboxed.js'
import { receiveWebhooks } from './webhook-receiver.js'

const start = Date.parse('2026-11-01T00:00:00Z')
const minuteMs = 60_000
let box: Sandbox
let stripe: Stripe

const open = async (options: SandboxOptions = {}) => {
  box = await sandbox({ now: () => start, ...options })
  stripe = stripeClient(box)
}
beforeEach(() => open())
afterEach(() => box.close())

describe('the meter event stream', () => {
  it('S1.1 takes a hundred events under a session of fifteen minutes, and looks at none of them', async () => {
    const { customer, total } = await metered()
    const session = await stripe.v2.billing.meterEventSession.create()
    expect(Date.parse(session.expires_at) - start).toBe(15 * minuteMs)
    const stream = streamClient(session.authentication_token)
    const events = Array.from({ length: 100 }, (_, index) => event(customer, `e${index}`, index === 7 ? 'many' : '2'))
    await stream.v2.billing.meterEventStream.create({ events })
    expect(await total()).toMatchObject({ sum: '198', count: 99, rejected: 1 })
    await stream.v2.billing.meterEventStream.create({ events: [event(customer, 'e0', '2')] })
    expect(await total()).toMatchObject({ sum: '198', count: 99 })
    await expect(
      stream.v2.billing.meterEventStream.create({ events: [...events, event(customer, 'one too many', '2')] }),
    ).rejects.toMatchObject({ statusCode: 400 })
    box.advance(15 * minuteMs)
    await expect(
      stream.v2.billing.meterEventStream.create({ events: [event(customer, 'late', '2')] }),
    ).rejects.toBeInstanceOf(Stripe.errors.TemporarySessionExpiredError)
    await expect(
      stripe.v2.billing.meterEventStream.create({ events: [event(customer, 'late', '2')] }),
    ).rejects.toMatchObject({ statusCode: 401 })
  })
})

describe('meter events', () => {
  it('S1.1 of the v2 kind are single, adjusted and refused like the others', async () => {
    const { customer, total } = await metered()
    const made = await stripe.v2.billing.meterEvents.create(event(customer, 'a', '5'))
    expect(made).toMatchObject({
      object: 'v2.billing.meter_event',
      identifier: 'a',
      timestamp: '2026-11-01T00:00:00.000Z',
    })
    await expect(stripe.v2.billing.meterEvents.create(event(customer, 'a', '5'))).rejects.toMatchObject({
      statusCode: 400,
      message: expect.stringContaining('An event already exists'),
    })
    await stripe.v2.billing.meterEvents.create(event(customer, 'b', '7'))
    const adjusted = await stripe.v2.billing.meterEventAdjustments.create({
      event_name: 'sparks',
      type: 'cancel',
      cancel: { identifier: 'a' },
    })
    expect(adjusted).toMatchObject({ object: 'v2.billing.meter_event_adjustment', status: 'pending' })
    expect(await total()).toMatchObject({ sum: '7', count: 1, cancelled: 1 })
  })

  it('S1.1 are counted a little later', async () => {
    await box.close()
    await open({ meterDelayMs: minuteMs })
    const { customer, meter, total } = await metered()
    await stripe.billing.meterEvents.create({ event_name: 'sparks', payload: payload(customer, '5') })
    expect(await total()).toMatchObject({ sum: '0', count: 0 })
    const summaries = () =>
      stripe.billing.meters.listEventSummaries(meter, {
        customer,
        start_time: start / 1000,
        end_time: start / 1000 + 60,
      })
    expect((await summaries()).data).toEqual([])
    box.advance(minuteMs)
    expect(await total()).toMatchObject({ sum: '5', count: 1 })
    expect((await summaries()).data.map((each) => each.aggregated_value)).toEqual([5])
  })

  it('S1.1 that cannot be counted are reported in thin events, by code, with a few samples', async () => {
    await box.close()
    // In real time: the SDK looks at the age of signatures.
    await open({ meterErrors: 'report', meterDelayMs: minuteMs, now: Date.now })
    const receiver = await receiveWebhooks()
    const destination = await stripe.v2.core.eventDestinations.create({
      name: 'app',
      type: 'webhook_endpoint',
      event_payload: 'thin',
      enabled_events: ['v1.billing.meter.error_report_triggered', 'v1.billing.meter.no_meter_found'],
      webhook_endpoint: { url: receiver.url },
      include: ['webhook_endpoint.signing_secret'],
    })
    const { customer, meter } = await metered()
    for (let index = 0; index < 12; index += 1) {
      await stripe.billing.meterEvents.create({
        event_name: 'sparks',
        identifier: `bad-${index}`,
        payload: payload(customer, 'many'),
      })
    }
    await stripe.billing.meterEvents.create({ event_name: 'sparks', identifier: 'who', payload: payload('cus_x', '1') })
    await stripe.billing.meterEvents.create({
      event_name: 'other',
      identifier: 'what',
      payload: payload(customer, '1'),
    })
    await box.flushWebhooks()
    expect(receiver.received).toEqual([])
    box.advance(minuteMs)
    await box.flushWebhooks()
    const secret = destination.webhook_endpoint?.signing_secret ?? ''
    const told = receiver.received.map(({ body, signature }) => stripe.parseEventNotification(body, signature, secret))
    expect(told.map(({ type }) => type).sort()).toEqual([
      'v1.billing.meter.error_report_triggered',
      'v1.billing.meter.no_meter_found',
    ])
    for (const notification of told) {
      if (notification.type === 'v1.billing.meter.error_report_triggered') {
        expect((await notification.fetchRelatedObject()).id).toBe(meter)
        const { data } = await notification.fetchEvent()
        expect(data.reason.error_count).toBe(13)
        expect(data.reason.error_types.map(({ code, error_count }) => [code, error_count])).toEqual([
          ['meter_event_invalid_value', 12],
          ['meter_event_customer_not_found', 1],
        ])
        expect(data.reason.error_types[0]?.sample_errors).toHaveLength(10)
        expect(data.reason.error_types[0]?.sample_errors[0]?.request.identifier).toBe('bad-0')
      } else if (notification.type === 'v1.billing.meter.no_meter_found') {
        const { data } = await notification.fetchEvent()
        expect(data.reason.error_types[0]).toMatchObject({ code: 'no_meter', error_count: 1 })
      }
    }
    box.advance(minuteMs)
    await box.flushWebhooks()
    expect(receiver.received).toHaveLength(2)
    await receiver.close()
  })

  it('S1.1 of one customer and meter come one at a time', async () => {
    const { customer } = await metered()
    const other = (await stripe.customers.create({})).id
    box.faults.inject({ match: { pathIncludes: '/meter_events' }, kind: 'delay', delayMs: 150 })
    const send = (to: string) => stripe.billing.meterEvents.create({ event_name: 'sparks', payload: payload(to, '1') })
    const slow = send(customer)
    await new Promise((resolve) => setTimeout(resolve, 50))
    await expect(send(customer)).rejects.toMatchObject({
      statusCode: 429,
      type: 'StripeRateLimitError',
      headers: expect.objectContaining({ 'retry-after': '1' }),
    })
    await send(other)
    await slow
    await send(customer)
  })

  it('S1.1 are limited in number by the second, and the answer says when to come back', async () => {
    await box.close()
    await open({ limits: { meterEventsPerSecond: 3 } })
    const { customer, total } = await metered()
    const send = (identifier: string) =>
      stripe.billing.meterEvents.create({ event_name: 'sparks', identifier, payload: payload(customer, '1') })
    for (const name of ['a', 'b', 'c']) await send(name)
    await expect(send('d')).rejects.toBeInstanceOf(Stripe.errors.StripeRateLimitError)
    box.advance(1000)
    await send('d')
    expect(await total()).toMatchObject({ count: 4 })
    await box.close()
    await open({ limits: { requestsPerSecond: 2 } })
    await stripe.customers.list()
    await stripe.customers.list()
    await expect(stripe.customers.list()).rejects.toMatchObject({ statusCode: 429 })
  })
})

describe('idempotency of the v2 API', () => {
  it('S4.3 keeps keys for thirty days, and does failed work again', async () => {
    const { customer, total } = await metered()
    const send = (identifier: string, key: string) =>
      stripe.v2.billing.meterEvents.create(event(customer, identifier, '1'), { idempotencyKey: key })
    await send('a', 'k1')
    box.advance(29 * 24 * 60 * minuteMs)
    expect((await send('a', 'k1')).lastResponse.headers['idempotent-replayed']).toBe('true')
    await expect(send('b', 'k1')).rejects.toMatchObject({ statusCode: 400 })
    expect(await total()).toMatchObject({ count: 1 })
    box.faults.inject({ match: { pathIncludes: '/v2/billing/meter_events' }, kind: 'status', status: 500 })
    await expect(send('c', 'k2')).rejects.toMatchObject({ statusCode: 500 })
    await send('c', 'k2')
    expect(await total()).toMatchObject({ count: 2 })
  })
})

describe('test clocks', () => {
  it('S1.5 have a time of their own, in which subscriptions renew', async () => {
    const frozen = Date.parse('2027-01-01T00:00:00Z') / 1000
    const clock = await stripe.testHelpers.testClocks.create({ frozen_time: frozen, name: 'renewals' })
    const { id: customer } = await stripe.customers.create({ test_clock: clock.id })
    const { id: method } = await stripe.paymentMethods.attach('pm_card_visa', { customer })
    const product = await stripe.products.create({ name: 'Pro' })
    const price = await stripe.prices.create({
      product: product.id,
      currency: 'usd',
      unit_amount: 1000,
      recurring: { interval: 'month' },
    })
    const made = await stripe.subscriptions.create({
      customer,
      items: [{ price: price.id }],
      default_payment_method: method,
    })
    expect(made).toMatchObject({ test_clock: clock.id, created: frozen, status: 'active' })
    expect((await stripe.customers.list()).data).toEqual([])
    expect((await stripe.customers.list({ test_clock: clock.id })).data).toHaveLength(1)
    await stripe.testHelpers.testClocks.advance(clock.id, { frozen_time: Date.parse('2027-01-15T00:00:00Z') / 1000 })
    const advancing = await stripe.testHelpers.testClocks.advance(clock.id, {
      frozen_time: Date.parse('2027-03-02T00:00:00Z') / 1000,
    })
    expect(advancing.status).toBe('advancing')
    expect(await stripe.testHelpers.testClocks.retrieve(clock.id)).toMatchObject({
      status: 'ready',
      frozen_time: Date.parse('2027-03-02T00:00:00Z') / 1000,
    })
    const { data } = await stripe.invoices.list({ customer })
    expect(data.map(({ created, status }) => [new Date(created * 1000).toISOString().slice(0, 10), status])).toEqual([
      ['2027-03-01', 'paid'],
      ['2027-02-01', 'paid'],
      ['2027-01-01', 'paid'],
    ])
    await expect(stripe.testHelpers.testClocks.advance(clock.id, { frozen_time: frozen })).rejects.toMatchObject({
      statusCode: 400,
      param: 'frozen_time',
    })
    const types = (await stripe.events.list({ limit: 100 })).data.map(({ type }) => type)
    expect(types).toEqual(
      expect.arrayContaining(['test_helpers.test_clock.advancing', 'test_helpers.test_clock.ready']),
    )
    await stripe.testHelpers.testClocks.del(clock.id)
    expect((await stripe.subscriptions.retrieve(made.id)).status).toBe('canceled')
    await expect(stripe.testHelpers.testClocks.retrieve(clock.id)).rejects.toMatchObject({ statusCode: 404 })
  })
})

async function metered() {
  const { id: meter } = await stripe.billing.meters.create({
    display_name: 'Sparks',
    event_name: 'sparks',
    default_aggregation: { formula: 'sum' },
  })
  const { id: customer } = await stripe.customers.create({})
  const total = async () => (await fetch(`${box.url}/_sandbox/stripe/meters/sparks/total`)).json() as Promise<unknown>
  return { meter, customer, total }
}

function event(customer: string, identifier: string, value: string) {
  return { event_name: 'sparks', identifier, payload: payload(customer, value) }
}

function payload(customer: string, value: string) {
  return { stripe_customer_id: customer, value }
}

/** The session's token is the key of a client of its own. */
function streamClient(token: string): Stripe {
  return stripeClient({ ...box, stripe: { ...box.stripe, apiKey: token } })
}
