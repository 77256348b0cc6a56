import { BillingError, defineCatalog } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import { afterEach, describe, expect, it } from 'vitest'
import { counts } from '../../proof/counts.js'
import { counted, openMeteringWorld } from './metering-world.js'
import { change, observe, spanOf } from './pull-world.js'
import { payOn, returns } from './stripe-world.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const accountId = 'acct_a'
const dayMs = 86_400_000
const meters = ['ai_tokens', 'words', 'rows'] as const
const providers = ['stripe', 'lago'] as const

/** The same numbers for the same seed. */
function randomOf(seed: number) {
  let state = (seed * 2_654_435_761) >>> 0
  const below = (limit: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
  return { below, pick: <T>(list: readonly T[]) => list[below(list.length)] as T }
}

type Random = ReturnType<typeof randomOf>

const rates = [
  { mode: 'per_unit', sparks: '0.7', per: '3' },
  { mode: 'per_unit', sparks: '0.7', per: '3', minimum: '2.5' },
  { mode: 'package', sparks: '9.4', per: '100' },
  {
    mode: 'graduated',
    tiers: [
      { upTo: '100', sparks: '3' },
      { upTo: null, sparks: '1.5', flat: '7.2' },
    ],
  },
  {
    mode: 'volume',
    tiers: [
      { upTo: '500', sparks: '3' },
      { upTo: null, sparks: '1.1' },
    ],
  },
  { mode: 'flat', sparks: '1.3' },
]

function randomCatalog({ below, pick }: Random) {
  const currency = pick(['USD', 'EUR', 'JPY'])
  const included = () =>
    Object.fromEntries(meters.flatMap((name) => (below(2) ? [[name, { included: String(below(1_000)) }]] : [])))
  const rateOf = (name: string) => pick(name === 'ai_tokens' ? rates.filter(({ mode }) => mode !== 'flat') : rates)
  const price = currency === 'JPY' ? '0.05' : '0.0123'
  const catalog = defineCatalog({
    currency,
    sparks: { price },
    meters: Object.fromEntries(
      meters.map((name) => [name, { decimals: name === 'ai_tokens' ? 0 : below(4), rate: rateOf(name) }]),
    ),
    models: { m: { input: '1', output: '2' } },
    plans: {
      postpaid: { overage: true, meters: included() },
      pro: { price: { amount: '20' }, overage: true, meters: included() },
      large: { price: { amount: '50' }, overage: true, meters: included() },
    },
    defaultPlan: 'postpaid',
  } as never)
  return { catalog, minorPerSpark: Number(price) * (currency === 'JPY' ? 1 : 100) }
}

/** What is refused for how things stand, and is no mistake of anybody's. */
const refusals = new Set(['invalid_state', 'conflict', 'not_found', 'subscription_exists'])

async function unlessRefused<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work
  } catch (error) {
    if (BillingError.is(error) && refusals.has(error.code)) return null
    throw error
  }
}

/** A month of an account's life. `isOnTime`: nothing is late or corrected, so that invoices must have all of it. */
async function live(seed: number, isOnTime: boolean, log: string[]) {
  const random = randomOf(seed)
  const { below, pick } = random
  const { catalog, minorPerSpark } = randomCatalog(random)
  const world = await openMeteringWorld(closing, fetch, catalog as never)
  const store = memoryStore({ now: world.now })
  const order = pick([providers, [...providers].reverse()])
  const app = world.open(store, order)
  const { billing } = app
  await billing.catalog.apply()
  await billing.accounts.ensure({ accountId, email: 'a@example.com' })
  log.push(`${order} ${catalog.currency}`)
  // Stripe charges for nothing from before it knows of the price: who collects from the beginning is told before there is usage.
  if (isOnTime) await billing.metering.promote({ provider: order[0] ?? '' })
  const start = world.now()
  const [used, traced]: [string[], number[]] = [[], []]
  const pages: { readonly id: string; readonly url: string }[] = []
  let [keys, last] = [0, '']

  const steps: Readonly<Record<string, () => Promise<unknown>>> = {
    async use() {
      const late = !isOnTime && below(3) === 0 ? below(12) * dayMs : 0
      const occurredAt = new Date(Math.max(start, world.now() - late))
      const usage = { accountId, meter: pick(meters) as 'ai_tokens', quantity: 1 + below(400), occurredAt }
      used.push((await billing.recordUsage({ ...usage, idempotencyKey: `u${keys}` })).id)
    },
    async trace() {
      traced.push(keys)
      const startMs = world.now() - (isOnTime ? 1_000 : 60_000)
      const usage = { input: 1 + below(500), output: below(100) }
      await observe(world.box, [{ id: spanOf(keys), model: 'm', usage, cost: below(1_000) / 1_000, startMs }])
      await billing.sync.pull({ lateMs: 30 * dayMs })
    },
    flush: () => billing.sync.flush(),
    async pass() {
      await billing.sync.flush()
      world.advance(below(4) * dayMs + below(dayMs))
    },
    async promote() {
      expect((await billing.metering.promote({ provider: pick(providers) })).failures).toEqual([])
    },
    async open() {
      const sale = {
        ...returns,
        kind: 'subscription',
        plan: pick(['pro', 'large'] as const),
        idempotencyKey: `page-${keys}`,
      } as const
      const page = await unlessRefused(billing.createCheckout(sale))
      if (page) pages.push(page)
    },
    /** Of two pages that are open at once both may be paid on, and the plan may have moved since they were opened. */
    async buy() {
      if (pages.length === 0) await steps.open?.()
      const bought = pages.splice(0, 1 + below(2))
      for (const { url } of bought) await payOn(url).catch(() => log.push('closed'))
      for (const { id: checkoutId } of bought) await billing.verifyCheckout({ accountId, checkoutId })
    },
    /** What waits to be told is not waited for. */
    cancel: () => unlessRefused(billing.subscriptions.cancel({ accountId, when: pick(['now', 'period_end']) })),
    switch: () =>
      unlessRefused(
        billing.subscriptions.change({ accountId, plan: pick(['pro', 'large'] as const), idempotencyKey: `c${keys}` }),
      ),
    async void() {
      if (used.length === 0) return
      await unlessRefused(billing.usage.void({ accountId, id: pick(used), reason: 'x', idempotencyKey: `v${keys}` }))
    },
    async amend() {
      if (used.length === 0) return
      const change = { quantity: 1 + below(500), reason: 'x', idempotencyKey: `m${keys}` }
      await unlessRefused(billing.usage.amend({ accountId, id: pick(used), ...change }))
    },
    async cost() {
      if (traced.length === 0) return
      const usageDetails = { input: below(800), output: 0 }
      await change(world.box, { observationId: spanOf(pick(traced)), totalCost: below(3_000) / 1_000, usageDetails })
      await billing.sync.pull({ lateMs: 40 * dayMs })
    },
  }
  const onTime = ['use', 'use', 'use', 'use', 'trace', 'flush', 'pass', 'promote', 'open', 'buy', 'cancel', 'switch']
  const names = isOnTime ? onTime : [...onTime, 'use', 'void', 'amend', 'cost']
  for (; keys < 60 && world.now() < start + 33 * dayMs; keys += 1) {
    world.advance((1 + below(90)) * 1_000)
    last = pick(names)
    log.push(`${new Date(world.now()).toISOString()} ${last}`)
    await steps[last]?.()
  }
  await billing.sync.flush()
  world.advance(3 * 3_600_000)
  await billing.sync.flush()
  return { world, app, store, start, minorPerSpark }
}

type Life = Awaited<ReturnType<typeof live>>

/** Each unit is told to the one that collects it, and to the other as a shadow; whole Sparks, so that of each part less than one is left. */
async function expectTold({ world, app, store, start }: Life): Promise<void> {
  const { billing } = app
  expect((await billing.metering.parity({ from: new Date(start - 5 * dayMs) })).rows).toEqual([])
  const owed = new Map<string, bigint>()
  for (const { usage } of await store.ledger.entries(accountId, { limit: 100_000 }))
    for (const [by, amount] of Object.entries(usage?.settledBy ?? {})) {
      const name = `${by} ${usage?.meter}`
      owed.set(name, (owed.get(name) ?? 0n) + BigInt(amount ?? 0n))
    }
  const span = { from: start - 60 * dayMs, to: world.now() + dayMs }
  for (const meter of meters)
    for (const [provider, other] of [providers, [...providers].reverse()] as const) {
      const told = await counted(app, provider, accountId, meter, span)
      for (const [whole, by] of [
        [told.charged, provider],
        [told.shadow, other],
      ] as const) {
        const left = (owed.get(`meter:${by} ${meter}`) ?? 0n) - whole * 1_000_000n
        expect(left >= 0n && left < 6_000_000n, `${meter} at ${provider}: ${whole} of ${by}, ${left} left`).toBe(true)
      }
    }
  expect((await billing.verifyLedger()).findings).toEqual([])
  const { differences, failures } = await billing.reconcile()
  // That a plan was bought twice is told; of usage nothing is.
  expect([differences.filter(({ subject }) => subject !== 'subscription'), failures]).toEqual([[], []])
  expect(app.failures.map(String)).toEqual([])
}

/** What all invoices together charge for usage is what was told, but for what each line rounds. */
async function expectInvoiced({ world, app, store, start, minorPerSpark }: Life): Promise<void> {
  const span = { from: start - 60 * dayMs, to: world.now() + dayMs }
  for (let days = 0; days < 40; days += 20) world.advance(20 * dayMs)
  await app.billing.sync.flush()
  let [lines, sum, told] = [0, 0, 0]
  const customer = (await store.accounts.externalId(accountId, 'stripe')) ?? ''
  const invoices = customer === '' ? [] : (await world.client.invoices.list({ customer, limit: 100 })).data
  for (const { id } of invoices)
    for await (const { description, amount } of world.client.invoices.listLineItems(id ?? ''))
      if (description?.includes('(Sparks)')) {
        lines += 1
        sum += amount
      }
  const isWhole = minorPerSpark === 0.05
  for (const { id } of (await app.billing.listInvoices({ accountId, provider: 'lago', limit: 100 })).items) {
    const { total, lines: own } = await app.billing.invoices.get({ accountId, id })
    lines += own.length
    sum += Number(total) * (isWhole ? 1 : 100)
  }
  for (const meter of meters)
    for (const provider of providers)
      told += Number((await counted(app, provider, accountId, meter, span)).charged) * minorPerSpark
  expect(Math.abs(sum - told), `invoiced ${sum} of ${told} in ${lines} lines`).toBeLessThanOrEqual(lines + 1)
}

// In the sixth life two plans are bought at once.
const only = process.env.BILLFOLD_SEED
const seeds = only ? [Number(only)] : Array.from({ length: counts.chargedOnceSeeds }, (_, index) => index + 6)

describe.each([
  ['that comes late and is corrected', false],
  ['that comes in time', true],
])('usage %s, of random catalogs', (_, isOnTime) => {
  it.each(seeds)('C4 G4 is charged once: seed %i', { timeout: 60_000 }, async (seed) => {
    const log: string[] = []
    try {
      const life = await live(seed, isOnTime, log)
      await expectTold(life)
      if (isOnTime) await expectInvoiced(life)
    } catch (error) {
      console.error(`BILLFOLD_SEED=${seed}\n${log.join('\n')}`)
      throw error
    }
  })
})
