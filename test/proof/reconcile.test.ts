import type { DifferenceKind } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import type Stripe from 'stripe'
import { afterEach, expect, it } from 'vitest'
import { openStripeWorld, payOn, returns } from '../core/operations/stripe-world.js'
import { counts } from './counts.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const hourMs = 3_600_000
const meter = 'ai_tokens'
const kinds = ['missing', 'extra', 'amount', 'late', 'wrong_account', 'duplicate', 'status', 'currency'] as const
const discrepancies = 50

/** The same numbers for the same seed. */
function sequence(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

type World = Awaited<ReturnType<typeof openStripeWorld>>
type App = Awaited<ReturnType<World['open']>>

/** Something that is wrong at the provider: in an hour of its own, of an amount of its own. */
interface Planted {
  readonly kind: (typeof kinds)[number]
  readonly accountId: string
  /** Whose name it is found under, where that is another account's. */
  readonly other: string
  readonly at: number
  readonly sparks: number
}

it.each(Array.from({ length: counts.reconciledSeeds }, (_, seed) => seed))(
  `G23 C4 ${discrepancies} discrepancies of ${kinds.length} kinds between the books and Stripe are found, and no other: seed %i`,
  { timeout: counts.timeoutMs },
  async (seed) => {
    const world = await openStripeWorld(closing)
    const app = await world.open(memoryStore({ now: world.now }))
    await app.billing.catalog.apply()
    const random = sequence(seed + 1)
    const accounts = Array.from({ length: 6 }, (_, index) => `acct_${index}`)
    for (const id of accounts) await app.billing.accounts.ensure({ accountId: id })
    const begin = Math.floor(world.now() / hourMs) * hourMs
    world.advance((discrepancies + 4) * hourMs)
    const planted = Array.from({ length: discrepancies }, (_, index): Planted => {
      const kind = kinds[index < kinds.length ? index : random(kinds.length)] ?? 'missing'
      const place = random(accounts.length)
      const other = accounts[(place + 1 + random(accounts.length - 1)) % accounts.length] ?? ''
      const at = begin + index * hourMs + random(50 * 60_000)
      return { kind, accountId: accounts[place] ?? '', other, at, sparks: 1_000 + 10 * index }
    })
    // Everyone uses something in every hour; what is wrong is beside what is right.
    for (const { accountId, at, sparks } of planted) {
      const usage = { accountId, meter, quantity: String(sparks * 10), occurredAt: new Date(at) } as const
      await app.billing.recordUsage({ ...usage, idempotencyKey: `use-${at}` })
    }
    for (const id of accounts)
      for (let hour = 0; hour < discrepancies; hour += 5) {
        const usage = {
          accountId: id,
          meter,
          quantity: '330',
          occurredAt: new Date(begin + hour * hourMs + 55 * 60_000),
        }
        await app.billing.recordUsage({ ...usage, meter, idempotencyKey: `base-${id}-${hour}` })
      }
    expect(await app.billing.sync.flush()).toMatchObject({ parked: 0, postponed: 0, idle: true })
    world.advance(2 * hourMs)
    expect((await app.billing.reconcile({ repair: false })).differences).toEqual([])
    for (const each of planted) await plant(world, app, each)
    world.advance(hourMs)
    const { differences, failures } = await app.billing.reconcile({ repair: false })
    expect(failures).toEqual([])
    const found = differences.map(({ kind, accountId }) => said(kind, accountId ?? 'nobody'))
    expect(found.sort()).toEqual(planted.map(({ kind, accountId }) => said(kind, accountId)).sort())
  },
)

function said(kind: DifferenceKind, accountId: string): string {
  return `${kind} of ${accountId}`
}

async function plant(world: World, app: App, { kind, accountId, other, at, sparks }: Planted): Promise<void> {
  const { client } = world
  const customer = await customerOf(app, accountId)
  const report = async (value: number, moment: number, payer = customer) => {
    const event = { event_name: `billfold_${meter}`, identifier: `planted-${moment}-${value}-${payer}` }
    const payload = { stripe_customer_id: payer, value: String(value) }
    await client.billing.meterEvents.create({ ...event, timestamp: Math.floor(moment / 1000), payload })
  }
  const cancel = async () => {
    const span = { from: Math.floor(at / 60_000) * 60_000, to: Math.floor(at / 60_000) * 60_000 + 60_000 }
    const [own] = await app.store.outbox.reports(accountId, 'stripe', span)
    const cancelled = { type: 'cancel', cancel: { identifier: own?.id ?? '' } } as const
    await client.billing.meterEventAdjustments.create({ event_name: `billfold_${meter}`, ...cancelled })
  }
  switch (kind) {
    case 'missing':
      return cancel()
    case 'extra':
      return report(sparks + 3, at + (at % hourMs > 30 * 60_000 ? -20 : 20) * 60_000)
    case 'amount':
      return report(7, at)
    case 'duplicate':
      return report(sparks, at)
    case 'late':
      await cancel()
      // A minute of the next hour in which nothing else is used.
      return report(sparks, begun(at) + hourMs + 57 * 60_000 + 1)
    case 'wrong_account':
      await cancel()
      return report(sparks, at, await customerOf(app, other))
    case 'status': {
      const id = await buy(app, accountId)
      await client.refunds.create({ payment_intent: id, amount: 500 })
      return
    }
    case 'currency': {
      const sale = { ...returns, accountId, kind: 'credits', amount: `${1 + (sparks % 900)}` } as const
      const checkout = await app.billing.createCheckout(sale)
      const method = await client.paymentMethods.attach('pm_card_visa', { customer })
      const paid: Stripe.PaymentIntentCreateParams = {
        amount: 900,
        currency: 'eur',
        customer,
        payment_method: method.id,
      }
      const metadata = { billfold_intent_id: checkout.id, billfold_account_id: accountId }
      await client.paymentIntents.create({ ...paid, confirm: true, off_session: true, metadata })
    }
  }
}

function begun(at: number): number {
  return Math.floor(at / hourMs) * hourMs
}

async function customerOf(app: App, accountId: string): Promise<string> {
  return (await app.store.accounts.externalId(accountId, 'stripe')) ?? ''
}

/** Buys a package, and answers the payment. */
async function buy({ billing }: App, accountId: string): Promise<string> {
  const checkout = await billing.createCheckout({ ...returns, accountId, kind: 'package', package: 'starter' })
  await payOn(checkout.url)
  await billing.verifyCheckout({ accountId, checkoutId: checkout.id })
  const { items } = await billing.payments.list({ accountId })
  return items[0]?.id ?? ''
}
