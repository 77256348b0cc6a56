import type { SandboxFault } from 'billfold/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { receiveWebhooks } from '../../testing/webhook-receiver.js'
import { stores } from './stores.js'
import { accountId, dayMs, openStripeWorld, payOn, returns } from './stripe-world.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

type World = Awaited<ReturnType<typeof openStripeWorld>>
type App = Awaited<ReturnType<World['open']>>

const hourMs = 3_600_000
const minuteMs = 60_000
const starter = { ...returns, kind: 'package', package: 'starter' } as const
const events = { method: 'POST', pathIncludes: '/v1/billing/meter_events' }
const meter = 'ai_tokens'
let keys = 0

/** Usage of so many whole Sparks. */
async function use({ billing }: App, sparks: number, account = accountId, occurredAt?: number) {
  keys += 1
  const usage = { accountId: account, meter, quantity: String(sparks * 10), idempotencyKey: `use-${keys}` } as const
  return billing.recordUsage({ ...usage, ...(occurredAt === undefined ? {} : { occurredAt: new Date(occurredAt) }) })
}

/** What the twin counted of an account so far. */
async function counted(world: World, app: App, account = accountId) {
  const customerId = (await app.store.accounts.externalId(account, 'stripe')) ?? 'nobody'
  const to = Math.ceil(world.now() / minuteMs) * minuteMs + minuteMs
  return (await app.stripe['usage-reports'].total({ customerId, meter, from: to - 60 * dayMs, to }, {})).sparks
}

const brief = ({ differences }: Awaited<ReturnType<App['billing']['reconcile']>>) =>
  differences.map(({ subject, kind, isRepaired }) => `${subject} ${kind}${isRepaired ? ' repaired' : ''}`).sort()

describe.each(stores)('reconcile on $name', (tested) => {
  const start = async (options?: Parameters<typeof openStripeWorld>[1], hasMeters = true) => {
    const world = await openStripeWorld(closing, options)
    const app = await world.open(await tested.open({ now: world.now }))
    if (hasMeters) await app.billing.catalog.apply()
    return { world, app }
  }

  it('G23 finds nothing where everything went well', async () => {
    const { world, app } = await start()
    await use(app, 100)
    const checkout = await app.billing.createCheckout(starter)
    await payOn(checkout.url)
    await app.billing.verifyCheckout({ accountId, checkoutId: checkout.id })
    const [payment] = (await app.billing.payments.list({ accountId })).items
    const refund = { accountId, paymentId: payment?.id ?? '', amount: '5', reason: 'kindness', idempotencyKey: 'r-1' }
    await app.billing.payments.refund(refund)
    const plan = await app.billing.createCheckout({ ...returns, kind: 'subscription', plan: 'pro' })
    await payOn(plan.url)
    await app.billing.verifyCheckout({ accountId, checkoutId: plan.id })
    await app.billing.sync.flush()
    await app.billing.createCheckout({ ...returns, kind: 'credits', amount: '7' })
    world.advance(3 * hourMs)
    await use(app, 50)
    const done = await app.billing.reconcile()
    expect(done).toMatchObject({ differences: [], failures: [], uncertain: { delivered: 0, resent: 0 } })
    expect(done.checked).toMatchObject({ accounts: 1, reports: 1, checkouts: 3, subscriptions: 1 })
    expect(done.checked.payments).toBeGreaterThanOrEqual(1)
  })

  it.each<[string, SandboxFault['kind'], 'delivered' | 'resent']>([
    ['arrived and was not answered', 'reset_after', 'delivered'],
    ['did not arrive', 'reset_before', 'resent'],
  ])(
    'F41 C4 an outage of 25 hours leaves usage that %s uncertain, and reconcile settles it',
    async (_, kind, outcome) => {
      const { world, app } = await start()
      world.advance(5 * minuteMs)
      world.box.faults.inject({ kind, match: events, times: 100 } as SandboxFault)
      await use(app, 120)
      await app.billing.sync.flush()
      const before = await app.billing.sync.status()
      expect(before.deliveries).toMatchObject([{ destination: 'stripe', status: 'pending', count: 1 }])
      world.advance(25 * hourMs)
      await use(app, 30)
      await app.billing.sync.flush()
      world.box.faults.clear()
      world.advance(2 * minuteMs)
      await app.billing.sync.flush()
      expect((await app.billing.sync.status()).deliveries).toContainEqual(
        expect.objectContaining({ destination: 'stripe', status: 'uncertain', count: 1 }),
      )
      world.advance(2 * hourMs)
      const looked = await app.billing.reconcile({ repair: false })
      expect(looked.uncertain).toEqual({ delivered: 0, resent: 0 })
      expect(looked.differences).toMatchObject([{ subject: 'usage', accountId, isRepaired: false }])
      const done = await app.billing.reconcile()
      expect(done.uncertain).toEqual({ delivered: 0, resent: 0, [outcome]: 1 })
      await app.billing.sync.flush()
      expect(await counted(world, app)).toBe(150n)
      world.advance(2 * hourMs)
      expect((await app.billing.reconcile()).differences).toEqual([])
      expect(
        (await app.billing.sync.status()).deliveries.filter(({ destination }) => destination === 'stripe'),
      ).toEqual([])
    },
  )

  it('G4 usage of a month ago that did not arrive is parked and never sent again', async () => {
    const { world, app } = await start()
    world.box.faults.inject({ kind: 'reset_before', match: events, times: 100 })
    await use(app, 120)
    await app.billing.sync.flush()
    world.advance(25 * hourMs)
    await app.billing.sync.flush()
    world.box.faults.clear()
    world.advance(33 * dayMs + 22.5 * hourMs)
    const done = await app.billing.reconcile()
    expect(brief(done)).toEqual(['usage late'])
    expect(done.uncertain).toEqual({ delivered: 0, resent: 0 })
    expect(await counted(world, app)).toBe(0n)
    expect((await app.billing.sync.status()).deliveries).toMatchObject([{ status: 'parked', count: 1 }])
  })

  it('F23 S3.3 a checkout whose webhook never came is fulfilled, a refund made elsewhere is followed, and a canceled plan ends', async () => {
    const { world, app } = await start()
    const checkout = await app.billing.createCheckout(starter)
    await payOn(checkout.url)
    expect(await app.sparks()).toBe(0n)
    expect(brief(await app.billing.reconcile({ repair: false }))).toEqual(['checkout missing'])
    expect(await app.sparks()).toBe(0n)
    expect(brief(await app.billing.reconcile())).toEqual(['checkout missing repaired'])
    expect(await app.sparks()).toBe(500_000_000_000n)
    const plan = await app.billing.createCheckout({ ...returns, kind: 'subscription', plan: 'pro' })
    await payOn(plan.url)
    expect(brief(await app.billing.reconcile())).toEqual(['checkout missing repaired'])
    expect(await app.plan()).toBe('pro')
    const sold = (await app.billing.payments.list({ accountId })).items.at(-1)
    await world.client.refunds.create({ payment_intent: sold?.id ?? '', amount: 1_000 })
    const [subscription] = await app.billing.subscriptions.list({ accountId })
    await world.client.subscriptions.cancel(subscription?.id ?? '')
    expect(brief(await app.billing.reconcile())).toEqual(['payment status repaired', 'subscription status repaired'])
    expect(await app.sparks()).toBe(250_000_000_000n)
    expect(await app.plan()).toBe('free')
    expect((await app.billing.reconcile()).differences).toEqual([])
  })

  it('F26 C4 webhooks that were given up are tried again when they are replayed', async () => {
    const { world, app } = await start()
    const checkout = await app.billing.createCheckout(starter)
    await payOn(checkout.url)
    world.box.faults.inject({
      kind: 'status',
      status: 404,
      match: { method: 'GET', pathIncludes: '/v1/checkout/sessions' },
      times: 100,
    })
    await app.relay('checkout.session.completed')
    for (let tries = 0; tries < 20; tries += 1) {
      world.advance(hourMs)
      await app.billing.sync.flush()
    }
    expect((await app.billing.sync.status()).webhooks).toEqual([{ status: 'dead', count: 1 }])
    world.box.faults.clear()
    await expect(app.billing.sync.replay({ kind: 'webhooks', eventId: 'evt_none' })).rejects.toMatchObject({
      code: 'not_found',
    })
    expect(await app.billing.sync.replay({ kind: 'webhooks', provider: 'lago' })).toEqual({
      webhooks: 0,
      deliveries: 0,
    })
    expect(await app.billing.sync.replay()).toEqual({ webhooks: 1, deliveries: 0 })
    await app.billing.sync.flush()
    expect(await app.sparks()).toBe(500_000_000_000n)
    expect((await app.billing.sync.status()).webhooks).toEqual([])
  })

  it('F11 C4 usage that Stripe could not count after it took it is parked, told of, found, and counted when it is replayed', async () => {
    const { world, app } = await start({ meterErrors: 'report' }, false)
    const parked: string[] = []
    app.billing.on('app', 'delivery.parked', ({ data }) => void parked.push(String(data.deliveryId)))
    const heard = await receiveWebhooks()
    closing.push(() => heard.close())
    await world.client.v2.core.eventDestinations.create({
      name: 'app',
      type: 'webhook_endpoint',
      event_payload: 'thin',
      enabled_events: [...app.stripe.thinEvents],
      webhook_endpoint: { url: heard.url },
    })
    await use(app, 70)
    await app.billing.sync.flush()
    world.advance(5 * minuteMs)
    await world.box.flushWebhooks()
    expect(heard.received).toHaveLength(1)
    for (const { body } of heard.received) await app.deliver(JSON.parse(body))
    await app.billing.sync.flush()
    expect(parked).toHaveLength(1)
    expect(app.failures).toEqual([])
    await app.billing.catalog.apply()
    world.advance(25 * hourMs)
    expect(brief(await app.billing.reconcile())).toEqual(['usage missing'])
    expect(await app.billing.sync.replay({ kind: 'deliveries', destination: 'stripe' })).toEqual({
      webhooks: 0,
      deliveries: 1,
    })
    await app.billing.sync.flush()
    expect(await counted(world, app)).toBe(70n)
    world.advance(2 * hourMs)
    expect((await app.billing.reconcile()).differences).toEqual([])
  })
})
