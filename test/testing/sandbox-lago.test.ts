import { createHmac, createPublicKey, verify } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type SandboxOptions, sandbox } from '../../src/testing/sandbox/sandbox.js'
import { lagoClient } from '../providers/sandboxed.js'
import { receiver } from './lago-receiver.js'

const hourMs = 3_600_000
const startMs = Date.UTC(2026, 9, 10, 12)
const open: { close(): Promise<unknown> }[] = []
afterEach(async () => {
  for (const each of open.splice(0)) await each.close()
})

async function start(options: SandboxOptions = {}) {
  const box = await sandbox({ now: () => startMs, ...options })
  open.push(box)
  return { box, lago: lagoClient(box) }
}

async function hooks(answer?: (count: number) => number) {
  const made = await receiver(answer)
  open.push(made)
  return made
}

type Lago = ReturnType<typeof lagoClient>

/** A customer on a plan of $20 that charges a cent for ten sparks. */
async function subscribed(lago: Lago) {
  await lago.customers.createCustomer({ customer: { external_id: 'c' } })
  const metric = await lago.billableMetrics.createBillableMetric({
    billable_metric: { name: 'Sparks', code: 'sparks', aggregation_type: 'sum_agg', field_name: 'sparks' },
  })
  const charges = [
    {
      billable_metric_id: metric.data.billable_metric.lago_id,
      charge_model: 'standard' as const,
      properties: { amount: '0.001' },
    },
  ]
  await makePlan(lago, 'basic', 2000, charges)
  await subscribe(lago, 'basic')
}

const makePlan = (lago: Lago, code: string, amount: number, charges: never[] | object[] = []) =>
  lago.plans.createPlan({
    plan: {
      name: code,
      code,
      interval: 'monthly',
      amount_cents: amount,
      amount_currency: 'USD',
      pay_in_advance: true,
      charges: charges as never[],
    },
  })

const subscribe = async (lago: Lago, plan: string) =>
  (
    await lago.subscriptions.createSubscription({
      subscription: { external_customer_id: 'c', external_id: 's', plan_code: plan },
    })
  ).data.subscription

const event = (transaction_id: string, sparks = '10', more = {}) => ({
  transaction_id,
  code: 'sparks',
  external_subscription_id: 's',
  properties: { sparks },
  ...more,
})

const units = async (lago: Lago) => {
  const { data } = await lago.customers.findCustomerCurrentUsage('c', { external_subscription_id: 's' })
  const [usage] = data.customer_usage.charges_usage
  return [usage?.units, usage?.events_count, data.customer_usage.amount_cents]
}

const refusal = async (call: Promise<unknown>) => {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  return (error as { error?: unknown } | undefined)?.error
}

describe('the Lago twin', () => {
  it('C4 refuses a wrong key, and an address without /api/v1', async () => {
    const { box, lago } = await start()
    const asked = await fetch(`${box.lago.baseUrl}/plans`, { headers: { authorization: 'Bearer no' } })
    expect([asked.status, await asked.json()]).toEqual([401, { status: 401, error: 'Unauthorized' }])
    lago.baseUrl = box.lago.baseUrl.replace('/api/v1', '')
    expect(await refusal(lago.plans.findAllPlans())).toMatchObject({ status: 404 })
  })

  it('C4 makes one customer of one external id, and keeps what is not given', async () => {
    const { lago } = await start()
    const first = await lago.customers.createCustomer({ customer: { external_id: 'a/b', name: 'Ada' } })
    const again = await lago.customers.createCustomer({ customer: { external_id: 'a/b', email: 'a@example.com' } })
    expect(again.data.customer).toMatchObject({ lago_id: first.data.customer.lago_id, name: 'Ada' })
    expect((await lago.customers.findCustomer(encodeURIComponent('a/b'))).data.customer.email).toBe('a@example.com')
    expect(await refusal(lago.customers.findCustomer('none'))).toMatchObject({ code: 'customer_not_found' })
  })

  it('C4 pages lists by number, and counts them', async () => {
    const { lago } = await start()
    for (const external_id of ['1', '2', '3']) await lago.customers.createCustomer({ customer: { external_id } })
    const { data } = await lago.customers.findAllCustomers({ page: 2, per_page: 2 })
    expect(data.customers.map(({ external_id }) => external_id)).toEqual(['1'])
    const meta = { current_page: 2, next_page: null, prev_page: 1, total_pages: 2, total_count: 3 }
    expect(data.meta).toEqual(meta)
  })

  it('C4 takes a batch of 100 whole or not at all, and names what is wrong by index', async () => {
    const { lago } = await start()
    await subscribed(lago)
    await lago.events.createEvent({ event: event('1') })
    const batch = [event('2'), event('1'), { ...event('3'), code: '' }, event('2')]
    expect(await refusal(lago.events.createBatchEvents({ events: batch }))).toEqual({
      status: 422,
      error: 'Unprocessable Entity',
      code: 'validation_errors',
      error_details: {
        '1': { transaction_id: ['value_already_exist'] },
        '2': { code: ['value_is_mandatory'] },
        '3': { transaction_id: ['value_already_exist'] },
      },
    })
    expect(await units(lago)).toEqual(['10.0', 1, 1])
    const many = Array.from({ length: 101 }, (_, index) => event(`m${index}`))
    expect(await refusal(lago.events.createBatchEvents({ events: many }))).toMatchObject({
      error_details: { events: ['too_many_events'] },
    })
    await lago.events.createBatchEvents({ events: many.slice(0, 100) })
    expect(await units(lago)).toEqual(['1010.0', 101, 101])
  })

  it('C4 knows an id within its subscription alone, and in ClickHouse not at all', async () => {
    const { lago } = await start()
    await subscribed(lago)
    await lago.events.createEvent({ event: event('1') })
    await lago.events.createEvent({ event: event('1', '10', { external_subscription_id: 'other' }) })
    expect(await refusal(lago.events.createEvent({ event: event('1') }))).toMatchObject({
      error_details: { transaction_id: ['value_already_exist'] },
    })
    const { lago: click } = await start({ lago: { eventStore: 'clickhouse' } })
    await subscribed(click)
    for (let time = 0; time < 2; time += 1) await click.events.createEvent({ event: event('1') })
    expect(await units(click)).toEqual(['20.0', 2, 2])
  })

  it('C4 takes usage of unknown metrics and subscriptions, and tells of it within the hour', async () => {
    const { box, lago } = await start()
    const inbox = await hooks()
    await subscribed(lago)
    await lago.webhookEndpoints.createWebhookEndpoint({ webhook_endpoint: { webhook_url: inbox.url } })
    await lago.events.createEvent({ event: event('1', '1', { code: 'nobodys' }) })
    await lago.events.createEvent({ event: event('2', '1', { external_subscription_id: 'nobodys' }) })
    await lago.events.createEvent({ event: { ...event('3'), properties: {} } })
    await box.flushWebhooks()
    expect(inbox.letters).toEqual([])
    box.advance(hourMs)
    await box.flushWebhooks()
    const told = inbox.letters.map(({ body }) => JSON.parse(body) as Record<string, unknown>)
    expect(told).toMatchObject([
      { webhook_type: 'events.errors', events_errors: { invalid_code: ['1'], missing_aggregation_property: ['3'] } },
      { webhook_type: 'event.error', event_error: { event: { transaction_id: '2' } } },
    ])
    box.advance(hourMs)
    await box.flushWebhooks()
    expect(inbox.letters).toHaveLength(2)
  })

  it('C4 counts usage of the time in which a subscription is active, whenever it comes', async () => {
    const { lago } = await start()
    await subscribed(lago)
    const seconds = startMs / 1000
    await lago.events.createEvent({ event: event('before', '1', { timestamp: seconds - 1 }) })
    await lago.events.createEvent({ event: event('then', '2', { timestamp: `${seconds}.250` }) })
    await lago.events.createEvent({ event: event('later', '4', { timestamp: seconds + 40 * 86_400 }) })
    expect(await units(lago)).toEqual(['2.0', 1, 0])
    const { data } = await lago.events.findAllEvents({ external_subscription_id: 's', code: 'sparks' })
    expect(data.events.map(({ transaction_id: id, timestamp }) => [id, timestamp])).toEqual([
      ['later', '2026-11-19T12:00:00.000Z'],
      ['then', '2026-10-10T12:00:00.250Z'],
      ['before', '2026-10-10T11:59:59.000Z'],
    ])
  })

  it('S0.4 tells usage of this period, of those before, and what this one will come to', async () => {
    const { box, lago } = await start()
    await subscribed(lago)
    await lago.events.createEvent({ event: event('october', '5000') })
    box.advance(Date.UTC(2026, 10, 16) - startMs)
    await lago.events.createEvent({ event: event('november', '1000') })
    expect(await units(lago)).toEqual(['1000.0', 1, 100])
    const query = { external_subscription_id: 's' }
    const projected = await lago.customers.findCustomerProjectedUsage('c', query)
    expect(projected.data.customer_projected_usage).toMatchObject({
      amount_cents: 100,
      projected_amount_cents: 200,
      charges_usage: [{ units: '1000.0', projected_units: '2000' }],
    })
    const past = await lago.customers.findAllCustomerPastUsage('c', query)
    expect(past.data.usage_periods).toMatchObject([
      { from_datetime: '2026-10-10T12:00:00Z', to_datetime: '2026-10-31T23:59:59Z', amount_cents: 500 },
    ])
  })

  it('C4 upgrades at once and downgrades when the period ends, under the same external id', async () => {
    const { box, lago } = await start()
    await subscribed(lago)
    await makePlan(lago, 'pro', 5000)
    const { lago_id: first } = await subscribe(lago, 'basic')
    const upgraded = await subscribe(lago, 'pro')
    expect(upgraded).toMatchObject({ status: 'active', plan_code: 'pro', previous_plan_code: 'basic' })
    expect(upgraded.lago_id).not.toBe(first)
    expect(await subscribe(lago, 'basic')).toMatchObject({
      plan_code: 'pro',
      next_plan_code: 'basic',
      downgrade_plan_date: '2026-11-01',
    })
    box.advance(Date.UTC(2026, 10, 1, 1) - startMs)
    const { data } = await lago.subscriptions.findSubscription('s')
    expect(data.subscription).toMatchObject({ plan_code: 'basic', started_at: '2026-11-01T00:00:00Z' })
    const all = await lago.subscriptions.findAllSubscriptions({ 'status[]': ['active', 'terminated'] })
    expect(all.data.subscriptions.map(({ status }) => status)).toEqual(['active', 'terminated', 'terminated'])
  })

  it('C4 activates what begins later within five minutes, and takes back what has not begun', async () => {
    const { box, lago } = await start()
    await subscribed(lago)
    const later = {
      external_customer_id: 'c',
      external_id: 'later',
      plan_code: 'basic',
      subscription_at: new Date(startMs + hourMs).toISOString(),
    }
    expect((await lago.subscriptions.createSubscription({ subscription: later })).data.subscription.status).toBe(
      'pending',
    )
    box.advance(hourMs + 300_000)
    expect((await lago.subscriptions.findSubscription('later')).data.subscription.started_at).toBe(
      '2026-10-10T13:00:00Z',
    )
    await makePlan(lago, 'free', 0)
    await subscribe(lago, 'free')
    await lago.subscriptions.destroySubscription('s', { status: 'pending' })
    expect((await lago.subscriptions.findSubscription('s')).data.subscription.next_plan_code).toBeNull()
  })

  it('C4 keeps a customer to one currency', async () => {
    const { lago } = await start()
    await subscribed(lago)
    await lago.plans.createPlan({
      plan: {
        name: 'e',
        code: 'e',
        interval: 'monthly',
        amount_cents: 1,
        amount_currency: 'EUR',
        pay_in_advance: true,
      },
    })
    expect(await refusal(subscribe(lago, 'e'))).toMatchObject({
      error_details: { currency: ['currencies_does_not_match'] },
    })
  })

  it('C4 survives a restart', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'lago-'))
    const first = await sandbox({ dataDir, now: () => startMs })
    await subscribed(lagoClient(first))
    await lagoClient(first).events.createEvent({ event: event('1') })
    const key = await lagoClient(first).webhooks.fetchPublicKey()
    await first.close()
    const { lago } = await start({ dataDir })
    expect(await units(lago)).toEqual(['10.0', 1, 1])
    expect((await lago.webhooks.fetchPublicKey()).data).toEqual(key.data)
    await open.shift()?.close()
    rmSync(dataDir, { recursive: true })
  })
})

describe('webhooks of the Lago twin', () => {
  it('C4 are signed by HMAC or as a JWT over the raw body, with a key of their own for each endpoint', async () => {
    const { box, lago } = await start()
    const [plain, token] = [await hooks(), await hooks()]
    for (const [{ url }, signature_algo] of [
      [plain, 'hmac'],
      [token, 'jwt'],
    ] as const)
      await lago.webhookEndpoints.createWebhookEndpoint({ webhook_endpoint: { webhook_url: url, signature_algo } })
    await lago.customers.createCustomer({ customer: { external_id: 'c' } })
    await box.flushWebhooks()
    const [byHmac, byJwt] = [plain.letters[0], token.letters[0]]
    expect([byHmac?.algorithm, byJwt?.algorithm]).toEqual(['hmac', 'jwt'])
    const expected = createHmac('sha256', box.lago.hmacKey)
      .update(byHmac?.body ?? '')
      .digest('base64')
    expect(byHmac?.signature).toBe(expected)
    const { data } = await lago.webhooks.fetchPublicKey()
    const pem = await (
      await fetch(`${box.lago.baseUrl}/webhooks/json_public_key`, {
        headers: { authorization: `Bearer ${box.lago.apiKey}` },
      }).then((answer) => answer.json() as Promise<{ webhook: { public_key: string } }>)
    ).webhook.public_key
    expect(data).toBeDefined()
    const [head = '', claims = '', signature = ''] = (byJwt?.signature ?? '').split('.')
    const isSigned = verify(
      'RSA-SHA256',
      Buffer.from(`${head}.${claims}`),
      createPublicKey(Buffer.from(pem, 'base64').toString()),
      Buffer.from(signature, 'base64url'),
    )
    expect(isSigned).toBe(true)
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toEqual({
      data: byJwt?.body,
      iss: `${box.url}/lago`,
    })
    expect(byHmac?.key).not.toBe(byJwt?.key)
  })

  it('C4 are tried three times under one key, with growing waits, until 200, 201, 202 or 204, and then no more', async () => {
    const { box, lago } = await start()
    const inbox = await hooks((count) => [203, 302, 206][count - 1] ?? 200)
    await lago.webhookEndpoints.createWebhookEndpoint({ webhook_endpoint: { webhook_url: inbox.url } })
    await lago.customers.createCustomer({ customer: { external_id: 'c' } })
    const counts: number[] = []
    for (const waitMs of [0, 2_999, 1, 17_999, 1, hourMs]) {
      box.advance(waitMs)
      await box.flushWebhooks()
      counts.push(inbox.letters.length)
    }
    expect(counts).toEqual([1, 1, 2, 2, 3, 3])
    expect(new Set(inbox.letters.map(({ key }) => key)).size).toBe(1)
    expect(box.lago.webhooks.emitted().map(({ state }) => state)).toEqual(['failed'])
  })

  it('C4 are held, dropped, sent in another order and repeated by hand, and go to whom they interest', async () => {
    const { box, lago } = await start()
    const inbox = await hooks()
    await lago.webhookEndpoints.createWebhookEndpoint({
      webhook_endpoint: { webhook_url: inbox.url, event_types: ['customer.created'] },
    })
    box.lago.webhooks.hold()
    for (const external_id of ['1', '2', '3', '1']) await lago.customers.createCustomer({ customer: { external_id } })
    const keys = box.lago.webhooks.emitted().map(({ id }) => id)
    expect(keys).toHaveLength(3)
    const [first = '', second = '', third = ''] = keys
    box.lago.webhooks.drop([third])
    expect(await box.lago.webhooks.deliver([second, first, second])).toEqual([200, 200, 200])
    box.lago.webhooks.release()
    await box.flushWebhooks()
    expect(inbox.letters.map(({ key }) => key)).toEqual([second, first, second])
  })
})

describe('faults of the Lago twin', () => {
  it('G4 an answer that is lost is not an effect that is lost', async () => {
    const { box, lago } = await start()
    await subscribed(lago)
    box.faults.inject({ match: { pathIncludes: '/events' }, kind: 'reset_after' })
    await expect(lago.events.createEvent({ event: event('1') })).rejects.toThrow()
    expect(await refusal(lago.events.createEvent({ event: event('1') }))).toMatchObject({ status: 422 })
    expect(await units(lago)).toEqual(['10.0', 1, 1])
  })

  it('C4 a limit says in how many seconds it begins anew', async () => {
    const { box, lago } = await start()
    box.faults.inject({ match: { pathIncludes: '/plans' }, kind: 'status', status: 429 })
    const error = (await lago.plans.findAllPlans().catch((thrown: unknown) => thrown)) as Response
    expect([error.status, error.headers.get('x-ratelimit-reset')]).toEqual([429, '1'])
  })
})
