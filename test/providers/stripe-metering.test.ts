import StripeSdk from 'stripe'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { UsageReport } from '../../src/core/ports/capabilities/metering.js'
import { type StripeProvider, type StripeProviderOptions, stripeProvider } from '../../src/providers/stripe/index.js'
import type { Sandbox } from '../../src/testing/sandbox/sandbox.js'
import { makeMeters, meterTotal, stripeClient, timedSandbox } from './sandboxed.js'

const minuteMs = 60_000
const dayMs = 86_400_000
const delivered = { status: 'delivered' }
const onMeterEvents = { method: 'POST', pathIncludes: '/v1/billing/meter_events' }
let box: Sandbox & { now(): number }
let stripe: StripeProvider
let customerId: string

beforeEach(async () => {
  box = await timedSandbox()
  stripe = stripeProvider({ client: stripeClient(box) })
  await makeMeters(stripe, ['sparks'])
  const account = { accountId: 'acc_1', email: null, name: null }
  customerId = (await stripe.customers.create(account, { idempotencyKey: 'cus:acc_1' })).externalId
})
afterEach(() => box.close())

const report = (identifier: string, sparks: bigint, given: Partial<UsageReport> = {}): UsageReport => ({
  identifier,
  customerId,
  meter: 'sparks',
  sparks,
  occurredAt: box.now() - minuteMs,
  ...given,
})

const send = (...reports: readonly UsageReport[]) => stripe.metering.report(reports, {})

describe('a report', () => {
  it('S1.1 arrives as one event of whole Sparks, at its time, under its identifier', async () => {
    const bodies: URLSearchParams[] = []
    const recording = stripeProvider({ client: recorded(bodies) })
    const occurredAt = box.now() - minuteMs
    expect(await recording.metering.report([report('r1', 1234n, { occurredAt })], {})).toEqual([delivered])
    expect(Object.fromEntries(bodies[0] ?? [])).toEqual({
      event_name: 'billfold_sparks',
      identifier: 'r1',
      timestamp: String(Math.floor(occurredAt / 1000)),
      'payload[stripe_customer_id]': customerId,
      'payload[value]': '1234',
    })
  })

  it('S1.1 that Stripe has already is delivered: it is an error to Stripe, and a success to us', async () => {
    const frozen = report('r1', 5n)
    expect(await send(frozen)).toEqual([delivered])
    expect(await send(frozen, frozen)).toEqual([delivered, delivered])
    expect(await meterTotal(box, 'billfold_sparks')).toMatchObject({ sum: '5', count: 1 })
  })

  it('S1.1 whose answer was lost is unknown or known to be there, and counts once', async () => {
    box.faults.inject({ match: onMeterEvents, kind: 'reset_after', times: 2 })
    const frozen = report('r1', 5n)
    const [first] = await send(frozen)
    expect(['unknown', 'delivered']).toContain(first?.status)
    expect(await send(frozen)).toEqual([delivered])
    expect(await meterTotal(box, 'billfold_sparks')).toMatchObject({ sum: '5', count: 1 })
  })

  it('S1.1 heals after a 500, since it is not sent under a key that would replay it', async () => {
    for (const kind of ['status', 'status_after'] as const) {
      box.faults.inject({ match: onMeterEvents, kind, status: 500 })
      const frozen = report(kind, 5n)
      expect(await send(frozen)).toMatchObject([{ status: 'unknown' }])
      expect(await send(frozen)).toEqual([delivered])
    }
    expect(await meterTotal(box, 'billfold_sparks')).toMatchObject({ sum: '10', count: 2 })
  })

  it('S1.1 that comes too fast is sent again after the time Stripe asks for, an hour at most', async () => {
    const table = [
      ['5', 5000],
      ['-5', 0],
      ['100000000', 3_600_000],
    ] as const
    for (const [wait, retryAfterMs] of table) {
      box.faults.inject({ match: onMeterEvents, kind: 'status', status: 429, headers: { 'retry-after': wait } })
      expect(await send(report('r1', 1n))).toMatchObject([{ status: 'retry', retryAfterMs }])
    }
    box.faults.inject({ match: onMeterEvents, kind: 'status', status: 429 })
    const [outcome] = await send(report('r1', 1n))
    expect(outcome).toMatchObject({ status: 'retry' })
    expect(outcome).not.toHaveProperty('retryAfterMs')
  })

  it('S1.1 that nobody was there to take is sent again', async () => {
    const gone = await timedSandbox()
    await gone.close()
    stripe = stripeProvider({ client: stripeClient(gone) })
    expect(await send(report('r1', 1n))).toMatchObject([{ status: 'retry' }])
  })

  it('S1.1 that Stripe did not answer in time is unknown', async () => {
    stripe = stripeProvider({ client: stripeClient(box, { timeout: 200 }) })
    box.faults.inject({ match: onMeterEvents, kind: 'hang' })
    expect(await send(report('r1', 1n))).toMatchObject([{ status: 'unknown' }])
  })

  it('S1.1 that was aborted is unknown on its way, and sent again when it had not gone', async () => {
    const controller = new AbortController()
    box.faults.inject({ match: onMeterEvents, kind: 'hang' })
    const outcomes = stripe.metering.report([report('r1', 1n), report('r2', 1n)], { signal: controller.signal })
    setTimeout(() => controller.abort(), 50)
    expect(await outcomes).toMatchObject([{ status: 'unknown' }, { status: 'retry' }])
    expect(await stripe.metering.report([report('r3', 1n)], { signal: controller.signal })).toMatchObject([
      { status: 'retry' },
    ])
    expect(await meterTotal(box, 'billfold_sparks')).toMatchObject({ count: 0 })
  })

  it('S1.1 that can never be billed is rejected with the reason, and nothing beside it suffers', async () => {
    const outcomes = await send(
      report('ok-1', 1n),
      report('digits', 10n ** 15n),
      report('old', 1n, { occurredAt: box.now() - 36 * dayMs }),
      report('meter', 1n, { meter: 'unheard_of' }),
      report('customer', 1n, { customerId: 'cus_none' }),
      report('', 1n),
      report('x'.repeat(101), 1n),
      report('time', 1n, { occurredAt: Number.NaN }),
      report('ok-2', 10n ** 15n - 1n),
    )
    expect(outcomes.map(({ status }) => status)).toEqual([
      'delivered',
      'rejected',
      'rejected',
      'rejected',
      'rejected',
      'rejected',
      'rejected',
      'rejected',
      'delivered',
    ])
    expect(outcomes[2]).toMatchObject({ reason: expect.stringContaining('timestamp_too_far_in_past') })
    expect(outcomes[3]).toMatchObject({ reason: expect.stringContaining('no_meter') })
    expect(outcomes[4]).toMatchObject({ reason: expect.stringContaining('meter_event_customer_not_found') })
  })

  it('S1.1 from ahead of Stripe’s clock is sent again, since it will be taken', async () => {
    const early = report('r1', 1n, { occurredAt: box.now() + 10 * minuteMs })
    expect(await send(early)).toMatchObject([{ status: 'retry', retryAfterMs: minuteMs }])
    box.advance(6 * minuteMs)
    expect(await send(early)).toEqual([delivered])
  })

  it('S1.1 with a wrong key is not rejected: the whole lane stops', async () => {
    const wrong = stripeProvider({
      client: stripeClient({ ...box, stripe: { ...box.stripe, apiKey: 'sk_test_wrong' } }),
    })
    await expect(wrong.metering.report([report('r1', 1n), report('r2', 1n)], {})).rejects.toMatchObject({
      code: 'provider_authentication',
    })
  })
})

describe('many reports', () => {
  it('S1.1 have one outcome each, in order, whatever becomes of one of them', async () => {
    box.faults.inject({ match: onMeterEvents, kind: 'status', status: 500, skip: 3 })
    const outcomes = await send(...Array.from({ length: 40 }, (_, index) => report(`r${index}`, 1n)))
    expect(outcomes.map(({ status }) => status)).toEqual(
      Array.from({ length: 40 }, (_, index) => (index === 3 ? 'unknown' : 'delivered')),
    )
  })

  it('S1.1 go one at a time for a customer and meter, and sixteen at a time in all', async () => {
    const traffic = watched()
    const metering = stripeProvider({ client: traffic.client }).metering
    const reports = Array.from({ length: 120 }, (_, index) =>
      report(`r${index}`, 1n, { customerId: `cus_${index % 40}` }),
    )
    await Promise.all([metering.report(reports.slice(0, 60), {}), metering.report(reports.slice(60), {})])
    expect(traffic.most).toBe(16)
    expect(traffic.mostOfOneCustomer).toBe(1)
    expect(traffic.requests).toBe(120)
  })

  it('S1.1 stop at the first that is refused for the key', async () => {
    const traffic = watched(401)
    const metering = stripeProvider({ client: traffic.client }).metering
    const reports = Array.from({ length: 100 }, (_, index) => report(`r${index}`, 1n, { customerId: `cus_${index}` }))
    await expect(metering.report(reports, {})).rejects.toMatchObject({ code: 'provider_authentication' })
    expect(traffic.requests).toBeLessThanOrEqual(16)
  })
})

describe('what was counted', () => {
  const hour = () => {
    const to = Math.floor(box.now() / minuteMs) * minuteMs + minuteMs
    return { from: to - 60 * minuteMs, to }
  }
  const total = (given: object = {}) =>
    stripe['usage-reports'].total({ customerId, meter: 'sparks', ...hour(), ...given }, {})

  it('S1.1 is read back exactly', async () => {
    await send(report('r1', 999_999_999_999_999n), report('r2', 1n), report('r3', -7n))
    expect(await total()).toEqual({ sparks: 999_999_999_999_993n })
  })

  it('S1.1 is nothing where nothing was reported', async () => {
    expect(await total()).toEqual({ sparks: 0n })
  })

  it('S1.1 is refused when the number has lost digits on its way, or has a fraction', async () => {
    for (const value of [2 ** 53, -(2 ** 53), 1.5]) {
      stripe = stripeProvider({ client: answering(value) })
      await expect(total()).rejects.toMatchObject({ code: 'provider_response_invalid', details: { value } })
    }
  })

  it('S1.1 is asked for in whole minutes that go forward', async () => {
    const { from, to } = hour()
    for (const range of [{ from: from + 1 }, { to: to - 1 }, { to: from }, { from: to, to: from }]) {
      await expect(total(range)).rejects.toMatchObject({ code: 'invalid_range' })
    }
  })

  it('S1.1 cannot be read for a meter or a customer that Stripe does not have', async () => {
    await expect(total({ meter: 'unheard_of' })).rejects.toMatchObject({ code: 'not_found' })
    await expect(total({ customerId: 'cus_none' })).rejects.toMatchObject({ code: 'provider_rejected' })
  })

  it('S1.1 looks the meter up once', async () => {
    const bodies: URLSearchParams[] = []
    const paths: string[] = []
    stripe = stripeProvider({ client: recorded(bodies, paths) })
    await total()
    await total()
    expect(paths.filter((path) => path.startsWith('/v1/billing/meters?'))).toHaveLength(1)
  })
})

describe('setting up meters', () => {
  const all = async () => (await stripe.client.billing.meters.list({ limit: 100 })).data

  it('S1.1 creates those that are missing, once, also from several processes', async () => {
    const names = ['sparks', 'tokens', 'tokens', 'minutes']
    await Promise.all([1, 2, 3].map(() => makeMeters(stripeProvider({ client: stripeClient(box) }), names)))
    await makeMeters(stripe, names)
    expect((await all()).map((meter) => meter.event_name).sort()).toEqual([
      'billfold_minutes',
      'billfold_sparks',
      'billfold_tokens',
    ])
    expect((await all())[0]).toMatchObject({
      default_aggregation: { formula: 'sum' },
      customer_mapping: { type: 'by_id', event_payload_key: 'stripe_customer_id' },
      value_settings: { event_payload_key: 'value' },
    })
  })

  it('S1.1 takes the event names it was given, and those alone', async () => {
    const meters: StripeProviderOptions['meters'] = { tokens: 'acme.tokens' }
    stripe = stripeProvider({ client: stripe.client, meters })
    await makeMeters(stripe, ['tokens', 'constructor'])
    expect((await all()).map((meter) => meter.event_name).sort()).toEqual([
      'acme.tokens',
      'billfold_constructor',
      'billfold_sparks',
    ])
    expect(await send(report('r1', 3n, { meter: 'tokens' }))).toEqual([delivered])
    expect(await meterTotal(box, 'acme.tokens')).toMatchObject({ sum: '3' })
  })

  it('S1.1 finds meters beyond the first page', async () => {
    const names = Array.from({ length: 105 }, (_, index) => `m${index}`)
    await makeMeters(stripe, names)
    await makeMeters(stripe, names)
    const listed = await stripe.client.billing.meters.list({ limit: 100 }).autoPagingToArray({ limit: 1000 })
    expect(listed).toHaveLength(106)
  })

  it('S1.1 succeeds when the answer to a create was lost', async () => {
    box.faults.inject({
      match: { method: 'POST', pathIncludes: '/v1/billing/meters' },
      kind: 'status_after',
      status: 500,
    })
    await makeMeters(stripe, ['tokens'])
    expect((await all()).map((meter) => meter.event_name)).toContain('billfold_tokens')
  })

  it('S1.1 refuses a meter that counts in another way: its bills would be wrong', async () => {
    await stripe.client.billing.meters.create({
      display_name: 'Calls',
      event_name: 'billfold_calls',
      default_aggregation: { formula: 'count' },
    })
    await expect(makeMeters(stripe, ['calls'])).rejects.toMatchObject({ code: 'config_invalid' })
  })
})

/** The SDK on a `fetch` of our own. */
function clientOn(fetchFunction: typeof fetch) {
  return stripeClient(box, { httpClient: StripeSdk.createFetchHttpClient(fetchFunction) })
}

function recorded(bodies: URLSearchParams[], paths: string[] = []) {
  return clientOn((url, init) => {
    const { pathname, search } = new URL(String(url))
    paths.push(pathname + search)
    bodies.push(new URLSearchParams(String(init?.body ?? '')))
    return fetch(url, init)
  })
}

/** Counts what is under way, and answers `status` after a moment. */
function watched(status = 200) {
  const underWay = new Map<string, number>()
  const sum = () => [...underWay.values()].reduce((total, count) => total + count, 0)
  const traffic = {
    most: 0,
    mostOfOneCustomer: 0,
    requests: 0,
    client: clientOn(async (_, init) => {
      const key = new URLSearchParams(String(init?.body)).get('payload[stripe_customer_id]') ?? ''
      underWay.set(key, (underWay.get(key) ?? 0) + 1)
      traffic.requests += 1
      traffic.most = Math.max(traffic.most, sum())
      traffic.mostOfOneCustomer = Math.max(traffic.mostOfOneCustomer, underWay.get(key) ?? 0)
      await new Promise((resolve) => setTimeout(resolve, 2))
      underWay.set(key, (underWay.get(key) ?? 0) - 1)
      return Response.json(status === 200 ? {} : { error: { message: 'No.' } }, { status })
    }),
  }
  return traffic
}

/** Answers every sum with `value`. */
function answering(value: number) {
  return clientOn(async (url, init) => {
    if (!String(url).includes('/event_summaries')) return fetch(url, init)
    return Response.json({
      object: 'list',
      data: [{ id: 's1', start_time: 0, aggregated_value: value }],
      has_more: false,
    })
  })
}
