import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { LangfuseClient } from '@langfuse/client'
import { createBilling, defineCatalog } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import { Client, getLagoError } from 'lago-javascript-client'
import { Langfuse } from 'langfuse'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import type { PlanPrice } from '../../src/core/ports/capabilities/plan-price.js'
import { lagoProvider } from '../../src/providers/lago/index.js'
import { langfuseIds, langfuseProvider } from '../../src/providers/langfuse/index.js'
import { observe, spanOf, traceOf } from '../core/operations/pull-world.js'
import { lagoAt } from './lago-customer.js'
import { lagoClient, timedSandbox } from './sandboxed.js'

/** Facts of providers that break naive integrations, and that no other test is named for. */

const box = await timedSandbox()
afterAll(() => box.close())
afterEach(() => void vi.restoreAllMocks())
const client = lagoClient(box)
const { lago, begin } = lagoAt(box, client)
const overage = [{ meter: 'sparks', sparkPrice: '0.01' }]
await lago.catalog.apply(
  {
    meters: [
      { name: 'sparks', unit: 'spark' },
      { name: 'sparks', unit: 'spark', isShadow: true },
    ],
    prices: [],
  },
  {},
)
const dayMs = 86_400_000
let count = 0
const customer = async () => {
  count += 1
  return (await lago.customers.create({ accountId: `fact_${count}`, email: null, name: null }, {})).externalId
}
const report = async (customerId: string, sparks: bigint, more: object = {}) => {
  count += 1
  const usage = { identifier: `fact-${count}`, customerId, meter: 'sparks', sparks, occurredAt: box.now() - 60_000 }
  return lago.metering.report([{ ...usage, ...more }], {})
}
const charges = async (customerId: string) => {
  const { data } = await client.customers.findCustomerCurrentUsage(customerId, { external_subscription_id: customerId })
  return data.customer_usage.amount_cents
}
const pro: PlanPrice = {
  plan: 'pro',
  title: 'Pro',
  amount: { currency: 'USD', nanos: 20_000_000_000n },
  interval: 'month',
  overage,
}

describe('Lago', () => {
  it('C4 lists are pages of a hundred, and a sum is of all of them', async () => {
    const customerId = await customer()
    const usage = Array.from({ length: 230 }, (_, index) => ({
      ...{ identifier: `page-${index}`, customerId, meter: 'sparks', sparks: 1n, occurredAt: box.now() - 60_000 },
    }))
    await lago.metering.report(usage, {})
    const span = { from: box.now() - dayMs, to: box.now() }
    expect(await lago['usage-reports'].total({ customerId, meter: 'sparks', ...span }, {})).toEqual({ sparks: 230n })
  })

  it('C4 usage that comes after the invoice of its period is final is on none: it has to come in time', async () => {
    const customerId = await customer()
    await begin(customerId, pro)
    await report(customerId, 500n)
    const of = box.now()
    box.advance(32 * dayMs)
    const total = async () => {
      const { items } = await lago.invoices.list({ customerId, limit: 10 }, {})
      return items.reduce((sum, invoice) => sum + invoice.total.nanos, 0n)
    }
    const before = await total()
    expect(await report(customerId, 300n, { occurredAt: of })).toEqual([{ status: 'delivered' }])
    box.advance(dayMs)
    expect(await total()).toBe(before)
  })

  it('C4 S0.5 a link to the portal is good for twelve hours: a new one is made each time', async () => {
    const customerId = await customer()
    const open = async () =>
      (await lago.portal.create({ customerId, returnUrl: 'https://app.example', flow: null }, {})).url
    const first = await open()
    expect((await fetch(first)).status).toBe(200)
    box.advance(13 * 3_600_000)
    expect((await fetch(first)).status).not.toBe(200)
    const second = await open()
    expect([second === first, (await fetch(second)).status]).toEqual([false, 200])
  })

  it('C4 whoever is told of usage beside another provider is charged for none of it, whatever it has subscribed to', async () => {
    const customerId = await customer()
    await begin(customerId, pro)
    box.advance(120_000)
    await report(customerId, 700n, { isShadow: true })
    expect(await charges(customerId)).toBe(0)
    await report(customerId, 100n)
    expect(await charges(customerId)).toBe(100)
    expect(await lago.metering.chargedShadows?.(customerId, ['sparks'], {})).toEqual([])
  })

  it('C4 events of the time before prices were there belong to the plan of then, unless they are priced from then on', async () => {
    const customerId = await customer()
    await report(customerId, 400n)
    const asked = { accountId: customerId, customerId, currency: 'USD', overage }
    await lago.metering.collect?.({ ...asked, from: box.now() - 120_000 }, {})
    await lago.metering.collect?.({ ...asked, from: box.now() }, {})
    expect(await charges(customerId)).toBe(400)
    const { data } = await client.subscriptions.findAllSubscriptions({ external_customer_id: customerId })
    expect(data.subscriptions).toHaveLength(1)
  })

  it('C4 a price on a shadow is found out', async () => {
    const customerId = await customer()
    const { data } = await client.billableMetrics.findBillableMetric('shadow_billfold_sparks')
    await client.plans.createPlan({
      plan: {
        ...{
          name: 'Odd',
          code: 'odd',
          interval: 'monthly',
          amount_cents: 0,
          amount_currency: 'USD',
          pay_in_advance: false,
        },
        charges: [
          {
            billable_metric_id: data.billable_metric.lago_id,
            charge_model: 'standard',
            pay_in_advance: false,
            properties: { amount: '0.5' },
          },
        ],
      },
    })
    await client.subscriptions.createSubscription({
      subscription: { external_customer_id: customerId, external_id: customerId, plan_code: 'odd' },
    })
    expect(await lago.metering.chargedShadows?.(customerId, ['sparks'], {})).toEqual(['sparks'])
  })
})

/** Lago’s SDK, asked by hand. */
describe('the SDK of Lago', () => {
  it('C4 has no error for what never came to an answer, and its own reader of errors throws then', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1`
    await new Promise((resolve) => server.close(resolve))
    const nobody = lagoProvider({ client: Client('key', { baseUrl }), timeoutMs: 2_000 })
    const thrown = await nobody.client.plans.findPlan('x').catch((error: unknown) => error)
    await expect(getLagoError(thrown)).rejects.toThrow()
    const usage = { identifier: 'never', customerId: 'c', meter: 'sparks', sparks: 1n, occurredAt: box.now() }
    expect(await nobody.metering.report([usage], {})).toMatchObject([{ status: 'retry' }])
  })
})

describe('Langfuse', () => {
  const span = (number: number, type: string, more: object = {}) => ({
    ...{ id: spanOf(number), type, userId: 'fact_traced', startMs: box.now() - 60_000 },
    ...more,
  })

  it('C4 S1.3 tells no cost unless `usage` is among the fields: it is asked for, and what repeats the usage of others is not counted', async () => {
    const client = new LangfuseClient(box.langfuse)
    const usage = { input: 100, output: 20 }
    await observe(box, [
      span(0, 'agent', { usage, cost: 0.5 }),
      span(1, 'chain', { parentId: spanOf(0), usage, cost: 0.5 }),
      span(2, 'generation', { parentId: spanOf(1), usage, cost: 0.5, model: 'gpt-5' }),
    ])
    const [bare] = (await client.api.observations.getMany({ traceId: traceOf('a'), fields: 'core,basic' })).data
    expect(bare?.totalCost ?? null).toBe(null)
    const billing = createBilling({
      catalog: defineCatalog({ meters: { ai_tokens: { rate: { mode: 'by_cost' } } } }),
      store: memoryStore(),
      providers: { tracing: langfuseProvider({ ...box.langfuse, client }) },
      environment: { now: box.now },
    })
    await billing.accounts.ensure({ accountId: 'fact_traced' })
    const pulled = await billing.sync.pull({ traceId: traceOf('a') })
    expect(pulled).toMatchObject({ observations: 3, recorded: 1, skipped: { unmetered: 2 }, problems: [] })
    expect((await billing.credits.balance({ accountId: 'fact_traced' })).balance).toBe(-15_000_000_000n)
    await billing.close()
  })

  it('C4 S1.1 loses what its client of version 3 writes, whose flush succeeds all the same: what is written here has an outcome', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const legacy = new Langfuse({ ...box.langfuse, flushAt: 100, fetchRetryCount: 1, fetchRetryDelay: 1 })
    const told: unknown[] = []
    legacy.on('error', (error) => told.push(error))
    const lost = legacy.trace({ id: traceOf('e'), name: 'lost' })
    await legacy.flushAsync()
    expect([lost.id, told]).toEqual([traceOf('e'), []])
    const client = new LangfuseClient(box.langfuse)
    const of = async (traceId: string) => (await client.api.observations.getMany({ traceId })).data.length
    expect(await of(traceOf('e'))).toBe(0)
    const { tracing } = langfuseProvider(box.langfuse)
    const event = {
      ...{ usageId: 'use_kept', accountId: 'a', meter: 'm', model: null, quantity: '1', tokens: {}, costUsd: '1' },
      ...{ sparks: '1', billingStatus: 'credits', occurredAt: box.now(), dimensions: {} },
    }
    expect(await tracing.export([event], {})).toEqual([{ status: 'delivered' }])
    expect(await of(langfuseIds('use_kept').traceId)).toBe(1)
  })

  it('C4 is well also for a wrong key: only what needs the keys says so', async () => {
    const wrong = { ...box.langfuse, secretKey: 'sk-lf-wrong' }
    const client = new LangfuseClient(wrong)
    expect(await client.api.health.health()).toMatchObject({ status: 'OK' })
    await expect(client.api.projects.get()).rejects.toMatchObject({ statusCode: 401 })
    const { traces } = langfuseProvider({ ...wrong, client })
    await expect(traces.list({ traceId: traceOf('a') }, null, {})).rejects.toMatchObject({
      code: 'provider_authentication',
    })
  })

  it('C4 S1.3 the time limit of the client is read and not applied: ours goes with each call', async () => {
    const silent = createServer(() => {})
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const baseUrl = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
    const keys = { publicKey: 'pk-lf-1', secretKey: 'sk-lf-1' }
    const reader = new LangfuseClient({ ...keys, baseUrl, timeout: 60 })
    const { traces } = langfuseProvider({ ...keys, baseUrl, client: reader, timeoutMs: 500 })
    const began = performance.now()
    await expect(traces.list({ traceId: 'a'.repeat(32) }, null, {})).rejects.toMatchObject({ retryable: true })
    expect(performance.now() - began).toBeLessThan(10_000)
    silent.closeAllConnections()
    silent.close()
  })
})
