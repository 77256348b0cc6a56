import { BillingError, createBilling, defineCatalog } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import { createHandler } from 'billfold/http'
import { lagoProvider } from 'billfold/providers/lago'
import { afterEach, describe, expect, it } from 'vitest'
import { counted, openMeteringWorld } from './metering-world.js'
import { stores } from './stores.js'
import { payOn, returns } from './stripe-world.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const accountId = 'acct_a'
const dayMs = 86_400_000

async function begin(metering: readonly ('stripe' | 'lago')[]) {
  const world = await openMeteringWorld(closing)
  const app = world.open(memoryStore({ now: world.now }), metering)
  await app.billing.catalog.apply()
  await app.billing.accounts.ensure({ accountId, email: 'ada@example.com' })
  let keys = 0
  const use = async (sparks: number) => {
    keys += 1
    const usage = { accountId, meter: 'ai_tokens', quantity: sparks * 10, idempotencyKey: `use-${keys}` } as const
    return app.billing.recordUsage(usage)
  }
  const subscribe = async () => {
    const sale = { ...returns, kind: 'subscription', plan: 'pro' } as const
    const { id: checkoutId, url } = await app.billing.createCheckout(sale)
    await payOn(url)
    await app.billing.verifyCheckout({ accountId, checkoutId })
    expect((await app.billing.accounts.get({ accountId })).plan).toBe('pro')
  }
  const span = () => ({ from: world.now() - 60 * dayMs, to: world.now() + dayMs })
  return {
    world,
    app,
    use,
    subscribe,
    on: (name: 'stripe' | 'lago') => counted(app, name, accountId, 'ai_tokens', span()),
  }
}

/** What the customer's invoices at Stripe charge for usage, in cents. */
async function overageAtStripe({ world, app }: Awaited<ReturnType<typeof begin>>): Promise<number> {
  const customer = (await app.store.accounts.externalId(accountId, 'stripe')) ?? ''
  const invoices = await world.client.invoices.list({ customer, limit: 100 })
  const totals = invoices.data.map(({ lines }) =>
    lines.data
      .filter(({ description }) => description?.includes('(Sparks)'))
      .reduce((sum, { amount }) => sum + amount, 0),
  )
  return totals.reduce((sum, total) => sum + total, 0)
}

describe('providers beside each other', () => {
  it('C4 invoices of usage are Lago’s while payments are Stripe’s: what is used is charged once', async () => {
    const all = await begin(['lago'])
    const { world, app, use, subscribe, on } = all
    await subscribe()
    expect((await app.billing.payments.list({ accountId })).items).toMatchObject([{ provider: 'stripe', amount: '20' }])
    await use(1_000)
    expect((await use(50_000)).settledBy).toEqual({ 'meter:lago': 50_000_000_000n })
    await app.billing.sync.flush()
    expect([await on('lago'), await on('stripe')]).toEqual([
      { charged: 50_000n, shadow: 0n },
      { charged: 0n, shadow: 0n },
    ])
    const meters = [{ meter: 'ai_tokens', sparks: 50_000_000_000n, amount: '2' }]
    expect(await app.billing.metering.usage({ accountId })).toMatchObject([
      { provider: 'lago', currency: 'USD', amount: '2', meters: expect.arrayContaining(meters) },
    ])
    world.advance(40 * dayMs)
    const { items } = await app.billing.listInvoices({ accountId })
    const owed = items.filter(({ total }) => total !== '0')
    expect(owed).toMatchObject([{ provider: 'lago', total: '2' }])
    expect(await app.billing.invoices.get({ accountId, id: owed[0]?.id ?? '' })).toMatchObject({ total: '2' })
    expect(await overageAtStripe(all)).toBe(0)
    expect(app.failures).toEqual([])
  })

  it('S0.4 the dashboard shows what is recorded here beside what Lago charges for it, also while Lago is away', async () => {
    const { world, app, use } = await begin(['lago'])
    await use(51_000)
    await app.billing.sync.flush()
    const handler = createHandler(app.billing, { identify: () => ({ accountId, scopes: ['billing:read'] as const }) })
    const show = async () => (await handler(new Request('https://app.example.com/api/billing/usage'))).json()
    const charged = { meter: 'ai_tokens', sparks: '50000', amount: 2 }
    expect(await show()).toMatchObject({
      sparks: '51000',
      provider_usage: { provider: 'lago', currency: 'USD', amount: 2, meters: expect.arrayContaining([charged]) },
      is_complete: true,
    })
    world.box.faults.inject({ match: { pathIncludes: '/current_usage' }, kind: 'status', status: 500, times: 9 })
    expect(await show()).toMatchObject({ sparks: '51000', provider_usage: null, is_complete: false })
  })

  it('S0.4 what a provider charges is asked of one that is told of usage and can say it', async () => {
    const { app } = await begin(['stripe', 'lago'])
    const { metering } = app.billing
    // Stripe collects, and says it on its next invoice; Lago charges nothing for what it counts beside it.
    expect(await metering.usage({ accountId })).toEqual([])
    await expect(metering.usage({ accountId, provider: 'stripe' })).rejects.toMatchObject({
      code: 'capability_missing',
    })
    await expect(metering.usage({ accountId, provider: 'manual' })).rejects.toMatchObject({ code: 'invalid_request' })
    await expect(metering.usage({ accountId: 'nobody' })).rejects.toMatchObject({ code: 'not_found' })
    await expect(metering.usage({ accountId, which: 'next' as 'past' })).rejects.toMatchObject({
      code: 'invalid_request',
    })
  })

  it('C4 S1.1 usage goes to Langfuse, to Stripe’s meters and to Lago at once, and Stripe, which sold the plan, charges for it', async () => {
    const all = await begin(['lago', 'stripe'])
    const { world, app, use, subscribe, on } = all
    await subscribe()
    expect(await app.billing.metering.collector({ accountId })).toEqual({ provider: 'stripe', next: null })
    await use(51_000)
    expect(await app.billing.sync.flush()).toMatchObject({ parked: 0, idle: true })
    const traces = (await (await fetch(`${world.box.url}/_sandbox/langfuse/traces`)).json()) as object
    expect(traces).toMatchObject({ observations: 1 })
    expect([await on('stripe'), await on('lago')]).toEqual([
      { charged: 50_000n, shadow: 0n },
      { charged: 0n, shadow: 50_000n },
    ])
    world.advance(40 * dayMs)
    expect(await overageAtStripe(all)).toBe(200)
    const lagos = (await app.billing.listInvoices({ accountId, provider: 'lago' })).items
    expect(lagos.filter(({ total }) => total !== '0')).toEqual([])
  })

  it('C4 a webhook of a provider without a subscription takes nobody’s plan that another one sold', async () => {
    const { app, use, subscribe } = await begin(['stripe', 'lago'])
    await subscribe()
    await use(10)
    await app.billing.sync.flush()
    const { differences, failures } = await app.billing.reconcile()
    expect([differences, failures]).toEqual([[], []])
    expect((await app.billing.accounts.get({ accountId })).plan).toBe('pro')
  })

  it('S3.4 S3.6 C4 one app sells by card and by bank transfer, as each sale says', async () => {
    const { app } = await begin(['stripe'])
    const sale = { ...returns, kind: 'package', package: 'starter' } as const
    const card = await app.billing.createCheckout(sale)
    const transfer = await app.billing.createCheckout({ ...sale, provider: 'manual' })
    expect([card.provider, transfer.provider]).toEqual(['stripe', 'manual'])
    expect([card.instructions, transfer.instructions]).toEqual([null, 'Transfer it to DE02…'])
    await expect(app.billing.createCheckout({ ...sale, provider: 'langfuse' })).rejects.toMatchObject({
      code: 'invalid_request',
    })
    await payOn(card.url)
    await app.billing.verifyCheckout({ accountId, sessionId: card.externalId })
    expect((await app.billing.credits.balance({ accountId })).balance).toBe(500_000_000_000n)
    const paid = await app.billing.payments.submitManual({
      ...{ accountId, invoiceId: transfer.externalId, paymentMethod: 'bank_transfer', transactionReference: 'TX-1' },
    })
    expect(paid).toMatchObject({ provider: 'manual', status: 'pending_approval' })
    await app.billing.payments.approve({ accountId, paymentId: paid.id })
    expect((await app.billing.credits.balance({ accountId })).balance).toBe(1_000_000_000_000n)
    expect(await app.billing.invoices.get({ accountId, id: transfer.externalId })).toMatchObject({
      provider: 'manual',
      status: 'paid',
    })
    const [stripes, manuals] = await Promise.all(
      (['stripe', 'manual'] as const).map((provider) => app.billing.payments.list({ accountId, provider })),
    )
    expect([stripes?.items.length, manuals?.items.length]).toEqual([1, 1])
    const purchase = { ...returns, package: 'starter', provider: 'manual', idempotencyKey: 'p-1' } as const
    expect((await app.billing.credits.packages.purchase(purchase)).nextAction).toMatchObject({ kind: 'manual' })
    expect((await app.billing.reconcile()).differences).toEqual([])
  })

  it('C4 whoever has a subscription from one seller is sold no second one by another', async () => {
    const { app, subscribe } = await begin(['stripe', 'lago'])
    await subscribe()
    const second = { ...returns, kind: 'subscription', plan: 'pro', provider: 'manual' } as const
    await expect(app.billing.createCheckout(second)).rejects.toMatchObject({ code: 'subscription_exists' })
  })

  it('C4 G4 a process that saw to the prices of usage a moment ago sees to them again when another one has ended the plan', async () => {
    const all = await begin(['stripe', 'lago'])
    const { world, app, use, subscribe } = all
    // Lago charges for what is used before the plan is bought, so that Stripe's prices of usage come with the plan, and end with it.
    await app.billing.metering.promote({ provider: 'lago', accountId })
    world.advance(31 * dayMs)
    await subscribe()
    await use(51_000)
    await app.billing.sync.flush()
    world.advance(600_000)
    const other = world.open(app.store, ['stripe', 'lago'])
    const creation = { method: 'POST', pathIncludes: '/v1/subscriptions' }
    world.box.faults.inject({ match: creation, kind: 'reset_before', times: 9 })
    await other.billing.subscriptions.cancel({ accountId, when: 'now' })
    expect(other.failures.length).toBeGreaterThan(0)
    world.box.faults.clear()
    world.advance(600_000)
    expect((await app.billing.accounts.get({ accountId })).plan).toBe('postpaid')
    expect((await use(51_000)).settledBy).toHaveProperty('meter:stripe')
    // Stripe says the same again for a day, under the same key.
    world.box.faults.inject({ match: creation, kind: 'status', status: 500 })
    await app.billing.sync.flush()
    const { charged } = await all.on('stripe')
    expect(charged > 90_000n).toBe(true)
    world.advance(40 * dayMs)
    expect(await overageAtStripe(all)).toBe(Number(charged) * 0.004)
    expect(app.failures).toEqual([])
  })

  it.each(['stripe', 'manual'] as const)(
    'G12 G23 C4 a plan that was bought of two sellers at once, last of %s, is told of and found until one is cancelled and paid back',
    async (last) => {
      const { world, app, subscribe } = await begin(['stripe'])
      const { billing } = app
      const heard: unknown[] = []
      billing.on('page', 'purchase.duplicated', ({ data }) => void heard.push(data))
      const sale = { ...returns, kind: 'subscription', plan: 'pro' } as const
      const invoice = await billing.createCheckout({ ...sale, provider: 'manual' })
      const page = await billing.createCheckout(sale)
      const paid = { accountId, invoiceId: invoice.externalId, paymentMethod: 'bank_transfer' }
      const transfer = await billing.payments.submitManual({ ...paid, transactionReference: 'TX-1' })
      // What could not be closed, since Stripe was away, and what somebody had paid already: both stay open.
      if (last === 'manual') await subscribe()
      else {
        world.box.faults.inject({ match: { pathIncludes: '/expire' }, kind: 'status', status: 503, times: 9 })
        await billing.payments.approve({ accountId, paymentId: transfer.id })
        expect(app.failures.splice(0).length).toBeGreaterThan(0)
        world.box.faults.clear()
      }
      expect((await billing.accounts.get({ accountId })).plan).toBe('pro')
      expect((await billing.reconcile({ repair: false })).differences).toEqual([])
      world.advance(60_000)
      if (last === 'manual') await billing.payments.approve({ accountId, paymentId: transfer.id })
      else {
        await payOn(page.url)
        await billing.verifyCheckout({ accountId, checkoutId: page.id })
      }
      // Without the one that charges for usage alone.
      const both = (await billing.subscriptions.list({ accountId })).filter(({ plan }) => plan !== null)
      expect(both.map(({ status, plan }) => [status, plan])).toEqual([
        ['active', 'pro'],
        ['active', 'pro'],
      ])
      const [extra, kept] = both
      const named = { provider: last, id: extra?.id ?? '', duplicateOf: kept?.id ?? '' }
      expect(extra?.provider).toBe(last)
      await billing.sync.flush()
      expect(heard).toEqual([{ ...named, kind: 'subscription', plan: 'pro' }])
      const difference = { ...named, kind: 'duplicate', subject: 'subscription', accountId, isRepaired: false }
      for (const repair of [false, true])
        expect((await billing.reconcile({ repair })).differences).toEqual([expect.objectContaining(difference)])
      await billing.subscriptions.cancel({ accountId, id: named.id, when: 'now' })
      const { items } = await billing.payments.list({ accountId, provider: last })
      const back = { accountId, paymentId: items[0]?.id ?? '', reason: 'bought twice', idempotencyKey: 'back' }
      expect(await billing.payments.refund(back)).toMatchObject({ status: 'succeeded', amount: '20' })
      const { differences, failures } = await billing.reconcile()
      expect([differences, failures]).toEqual([[], []])
      expect(await billing.subscriptions.get({ accountId })).toMatchObject({ id: kept?.id, status: 'active' })
      expect((await billing.accounts.get({ accountId })).plan).toBe('pro')
      expect(app.failures).toEqual([])
    },
  )

  it.each([
    ['before it subscribes', false],
    ['while the page of its plan is open', true],
  ])(
    'C4 G4 whoever is charged for usage %s is charged for each unit once, by Stripe alone too',
    async (_, isOpened) => {
      const all = await begin(['stripe'])
      const { world, app, use, subscribe, on } = all
      const sale = { ...returns, kind: 'subscription', plan: 'pro' } as const
      if (isOpened) await app.billing.createCheckout(sale)
      await use(51_000)
      await app.billing.sync.flush()
      world.advance(120_000)
      await subscribe()
      await use(31_000)
      await app.billing.sync.flush()
      expect(await on('stripe')).toEqual({ charged: 80_000n, shadow: 0n })
      world.advance(40 * dayMs)
      expect(await overageAtStripe(all)).toBe(320)
      const change = { accountId, plan: 'large', idempotencyKey: 'larger' } as const
      await app.billing.subscriptions.change(change)
      await use(41_000)
      await app.billing.sync.flush()
      world.advance(40 * dayMs)
      expect(await overageAtStripe(all)).toBe(480)
      expect(app.failures).toEqual([])
    },
  )

  it('C4 a catalog in another currency than a provider keeps its customers to is config_invalid at the start', async () => {
    const { app, world } = await begin(['lago'])
    const catalog = defineCatalog({ currency: 'EUR' })
    for (const providers of [{ metering: app.lago }, { default: app.stripe, invoices: [app.stripe, app.lago] }])
      expect(() => createBilling({ catalog, store: app.store, providers })).toThrow(
        expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining('EUR') }),
      )
    const lago = lagoProvider({ client: world.lagoClient, currency: 'EUR' })
    await createBilling({ catalog, store: memoryStore(), providers: { metering: lago } }).close()
  })
})

describe.each(stores)('what providers are asked for, on $name', (tested) => {
  it('S3.10 G7 C4 with something that cannot be in any field is refused for what it is, by every verb, and nothing is done', async () => {
    const world = await openMeteringWorld(closing)
    const app = world.open(await tested.open({ now: world.now }), ['stripe', 'lago'])
    const { billing, store } = app
    const other = 'acct_b'
    for (const id of [accountId, other]) await billing.accounts.ensure({ accountId: id, email: 'ada@example.com' })
    const sold = await billing.createCheckout({ ...returns, kind: 'package', package: 'starter', provider: 'manual' })
    const paid = { invoiceId: sold.externalId, paymentMethod: 'bank_transfer', transactionReference: 'TX-1' }
    const payment = await billing.payments.submitManual({ accountId, ...paid })
    const one = { accountId, id: 'sub_1' }
    const key = { idempotencyKey: 'k' }
    const { metering, subscriptions, payments, invoices, sync, paymentMethods } = billing
    const verbs: readonly (readonly [(input: never) => Promise<unknown>, Readonly<Record<string, unknown>>])[] = [
      [metering.collector, { accountId }],
      [metering.promote, { accountId, provider: 'lago' }],
      [metering.parity, { accountId, from: '2026-11-01T00:00:00Z', to: '2026-11-20T00:00:00Z' }],
      [metering.usage, { accountId, provider: 'lago', which: 'past' }],
      [sync.pull, { from: '2026-11-01T00:00:00Z', to: '2026-11-02T00:00:00Z', traceId: 'a', lateMs: 1 }],
      [billing.reconcile, { accountId, from: '2026-11-01T00:00:00Z', to: '2026-11-02T00:00:00Z', by: 'day' }],
      [subscriptions.get, one],
      [subscriptions.list, { accountId }],
      [subscriptions.change, { ...one, plan: 'pro', seats: 1, when: 'now', proration: 'none', ...key }],
      [subscriptions.previewChange, { ...one, plan: 'pro', seats: 1, proration: 'none' }],
      [subscriptions.cancel, { ...one, when: 'now' }],
      [subscriptions.reactivate, one],
      [payments.list, { accountId, limit: 5, cursor: 'c', status: 'succeeded', provider: 'manual' }],
      [payments.get, { accountId, id: payment.id }],
      [payments.submitManual, { accountId, ...paid }],
      [payments.approve, { accountId, paymentId: payment.id, amount: '1' }],
      [payments.reject, { accountId, paymentId: payment.id, reason: 'x' }],
      [payments.refund, { accountId, paymentId: payment.id, amount: '1', reason: 'x', ...key }],
      [billing.listInvoices, { accountId, limit: 5, cursor: 'c', status: 'open', provider: 'lago' }],
      [invoices.get, { accountId, id: sold.externalId }],
      [invoices.void, { accountId, id: sold.externalId }],
      [paymentMethods.get, one],
      [billing.createCheckout, { ...returns, kind: 'subscription', plan: 'pro', seats: 1, provider: 'manual', ...key }],
    ]
    const bad = ['\0', 'a\ud800', 'x'.repeat(100_000), '', -1, Number.NaN, {}, ['a'], null, 10n ** 30n]
    const badTimes = ['999999-99-99', '0001-01-01', 8.64e15 + 1, new Date(Number.NaN)]
    const standing = async () => [
      await store.ledger.entries(accountId, { limit: 99 }),
      await store.outbox.backlog(),
      await store.intents.since(accountId, 0),
      (await payments.get({ accountId, id: payment.id })).status,
      (await invoices.get({ accountId, id: sold.externalId })).status,
    ]
    const before = await standing()
    for (const [verb, good] of verbs)
      for (const [field, value] of [
        ...Object.keys(good).flatMap((name) =>
          [...bad, ...(name === 'from' || name === 'to' ? badTimes : [])].map((each) => [name, each] as const),
        ),
        // Other accounts' objects are not there, and neither is a field that nobody knows.
        ...('id' in good || 'paymentId' in good ? [['accountId', other] as const] : []),
        ['__unknown', 1] as const,
      ]) {
        const error = await verb({ ...good, [field]: value } as never).catch((thrown: unknown) => thrown)
        const isRefused =
          BillingError.is(error) && !error.retryable && (error.httpStatus < 500 || error.httpStatus === 501)
        expect(isRefused, `${verb.name} ${field} ${String(value).slice(0, 20)}: ${String(error)}`).toBe(true)
      }
    expect(await standing()).toEqual(before)
    expect(app.failures).toEqual([])
  })
})
