import { Client } from 'lago-javascript-client'
import { afterAll, describe, expect, it } from 'vitest'
import type { UsageReport } from '../../src/core/ports/capabilities/metering.js'
import { lagoAt } from './lago-customer.js'
import { lagoClient, timedSandbox } from './sandboxed.js'

const box = await timedSandbox()
afterAll(() => box.close())
const { lago } = lagoAt(box)
await lago.catalog.apply({ meters: [{ name: 'sparks', unit: 'spark' }], prices: [] }, {})

let count = 0
const customer = async () => {
  count += 1
  const account = { accountId: `acc_${count}`, email: null, name: null }
  return (await lago.customers.create(account, {})).externalId
}
const reportOf = (customerId: string, sparks: bigint, more: Partial<UsageReport> = {}): UsageReport => {
  count += 1
  const occurredAt = box.now() - 60_000
  return { identifier: `usage_${count}`, customerId, meter: 'sparks', sparks, occurredAt, ...more }
}
const total = async (customerId: string, provider = lago) =>
  (
    await provider['usage-reports'].total(
      { customerId, meter: 'sparks', from: box.now() - 3_600_000, to: box.now() },
      {},
    )
  ).sparks
const batches = (from: number) => events().slice(from)
const heard: { readonly path: string; readonly body: string }[] = []
const events = () => heard.filter(({ path }) => path.endsWith('/events/batch'))
const listening = Client(box.lago.apiKey, {
  baseUrl: box.lago.baseUrl,
  customFetch(input, init) {
    heard.push({ path: String(input), body: String(init?.body ?? '') })
    return fetch(input, init)
  },
})
const { lago: heardLago } = lagoAt(box, listening)

describe('what Lago charges for usage', () => {
  it('S0.4 of its current period, as that will end, and of those before, by our meters', async () => {
    const customerId = await customer()
    const of = (which: 'current' | 'projected' | 'past') =>
      lago['usage-reports'].periods({ customerId, which, meters: ['sparks', 'other'] }, {})
    const price = { currency: 'USD', overage: [{ meter: 'sparks', sparkPrice: '0.0001' }] }
    await lago.metering.collect?.({ accountId: customerId, customerId, ...price, from: box.now() }, {})
    await lago.metering.report([reportOf(customerId, 20_000n, { occurredAt: box.now() + 1_000 })], {})
    const [now, ...none] = await of('current')
    expect(none).toEqual([])
    const two = { currency: 'USD', nanos: 2_000_000_000n }
    const meters = [{ meter: 'sparks', sparks: 20_000_000_000n, amount: two }]
    expect(now).toMatchObject({ amount: two, meters })
    expect((now?.endsAt ?? 1) % 86_400_000).toBe(0)
    const [projected] = await of('projected')
    expect(projected?.amount.nanos).toBeGreaterThan(two.nanos)
    box.advance((now?.endsAt ?? 0) - box.now() + 1_000)
    expect((await of('past'))[0]).toEqual(now)
    expect(await of('current')).toMatchObject([{ amount: { nanos: 0n } }])
  })

  it('S0.4 is nothing where nothing is subscribed to', async () => {
    const query = { customerId: 'nobody', which: 'current', meters: ['sparks'] } as const
    expect(await lago['usage-reports'].periods(query, {})).toEqual([])
  })
})

describe('usage as events of Lago', () => {
  it('S1.1 goes out a hundred at a time', async () => {
    const customerId = await customer()
    const before = events().length
    const reports = Array.from({ length: 250 }, () => reportOf(customerId, 1n))
    const outcomes = await heardLago.metering.report(reports, {})
    expect(outcomes.every(({ status }) => status === 'delivered')).toBe(true)
    const sizes = batches(before).map(({ body }) => (JSON.parse(body) as { events: unknown[] }).events.length)
    expect(sizes).toEqual([100, 100, 50])
    expect(await total(customerId)).toBe(250n)
  })

  it('G4 what Lago has already is delivered, and the rest of its batch goes out without it', async () => {
    const customerId = await customer()
    const known = [reportOf(customerId, 3n), reportOf(customerId, 5n)]
    await lago.metering.report(known, {})
    const fresh = Array.from({ length: 5 }, () => reportOf(customerId, 7n))
    const mixed = [fresh[0], known[0], fresh[1], fresh[2], known[1], fresh[3], fresh[4]] as UsageReport[]
    const before = events().length
    const outcomes = await heardLago.metering.report(mixed, {})
    expect(outcomes).toEqual(mixed.map(() => ({ status: 'delivered' })))
    expect(batches(before)).toHaveLength(2)
    expect(await total(customerId)).toBe(43n)
  })

  it('G4 a batch whose answer was lost may have arrived, and a repeat of it counts nothing twice', async () => {
    const customerId = await customer()
    const reports = [reportOf(customerId, 11n), reportOf(customerId, 13n)]
    box.faults.inject({ match: { pathIncludes: '/events/batch' }, kind: 'reset_after' })
    expect((await lago.metering.report(reports, {})).map(({ status }) => status)).toEqual(['unknown', 'unknown'])
    expect(await lago.metering.report(reports, {})).toEqual([{ status: 'delivered' }, { status: 'delivered' }])
    expect(await total(customerId)).toBe(24n)
  })

  it('G4 a repeat sends the very same event: id, time, address and value', async () => {
    const customerId = await customer()
    const report = reportOf(customerId, 17n, { occurredAt: Math.floor(box.now() / 1000) * 1000 - 59_993 })
    const before = events().length
    box.faults.inject({ match: { pathIncludes: '/events/batch' }, kind: 'status', status: 503 })
    await heardLago.metering.report([report], {})
    box.advance(1_000)
    await heardLago.metering.report([report], {})
    const [first, second] = batches(before)
    expect(second?.body).toBe(first?.body)
    expect(JSON.parse(first?.body ?? '')).toEqual({
      events: [
        {
          transaction_id: report.identifier,
          external_subscription_id: customerId,
          code: 'billfold_sparks',
          timestamp: `${Math.floor(report.occurredAt / 1000)}.007`,
          properties: { sparks: '17' },
        },
      ],
    })
  })

  it('G4 the address of usage stays the same when the plan changes, so that ids stay unique', async () => {
    const { begin } = lagoAt(box)
    const customerId = await customer()
    const report = reportOf(customerId, 19n)
    await lago.metering.report([report], {})
    const amount = { currency: 'USD', nanos: 20_000_000_000n }
    await begin(customerId, { plan: 'pro', title: 'Pro', amount, interval: 'month', overage: [] })
    await lago.metering.report([report], {})
    await lago.subscriptions.cancel(customerId, 'now', {})
    expect(await lago.metering.report([report], {})).toEqual([{ status: 'delivered' }])
    expect(await total(customerId)).toBe(19n)
  })

  it('S1.1 usage before, on and after a plan is counted, and charged while the plan holds', async () => {
    const { begin } = lagoAt(box)
    const customerId = await customer()
    await lago.metering.report([reportOf(customerId, 100n)], {})
    const overage = [{ meter: 'sparks', sparkPrice: '0.05' }]
    const amount = { currency: 'USD', nanos: 20_000_000_000n }
    await begin(customerId, { plan: 'metered', title: 'Metered', amount, interval: 'month', overage })
    box.advance(60_000)
    await lago.metering.report([reportOf(customerId, 40n, { occurredAt: box.now() - 1_000 })], {})
    const query = { external_subscription_id: customerId }
    const { data } = await lagoClient(box).customers.findCustomerCurrentUsage(customerId, query)
    expect(data.customer_usage).toMatchObject({ amount_cents: 200, charges_usage: [{ units: '40.0' }] })
    await lago.subscriptions.cancel(customerId, 'now', {})
    box.advance(60_000)
    await lago.metering.report([reportOf(customerId, 9n, { occurredAt: box.now() - 1_000 })], {})
    const after = await lagoClient(box).customers.findCustomerCurrentUsage(customerId, query)
    expect(after.data.customer_usage).toMatchObject({ amount_cents: 0, charges_usage: [{ units: '9.0' }] })
    expect(await total(customerId)).toBe(149n)
  })

  it('C4 what is refused with its batch and without an index is found by halves', async () => {
    const customerId = await customer()
    const reports = Array.from({ length: 4 }, () => reportOf(customerId, 1n))
    box.faults.inject({ match: { pathIncludes: '/events/batch' }, kind: 'status', status: 413 })
    expect(await lago.metering.report(reports, {})).toEqual(reports.map(() => ({ status: 'delivered' })))
    expect(await total(customerId)).toBe(4n)
  })

  it('G4 is not given up for a wrong address, a limit or a stop, and waits as long as Lago says', async () => {
    const customerId = await customer()
    const report = reportOf(customerId, 1n)
    const wrong = lagoClient(box)
    wrong.baseUrl = wrong.baseUrl.replace('/api/v1', '')
    const outcome = async (provider: typeof lago) => (await provider.metering.report([report], {}))[0]
    expect(await outcome(lagoAt(box, wrong).lago)).toMatchObject({ status: 'retry' })
    box.faults.inject({ match: { pathIncludes: '/events/batch' }, kind: 'status', status: 429 })
    expect(await outcome(lago)).toMatchObject({ status: 'retry', retryAfterMs: 1_000 })
    const stopped = await lago.metering.report([report], { signal: AbortSignal.abort() })
    expect(stopped).toMatchObject([{ status: 'retry' }])
    box.faults.inject({ match: { pathIncludes: '/events/batch' }, kind: 'status', status: 401 })
    await expect(outcome(lago)).rejects.toMatchObject({ code: 'provider_authentication' })
  })

  it('G4 a store of ClickHouse takes an event twice: nothing is sent to it again without a look', async () => {
    const click = await timedSandbox({ lago: { eventStore: 'clickhouse' } })
    const { lago: provider } = lagoAt(click, lagoClient(click), { eventStore: 'clickhouse' })
    await provider.catalog.apply({ meters: [{ name: 'sparks', unit: 'spark' }], prices: [] }, {})
    const { externalId } = await provider.customers.create({ accountId: 'a', email: null, name: null }, {})
    const report = reportOf(externalId, 5n)
    await provider.metering.report([report], {})
    await provider.metering.report([report], {})
    // The response cannot be the proof, so the sums say what is there, and the window says that a repeat is not safe.
    expect(await total(externalId, provider)).toBe(10n)
    expect([provider.metering.dedupeWindowMs, lago.metering.dedupeWindowMs > 10 ** 15]).toEqual([0, true])
    await click.close()
  })

  it('C4 sums are not_found for a meter or a customer that Lago does not have', async () => {
    const customerId = await customer()
    const range = { from: 0, to: box.now() }
    const ask = (query: { customerId: string; meter: string }) =>
      lago['usage-reports'].total({ ...query, ...range }, {})
    expect(await ask({ customerId, meter: 'sparks' })).toEqual({ sparks: 0n })
    await expect(ask({ customerId, meter: 'none' })).rejects.toMatchObject({ code: 'not_found' })
    await expect(ask({ customerId: 'none', meter: 'sparks' })).rejects.toMatchObject({ code: 'not_found' })
  })

  it('C4 sums are exact beyond what a double holds, and end before the end', async () => {
    const customerId = await customer()
    const at = Math.floor(box.now() / 60_000) * 60_000 - 120_000
    const huge = 90_071_992_547_409_931n
    await lago.metering.report(
      [
        reportOf(customerId, huge, { occurredAt: at }),
        reportOf(customerId, -2n, { occurredAt: at + 59_999 }),
        reportOf(customerId, 4n, { occurredAt: at + 60_000 }),
      ],
      {},
    )
    const { sparks } = await lago['usage-reports'].total({ customerId, meter: 'sparks', from: at, to: at + 60_000 }, {})
    expect(sparks).toBe(huge - 2n)
  })
})
