import { afterEach, describe, expect, it } from 'vitest'
import { counted, openMeteringWorld } from './metering-world.js'
import { stores, type TestedStore } from './stores.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const accountId = 'acct_a'
const hourMs = 3_600_000
const dayMs = 24 * hourMs
const november = { from: Date.parse('2026-11-01T00:00:00Z'), to: Date.parse('2026-12-01T00:00:00Z') }
const december = { from: november.to, to: Date.parse('2027-01-01T00:00:00Z') }

async function begin(tested: TestedStore, metering: readonly ('stripe' | 'lago')[] = ['stripe', 'lago']) {
  const world = await openMeteringWorld(closing)
  const store = await tested.open({ now: world.now })
  const app = world.open(store, metering)
  await app.billing.catalog.apply()
  await app.billing.accounts.ensure({ accountId })
  let keys = 0
  /** So many Sparks of tokens; the plan gives the first thousand of each period. */
  const use = (sparks: number, occurredAt?: number, by: Pick<typeof app, 'billing'> = app) => {
    keys += 1
    const when = occurredAt === undefined ? {} : { occurredAt: new Date(occurredAt) }
    const usage = { accountId, meter: 'ai_tokens', quantity: sparks * 10, idempotencyKey: `use-${keys}` } as const
    return by.billing.recordUsage({ ...usage, ...when })
  }
  const on = (provider: 'stripe' | 'lago', span = november) => counted(app, provider, accountId, 'ai_tokens', span)
  return { world, store, app, use, on }
}

describe.each(stores)('who collects, on $name', (tested) => {
  it('C4 both are told the same, one where it charges and one apart, and the config’s order changes nothing later', async () => {
    const { world, store, app, use, on } = await begin(tested)
    await use(1_500)
    expect((await use(300)).deliveries).toEqual({ stripe: 'queued', lago: 'queued', langfuse: 'queued' })
    expect(await app.billing.sync.flush()).toMatchObject({ parked: 0, postponed: 0, idle: true })
    expect([await on('stripe'), await on('lago')]).toEqual([
      { charged: 800n, shadow: 0n },
      { charged: 0n, shadow: 800n },
    ])
    const swapped = world.open(store, ['lago', 'stripe'])
    const { id } = await use(200, undefined, swapped)
    await swapped.billing.usage.void({ accountId, id, reason: 'a mistake', idempotencyKey: 'void' })
    await use(50, undefined, swapped)
    await swapped.billing.sync.flush()
    expect([await on('stripe'), await on('lago')]).toEqual([
      { charged: 850n, shadow: 0n },
      { charged: 0n, shadow: 850n },
    ])
    expect(await swapped.billing.metering.collector({ accountId })).toEqual({ provider: 'stripe', next: null })
    expect((await app.billing.verifyLedger()).findings).toEqual([])
    expect(app.failures).toEqual([])
  })

  it('C4 a promotion begins with the next period: before it the old one is told, after it the new one, late usage too', async () => {
    const { world, app, use, on } = await begin(tested)
    await use(1_500)
    expect(await app.billing.metering.promote({ provider: 'lago' })).toEqual({
      promoted: 1,
      unchanged: 0,
      failures: [],
    })
    expect(await app.billing.metering.promote({ provider: 'lago' })).toMatchObject({ promoted: 0, unchanged: 1 })
    const next = { provider: 'lago', at: new Date(december.from) }
    expect(await app.billing.metering.collector({ accountId })).toEqual({ provider: 'stripe', next })
    await use(100)
    world.advance(12 * dayMs)
    await use(20, november.to - hourMs)
    await use(1_700)
    await app.billing.sync.flush()
    expect([await on('stripe'), await on('lago')]).toEqual([
      { charged: 620n, shadow: 0n },
      { charged: 0n, shadow: 620n },
    ])
    expect([await on('stripe', december), await on('lago', december)]).toEqual([
      { charged: 0n, shadow: 700n },
      { charged: 700n, shadow: 0n },
    ])
    world.advance(2 * hourMs)
    expect(await app.billing.metering.parity()).toMatchObject({ isEqual: true, compared: 2, equal: 2, rows: [] })

    expect(await app.billing.metering.promote({ accountId, provider: 'stripe' })).toMatchObject({ promoted: 1 })
    world.advance(31 * dayMs)
    await use(1_010)
    await app.billing.sync.flush()
    const january = { from: december.to, to: december.to + 31 * dayMs }
    expect([await on('stripe', january), await on('lago', january)]).toEqual([
      { charged: 10n, shadow: 0n },
      { charged: 0n, shadow: 10n },
    ])
    expect((await app.billing.verifyLedger()).findings).toEqual([])
  })

  it('C4 a promotion is refused for who is not told of usage, and taken back until it begins', async () => {
    const { app, use } = await begin(tested)
    await expect(app.billing.metering.promote({ provider: 'langfuse' })).rejects.toMatchObject({
      code: 'invalid_request',
    })
    await expect(app.billing.metering.promote({ accountId: 'nobody', provider: 'lago' })).rejects.toMatchObject({
      code: 'not_found',
    })
    await use(1_500)
    await app.billing.metering.promote({ provider: 'lago' })
    expect(await app.billing.metering.promote({ provider: 'stripe' })).toMatchObject({ promoted: 1 })
    expect(await app.billing.metering.collector({ accountId })).toEqual({ provider: 'stripe', next: null })
  })
})

describe('a promotion', () => {
  const [memory] = stores as [TestedStore]

  it('C4 puts the customer on prices of usage at the new provider, once, and that one’s invoice has them', async () => {
    const { world, app, use, on } = await begin(memory)
    await use(1_500)
    await app.billing.metering.promote({ provider: 'lago' })
    await app.billing.metering.promote({ provider: 'lago' })
    world.advance(12 * dayMs)
    await use(51_000)
    await app.billing.sync.flush()
    expect(await on('lago', december)).toEqual({ charged: 50_000n, shadow: 0n })
    const { data } = await world.lagoClient.customers.findCustomerCurrentUsage(accountId, {
      external_subscription_id: accountId,
    })
    // 50,000 Sparks at $0.00004; nothing of November.
    expect(data.customer_usage.amount_cents).toBe(200)
    expect(app.failures).toEqual([])
  })

  it('C4 by several processes at once moves each account once, and none of them fails', async () => {
    const { world, store, app } = await begin(memory)
    const ids = [accountId, 'acct_b', 'acct_c']
    for (const id of ids) await app.billing.accounts.ensure({ accountId: id })
    const apps = [app, world.open(store, ['stripe', 'lago']), world.open(store, ['stripe', 'lago'])]
    const promotions = await Promise.all(apps.map(({ billing }) => billing.metering.promote({ provider: 'lago' })))
    expect(promotions.flatMap(({ failures }) => failures.map(({ error }) => error.message))).toEqual([])
    for (const id of ids) {
      const { data } = await world.lagoClient.subscriptions.findSubscription(id)
      expect(data.subscription.plan_code).toMatch(/ai_tokens/)
      expect((await app.billing.metering.collector({ accountId: id })).next?.provider).toBe('lago')
    }
  })

  it('C4 tells which account cannot be moved, and moves the others', async () => {
    const { world, app, use } = await begin(memory)
    await app.billing.accounts.ensure({ accountId: 'acct_b' })
    await use(1_500)
    await app.billing.sync.flush()
    // A plan of Lago's own that does not charge for usage.
    await world.lagoClient.plans.createPlan({
      plan: {
        name: 'Flat',
        code: 'flat',
        interval: 'monthly',
        amount_cents: 900,
        amount_currency: 'USD',
        pay_in_advance: false,
      },
    })
    await world.lagoClient.subscriptions.createSubscription({
      subscription: { external_customer_id: accountId, external_id: accountId, plan_code: 'flat' },
    })
    const { promoted, failures } = await app.billing.metering.promote({ provider: 'lago' })
    expect(promoted).toBe(1)
    expect(failures.map(({ accountId: id, error }) => [id, error.code])).toEqual([[accountId, 'invalid_state']])
    expect((await app.billing.metering.collector({ accountId })).next).toBeNull()
  })
})

describe('parity', () => {
  const [memory] = stores as [TestedStore]

  it('C4 says unknown while something is under way, and different where a provider counted something else', async () => {
    const { world, app, use } = await begin(memory)
    expect(await app.billing.metering.parity()).toMatchObject({ isEqual: false, compared: 0 })
    await use(1_500)
    expect((await app.billing.metering.parity()).rows).toMatchObject([{ standing: 'unknown', collectedBy: 'stripe' }])
    await app.billing.sync.flush()
    expect((await app.billing.metering.parity()).rows).toMatchObject([{ standing: 'unknown' }])
    world.advance(2 * hourMs)
    expect(await app.billing.metering.parity({ accountId })).toMatchObject({ isEqual: true, compared: 1 })
    const customer = (await app.store.accounts.externalId(accountId, 'stripe')) ?? ''
    await world.client.billing.meterEvents.create({
      event_name: 'billfold_ai_tokens',
      identifier: 'planted',
      payload: { stripe_customer_id: customer, value: '7' },
    })
    const { rows, isEqual } = await app.billing.metering.parity({ from: new Date(world.now() - dayMs) })
    expect(isEqual).toBe(false)
    expect(rows).toMatchObject([
      {
        standing: 'different',
        providers: { stripe: { told: 500n, counted: 507n }, lago: { told: 500n, counted: 500n } },
        reason: 'stripe counted 507 of 500 Sparks',
      },
    ])
  })

  it('C4 there is nothing to compare with one provider', async () => {
    const { app } = await begin(memory, ['stripe'])
    await expect(app.billing.metering.parity()).rejects.toMatchObject({ code: 'invalid_request' })
  })
})
