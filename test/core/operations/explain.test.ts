import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type AnyProvider,
  type CatalogConfig,
  createBilling,
  defineCatalog,
  type ExplainedEntry,
  type ExplainedGrant,
  type ExplainedUsage,
  type PriceBook,
  type Store,
} from 'billfold'
import { sqliteStore } from 'billfold/adapters/sqlite'
import { afterEach, describe, expect, it } from 'vitest'
import { openDriver } from '../../../src/adapters/sqlite/driver.js'
import { openAcme, toTopUp } from './acme-checkout.js'
import { createClock } from './setting.js'
import { stores, type TestedStore } from './stores.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const accountId = 'acct_a'

/** A book of one model, whose price per token in micro-dollars is given. */
function bookAt(version: string, price: bigint): PriceBook {
  const rates = {
    standard: new Map([
      ['input', [{ upTo: null, price: { coefficient: price, scale: 6 } }]],
      ['requests', [{ upTo: null, price: { coefficient: 1n, scale: 3 } }]],
    ]),
  }
  return { version, currency: 'USD', find: ({ model }) => (model === 'listed' ? rates : undefined) }
}

const config = {
  sparks: { price: '0.00004', margin: '1.2', discount: { above: '100000', percent: '10' } },
  meters: {
    model_calls: { unit: 'token', rate: { mode: 'by_cost', minimum: '1' } },
    ai_tokens: { unit: 'token', rate: { mode: 'per_unit', sparks: '100', per: '3' } },
    mixed: { unit: 'token', rate: { mode: 'larger', sparks: '100', per: '1000' } },
    calls: {
      unit: 'call',
      rate: {
        mode: 'graduated',
        tiers: [
          { upTo: '100', sparks: '2' },
          { upTo: null, sparks: '1', per: '3' },
        ],
      },
    },
    seats: { unit: 'seat', aggregation: 'max', rate: { mode: 'per_unit', sparks: '5', per: '1' } },
    agents: { unit: 'agent', aggregation: 'level' },
    users: {
      unit: 'user',
      aggregation: 'unique',
      countedBy: 'user',
      rate: { mode: 'per_unit', sparks: '7', per: '1' },
    },
    storage: {
      unit: 'GB',
      aggregation: 'time_weighted',
      decimals: 6,
      rate: { mode: 'per_unit', sparks: '30', per: '1' },
    },
  },
  models: {
    'gpt-5': { prices: { input: '1.25', cache_read: '0.125', output: '10', web_searches: '10' }, batch: '0.5' },
  },
  prices: bookAt('list@1', 2n),
  plans: {
    free: {},
    pro: {
      meters: { ai_tokens: { included: '50' }, calls: { included: '50' }, seats: { included: '2' } },
      overage: true,
    },
    own: { byo: true },
    credited: { credits: { sparks: '40' } },
  },
} as const satisfies CatalogConfig

const meters = {
  id: 'meters',
  metering: {
    maximumAgeMs: 1e12,
    dedupeWindowMs: 1e12,
    report: async (reports: readonly unknown[]) => reports.map(() => ({ status: 'delivered' as const })),
  },
} as unknown as AnyProvider

function service(store: Store, now: () => number, catalog: Partial<CatalogConfig> = {}) {
  const billing = createBilling({
    catalog: defineCatalog({ ...config, ...catalog } as typeof config),
    store,
    providers: { metering: meters as never },
    environment: { now },
  })
  return billing
}

async function openOn(tested: TestedStore, plan = 'free') {
  const clock = createClock()
  const store = await tested.open(clock)
  const billing = service(store, clock.now)
  closing.push(() => billing.close())
  await store.migrate()
  await store.accounts.ensure({ id: accountId, email: null, name: null, plan })
  let keys = 0
  const key = () => `k-${++keys}`
  const grant = (amount: number, kind: 'paid' | 'promotional' = 'promotional') =>
    billing.credits.grant({ accountId, amount, kind, reason: 'welcome', idempotencyKey: key() })
  const use = async (meter: keyof typeof config.meters, input: object) =>
    (await billing.recordUsage({ accountId, meter, idempotencyKey: key(), ...input } as never)).id
  const usage = async (id: string) => (await billing.explain({ accountId, id })) as ExplainedUsage
  return { ...clock, billing, store, key, grant, use, usage }
}

const agreed = { agrees: true, problems: [], checks: { cost: true, sparks: true, split: true } }

describe.each(stores)('explain on $name', (tested) => {
  it('S3.11 S1.2 says what every token cost, at which prices, and how the cost became Sparks', async () => {
    const { grant, use, usage, billing } = await openOn(tested)
    await grant(10_000)
    const tokens = { input: 900, cache_read: 4_000, output: 301, web_searches: 1 }
    const id = await use('model_calls', { tokens, model: 'gpt-5', provider: 'openai', dimensions: { feature: 'chat' } })
    const explained = await usage(id)
    expect(explained).toMatchObject({
      ...agreed,
      kind: 'usage',
      id,
      meter: 'model_calls',
      unit: 'token',
      reported: { quantity: '5201', tokens, model: 'gpt-5', provider: 'openai', serviceTier: 'standard' },
      prices: { source: 'catalog', rates: expect.stringMatching(/^catalog#[0-9a-f]{12}$/), areKept: true },
      cost: {
        currency: 'USD',
        costUsd: '0.014635',
        pools: [
          { pool: 'input', count: 900, price: '1.25', per: '1000000', cost: '0.001125' },
          { pool: 'cache_read', count: 4_000, price: '0.125', per: '1000000', cost: '0.0005' },
          { pool: 'output', count: 301, price: '10', per: '1000000', cost: '0.00301' },
          { pool: 'web_searches', count: 1, price: '10', per: '1000', cost: '0.01' },
        ],
      },
      rating: {
        rate: { mode: 'by_cost', minimum: '1' },
        from: 'catalog',
        byUnits: null,
        byCost: { costUsd: '0.014635', margin: '1.2', sparkPrice: '0.00004', sparks: '439.05' },
        discount: { above: '100000', percent: '10', order: 'before_margin', applied: false },
        minimum: { sparks: '1', applied: false },
        unrounded: '439.05',
        sparks: '439.05',
      },
      sparks: '439.05',
      settledBy: { credits: '439.05' },
      amount: '-439.05',
      balance: { before: '10000', after: '9560.95' },
      burns: [
        {
          sparks: '439.05',
          kind: 'promotional',
          origin: 'once',
          reason: 'welcome',
          cause: { kind: 'hand', key: 'k-1' },
        },
      ],
      deliveries: [
        { provider: 'meters', as: 'metering', status: 'queued', wholeSparks: '439', carried: '0.05', events: 1 },
      ],
    })
    // Plain data: nothing is lost on the way to a person.
    expect(JSON.parse(JSON.stringify(explained))).toEqual(explained)
    await expect(billing.explain({ accountId, id: explained.deliveries[0]?.id ?? '' })).resolves.toMatchObject({
      kind: 'delivery',
      agrees: true,
      status: 'pending',
      usage: { wholeSparks: '439', sparks: '439.05' },
      entries: [{ id, sparks: '439.05' }],
    })
  })

  it('S1.2 S3.11 says what was discounted, raised to the minimum, and rounded', async () => {
    const { use, usage } = await openOn(tested)
    const large = await usage(await use('model_calls', { costUsd: '10' }))
    expect(large).toMatchObject({
      ...agreed,
      prices: { source: 'reported' },
      rating: { byCost: { sparks: '300000' }, discount: { applied: true }, unrounded: '270000' },
      settledBy: { debt: '270000' },
    })
    const small = await usage(await use('model_calls', { costUsd: '0.00000001' }))
    expect(small).toMatchObject({ ...agreed, rating: { minimum: { applied: true }, unrounded: '1' } })
    const third = await usage(await use('ai_tokens', { quantity: 1 }))
    expect(third).toMatchObject({
      ...agreed,
      cost: null,
      prices: { source: null },
      rating: { byUnits: { units: '1', sparks: '100/3' }, unrounded: '100/3', sparks: '33.333333' },
    })
    const larger = await usage(await use('mixed', { tokens: { input: 1_000 }, model: 'listed' }))
    expect(larger).toMatchObject({
      ...agreed,
      prices: { source: 'book', rates: expect.stringMatching(/^list@1#[0-9a-f]{12}$/) },
      cost: {
        pools: [
          { pool: 'requests', count: 1, price: '1', per: '1000' },
          { pool: 'input', price: '2' },
        ],
      },
      rating: { byUnits: { sparks: '100' }, byCost: { costUsd: '0.003', sparks: '90' }, unrounded: '100' },
    })
  })

  it('S1.2 explains what was recorded at prices that are no more, also from another process', async () => {
    const { use, store, now, usage } = await openOn(tested)
    const tokens = { input: 1_000 }
    const ids = [
      await use('model_calls', { tokens, model: 'gpt-5' }),
      await use('model_calls', { tokens, model: 'listed' }),
      await use('ai_tokens', { quantity: 100 }),
    ]
    const before = await Promise.all(ids.map(usage))
    const later = service(store, now, {
      sparks: { price: '1', margin: '3' },
      meters: { model_calls: { unit: 'word', rate: { mode: 'flat', sparks: '9' } } },
      models: {},
      prices: bookAt('list@1', 5n),
      plans: { free: {} },
    })
    expect(await Promise.all(ids.map((id) => later.explain({ accountId, id })))).toEqual(before)
    for (const explained of before) expect(explained).toMatchObject(agreed)
    // Of one version of the book, other rates: each event has its own.
    const dearer = await later.recordUsage({
      accountId,
      meter: 'model_calls',
      tokens,
      model: 'listed',
      idempotencyKey: 'new',
    })
    expect(await later.explain({ accountId, id: dearer.id })).toMatchObject({ unit: 'word', sparks: '9', agrees: true })
  })

  it('S1.2 S3.11 says that it cannot work out what no card is kept for', async () => {
    const { store, now, usage } = await openOn(tested)
    const forgetful = service({ ...store, prices: { keep: async () => {}, get: async () => null } }, now, {
      currency: 'EUR',
      prices: undefined as never,
    })
    const call = { accountId, meter: 'model_calls', model: 'gpt-5', tokens: { input: 5 }, idempotencyKey: 'u' } as const
    const { id } = await forgetful.recordUsage(call)
    expect(await usage(id)).toMatchObject({
      agrees: false,
      checks: { cost: false, sparks: false, split: true },
      prices: { areKept: false },
      rating: null,
    })
  })

  it('S1.2 S3.11 shows the arithmetic of tiers: units and prices of the period before and after', async () => {
    const { use, usage, advance } = await openOn(tested)
    await use('calls', { quantity: 90 })
    const across = await usage(await use('calls', { quantity: 20 }))
    expect(across).toMatchObject({
      ...agreed,
      rating: {
        period: { unitsBefore: '90', unitsAfter: '110', priceBefore: '180', priceAfter: '203.333333' },
        sparks: '23.333333',
      },
    })
    advance(40 * 86_400_000)
    expect(await usage(await use('calls', { quantity: 1 }))).toMatchObject({
      ...agreed,
      rating: { period: { unitsBefore: '0', unitsAfter: '1' } },
    })
    expect(await usage(across.id)).toEqual(across)
  })

  it('S1.2 S3.11 explains meters that are no sums', async () => {
    const { use, usage, advance } = await openOn(tested, 'pro')
    await use('seats', { quantity: 3 })
    expect(await usage(await use('seats', { quantity: 7 }))).toMatchObject({
      ...agreed,
      aggregation: 'max',
      reported: { quantity: '7' },
      quantity: '4',
      rating: { period: { unitsBefore: '1', unitsAfter: '5' }, sparks: '20' },
    })
    expect(await usage(await use('seats', { quantity: 2 }))).toMatchObject({ ...agreed, quantity: '0', sparks: '0' })
    expect(await usage(await use('agents', { quantity: 4 }))).toMatchObject({ ...agreed, rating: null, sparks: '0' })
    await use('users', { userId: 'ann' })
    expect(await usage(await use('users', { userId: 'ann' }))).toMatchObject({ ...agreed, quantity: '0' })
    await use('storage', { quantity: 10 })
    advance(86_400_000)
    expect(await usage(await use('storage', { quantity: 5 }))).toMatchObject({
      ...agreed,
      aggregation: 'time_weighted',
    })
  })

  it('S1.3 S3.11 splits what the plan gave, what credits paid, and what is owed', async () => {
    const { grant, use, usage, billing, key } = await openOn(tested)
    await billing.accounts.update({
      accountId,
      terms: { meters: { ai_tokens: { included: '60' }, calls: { included: '50' } } },
      idempotencyKey: key(),
    })
    await grant(500)
    await grant(300, 'paid')
    const explained = await usage(await use('ai_tokens', { quantity: 90 }))
    expect(explained).toMatchObject({
      ...agreed,
      included: '60',
      sparks: '3000',
      settledBy: { allowance: '2000', credits: '800', debt: '200' },
      balance: { before: '800', after: '-200' },
      burns: [
        { sparks: '500', kind: 'promotional' },
        { sparks: '300', kind: 'paid' },
      ],
    })
    await use('calls', { quantity: 40 })
    expect(await usage(await use('calls', { quantity: 20 }))).toMatchObject({
      ...agreed,
      included: '10',
      rating: { period: { unitsBefore: '0', unitsAfter: '10' }, sparks: '20' },
    })
    const paid = (await billing.explain({ accountId, id: explained.burns[1]?.grantId ?? '' })) as ExplainedGrant
    expect(paid).toMatchObject({
      kind: 'grant',
      grantKind: 'paid',
      amount: '300',
      remaining: '0',
      cause: { kind: 'hand' },
      burned: { rows: 1, sparks: '300' },
      burnedBy: [{ id: explained.id, sparks: '300', operation: 'usage' }],
      agrees: true,
    })
  })

  it('S1.3 S3.11 explains what is collected afterwards, and what is used with keys of one’s own', async () => {
    const collected = await openOn(tested, 'pro')
    await collected.grant(1)
    expect(await collected.usage(await collected.use('ai_tokens', { quantity: 53 }))).toMatchObject({
      ...agreed,
      settledBy: { allowance: '1666.666667', credits: '1', 'meter:meters': '99' },
      deliveries: [{ wholeSparks: '99', sparks: '99', carried: '0' }],
    })
    const own = await openOn(tested, 'own')
    expect(await own.usage(await own.use('model_calls', { tokens: { input: 9 }, model: 'gpt-5' }))).toMatchObject({
      ...agreed,
      settledBy: { byo: '1' },
      amount: '0',
      burns: [],
    })
  })

  it('S3.11 S1.2 explains rates that were agreed with an account, also after they changed', async () => {
    const { use, usage, billing, key, advance } = await openOn(tested)
    const agree = (sparks: string) =>
      billing.accounts.update({
        accountId,
        terms: { meters: { ai_tokens: { rate: { mode: 'per_unit', sparks, per: '1' } } } },
        idempotencyKey: key(),
      })
    const first = await use('ai_tokens', { quantity: 3 })
    advance(1_000)
    await agree('7')
    advance(1_000)
    const second = await use('ai_tokens', { quantity: 3 })
    advance(1_000)
    await agree('8')
    await billing.accounts.update({ accountId, zone: 'Europe/Berlin', idempotencyKey: key() })
    expect(await usage(first)).toMatchObject({ ...agreed, sparks: '100', rating: { from: 'catalog' } })
    expect(await usage(second)).toMatchObject({
      ...agreed,
      sparks: '21',
      rating: { from: 'terms', byUnits: { sparks: '21' } },
    })
  })

  it('S3.11 explains each correction of usage, and what is left after it', async () => {
    const { grant, use, usage, billing, key } = await openOn(tested)
    await grant(1_000)
    const id = await use('model_calls', { tokens: { input: 100_000 }, model: 'gpt-5' })
    const correction = { accountId, id, reason: 'counted twice' }
    const amended = await billing.usage.amend({
      ...correction,
      tokens: { input: 50_000 },
      serviceTier: 'batch',
      idempotencyKey: key(),
    })
    const voided = await billing.usage.void({ ...correction, idempotencyKey: key() })
    const explained = await usage(id)
    expect(explained).toMatchObject({ ...agreed, sparks: '3750', total: { sparks: '3750', costUsd: '0.125' } })
    expect(explained.corrections).toMatchObject([
      {
        ...agreed,
        id: amended.id,
        corrects: id,
        reason: 'counted twice',
        cost: { costUsd: '0.03125', pools: [{ count: 50_000, price: '0.625' }] },
        sparks: '-2812.5',
        total: { sparks: '937.5', costUsd: '0.03125' },
      },
      { ...agreed, id: voided.id, sparks: '-937.5', total: { quantity: '0', sparks: '0', costUsd: '0' } },
    ])
    expect(await usage(amended.id)).toEqual({ ...explained.corrections[0] })
    const tiered = await use('calls', { quantity: 150 })
    await use('calls', { quantity: 30 })
    await billing.usage.amend({ ...correction, id: tiered, quantity: 20, idempotencyKey: key() })
    expect(await usage(tiered)).toMatchObject({
      ...agreed,
      corrections: [{ ...agreed, rating: { period: { unitsBefore: '180', unitsAfter: '50' } } }],
    })
  })

  it('S1.3 explains holds, what was captured out of them, and what was given back', async () => {
    const { grant, usage, billing, key } = await openOn(tested)
    await grant(1_000)
    const held = await billing.hold({
      accountId,
      meter: 'ai_tokens',
      quantity: 9,
      reason: 'a job',
      idempotencyKey: key(),
    })
    const captured = await billing.capture({ accountId, holdId: held.id, quantity: 6, idempotencyKey: key() })
    const id = captured.usage?.id ?? ''
    expect(await usage(id)).toMatchObject({
      ...agreed,
      hold: { id: held.id, status: 'captured', reason: 'a job', captured: '200' },
      sparks: '200',
    })
    expect(await billing.explain({ accountId, id: held.id })).toMatchObject({
      kind: 'hold',
      status: 'captured',
      reason: 'a job',
      rated: '300',
      captured: '200',
      settledBy: [{ id, sparks: '200' }],
      agrees: true,
    })
    const plain = await billing.hold({ accountId, amount: 10, idempotencyKey: key() })
    await billing.capture({ accountId, holdId: plain.id, amount: 4, idempotencyKey: key() })
    const explained = await billing.explain({ accountId, id: plain.id })
    expect(explained).toMatchObject({ captured: '4', settledBy: [{ operation: 'capture', sparks: '4' }], agrees: true })
    const [row] = explained.kind === 'hold' ? explained.settledBy : []
    expect(await usage(row?.id ?? '')).toMatchObject({
      ...agreed,
      meter: null,
      rating: null,
      settledBy: { credits: '4' },
    })
    const free = await billing.hold({ accountId, amount: 10, idempotencyKey: key() })
    await billing.release({ accountId, holdId: free.id, idempotencyKey: key() })
    expect(await billing.explain({ accountId, id: free.id })).toMatchObject({ status: 'released', settledBy: [] })
  })

  it('S1.3 S3.11 explains what was adjusted, reversed, ended, and given by the plan', async () => {
    const { grant, billing, key, use, usage, advance } = await openOn(tested, 'credited')
    const used = await usage(await use('ai_tokens', { quantity: 3 }))
    expect(used.burns).toMatchObject([{ sparks: '40', origin: 'plan', cause: { kind: 'plan' } }])
    expect(used).toMatchObject({ ...agreed, settledBy: { credits: '40', debt: '60' } })
    const entry = async (id: string) => (await billing.explain({ accountId, id })) as ExplainedEntry
    const { id: taken } = await billing.credits.adjust({
      accountId,
      amount: '-5',
      reason: 'typo',
      idempotencyKey: key(),
    })
    const { id: back } = await billing.credits.adjust({
      accountId,
      reverses: taken,
      reason: 'no typo',
      idempotencyKey: key(),
    })
    expect(await entry(taken)).toMatchObject({
      kind: 'entry',
      operation: 'adjust',
      counterAccount: 'adjustments',
      amount: '-5',
      balance: { before: '-60', after: '-65' },
      correctedBy: [{ id: back, sparks: '5', reason: 'no typo' }],
      agrees: true,
    })
    expect(await entry(back)).toMatchObject({ corrects: { id: taken, sparks: '-5' }, agrees: true })
    const { id: grantId } = await grant(100)
    expect(await billing.explain({ accountId, id: grantId })).toMatchObject({
      amount: '100',
      remaining: '40',
      burnedBy: [],
      agrees: true,
    })
    const { id: ended } = await billing.credits.expire({ accountId, grantId, reason: 'mistake', idempotencyKey: key() })
    expect(await entry(ended)).toMatchObject({
      operation: 'expire',
      counterAccount: 'expired',
      amount: '-40',
      agrees: true,
    })
    expect(await billing.explain({ accountId, id: grantId })).toMatchObject({
      remaining: '0',
      burnedBy: [{ id: ended }],
    })
    expect(await billing.explain({ accountId, id: `evt_${grantId}` })).toMatchObject({
      kind: 'event',
      type: 'credit.granted',
      causes: [grantId],
    })
    advance(40 * 86_400_000)
    await use('ai_tokens', { quantity: 1 })
  })

  it('S1.4 S3.11 explains credits that were bought, and refunds of them', async () => {
    const { billing, acme, store } = await openAcme(tested, closing)
    const { id } = await billing.createCheckout(toTopUp)
    acme.set({ status: 'paid' })
    await billing.verifyCheckout({ accountId, checkoutId: id })
    const fact = { nanos: 5_000_000_000n, rank: 1 }
    const rules = { catalog: defineCatalog({}), metering: [], tracing: [], collecting: null }
    const refund = { kind: 'reverse_payment', accountId, id: 'clm_1', paymentId: id, source: 're_1', fact } as const
    await store.ledger.commit([refund], rules)
    const payment = {
      checkoutId: id,
      provider: 'acme',
      status: 'completed',
      amount: '20',
      currency: 'USD',
      refunds: [{ id: 're_1', amount: '5' }],
      takenBack: '125000',
    }
    const checkout = await billing.explain({ accountId, id })
    expect(checkout).toMatchObject({
      kind: 'checkout',
      sells: 'package',
      package: 'starter',
      sparks: '500000',
      payment,
    })
    const grantId = checkout.kind === 'checkout' ? (checkout.grantId ?? '') : ''
    const grant = (await billing.explain({ accountId, id: grantId })) as ExplainedGrant
    expect(grant).toMatchObject({
      amount: '500000',
      remaining: '375000',
      cause: { kind: 'checkout', payment },
      agrees: true,
    })
    expect(await billing.explain({ accountId, id: grant.burnedBy[0]?.id ?? '' })).toMatchObject({
      kind: 'entry',
      operation: 'refund',
      counterAccount: 'refunds',
      amount: '-125000',
      burns: [{ grantId, sparks: '125000', cause: { kind: 'checkout' } }],
      payment,
      agrees: true,
    })
    expect(await billing.explain({ accountId, id: `evt_${id}` })).toMatchObject({
      type: 'checkout.completed',
      causes: [id],
    })
  })

  it('S3.10 shows what is unknown, or another account’s, as missing', async () => {
    const { billing, grant, use, key } = await openOn(tested)
    const { id: grantId } = await grant(100)
    const usageId = await use('ai_tokens', { quantity: 1 })
    const { id: holdId } = await billing.hold({ accountId, amount: 1, idempotencyKey: key() })
    const explained = (await billing.explain({ accountId, id: usageId })) as ExplainedUsage
    const delivery = explained.deliveries[0]?.id ?? ''
    await billing.accounts.ensure({ accountId: 'acct_b' })
    for (const id of [grantId, usageId, holdId, delivery, `evt_${grantId}`]) {
      expect(await billing.explain({ accountId, id })).toMatchObject({ id })
      await expect(billing.explain({ accountId: 'acct_b', id })).rejects.toMatchObject({ code: 'not_found' })
      await expect(billing.explain({ accountId: 'acct_c', id })).rejects.toMatchObject({ code: 'not_found' })
    }
    for (const id of ['use_0', 'ent_0', 'grt_0', 'hld_0', 'dlv_0', 'evt_0', 'chk_0', 'x', 'evt_a|b|1|2'])
      await expect(billing.explain({ accountId, id })).rejects.toMatchObject({ code: 'not_found' })
    for (const id of ['', 'a b', "x'y", 'evt_\0', 'x'.repeat(1_001), 5, null, undefined, {}])
      await expect(billing.explain({ accountId, id } as never)).rejects.toMatchObject({ httpStatus: 400 })
    await expect(billing.explain({ accountId, id: usageId, more: 1 } as never)).rejects.toMatchObject({
      code: 'unknown_field',
    })
  })
})

describe('a row that was tampered with', () => {
  const changes: readonly [what: string, change: string, checks: object][] = [
    ['cost', `cost_usd = '0.5'`, { cost: false, split: true }],
    ['tokens', `tokens = '{"input":99}'`, { cost: false, split: true }],
    ['Sparks', 'sparks = sparks + 1', { cost: true, sparks: false, split: false }],
    ['amount', 'amount = amount + 1', { cost: true, sparks: true, split: false }],
    ['split', `settled_by = replace(settled_by, ' credits', ' debt')`, { cost: true, sparks: true, split: false }],
    ['split in part', `settled_by = '1 credits'`, { cost: true, sparks: true, split: false }],
    ['burns', `burns = replace(burns, '37500000 ', '37500001 ')`, { cost: true, sparks: true, split: false }],
    ['price version', `price_version = 'v 2'`, { cost: false, sparks: false, split: true }],
  ]

  it.each(changes)('S3.11 is seen: its %s', async (what, change, checks) => {
    const folder = await mkdtemp(join(tmpdir(), 'billfold-explain-'))
    closing.push(() => rm(folder, { recursive: true, force: true }))
    const path = join(folder, 'billing.db')
    const { usage, use, grant, billing } = await openOn({
      name: 'sqlite',
      open: async (options) => sqliteStore({ path, ...options }),
    })
    await grant(1_000)
    const id = await use('model_calls', { tokens: { input: 1_000 }, model: 'gpt-5' })
    expect(await usage(id)).toMatchObject({ ...agreed, sparks: '37.5' })
    const driver = openDriver(path)
    driver.exec('DROP TRIGGER billfold_ledger_entries_no_update')
    driver.exec(`UPDATE billfold_ledger_entries SET ${change} WHERE id = '${id}'`)
    driver.close()
    const explained = await usage(id)
    expect(explained).toMatchObject({ agrees: false, checks })
    expect(explained.problems.length).toBeGreaterThan(0)
    const [granted] = explained.burns
    if (what === 'burns')
      expect(await billing.explain({ accountId, id: granted?.grantId ?? '' })).toMatchObject({ agrees: false })
  })
})
