import { formatSparks } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import type Stripe from 'stripe'
import { afterEach, describe, expect, it } from 'vitest'
import { type Ending, type Lifecycle, lifecycles } from '../core/operations/stripe-lifecycles.js'
import { accountId, openStripeWorld } from '../core/operations/stripe-world.js'
import { counts } from './counts.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

type World = Awaited<ReturnType<typeof openStripeWorld>>
type App = Awaited<ReturnType<World['open']>>

/** Lives a story, its app having heard of nothing, and the events of it in order. */
async function live(lifecycle: Lifecycle) {
  const world = await openStripeWorld(closing)
  const app = await world.open(memoryStore({ now: world.now }))
  await lifecycle.live(world, app)
  const all = await world.allEvents()
  const events = lifecycle.events.map((type) => all.findLast((event) => event.type === type))
  const found = events.filter((event): event is Stripe.Event => event !== undefined)
  expect(found.map(({ type }) => type)).toEqual(lifecycle.events)
  return { world, app, events: found.sort((left, right) => all.indexOf(left) - all.indexOf(right)) }
}

/** Another app that has sold the same and heard of nothing either. */
async function twinOf(world: World, app: App): Promise<App> {
  const store = memoryStore({ now: world.now })
  const twin = await world.open(store)
  await store.accounts.link(accountId, 'stripe', await app.customerId())
  for (const {
    status: _,
    externalId,
    url,
    createdAt: _at,
    expiresAt,
    completedAt: _done,
    paidNanos: _paid,
    ...sale
  } of await app.store.intents.waiting(10)) {
    await store.intents.open(sale)
    await store.intents.update(accountId, sale.id, { status: 'pending', externalId, url, expiresAt })
  }
  return twin
}

async function endingOf({ billing, store }: App, saleId: string): Promise<Ending> {
  const { plan, suspendedFor } = await billing.accounts.get({ accountId })
  const { balance } = await billing.credits.balance({ accountId })
  expect((await billing.verifyLedger()).findings).toEqual([])
  expect((await billing.sync.status()).webhooks).toEqual([])
  const sale = (await store.intents.get(accountId, saleId))?.status as Ending['sale']
  return { plan, sparks: formatSparks(balance), suspendedFor, sale }
}

/** A number from 0 to 1 that follows from the seed. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return state / 2_147_483_648
  }
}

/** Every order of the events, each in its turn. */
function permutations<T>(items: readonly T[]): readonly (readonly T[])[] {
  if (items.length <= 1) return [items]
  return items.flatMap((first, index) =>
    permutations(items.filter((_, other) => other !== index)).map((rest) => [first, ...rest]),
  )
}

describe.each(lifecycles)('G8 when $name', (lifecycle) => {
  it(`S1.4 ${counts.orders} orders with repetitions end in the one state that is expected`, {
    timeout: counts.timeoutMs,
  }, async () => {
    const { world, app, events } = await live(lifecycle)
    const [sale] = await app.store.intents.waiting(10)
    const all = permutations(events)
    const step = Math.floor(all.length / counts.orders)
    for (let index = 0; index < counts.orders; index += 1) {
      const chance = random(index + 1)
      const order = all[index * step] ?? events
      const twin = await twinOf(world, app)
      for (const [place, event] of order.entries()) {
        await twin.deliver(event)
        // One that was heard already, or this one again.
        if (chance() < 0.5) await twin.deliver(order[Math.floor(chance() * (place + 1))] ?? event)
      }
      const path = order.map(({ type }) => type).join(' → ')
      expect(await endingOf(twin, sale?.id ?? ''), path).toEqual(lifecycle.ending)
      await twin.billing.close()
    }
  })

  it('S1.4 what is heard while it happens ends in the same state, late repetitions included', async () => {
    const world = await openStripeWorld(closing)
    const app = await world.open(memoryStore({ now: world.now }))
    let heard = 0
    const listen = async () => {
      const all = await world.allEvents()
      for (const event of all.slice(heard)) await app.deliver(event)
      heard = all.length
    }
    const pending: Promise<void>[] = []
    const advance = (ms: number) => {
      world.advance(ms)
      pending.push(listen())
    }
    await lifecycle.live({ ...world, advance }, app)
    await Promise.all(pending)
    await listen()
    for (const event of [...(await world.allEvents())].reverse()) await app.deliver(event)
    const sales = await Promise.all(
      (['package', 'subscription', 'lifetime'] as const).map((kind) => app.store.intents.completed(accountId, kind)),
    )
    const [sale] = [...sales.flat(), ...(await app.store.intents.waiting(1))]
    const { sale: _, ...state } = lifecycle.ending
    expect(await endingOf(app, sale?.id ?? '')).toMatchObject(state)
  })
})
