import { afterEach, describe, expect, it } from 'vitest'
import { stores } from './stores.js'
import { accountId, dayMs, openStripeWorld, payOn, returns } from './stripe-world.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const spark = 1_000_000n
const hourMs = 3_600_000

describe.each(stores)('the credits of a plan that is subscribed to, on $name', (tested) => {
  const start = async (options?: Parameters<typeof openStripeWorld>[1]) => {
    const world = await openStripeWorld(closing, options)
    const app = await world.open(await tested.open({ now: world.now }))
    let used = 0
    const subscribe = async (plan: 'small' | 'large', card?: string) => {
      const checkout = await app.billing.createCheckout({ ...returns, kind: 'subscription', plan })
      await payOn(checkout.url, card ? { card } : {})
      await app.billing.verifyCheckout({ accountId, checkoutId: checkout.id })
      await app.relay()
      return checkout
    }
    /** Uses so many Sparks. */
    const use = (sparks: number) => {
      used += 1
      const usage = {
        accountId,
        meter: 'ai_tokens',
        quantity: String(sparks * 10),
        idempotencyKey: `u${used}`,
      } as const
      return app.billing.recordUsage(usage)
    }
    const sparks = async () => (await app.sparks()) / spark
    return { world, app, subscribe, use, sparks, ...app.billing.subscriptions }
  }

  it('S1.5 come with each period that is paid for, and not before it is', async () => {
    const { world, app, subscribe, use, sparks } = await start()
    await subscribe('large')
    expect(await sparks()).toBe(5_000n)
    await use(4_800)
    world.advance(30 * dayMs + 60_000)
    await app.relay()
    world.advance(dayMs + 2 * hourMs)
    await use(1)
    await app.relay()
    // What was left is carried over; what was used between the periods is debt that the new credits pay.
    expect(await sparks()).toBe(5_000n + 200n - 1n)
    await app.relay()
    expect(await sparks()).toBe(5_199n)
    expect((await app.billing.verifyLedger()).findings).toEqual([])
  })

  it('S1.5 do not come when the subscription ends with its period, whenever that is told', async () => {
    const { world, app, subscribe, use, sparks, cancel } = await start()
    await subscribe('large')
    await use(5_000)
    await cancel({ accountId, when: 'period_end' })
    world.advance(31 * dayMs + hourMs)
    await use(1)
    expect(await sparks()).toBe(-1n)
    await app.relay()
    expect(await app.plan()).toBe('free')
    expect(await sparks()).toBe(-1n)
    world.advance(17 * dayMs)
    await app.billing.sync.flush()
    expect(await sparks()).toBe(-1n)
  })

  it('S1.5 are those of the smaller plan after a downgrade at the end of a period', async () => {
    const { world, app, subscribe, use, sparks, change } = await start()
    await subscribe('large')
    await use(5_000)
    await change({ accountId, plan: 'small', when: 'period_end', idempotencyKey: 'down' })
    world.advance(31 * dayMs + 2 * hourMs)
    await app.relay()
    expect([await app.plan(), await sparks()]).toEqual(['small', 1_000n])
  })

  it('S1.5 are the difference after an upgrade within a period, once', async () => {
    const { app, subscribe, sparks, change } = await start()
    await subscribe('small')
    await change({ accountId, plan: 'large', idempotencyKey: 'up' })
    await app.relay()
    expect(await sparks()).toBe(5_000n)
    await change({ accountId, plan: 'small', idempotencyKey: 'down' })
    await change({ accountId, plan: 'large', idempotencyKey: 'up-again' })
    await app.relay()
    expect(await sparks()).toBe(5_000n)
  })

  it('S0.7 do not come for a renewal that is declined, and come when it is paid after all', async () => {
    const { world, app, subscribe, use, sparks } = await start({ afterwards: 'unpaid' })
    await subscribe('large')
    await use(5_000)
    await app.billing.paymentMethods.attach({ accountId, id: 'pm_card_chargeCustomerFail', setAsDefault: true })
    world.advance(31 * dayMs + 2 * hourMs)
    await app.relay()
    expect([await app.plan(), await sparks()]).toEqual(['large', 0n])
    await app.billing.paymentMethods.attach({ accountId, id: 'pm_card_visa', setAsDefault: true })
    const [invoice] = (await app.billing.listInvoices({ accountId })).items
    await app.billing.invoices.pay({ accountId, id: invoice?.id ?? '' })
    await app.relay()
    expect(await sparks()).toBe(5_000n)
    await app.relay()
    expect(await sparks()).toBe(5_000n)
  })

  it('S1.5 come again with another subscription that is paid for, in the same month too', async () => {
    const { world, subscribe, use, sparks, cancel, app } = await start()
    await subscribe('large')
    await use(5_000)
    world.advance(20 * dayMs)
    await cancel({ accountId, when: 'now' })
    await app.relay()
    expect(await sparks()).toBe(0n)
    await subscribe('large')
    expect(await sparks()).toBe(5_000n)
    await app.relay()
    expect(await sparks()).toBe(5_000n)
  })
})
