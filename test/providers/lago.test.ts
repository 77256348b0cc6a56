import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Client } from 'lago-javascript-client'
import Stripe from 'stripe'
import { afterAll, describe, expect, it } from 'vitest'
import { BillingError } from '../../src/core/errors.js'
import { lagoCall, part } from '../../src/providers/lago/call.js'
import { lagoFault, toBillingError } from '../../src/providers/lago/errors.js'
import { lagoProvider } from '../../src/providers/lago/index.js'
import { stripeProvider } from '../../src/providers/stripe/index.js'
import { lagoAt } from './lago-customer.js'
import { lagoClient, timedSandbox } from './sandboxed.js'

const box = await timedSandbox()
afterAll(() => box.close())

const thrownBy = (call: Promise<unknown>) =>
  call.then(
    () => undefined,
    (error: unknown) => error,
  )

describe('the door to Lago', () => {
  it('C4 turns the raw responses that the SDK throws into errors of ours, with what Lago said', async () => {
    const client = lagoClient(box)
    const raw = await thrownBy(client.customers.findCustomer('none'))
    expect(raw instanceof Error).toBe(false)
    const error = await thrownBy(
      lagoCall(client).read({}, (api, request) => api.customers.findCustomer('none', request)),
    )
    expect(BillingError.is(error)).toBe(true)
    expect(error).toMatchObject({
      code: 'not_found',
      details: { provider: 'lago', status: 404, code: 'customer_not_found' },
    })
    expect((error as BillingError).cause).toBeInstanceOf(Error)
  })

  const answered = (status: number, body: unknown = {}, headers = {}) =>
    Object.assign(new Response(null, { status, headers }), { error: body })
  const table: readonly (readonly [string, unknown, string, string])[] = [
    ['a wrong key', answered(401), 'provider_authentication', 'provider_authentication'],
    [
      'a feature that was not bought',
      answered(403, { code: 'feature_unavailable' }),
      'provider_rejected',
      'provider_rejected',
    ],
    ['an unknown id', answered(404, { code: 'plan_not_found' }), 'not_found', 'not_found'],
    ['an unknown address', answered(404, '<html>'), 'provider_rejected', 'provider_rejected'],
    ['a wrong state', answered(405, { code: 'not_allowed' }), 'provider_rejected', 'provider_rejected'],
    ['a refusal', answered(422, { code: 'validation_errors' }), 'provider_rejected', 'provider_rejected'],
    ['a limit', answered(429), 'provider_unavailable', 'provider_unavailable'],
    ['a failure of Lago', answered(502), 'provider_unavailable', 'outcome_unknown'],
    ['a time that ran out', new DOMException('late', 'TimeoutError'), 'provider_unavailable', 'outcome_unknown'],
    [
      'a connection that was never made',
      new TypeError('fetch failed', { cause: { code: 'ECONNREFUSED' } }),
      'provider_unavailable',
      'provider_unavailable',
    ],
    [
      'a connection that was cut',
      new TypeError('fetch failed', { cause: { code: 'ECONNRESET' } }),
      'provider_unavailable',
      'outcome_unknown',
    ],
  ]
  for (const [name, error, onRead, onWrite] of table)
    it(`C4 knows ${name}`, () => {
      expect([toBillingError(error, 'read').code, toBillingError(error, 'write').code]).toEqual([onRead, onWrite])
    })

  it('C4 waits as long as Lago says, be it in its own header or in that of a proxy', () => {
    const own = answered(429, {}, { 'x-ratelimit-reset': '3' })
    const proxy = answered(429, {}, { 'retry-after': '5' })
    const sdk = { name: 'LagoRateLimitError', message: 'limit', retryAfter: 7_000 }
    const waits = [own, proxy, sdk].map((error) => lagoFault(error).retryAfterMs)
    expect(waits).toEqual([3_000, 5_000, 7_000])
  })

  it('G4 gives up after its own time, since the SDK would wait for ever', async () => {
    box.faults.inject({ match: { pathIncludes: '/customers' }, kind: 'hang' })
    const call = lagoCall(lagoClient(box), undefined, 150)
    const started = performance.now()
    const error = await thrownBy(
      call.write({}, (client, request) =>
        client.customers.createCustomer({ customer: { external_id: 'hung' } }, request),
      ),
    )
    expect(error).toMatchObject({ code: 'outcome_unknown' })
    expect(performance.now() - started).toBeLessThan(3_000)
    box.faults.clear()
  })

  it('G4 tries again what did not happen: a limit, and a connection that was never made', async () => {
    const { lago } = lagoAt(box)
    box.faults.inject({
      match: { pathIncludes: '/customers' },
      kind: 'status',
      status: 429,
      headers: { 'x-ratelimit-reset': '0' },
    })
    expect(await lago.customers.create({ accountId: 'limited', email: null, name: null }, {})).toEqual({
      externalId: 'limited',
    })
  })

  it('C4 takes no answer without a body for one', async () => {
    box.faults.inject({ match: { pathIncludes: '/customers' }, kind: 'status', status: 200 })
    const { lago } = lagoAt(box)
    const error = await thrownBy(lago.customers.create({ accountId: 'empty', email: null, name: null }, {}))
    expect(error).toMatchObject({ code: 'provider_response_invalid', outcome: 'unknown' })
  })

  it('G4 knows an answer that was cut off for a loss, which the SDK calls a success', async () => {
    const server = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
      response.write('{"customer":')
      setTimeout(() => response.destroy(), 20)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1`
    const call = lagoCall(Client('key', { baseUrl }))
    const error = await thrownBy(
      call.write({}, (client, request) => client.customers.createCustomer({ customer: { external_id: 'c' } }, request)),
    )
    expect(error).toMatchObject({ code: 'outcome_unknown' })
    server.closeAllConnections()
    server.close()
  })

  it('G4 leaves Lago alone after ten failures in a row', async () => {
    box.faults.inject({ match: { pathIncludes: '/plans' }, kind: 'status', status: 503, times: 10 })
    const call = lagoCall(lagoClient(box))
    const ask = () => call.read({}, (client, request) => client.plans.findAllPlans({}, request))
    for (let time = 0; time < 10; time += 1) await thrownBy(ask())
    expect(await thrownBy(ask())).toMatchObject({
      message: expect.stringContaining('Lago has not answered'),
      details: { provider: 'lago', reason: 'circuit_open' },
    })
  })

  it('C4 puts ids into addresses so that they stay ids, as the SDK does not', async () => {
    const { lago } = lagoAt(box)
    for (const accountId of ['a/b', 'a?b=c', 'ä %2F', '..'.concat('x')]) {
      const { externalId } = await lago.customers.create({ accountId, email: null, name: null }, {})
      const found = await lagoClient(box).customers.findCustomer(part(externalId))
      expect(found.data.customer.external_id).toBe(accountId)
    }
  })
})

describe('options of the Lago provider', () => {
  it('C4 are checked at the start', () => {
    const client = lagoClient(box)
    for (const options of [
      { client: {} as never },
      { client, currency: 'usd' },
      { client, timeoutMs: 0 },
      { client, eventStore: 'mysql' as never },
      { client, limits: { requestsPerSecond: 0 } },
      { client, meters: { calls: 'x'.repeat(249) } },
    ])
      expect(() => lagoProvider(options)).toThrow(expect.objectContaining({ code: 'config_invalid' }))
  })
})

/** Each would have a price of its own for all that is counted there, and be charged for the other’s usage too. */
describe.each([
  ['Lago', (meters: Record<string, string>) => lagoProvider({ client: lagoClient(box), meters })],
  ['Stripe', (meters: Record<string, string>) => stripeProvider({ client: new Stripe('sk_test_1'), meters })],
])('names of meters at %s', (_, open) => {
  it.each([
    { calls: 'used', words: 'used' },
    { calls: 'used', words: 'shadow_used' },
    { calls: 'billfold_words' },
    { calls: 'shadow_billfold_words' },
  ])('C4 S1.1 no two meters are counted under one: %o', (meters: Record<string, string>) => {
    expect(() => open(meters)).toThrow(
      expect.objectContaining({ code: 'config_invalid', details: { option: 'meters' } }),
    )
  })

  it('C4 may be those that they have by themselves', () => {
    expect(open({ calls: 'billfold_calls', words: 'shadow_words' })).toMatchObject({ metering: {} })
  })
})

describe('catalog of Lago', () => {
  it('C4 refuses a metric of the same code that counts something else', async () => {
    const { lago } = lagoAt(box)
    await lagoClient(box).billableMetrics.createBillableMetric({
      billable_metric: { name: 'Calls', code: 'billfold_calls', aggregation_type: 'count_agg' },
    })
    const catalog = { meters: [{ name: 'calls', unit: 'call' }], prices: [] }
    await expect(lago.catalog.plan(catalog, {})).rejects.toMatchObject({ code: 'config_invalid' })
  })

  it('C4 counts every meter for accounts without a plan, and charges nothing for it', async () => {
    const { lago } = lagoAt(box)
    await lago.catalog.apply({ meters: [{ name: 'one', unit: 'u' }], prices: [] }, {})
    await lago.catalog.apply({ meters: [{ name: 'two', unit: 'u' }], prices: [] }, {})
    const { data } = await lagoClient(box).plans.findPlan('billfold_usage:usd')
    const charges = data.plan.charges?.map((charge) => [charge.billable_metric_code, charge.properties.amount])
    expect(charges).toEqual(
      expect.arrayContaining([
        ['billfold_one', '0'],
        ['billfold_two', '0'],
      ]),
    )
  })
})
