import { type BillingEvent, formatSparks, type Store } from 'billfold'
import { afterEach, describe, expect, it } from 'vitest'
import { counts } from '../../proof/counts.js'
import { stores } from './stores.js'
import { accountId, openStripeWorld, payOn, returns } from './stripe-world.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

type World = Awaited<ReturnType<typeof openStripeWorld>>
type App = Awaited<ReturnType<World['open']>>

const hourMs = 3_600_000
const autoTopUp = { threshold: '100000', package: 'starter', maximumPerDay: 20 } as const

/** An account with a card and 150,000 Sparks, of which 100,000 is the threshold. */
async function start(store: Store, world: World, card: string | null = 'pm_card_visa') {
  const app = await world.open(store)
  const heard: BillingEvent[] = []
  for (const type of ['top_up.failed', 'top_up.stopped', 'checkout.completed'] as const)
    app.billing.on('heard', type, (event) => void heard.push(event))
  if (card !== null) await app.billing.paymentMethods.attach({ accountId, id: card, setAsDefault: true })
  const gift = { accountId, amount: '150000', reason: 'gift', idempotencyKey: 'gift' }
  await app.billing.credits.grant(gift)
  await app.billing.credits.autoTopUp.set({ accountId, autoTopUp, idempotencyKey: 'set' })
  return { ...app, heard, told: () => heard.map(({ type }) => type) }
}

/** Spends 60,000 Sparks. */
let spent = 0
const spend = ({ billing }: Pick<App, 'billing'>, quantity = 600_000) => {
  spent += 1
  return billing.recordUsage({ accountId, meter: 'ai_tokens', quantity, idempotencyKey: `spend_${spent}` })
}

const charges = async ({ client }: World) => (await client.charges.list({ limit: 100 })).data.filter(({ paid }) => paid)
const intents = async ({ client }: World) => (await client.paymentIntents.list({ limit: 100 })).data

const due = { type: 'top_up.due', accountId, data: { package: 'starter' } } as const

/** The same store for another service, which does not close it. */
function lent(store: Store): Store {
  return { ...store, close: async () => {} }
}

/** The store, which fails once: at the n-th of its calls, before or after it has done what it was asked. */
function failingAt(store: Store) {
  const fault = { at: 0, isAfter: false, calls: 0 }
  const wrap = <T extends object>(group: T): T =>
    Object.fromEntries(
      Object.entries(group).map(([name, method]) => [
        name,
        async (...given: unknown[]) => {
          fault.calls += 1
          const isHit = fault.calls === fault.at
          if (isHit && !fault.isAfter) throw new Error('the process died before')
          const answer: unknown = await (method as (...args: unknown[]) => unknown).apply(group, given)
          if (isHit) throw new Error('the process died after')
          return answer
        },
      ]),
    ) as T
  const { ledger, outbox, intents: sales, accounts, directory } = store
  const parts = { ledger: wrap(ledger), outbox: wrap(outbox), intents: wrap(sales), accounts: wrap(accounts) }
  return { fault, store: { ...store, ...parts, directory: wrap(directory) } }
}

describe.each(stores)('automatic top-ups on $name', (tested) => {
  const open = async (card?: string | null) => {
    const world = await openStripeWorld(closing)
    const app = await start(await tested.open({ now: world.now }), world, card)
    return { world, app }
  }

  it('S2.5 charge the default card once when the balance falls below the threshold, and give the package', async () => {
    const { world, app } = await open()
    await app.billing.sync.flush()
    expect(await charges(world)).toHaveLength(0)
    await spend(app)
    await app.billing.sync.flush()
    expect(formatSparks(await app.sparks())).toBe('590000')
    expect(await charges(world)).toMatchObject([{ amount: 2000, currency: 'usd' }])
    await app.billing.sync.flush()
    await app.relay()
    expect(formatSparks(await app.sparks())).toBe('590000')
    expect(app.told()).toEqual(['checkout.completed'])
    const [payment] = (await app.billing.payments.list({ accountId })).items
    const verified = await app.billing.verifyCheckout({ accountId, checkoutId: payment?.checkoutId ?? '' })
    expect(verified).toMatchObject({ status: 'paid', kind: 'package', amount: '20' })
    await app.billing.payments.refund({ accountId, paymentId: payment?.id ?? '', reason: 'asked', idempotencyKey: 'r' })
    expect(formatSparks(await app.sparks())).toBe('90000')
    expect((await app.billing.verifyLedger()).findings).toEqual([])
  })

  it('S2.5 come again each time it falls, and not when they were ended in the meantime', async () => {
    const { world, app } = await open()
    for (const count of [1, 2, 3]) {
      await spend(app, 5_000_000)
      world.advance(1_000)
      await app.billing.sync.flush()
      expect(await charges(world)).toHaveLength(count)
      world.advance(1_000)
    }
    await spend(app, 5_000_000)
    await app.billing.credits.autoTopUp.set({ accountId, autoTopUp: null, idempotencyKey: 'end' })
    world.advance(hourMs)
    await app.billing.sync.flush()
    expect(await charges(world)).toHaveLength(3)
  })

  it('S2.5 that are declined say why, wait an hour, and end after three in a row', async () => {
    const { world, app } = await open('pm_card_chargeCustomerFail')
    for (const declines of [1, 2, 3]) {
      await spend(app)
      await app.billing.sync.flush()
      await spend(app, 1)
      await app.billing.sync.flush()
      expect(await intents(world)).toHaveLength(declines)
      const failed = app.heard.filter(({ type }) => type === 'top_up.failed')
      expect(failed).toHaveLength(declines)
      expect(failed.at(-1)?.data).toMatchObject({
        package: 'starter',
        reason: 'declined',
        remedy: 'update_payment_method',
        declinesInARow: declines,
      })
      world.advance(hourMs + 1)
    }
    expect(app.told().at(-1)).toBe('top_up.stopped')
    expect(await app.billing.credits.autoTopUp.get({ accountId })).toBeNull()
    await spend(app)
    await app.billing.sync.flush()
    expect(await intents(world)).toHaveLength(3)
    await app.relay()
    expect(app.told().filter((type) => type === 'top_up.failed')).toHaveLength(3)

    await app.billing.paymentMethods.attach({ accountId, id: 'pm_card_visa', setAsDefault: true })
    await app.billing.credits.autoTopUp.set({ accountId, autoTopUp, idempotencyKey: 'again' })
    await spend(app)
    await app.billing.sync.flush()
    expect(await charges(world)).toHaveLength(1)
    expect((await app.billing.verifyLedger()).findings).toEqual([])
  })

  it('S2.5 that the bank wants confirmed say so, and the page that follows is paid', async () => {
    const { app } = await open('pm_card_authenticationRequired')
    await spend(app)
    await app.billing.sync.flush()
    expect(app.heard.map(({ data }) => data)).toMatchObject([
      { reason: 'authentication_required', remedy: 'pay_on_page' },
    ])
    const page = await app.billing.createCheckout({ ...returns, kind: 'package', package: 'starter' })
    await payOn(page.url)
    expect((await app.billing.verifyCheckout({ accountId, checkoutId: page.id })).status).toBe('paid')
    expect(formatSparks(await app.sparks())).toBe('590000')
  })

  it('S2.5 without anything to charge say so', async () => {
    const { world, app } = await open(null)
    await spend(app)
    await app.billing.sync.flush()
    expect(app.heard.map(({ data }) => data)).toMatchObject([
      { reason: 'no_payment_method', remedy: 'update_payment_method' },
    ])
    expect(await intents(world)).toHaveLength(0)
  })

  it('S2.5 by bank debit wait for the bank, and are not begun again meanwhile', async () => {
    const { world, app } = await open('pm_usBankAccount_success')
    await spend(app)
    await app.billing.sync.flush()
    expect(formatSparks(await app.sparks())).toBe('90000')
    // The ledger asks again after an hour, which may be while the bank is still busy.
    await app.store.outbox.publish({ ...due, id: 'evt_again', occurredAt: world.now() + 1 })
    await app.billing.sync.flush()
    expect(await intents(world)).toMatchObject([{ status: 'processing' }])
    world.advance(120_000)
    await app.relay()
    expect(formatSparks(await app.sparks())).toBe('590000')
    expect(await intents(world)).toMatchObject([{ status: 'succeeded' }])
  })

  it('S2.5 by a bank debit that fails days later say so then', async () => {
    const { world, app } = await open('pm_usBankAccount_accountClosed')
    await spend(app)
    await app.billing.sync.flush()
    expect(app.told()).toEqual([])
    world.advance(120_000)
    await app.relay()
    await app.billing.sync.flush()
    expect(app.told()).toEqual(['top_up.failed'])
    expect(formatSparks(await app.sparks())).toBe('90000')
  })

  it('S2.5 G1 charge once however many processes have the event', async () => {
    const world = await openStripeWorld(closing)
    const store = await tested.open({ now: world.now })
    const app = await start(store, world)
    await spend(app)
    for (const id of ['evt_1', 'evt_2', 'evt_3']) await store.outbox.publish({ ...due, id, occurredAt: world.now() })
    const lanes = await Promise.all([world.open(lent(store)), world.open(lent(store)), world.open(lent(store))])
    await Promise.all(lanes.map(({ billing }) => billing.sync.flush()))
    world.advance(hourMs / 2)
    await app.billing.sync.flush()
    expect(await charges(world)).toHaveLength(1)
    expect(formatSparks(await app.sparks())).toBe('590000')
  })

  it.each(['pm_card_visa', 'pm_card_chargeCustomerFail'])(
    'S2.5 G1 with %s are made once, whatever step fails',
    async (card) => {
      const world = await openStripeWorld(closing)
      const { store, fault } = failingAt(await tested.open({ now: world.now }))
      const app = await start(store, world, card)
      const isPaid = card === 'pm_card_visa'
      await app.billing.sync.flush()
      // Every step on one store; the steps are the same on the others.
      const apart = tested.name === 'memory' ? 1 : counts.stepsApart
      for (let at = 1, reached = true; reached; at += apart)
        for (const isAfter of [false, true]) {
          const before = { charges: (await charges(world)).length, intents: (await intents(world)).length }
          app.heard.length = 0
          await app.billing.credits.autoTopUp.set({
            accountId,
            autoTopUp: { ...autoTopUp, maximumPerDay: 100 },
            idempotencyKey: `set_${at}_${isAfter}`,
          })
          await spend(app, isPaid ? 5_000_000 : 600_000)
          world.advance(1)
          Object.assign(fault, { at, isAfter, calls: 0 })
          await app.billing.sync.flush().catch(() => {})
          reached = fault.calls >= at
          Object.assign(fault, { at: 0 })
          for (const _ of [1, 2, 3]) {
            world.advance(15 * 60_000 + 1)
            await app.billing.sync.flush()
          }
          const step = `step ${at} ${isAfter ? 'after' : 'before'}`
          expect((await intents(world)).length - before.intents, step).toBe(1)
          expect((await charges(world)).length - before.charges, step).toBe(isPaid ? 1 : 0)
          const told = isPaid ? 'checkout.completed' : 'top_up.failed'
          expect(new Set(app.heard.filter(({ type }) => type === told).map(({ id }) => id)).size, step).toBe(1)
          world.advance(hourMs / 4)
        }
      expect((await app.billing.verifyLedger()).findings).toEqual([])
    },
    120_000,
  )
})
