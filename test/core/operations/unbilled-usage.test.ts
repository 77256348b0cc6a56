import { defineCatalog } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import { afterEach, describe, expect, it } from 'vitest'
import { openMeteringWorld } from './metering-world.js'
import { payOn, returns } from './stripe-world.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const accountId = 'acct_a'
const catalog = defineCatalog({
  meters: {
    ai_tokens: { unit: 'token', rate: { mode: 'per_unit', sparks: '100', per: '1000' } },
    storage: { aggregation: 'time_weighted', unit: 'GB', rate: { mode: 'per_unit', sparks: '31000', per: '1' } },
  },
  plans: {
    free: {},
    pro: { title: 'Pro', price: { amount: '20' }, overage: true },
    large: { title: 'Large', price: { amount: '50' }, overage: true },
  },
  defaultPlan: 'free',
})

type Provider = 'stripe' | 'lago'

/** An account that has bought `pro` of a provider which charges for its usage too. */
async function begin(provider: Provider) {
  const world = await openMeteringWorld(closing, fetch, catalog as never)
  const app = world.open(memoryStore({ now: world.now }), [provider], provider)
  const { billing, store } = app
  await billing.catalog.apply()
  await billing.accounts.ensure({ accountId, email: 'ada@example.com' })
  if (provider === 'stripe') {
    const { id: checkoutId, url } = await billing.createCheckout({ ...returns, kind: 'subscription', plan: 'pro' })
    await payOn(url)
    await billing.verifyCheckout({ accountId, checkoutId })
  } else {
    const { externalId } = await app.lago.customers.create({ accountId, email: 'ada@example.com', name: null }, {})
    await store.accounts.link(accountId, 'lago', externalId)
    const { data } = await world.lagoClient.plans.findAllPlans()
    const plan = data.plans.find(({ name }) => name === 'Pro')
    // Periods of its own, and not those of the plan that costs nothing.
    await world.lagoClient.subscriptions.destroySubscription(externalId)
    await world.lagoClient.subscriptions.createSubscription({
      subscription: {
        ...{ external_customer_id: externalId, external_id: externalId, plan_code: plan?.code ?? '' },
        ...{ billing_time: 'anniversary', subscription_at: new Date(world.now()).toISOString() },
      },
    })
    await billing.reconcile()
  }
  expect((await billing.accounts.get({ accountId })).plan).toBe('pro')
  world.advance(600_000)
  let keys = 0
  return {
    world,
    app,
    billing,
    use(quantity: number, meter: 'ai_tokens' | 'storage' = 'ai_tokens') {
      keys += 1
      return billing.recordUsage({ accountId, meter: meter as never, quantity, idempotencyKey: `use-${keys}` })
    },
    /** What all invoices charge for usage, in cents. */
    async charged(): Promise<number> {
      const items = (await billing.listInvoices({ accountId, provider, limit: 100 })).items
      const all = await Promise.all(items.map(({ id }) => billing.invoices.get({ accountId, id })))
      const lines = all.flatMap((invoice) => invoice.lines)
      const ofUsage = lines.filter(({ description }) => /ai_tokens|storage|Sparks/.test(description ?? ''))
      return ofUsage.reduce((sum, { amount }) => sum + Number(amount) * 100, 0)
    },
  }
}

const providers: readonly Provider[] = ['stripe', 'lago']
const reports = { stripe: '/v1/billing/meter_events', lago: '/events/batch' } as const

describe.each(providers)('usage that %s was not told of yet', (provider) => {
  it('G4 C4 is charged when the plan is cancelled at once, levels up to that moment', async () => {
    const { billing, use, charged, world } = await begin(provider)
    await use(1_000_000)
    await use(1, 'storage')
    world.advance(24 * 3_600_000)
    await use(500_000)
    world.advance(1_000)
    const before = await billing.usage.summary({ accountId })
    expect((await billing.subscriptions.cancel({ accountId, when: 'now' })).status).toBe('canceled')
    const { sparks } = await billing.usage.summary({ accountId })
    // A gigabyte for a day of a month is a thousand Sparks or so, which nobody had counted before.
    expect(sparks > before.sparks).toBe(true)
    const owed = Number(sparks / 1_000_000n) * 0.004
    expect(Math.abs((await charged()) - owed)).toBeLessThan(1)
  })

  it('G4 C4 is charged when it was to be tried again later, and when another worker has it in hand', async () => {
    const { app, billing, use, charged, world } = await begin(provider)
    world.box.faults.inject({ match: { pathIncludes: reports[provider] }, kind: 'status', status: 503 })
    await use(1_000_000)
    await billing.sync.flush()
    await use(500_000)
    world.advance(1_000)
    const [taken] = await app.store.outbox.claim(provider, { limit: 1, leaseMs: 60_000, early: true })
    setTimeout(
      () =>
        app.store.outbox.settle([
          {
            ...{ id: taken?.id ?? '', fence: taken?.fence ?? 0, status: 'pending', retryInMs: 60_000 },
            ...{ mayHaveArrived: false, error: 'not now', event: null },
          },
        ]),
      300,
    )
    await billing.subscriptions.cancel({ accountId, when: 'now' })
    expect(await charged()).toBe(600)
  })

  it('G4 C4 keeps the plan from being cancelled at once while it is not taken, and nothing has happened', async () => {
    const { billing, use, charged, world } = await begin(provider)
    await use(1_000_000)
    world.advance(1_000)
    world.box.faults.inject({ match: { pathIncludes: reports[provider] }, kind: 'status', status: 503, times: 50 })
    const refused = await billing.subscriptions.cancel({ accountId, when: 'now' }).catch((error: unknown) => error)
    expect(refused).toMatchObject({
      ...{ code: 'provider_unavailable', retryable: true, outcome: 'not_applied' },
      details: { provider, waiting: 1 },
    })
    const subscription = await billing.subscriptions.get({ accountId })
    expect(subscription).toMatchObject({ status: 'active', cancelsAtPeriodEnd: false })
    // With its period it ends all the same: until then there is time.
    expect(await billing.subscriptions.cancel({ accountId })).toMatchObject({ cancelsAtPeriodEnd: true })
    world.box.faults.clear()
    world.advance(60_000)
    await billing.subscriptions.cancel({ accountId, when: 'now' })
    expect(await charged()).toBe(400)
  })

  it('G4 C4 is told before an upgrade, which charges at once for what the old plan still owes', async () => {
    const { billing, use, charged, world } = await begin(provider)
    await use(1_000_000)
    world.advance(1_000)
    await billing.subscriptions.change({ accountId, plan: 'large', idempotencyKey: 'larger' })
    const { deliveries } = await billing.sync.status()
    expect(deliveries.filter(({ destination }) => destination === provider)).toEqual([])
    world.advance(40 * 86_400_000)
    expect(await charged()).toBe(400)
  })
})

it('G4 C4 usage that was given up keeps nobody from cancelling at once', async () => {
  const { billing, use, world } = await begin('stripe')
  world.box.faults.inject({ match: { pathIncludes: reports.stripe }, kind: 'status', status: 400, times: 50 })
  await use(1_000_000)
  world.advance(1_000)
  await billing.subscriptions.cancel({ accountId, when: 'now' })
  expect((await billing.sync.status()).deliveries).toContainEqual({ destination: 'stripe', status: 'parked', count: 1 })
})
