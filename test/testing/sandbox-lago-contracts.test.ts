import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from 'lago-javascript-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dollars, planPrice } from '../../src/testing/provider-conformance/subject.js'
import { providerConformance } from '../../src/testing/provider-conformance.js'
import { lagoAt } from '../providers/lago-customer.js'
import { timedSandbox } from '../providers/sandboxed.js'
import { type Exchange, type LagoContract, lagoContract, recordingFetch } from './lago-contract.js'
import { receiver } from './lago-receiver.js'

// Lago's API description is not ours to keep here. Point CONTRACTS_DIR at a folder holding lago.openapi.json.
const folder = process.env.CONTRACTS_DIR
const available = folder !== undefined && existsSync(join(folder, 'lago.openapi.json'))

describe.skipIf(!available)('C4 Lago is spoken as it is published (skipped without CONTRACTS_DIR)', () => {
  let box: Awaited<ReturnType<typeof timedSandbox>>
  let contract: LagoContract
  const heard: Exchange[] = []

  beforeAll(async () => {
    box = await timedSandbox()
    contract = lagoContract(join(folder ?? '', 'lago.openapi.json'))
  })
  afterAll(() => box.close())

  const client = () => Client(box.lago.apiKey, { baseUrl: box.lago.baseUrl, customFetch: recordingFetch(heard) })
  const expectNoProblems = () => {
    const judged = heard.map((exchange) => contract.problemsOf(exchange))
    expect([...new Set(judged.flatMap(({ problems }) => problems))]).toEqual([])
    return [...new Set(judged.map(({ operation }) => operation))].sort()
  }

  it('C4 in every request of the provider and every answer to it', async () => {
    const { lago, begin } = lagoAt(box, client())
    await lago.catalog.apply({ meters: [{ name: 'sparks', unit: 'spark' }], prices: [] }, {})
    for (const { run } of providerConformance({
      provider: lago,
      now: box.now,
      meter: 'sparks',
      subscription: begin,
    }))
      await run()
    expect(expectNoProblems()).toEqual([
      'DELETE /subscriptions/{external_id}',
      'GET /billable_metrics',
      'GET /billable_metrics/{code}',
      'GET /customers',
      'GET /events',
      'GET /plans',
      'GET /plans/{code}',
      'GET /subscriptions',
      'GET /subscriptions/{external_id}',
      'POST /billable_metrics',
      'POST /customers',
      'POST /events/batch',
      'POST /plans',
      'POST /subscriptions',
      'PUT /plans/{code}',
    ])
  })

  it('C4 in usage, estimates, endpoints and refusals', async () => {
    const api = client()
    const { lago, begin } = lagoAt(box, api)
    const overage = [{ meter: 'sparks', sparkPrice: '0.00004' }]
    const { externalId } = await lago.customers.create({ accountId: 'acc_1', email: null, name: null }, {})
    await begin(externalId, { ...planPrice(dollars(20n)), overage })
    const usage = { external_subscription_id: externalId, code: 'billfold_sparks', properties: { sparks: '900' } }
    await api.events.createEvent({ event: { transaction_id: 'c1', ...usage } })
    await api.events.findEvent('c1')
    const query = { external_subscription_id: externalId }
    await api.customers.findCustomerCurrentUsage(externalId, query)
    await api.customers.findCustomerProjectedUsage(externalId, query)
    await api.customers.findAllCustomerPastUsage(externalId, query)
    const metric = await api.billableMetrics.findBillableMetric('billfold_sparks')
    await api.plans.createPlan({
      plan: {
        name: 'Instant',
        code: 'instant',
        interval: 'monthly',
        amount_cents: 9900,
        amount_currency: 'USD',
        pay_in_advance: true,
        charges: [
          {
            billable_metric_id: metric.data.billable_metric.lago_id,
            charge_model: 'standard',
            pay_in_advance: true,
            properties: { amount: '0.01' },
          },
        ],
      },
    })
    await api.subscriptions.createSubscription({
      subscription: { external_customer_id: externalId, external_id: externalId, plan_code: 'instant' },
    })
    await api.events.eventEstimateFees({ event: usage })
    await api.events.eventEstimateInstantFees({ event: usage })
    await api.events.eventBatchEstimateInstantFees({ events: [{ event: usage }] })
    const { data } = await api.webhookEndpoints.createWebhookEndpoint({
      webhook_endpoint: { webhook_url: 'http://127.0.0.1:9/hook', signature_algo: 'hmac' },
    })
    await api.webhookEndpoints.findAllWebhookEndpoints()
    await api.webhookEndpoints.destroyWebhookEndpoint(data.webhook_endpoint.lago_id)
    await api.webhooks.fetchPublicKey()
    for (const refused of [
      () => api.customers.findCustomer('none'),
      () => api.subscriptions.findSubscription('none'),
      () => api.events.createEvent({ event: { transaction_id: 'c1', ...usage } }),
      () => api.events.createEvent({} as never),
      () => Client('wrong', { baseUrl: box.lago.baseUrl, customFetch: recordingFetch(heard) }).plans.findAllPlans(),
    ])
      await expect(refused()).rejects.toMatchObject({ ok: false })
    expectNoProblems()
  })

  it('C4 in every webhook', async () => {
    const hooks = await receiver()
    const api = client()
    await api.webhookEndpoints.createWebhookEndpoint({ webhook_endpoint: { webhook_url: hooks.url } })
    const { lago, begin } = lagoAt(box, api)
    const { externalId } = await lago.customers.create({ accountId: 'acc_2', email: null, name: null }, {})
    await lago.customers.update(externalId, { email: null, name: 'Ada' }, {})
    await begin(externalId, planPrice(dollars(20n)))
    await lago.subscriptions.cancel(externalId, 'period_end', {})
    await api.events.createEvent({
      event: { transaction_id: 'w1', code: 'nobodys', external_subscription_id: 'nobodys' },
    })
    box.advance(3_600_000)
    await box.flushWebhooks()
    const types = hooks.letters.map(({ body }) => (JSON.parse(body) as { webhook_type: string }).webhook_type)
    expect([...new Set(types)].sort()).toEqual([
      'customer.created',
      'customer.updated',
      'event.error',
      'events.errors',
      'subscription.started',
      'subscription.terminated',
      'subscription.updated',
    ])
    expect(hooks.letters.flatMap(({ body }) => contract.webhookProblems(JSON.parse(body)))).toEqual([])
    await hooks.close()
  })
})
