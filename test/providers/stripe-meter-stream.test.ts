import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { UsageReport } from '../../src/core/ports/capabilities/metering.js'
import { type StripeProvider, stripeProvider } from '../../src/providers/stripe/index.js'
import type { Sandbox } from '../../src/testing/sandbox/sandbox.js'
import { makeMeters, meterTotal, stripeClient, timedSandbox } from './sandboxed.js'

const minuteMs = 60_000
const delivered = { status: 'delivered' }
const onStream = { method: 'POST', pathIncludes: '/v2/billing/meter_event_stream' }
const onSession = { method: 'POST', pathIncludes: '/v2/billing/meter_event_session' }
let box: Sandbox & { now(): number }
let stripe: StripeProvider
let customerId: string
let paths: string[]

beforeEach(async () => {
  box = await timedSandbox({ meterErrors: 'report' })
  paths = []
  const client = stripeClient(box)
  client.on('request', ({ path }: { readonly path: string }) => void paths.push(path.split('/').at(-1) ?? ''))
  stripe = stripeProvider({ client, meterStream: true, now: () => box.now() })
  await makeMeters(stripe, ['sparks'])
  const account = { accountId: 'acc_1', email: null, name: null }
  customerId = (await stripe.customers.create(account, { idempotencyKey: 'cus:acc_1' })).externalId
  paths.length = 0
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
const many = (count: number) => Array.from({ length: count }, (_, index) => report(`r${index}`, 2n))
const send = (...reports: readonly UsageReport[]) => stripe.metering.report(reports, {})
const total = () => meterTotal(box, 'billfold_sparks')

describe('the stream of meter events', () => {
  it('S1.1 takes a hundred reports a request under one session, and counts each once however often it is sent', async () => {
    const reports = many(250)
    expect(await send(...reports)).toEqual(reports.map(() => delivered))
    expect(paths).toEqual(['meter_event_session', 'meter_event_stream', 'meter_event_stream', 'meter_event_stream'])
    expect(await send(...reports.slice(0, 100))).toEqual(reports.slice(0, 100).map(() => delivered))
    expect(await total()).toMatchObject({ sum: '500', count: 250 })
  })

  it('S1.1 goes on under another session when one is over, also when Stripe is the first to say so', async () => {
    await send(report('r1', 1n))
    box.advance(14 * minuteMs + 1)
    await send(report('r2', 1n))
    expect(paths.filter((path) => path === 'meter_event_session')).toHaveLength(2)
    box.faults.inject({ match: onStream, kind: 'status', status: 401 })
    expect(await send(report('r3', 1n))).toEqual([delivered])
    expect(paths.filter((path) => path === 'meter_event_session')).toHaveLength(3)
    expect(await total()).toMatchObject({ sum: '3', count: 3 })
  })

  it('S1.1 says of every report of a request that was lost that nobody knows, and counts them once', async () => {
    const reports = many(3)
    box.faults.inject({ match: onStream, kind: 'reset_after', times: 2 })
    expect((await send(...reports)).map(({ status }) => status)).toEqual(['unknown', 'unknown', 'unknown'])
    expect(await send(...reports)).toEqual([delivered, delivered, delivered])
    expect(await total()).toMatchObject({ sum: '6', count: 3 })
  })

  it('S1.1 sends again what was too fast, or found no session', async () => {
    box.faults.inject({ match: onStream, kind: 'status', status: 429, headers: { 'retry-after': '7' } })
    expect(await send(...many(2))).toMatchObject([
      { status: 'retry', retryAfterMs: 7_000 },
      { status: 'retry', retryAfterMs: 7_000 },
    ])
    stripe = stripeProvider({ client: stripeClient(box), meterStream: true })
    box.faults.inject({ match: onSession, kind: 'status', status: 429, times: 9, headers: { 'retry-after': '9' } })
    expect(await send(report('r1', 1n))).toMatchObject([{ status: 'retry' }])
    expect(await total()).toMatchObject({ count: 0 })
  })

  it('S1.1 finds the one that a request is refused for', async () => {
    box.faults.inject({ match: onStream, kind: 'status', status: 400, times: 1 })
    box.faults.inject({ match: onStream, kind: 'status', status: 400, skip: 1 })
    expect((await send(...many(3))).map(({ status }) => status)).toEqual(['delivered', 'rejected', 'delivered'])
  })

  it('S1.1 does not send what can never be billed', async () => {
    const outcomes = await send(report('ok', 1n), report('digits', 10n ** 15n), report('', 1n), report('ok-2', 2n))
    expect(outcomes.map(({ status }) => status)).toEqual(['delivered', 'rejected', 'rejected', 'delivered'])
    expect(await total()).toMatchObject({ sum: '3', count: 2 })
  })

  it('S1.1 with a wrong key is not rejected: the whole lane stops', async () => {
    const client = stripeClient({ ...box, stripe: { ...box.stripe, apiKey: 'sk_test_wrong' } })
    const wrong = stripeProvider({ client, meterStream: true })
    await expect(wrong.metering.report(many(2), {})).rejects.toMatchObject({ code: 'provider_authentication' })
  })
})
