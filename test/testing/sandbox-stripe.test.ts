import Stripe from 'stripe'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from '../../src/testing/sandbox/sandbox.js'

const hourMs = 60 * 60 * 1000
const dayMs = 24 * hourMs
let box: Sandbox
let stripe: Stripe

beforeEach(async () => {
  box = await sandbox()
  stripe = clientOf(box)
})
afterEach(() => box.close())

describe('customers, products and prices', () => {
  it('C4 deletes a product that has no prices', async () => {
    const { id: product } = await stripe.products.create({ name: 'Pro' })
    expect(await stripe.products.del(product)).toEqual(
      expect.objectContaining({ id: product, object: 'product', deleted: true }),
    )
    await expect(stripe.products.retrieve(product)).rejects.toMatchObject({ code: 'resource_missing' })
    expect((await stripe.events.list()).data[0]?.type).toBe('product.deleted')
    const priced = await stripe.products.create({
      name: 'Team',
      default_price_data: { currency: 'usd', unit_amount: 100 },
    })
    await expect(stripe.products.del(priced.id)).rejects.toMatchObject({ statusCode: 400 })
  })

  it('C4 keeps a customer through create, update, list by e-mail and delete', async () => {
    const { id } = await stripe.customers.create({ email: 'ada@example.com', metadata: { account: 'a1', keep: 'x' } })
    const updated = await stripe.customers.update(id, { name: 'Ada', metadata: { keep: '' } })
    expect(updated).toMatchObject({ name: 'Ada', email: 'ada@example.com', metadata: { account: 'a1' } })
    expect(updated.metadata).not.toHaveProperty('keep')
    await stripe.customers.create({ email: 'bob@example.com' })
    const { data } = await stripe.customers.list({ email: 'ada@example.com' })
    expect(data.map((customer) => customer.id)).toEqual([id])
    expect(await stripe.customers.del(id)).toMatchObject({ id, deleted: true })
    expect(await stripe.customers.retrieve(id)).toMatchObject({ deleted: true })
  })

  it('C4 pages through a list with the cursor, newest first', async () => {
    const created: string[] = []
    for (let index = 0; index < 7; index += 1) created.push((await stripe.customers.create({ name: `c${index}` })).id)
    const listed = await stripe.customers.list({ limit: 3 }).autoPagingToArray({ limit: 100 })
    expect(listed.map((customer) => customer.id)).toEqual(created.reverse())
    const first = await stripe.customers.list({ limit: 7 })
    expect(first.has_more).toBe(false)
  })

  it('C4 answers decimal unit amounts the SDK can read', async () => {
    const meter = await createMeter()
    const product = await stripe.products.create({ name: 'Sparks' })
    const price = await stripe.prices.create({
      product: product.id,
      currency: 'usd',
      unit_amount_decimal: Stripe.Decimal.from('0.004'),
      recurring: { interval: 'month', usage_type: 'metered', meter: meter.id },
    })
    expect(price.unit_amount).toBeNull()
    expect(price.unit_amount_decimal?.toString()).toBe('0.004')
    const expanded = await stripe.prices.retrieve(price.id, { expand: ['product'] })
    expect(expanded.product).toMatchObject({ id: product.id, name: 'Sparks' })
  })
})

describe('lookup keys', () => {
  it('C4 name one price, and move to another when asked to', async () => {
    const product = await stripe.products.create({ name: 'Pro' })
    const create = (transfer: boolean) =>
      stripe.prices.create({
        product: product.id,
        currency: 'usd',
        unit_amount: 100,
        lookup_key: 'pro',
        ...(transfer ? { transfer_lookup_key: true } : {}),
      })
    const first = await create(false)
    await expect(create(false)).rejects.toMatchObject({ statusCode: 400, param: 'lookup_key' })
    const second = await create(true)
    expect((await stripe.prices.list({ lookup_keys: ['pro'] })).data.map(({ id }) => id)).toEqual([second.id])
    expect((await stripe.prices.retrieve(first.id)).lookup_key).toBeNull()
  })
})

describe('refusals', () => {
  it('C4 refuses a wrong key with 401', async () => {
    const wrong = new Stripe('sk_test_wrong', { ...hostOf(box), maxNetworkRetries: 0 })
    await expect(wrong.customers.list()).rejects.toBeInstanceOf(Stripe.errors.StripeAuthenticationError)
  })

  it('C4 names the parameter that is unknown, missing or malformed', async () => {
    const bad = { nonsense: 1 } as unknown as Stripe.CustomerCreateParams
    await expect(stripe.customers.create(bad)).rejects.toMatchObject({
      statusCode: 400,
      code: 'parameter_unknown',
      param: 'nonsense',
    })
    const nameless = {} as unknown as Stripe.ProductCreateParams
    await expect(stripe.products.create(nameless)).rejects.toMatchObject({ code: 'parameter_missing', param: 'name' })
    const nested = {
      line_items: [{ price_data: { currency: 'usd', product_data: { description: 'x' } }, quantity: 1 }],
    }
    await expect(
      stripe.checkout.sessions.create({
        mode: 'payment',
        success_url: 'https://a.test',
        ...nested,
      } as unknown as Stripe.Checkout.SessionCreateParams),
    ).rejects.toMatchObject({ code: 'parameter_missing', param: 'line_items[0][price_data][product_data][name]' })
    await expect(
      stripe.checkout.sessions.create({
        mode: 'setup',
        currency: 'usd',
        success_url: 'https://a.test',
        payment_method_types: ['card'],
      } as unknown as Stripe.Checkout.SessionCreateParams),
    ).rejects.toMatchObject({ code: 'parameter_unknown', param: 'payment_method_types' })
    await expect(stripe.customers.list({ limit: 101 })).rejects.toMatchObject({ param: 'limit' })
  })

  it('C4 answers 404 for an unknown id in the address and 400 for one in the parameters', async () => {
    await expect(stripe.customers.retrieve('cus_none')).rejects.toMatchObject({
      statusCode: 404,
      code: 'resource_missing',
    })
    await expect(stripe.billingPortal.sessions.create({ customer: 'cus_none' })).rejects.toMatchObject({
      statusCode: 400,
      code: 'resource_missing',
      param: 'customer',
    })
    await expect(stripe.rawRequest('GET', '/v1/nothing')).rejects.toMatchObject({
      statusCode: 404,
      type: 'StripeInvalidRequestError',
    })
  })

  it('C4 sends a request id with every answer', async () => {
    const { lastResponse } = await stripe.customers.create({})
    expect(lastResponse.requestId).toMatch(/^req_/)
  })

  it('C4 takes __proto__ for a parameter like any other', async () => {
    const answer = await fetch(`${box.url}/v1/customers`, {
      method: 'POST',
      headers: { authorization: `Bearer ${box.stripe.apiKey}`, 'content-type': 'application/x-www-form-urlencoded' },
      body: '__proto__[polluted]=1',
    })
    expect(answer.status).toBe(400)
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })
})

describe('idempotency keys', () => {
  it('C4 replays the answer for the same key and parameters', async () => {
    const first = await stripe.customers.create({ name: 'Once' }, { idempotencyKey: 'k1' })
    const again = await stripe.customers.create({ name: 'Once' }, { idempotencyKey: 'k1' })
    expect(again.id).toBe(first.id)
    expect(again.lastResponse.headers['idempotent-replayed']).toBe('true')
    expect((await stripe.customers.list()).data).toHaveLength(1)
  })

  it('C4 refuses the same key with other parameters, and elsewhere', async () => {
    await stripe.customers.create({ name: 'One' }, { idempotencyKey: 'k1' })
    await expect(stripe.customers.create({ name: 'Two' }, { idempotencyKey: 'k1' })).rejects.toMatchObject({
      statusCode: 400,
      rawType: 'idempotency_error',
    })
    const name = 'One'
    await expect(stripe.products.create({ name }, { idempotencyKey: 'k1' })).rejects.toMatchObject({
      rawType: 'idempotency_error',
      message: expect.stringContaining("('/v1/products' vs '/v1/customers')"),
    })
  })

  it('C4 answers 409 while a request with the same key is at work', async () => {
    box.faults.inject({ match: { pathIncludes: '/v1/customers' }, kind: 'delay', delayMs: 200 })
    const slow = stripe.customers.create({ name: 'Slow' }, { idempotencyKey: 'k1' })
    await new Promise((resolve) => setTimeout(resolve, 50))
    await expect(stripe.customers.create({ name: 'Slow' }, { idempotencyKey: 'k1' })).rejects.toMatchObject({
      statusCode: 409,
      code: 'idempotency_key_in_use',
    })
    await slow
  })

  it('C4 replays a stored 500, so that the same key never heals', async () => {
    box.faults.inject({ match: { method: 'POST', pathIncludes: '/v1/customers' }, kind: 'status', status: 500 })
    const create = (key: string) => stripe.customers.create({ name: 'Unlucky' }, { idempotencyKey: key })
    await expect(create('k1')).rejects.toMatchObject({ statusCode: 500 })
    await expect(create('k1')).rejects.toMatchObject({ statusCode: 500 })
    expect((await create('k2')).name).toBe('Unlucky')
  })

  it('C4 forgets a key after 24 hours: the same request then makes a second object', async () => {
    const first = await stripe.customers.create({}, { idempotencyKey: 'k1' })
    box.advance(dayMs - 1000)
    expect((await stripe.customers.create({}, { idempotencyKey: 'k1' })).id).toBe(first.id)
    box.advance(hourMs)
    expect((await stripe.customers.create({}, { idempotencyKey: 'k1' })).id).not.toBe(first.id)
  })

  it('C4 does not store a refused parameter', async () => {
    const bad = { nonsense: 1 } as unknown as Stripe.CustomerCreateParams
    await expect(stripe.customers.create(bad, { idempotencyKey: 'k1' })).rejects.toMatchObject({
      code: 'parameter_unknown',
    })
    await expect(stripe.customers.create({}, { idempotencyKey: 'k1' })).resolves.toBeDefined()
  })
})

describe('meters', () => {
  it('S1.1 allows one active meter for an event name', async () => {
    const meter = await createMeter()
    await expect(createMeter()).rejects.toMatchObject({ statusCode: 400, param: 'event_name' })
    await stripe.billing.meters.deactivate(meter.id)
    const second = await createMeter()
    await expect(stripe.billing.meters.reactivate(meter.id)).rejects.toMatchObject({ statusCode: 400 })
    expect((await stripe.billing.meters.list({ status: 'active' })).data.map(({ id }) => id)).toEqual([second.id])
    expect(await stripe.billing.meters.update(second.id, { display_name: 'New' })).toMatchObject({
      display_name: 'New',
    })
  })

  it('S1.1 counts an event once and refuses its identifier for 24 hours, without inviting a retry', async () => {
    const { send, total } = await metered()
    await send('e1', '5')
    await expect(send('e1', '5')).rejects.toMatchObject({
      statusCode: 400,
      type: 'StripeInvalidRequestError',
      message: expect.stringContaining('An event already exists with identifier e1'),
      headers: expect.objectContaining({ 'stripe-should-retry': 'false' }),
    })
    expect(await total()).toMatchObject({ sum: '5', count: 1 })
    box.advance(dayMs + 1000)
    await send('e1', '5')
    expect(await total()).toMatchObject({ sum: '10', count: 2 })
  })

  it('S1.1 refuses what cannot be billed: values, times, customers, meters', async () => {
    const { send, customer } = await metered()
    const now = Math.floor(Date.now() / 1000)
    await expect(send('a', 'many')).rejects.toMatchObject({ code: 'meter_event_invalid_value' })
    await expect(send('b', '1234567890123456')).rejects.toMatchObject({ code: 'meter_event_value_too_many_digits' })
    await expect(send('c', '1', now - 36 * 86_400)).rejects.toMatchObject({ code: 'timestamp_too_far_in_past' })
    await expect(send('d', '1', now + 301 + 5)).rejects.toMatchObject({ code: 'timestamp_in_future' })
    await expect(send('x'.repeat(101), '1')).rejects.toMatchObject({ param: 'identifier' })
    await expect(
      stripe.billing.meterEvents.create({
        event_name: 'sparks',
        payload: { stripe_customer_id: 'cus_none', value: '1' },
      }),
    ).rejects.toMatchObject({ code: 'meter_event_customer_not_found' })
    await expect(
      stripe.billing.meterEvents.create({ event_name: 'none', payload: { stripe_customer_id: customer, value: '1' } }),
    ).rejects.toMatchObject({ code: 'no_meter' })
    await send('e', '123456789012345')
    await send('f', '-0.5')
  })

  it('S1.1 sums exactly and summarizes by hour and day', async () => {
    const { send, customer, meter } = await metered()
    const hour = Math.floor(Date.now() / hourMs) * 3600 - 7200
    await send('a', '0.1', hour + 10)
    await send('b', '0.2', hour + 20)
    await send('c', '7', hour + 3600)
    const whole = await stripe.billing.meters.listEventSummaries(meter.id, {
      customer,
      start_time: hour,
      end_time: hour + 7200,
    })
    expect(whole.data.map((summary) => summary.aggregated_value)).toEqual([7.3])
    const hourly = await stripe.billing.meters.listEventSummaries(meter.id, {
      customer,
      start_time: hour,
      end_time: hour + 7200,
      value_grouping_window: 'hour',
    })
    expect(hourly.data.map((summary) => [summary.start_time - hour, summary.aggregated_value])).toEqual([
      [3600, 7],
      [0, 0.3],
    ])
    await expect(
      stripe.billing.meters.listEventSummaries(meter.id, { customer, start_time: hour + 1, end_time: hour + 7200 }),
    ).rejects.toMatchObject({ param: 'start_time' })
  })

  it('S1.1 cancels an event within 24 hours only', async () => {
    const { send, total } = await metered()
    await send('a', '5')
    await send('b', '7')
    const cancel = (identifier: string) =>
      stripe.billing.meterEventAdjustments.create({ event_name: 'sparks', type: 'cancel', cancel: { identifier } })
    await cancel('a')
    expect(await total()).toMatchObject({ sum: '7', count: 1, cancelled: 1 })
    await expect(cancel('unknown')).rejects.toMatchObject({ code: 'resource_missing' })
    box.advance(dayMs)
    await expect(cancel('b')).rejects.toMatchObject({ statusCode: 400 })
  })

  it('S1.1 can accept what it will not bill and only report it', async () => {
    await box.close()
    box = await sandbox({ meterErrors: 'report' })
    stripe = clientOf(box)
    const { send, total } = await metered()
    await send('a', 'many')
    expect(await total()).toMatchObject({ sum: '0', count: 0, rejected: 1 })
  })

  it('S1.1 takes a burst of 1000 events, fifty at a time', async () => {
    const { send, total } = await metered()
    for (let start = 0; start < 1000; start += 50) {
      await Promise.all(Array.from({ length: 50 }, (_, index) => send(`burst-${start + index}`, '1')))
    }
    expect(await total()).toMatchObject({ sum: '1000', count: 1000 })
  })
})

async function createMeter() {
  return stripe.billing.meters.create({
    display_name: 'Sparks',
    event_name: 'sparks',
    default_aggregation: { formula: 'sum' },
  })
}

async function metered() {
  const meter = await createMeter()
  const { id: customer } = await stripe.customers.create({})
  const send = (identifier: string, value: string, timestamp?: number) =>
    stripe.billing.meterEvents.create({
      event_name: 'sparks',
      identifier,
      payload: { stripe_customer_id: customer, value },
      ...(timestamp === undefined ? {} : { timestamp }),
    })
  const total = async () =>
    (await fetch(`${box.url}/_sandbox/stripe/meters/sparks/total?customer=${customer}`)).json() as Promise<unknown>
  return { meter, customer, send, total }
}

function hostOf({ stripe: { host, port, protocol } }: Sandbox) {
  return { host, port, protocol, telemetry: false }
}

function clientOf(running: Sandbox): Stripe {
  return new Stripe(running.stripe.apiKey, { ...hostOf(running), maxNetworkRetries: 0 })
}
