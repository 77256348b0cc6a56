import { BillingError, createBilling, type Store } from 'billfold'
import { afterEach, describe, expect, it } from 'vitest'
import { toObservation } from '../../../src/providers/langfuse/observation.js'
import {
  accountId,
  booksOf,
  catalog,
  change,
  chargedOf,
  day,
  now,
  observe,
  range,
  reading,
  serve,
  spanOf,
  startWorld,
  traceOf,
} from './pull-world.js'
import { stores } from './stores.js'

const closing: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** Sparks of a cost by the card: × 1.2 ÷ 0.00004, in micro-sparks. */
const byCost = (microDollars: number) => BigInt(microDollars) * 30_000n

describe.each(stores)('pulled usage on $name', (tested) => {
  it('S1.3 S1.2 is rated by recorded tokens, cost and latency, each observation once', async () => {
    const { box, billing, store } = await startWorld(tested, closing, { pull: { compute: 'compute_minutes' } })
    await observe(box, [
      { id: spanOf(1), type: 'span', durationMs: 90_000 },
      {
        id: spanOf(2),
        parentId: spanOf(1),
        model: 'm',
        usage: { input: 900, cache_read_input_tokens: 100 },
        cost: 0.001,
      },
      { id: spanOf(3), parentId: spanOf(1), model: 'm', usage: { input: 10, output: 10 }, cost: 0.5 },
      { id: spanOf(4), parentId: spanOf(1), type: 'span', metadata: { meter: 'storage', quantity: '1.5' } },
      { id: spanOf(5), parentId: spanOf(1), type: 'tool', metadata: { meter: 'compute_minutes' }, durationMs: 1_000 },
    ])
    const report = await billing.sync.pull(range)
    expect(report).toMatchObject({ observations: 5, recorded: 5, amended: 0, unchanged: 0, problems: [], marked: 1 })
    const { items } = await billing.usage.list({ accountId })
    const found = items.map(({ meter, quantity, sparks, costUsd, model }) => ({
      meter,
      quantity,
      sparks,
      costUsd,
      model,
    }))
    expect(found).toHaveLength(5)
    for (const row of [
      { meter: 'compute_minutes', quantity: '1.5', sparks: 75_000_000n, costUsd: null, model: null },
      { meter: 'ai_tokens', quantity: '1000', sparks: 100_000_000n, costUsd: '0.001', model: 'm' },
      { meter: 'ai_tokens', quantity: '20', sparks: byCost(500_000), costUsd: '0.5', model: 'm' },
      { meter: 'storage', quantity: '1.5', sparks: 750_000_000n, costUsd: null, model: null },
      { meter: 'compute_minutes', quantity: '0.016667', sparks: 833_350n, costUsd: null, model: null },
    ])
      expect(found).toContainEqual(row)
    const [tokens] = items.filter(({ quantity }) => quantity === '1000')
    expect(tokens).toMatchObject({
      tokens: { input: 900, cache_read: 100 },
      dimensions: { trace: traceOf('a'), observation: spanOf(2) },
      occurredAt: new Date(day),
    })
    const before = await booksOf(store)
    expect(await billing.sync.pull({ traceId: traceOf('a') })).toMatchObject({ recorded: 0, unchanged: 5, marked: 0 })
    expect(await booksOf(store)).toEqual(before)
    expect(await billing.verifyLedger()).toMatchObject({ findings: [] })
  })

  it('S1.3 a cost that arrives late, grows, shrinks and goes is billed to the exact final cost', async () => {
    const { box, billing, store } = await startWorld(tested, closing, { pull: { generations: 'model_calls' } })
    await observe(box, [{ id: spanOf(1), usage: { input: 10 } }, { id: spanOf(2) }])
    const [late] = (await billing.sync.pull(range)).problems
    expect(late).toMatchObject({ reason: 'refused', observationId: spanOf(1), code: 'invalid_request' })
    expect(await chargedOf(store)).toBe(0n)
    const costs = [0.1, 0.3, 0.000_07, 0.3, 0.1, 1e-7, 0.2, 0, 0.25, 0.25, 123.456789]
    for (const cost of costs) {
      for (const observationId of [spanOf(1), spanOf(2)]) await change(box, { observationId, totalCost: cost })
      const { problems } = await billing.sync.pull(range)
      expect(problems, String(cost)).toEqual([])
      const exact = BigInt(Math.round(cost * 1e9)) * 30n
      expect(await chargedOf(store), String(cost)).toBe(2n * exact)
      const balance = await billing.credits.balance({ accountId })
      expect(balance).toMatchObject({ debt: 2n * exact })
      expect(await billing.sync.pull(range)).toMatchObject({ recorded: 0, amended: 0 })
    }
    const costsKept = (await store.ledger.entries(accountId, { limit: 100 })).filter(
      ({ usage }) => usage?.dimensions.observation === spanOf(1),
    )
    expect(costsKept.length).toBeGreaterThan(8)
    expect(await billing.verifyLedger()).toMatchObject({ findings: [] })
  })

  it('S1.3 pulled a hundred times, overlapping, by four services, while it changes: billed once, at the last', {
    timeout: 120_000,
  }, async () => {
    const { box, billing, store, langfuse } = await startWorld(tested, closing, {
      pull: { generations: 'model_calls' },
    })
    const count = 30
    const minutes = (index: number) => day + index * 60_000
    await observe(
      box,
      Array.from({ length: count }, (_, index) => ({
        id: spanOf(index),
        usage: { input: 7 },
        cost: 0.01,
        startMs: minutes(index),
      })),
    )
    const services = [
      billing,
      ...Array.from({ length: 3 }, () => serve(store, langfuse, { generations: 'model_calls' })),
    ]
    const spans = (index: number) => ({ from: new Date(minutes((index * 7) % 20)), to: new Date(minutes(count)) })
    let changes = 0
    const pulls = services.map(async (service, which) => {
      for (let time = 0; time < 25; time += 1) {
        if (time % 8 === which) {
          changes += 1
          await change(box, { observationId: spanOf(20 + which), totalCost: 0.01 * (time + 2) })
        }
        await service.sync.pull(time % 3 === 0 ? { ...range, lateMs: 0 } : spans(time + which))
      }
    })
    await Promise.all(pulls)
    expect(changes).toBeGreaterThan(10)
    await billing.sync.pull(range)
    const client = (await langfuse.traces.list({ traceId: traceOf('a') }, null, {})).observations
    const total = client.reduce((sum, { costUsd }) => sum + Math.round(Number(costUsd) * 1e6), 0)
    expect(await chargedOf(store)).toBe(byCost(total))
    const before = await booksOf(store)
    expect(before.entries.filter(({ operation }) => operation === 'usage')).toHaveLength(count)
    await Promise.all(services.map((service) => service.sync.pull(range)))
    expect(await booksOf(store)).toEqual(before)
    expect(await billing.verifyLedger()).toMatchObject({ findings: [] })
  })

  it('S1.3 recording a thousand events with export on and then pulling the same range changes nothing', {
    timeout: 60_000,
  }, async () => {
    const { box, billing, store } = await startWorld(tested, closing)
    const events = Array.from({ length: 1_000 }, (_, index) => ({
      ...{ accountId, meter: 'model_calls' as const, tokens: { input: index + 1 }, costUsd: '0.001' },
      ...{ idempotencyKey: `r-${index}`, occurredAt: new Date(day + index) },
    }))
    await billing.recordUsageBatch({ events })
    expect(await billing.sync.flush()).toMatchObject({ idle: true })
    const counts = (await (await fetch(`${box.url}/_sandbox/langfuse/traces`)).json()) as { observations: number }
    expect(counts.observations).toBe(1_000)
    const before = await booksOf(store)
    expect(await billing.sync.pull(range)).toMatchObject({
      ...{ observations: 1_000, recorded: 0, amended: 0, unchanged: 0, marked: 0, problems: [] },
      skipped: { own: 1_000 },
    })
    expect(await booksOf(store)).toEqual(before)
  })

  it('S1.3 what was pulled is metered and not exported back, nor is what corrects it', async () => {
    const { box, billing } = await startWorld(tested, closing)
    await observe(box, [{ id: spanOf(1), usage: { input: 1_000 }, cost: 0.1 }])
    await billing.sync.pull(range)
    await change(box, { observationId: spanOf(1), totalCost: 0.2 })
    expect(await billing.sync.pull(range)).toMatchObject({ amended: 1 })
    expect(await billing.sync.status()).toMatchObject({ deliveries: [] })
    const [used] = (await billing.usage.list({ accountId })).items
    expect((await billing.usage.get({ accountId, id: used?.id ?? '' })).deliveries).toEqual({})
    await billing.recordUsage({
      accountId,
      meter: 'ai_tokens',
      tokens: { input: 1 },
      costUsd: '0',
      idempotencyKey: 'own',
    })
    expect((await billing.sync.status()).deliveries).toMatchObject([{ destination: 'tracing:langfuse', count: 1 }])
  })

  it('S1.3 S4.3 keys of one’s own, unknown accounts, what goes on still and what no meter is told of are charged to nobody', async () => {
    const { box, billing, store } = await startWorld(tested, closing)
    await store.accounts.ensure({ id: 'acct_byo', plan: 'byo', email: null, name: null })
    await observe(box, [
      { id: spanOf(1), usage: { input: 10 }, cost: 1, metadata: { billing_status: 'byo' } },
      { id: spanOf(2), usage: { input: 10 }, cost: 1, userId: 'acct_nobody' },
      { id: spanOf(3), usage: { input: 10 }, cost: 1, userId: '' },
      { id: spanOf(4), usage: { input: 10 }, cost: 1, userId: 'ada@example.com' },
      { id: spanOf(5), type: 'span' },
      { id: spanOf(8), usage: { input: 10 }, cost: 1, durationMs: null },
      { id: spanOf(6), usage: { input: 10 }, cost: 1, userId: 'x', metadata: { account: 'acct_byo' } },
      { id: spanOf(7), usage: { input: 10 }, cost: 1, metadata: { meter: 'no_such_meter' } },
    ])
    const report = await billing.sync.pull(range)
    expect(report).toMatchObject({
      observations: 8,
      recorded: 1,
      skipped: { byo: 1, unmetered: 1, unfinished: 1, own: 0 },
    })
    expect(report.problems.map(({ observationId, reason }) => [observationId, reason]).sort()).toEqual([
      [spanOf(2), 'unknown_account'],
      [spanOf(3), 'unknown_account'],
      [spanOf(4), 'unknown_account'],
      [spanOf(7), 'refused'],
    ])
    expect(JSON.stringify(report)).not.toContain('ada@')
    expect(await chargedOf(store)).toBe(0n)
    const [own] = (await billing.usage.list({ accountId: 'acct_byo' })).items
    expect(own?.settledBy).toEqual({ byo: byCost(1_000_000) })
    await billing.accounts.ensure({ accountId: 'acct_nobody' })
    expect(await billing.sync.pull(range)).toMatchObject({ recorded: 1, unchanged: 1 })
    expect(await chargedOf(store, 'acct_nobody')).toBe(byCost(1_000_000))
  })

  it('S1.3 S3.10 what was charged to one account is never charged to another, whatever the trace says later', async () => {
    const { box, billing, store } = await startWorld(tested, closing)
    await billing.accounts.ensure({ accountId: 'acct_b' })
    await observe(box, [{ id: spanOf(1), usage: { input: 10 }, cost: 1 }])
    await billing.sync.pull(range)
    await change(box, { observationId: spanOf(1), userId: 'acct_b', totalCost: 2 })
    expect((await billing.sync.pull(range)).problems).toMatchObject([{ reason: 'other_account' }])
    expect([await chargedOf(store), await chargedOf(store, 'acct_b')]).toEqual([byCost(1_000_000), 0n])
  })

  it('S1.3 another meter or keys of one’s own, said later, take back what was charged', async () => {
    const { box, billing, store } = await startWorld(tested, closing)
    await observe(box, [{ id: spanOf(1), usage: { input: 1_000 }, cost: 0 }])
    await billing.sync.pull(range)
    await change(box, { observationId: spanOf(1), metadata: { meter: 'model_calls' }, totalCost: 1 })
    expect(await billing.sync.pull(range)).toMatchObject({ problems: [], amended: 1 })
    expect(await chargedOf(store)).toBe(byCost(1_000_000))
    await change(box, { observationId: spanOf(1), metadata: { billing_status: 'byo' } })
    expect(await billing.sync.pull(range)).toMatchObject({ problems: [], amended: 1 })
    expect(await chargedOf(store)).toBe(0n)
    expect(await billing.sync.pull(range)).toMatchObject({ amended: 0 })
    expect(await billing.verifyLedger()).toMatchObject({ findings: [] })
  })

  it('S1.3 goes on where it stopped, a day before, and never over a gap', async () => {
    const { box, billing, store } = await startWorld(tested, closing)
    const at = (time: string) => Date.parse(`2026-11-${time}:00:00Z`)
    await observe(box, [
      { id: spanOf(1), cost: 1, usage: { input: 1 }, startMs: at('20T13') },
      { id: spanOf(2), cost: 1, usage: { input: 1 }, startMs: at('20T11') },
    ])
    expect(await billing.sync.pull()).toMatchObject({ observations: 1, recorded: 1 })
    expect(await store.pulls.position('langfuse')).toBe(now())
    expect(await billing.sync.pull({ from: '2026-11-01T00:00:00Z', to: '2026-11-02T00:00:00Z' })).toMatchObject({
      observations: 0,
    })
    expect(await store.pulls.position('langfuse')).toBe(now())
    expect(await billing.sync.pull({ lateMs: 2 * 86_400_000 })).toMatchObject({ recorded: 1, unchanged: 1 })
    const other = serve(store, reading(box, 'second'))
    await other.sync.pull({ from: '2026-11-01T00:00:00Z', to: '2026-11-02T00:00:00Z' })
    await other.sync.pull({ from: '2026-11-05T00:00:00Z', to: '2026-11-06T00:00:00Z' })
    expect(await store.pulls.position('second')).toBe(Date.parse('2026-11-02T00:00:00Z'))
  })
})

const [memory] = stores

describe.runIf(memory)('a pull', () => {
  const tested = memory as (typeof stores)[number]

  it('S1.3 that is cut off at any step, before or after its effect, loses and doubles nothing', {
    timeout: 120_000,
  }, async () => {
    const expected = byCost(100_000 + 300_000) + byCost(50_000)
    let isCut = true
    let steps = 0
    for (let step = 0; isCut; step += 1) {
      for (const isAfter of [false, true]) {
        const { box, store, langfuse, billing } = await startWorld(tested, closing, {
          pull: { generations: 'model_calls' },
        })
        await observe(box, [
          { id: spanOf(1), cost: 0.2, usage: { input: 1 } },
          { id: spanOf(2), cost: 0.3, usage: { input: 1 } },
        ])
        await billing.sync.pull(range)
        await change(box, { observationId: spanOf(1), totalCost: 0.1 })
        await observe(box, [{ traceId: traceOf('b'), id: spanOf(3), cost: 0.05, usage: { input: 1 } }])
        const cut = cutAt(store, langfuse, step, isAfter)
        const broken = serve(cut.store, cut.langfuse, { generations: 'model_calls' })
        await broken.sync.pull(range).catch(() => {})
        isCut = cut.wasCut()
        steps = step
        await billing.sync.pull(range)
        expect(await chargedOf(store), `step ${step}`).toBe(expected)
        const before = await booksOf(store)
        expect(await billing.sync.pull(range)).toMatchObject({ recorded: 0, amended: 0, marked: 0, problems: [] })
        expect(await booksOf(store)).toEqual(before)
        expect(await scoresOf(box)).toBe(2)
        for (const close of closing.splice(0).reverse()) await close()
      }
    }
    expect(steps).toBeGreaterThan(10)
  })

  it('S1.3 reads rows that are not merged yet, and what is shown late, to the same end', async () => {
    const { box, billing, store } = await startWorld(tested, closing, {
      sandbox: { langfuse: { delays: { readMs: 5_000, mergeMs: 60_000 } } },
      pull: { generations: 'model_calls' },
    })
    await observe(box, [{ id: spanOf(1), cost: 0.2, usage: { input: 1 } }])
    expect(await billing.sync.pull(range)).toMatchObject({ observations: 0 })
    box.advance(6_000)
    expect(await billing.sync.pull(range)).toMatchObject({ recorded: 1 })
    await change(box, { observationId: spanOf(1), totalCost: 0.5 })
    expect(await billing.sync.pull(range)).toMatchObject({ unchanged: 1 })
    box.advance(6_000)
    expect(await billing.sync.pull(range)).toMatchObject({ observations: 1, amended: 1 })
    expect(await billing.sync.pull(range)).toMatchObject({ observations: 1, unchanged: 1 })
    box.advance(60_000)
    expect(await billing.sync.pull(range)).toMatchObject({ observations: 1, unchanged: 1 })
    expect(await chargedOf(store)).toBe(byCost(500_000))
  })

  it('S1.3 that cannot be read, or not marked, says so', async () => {
    const { box, billing, store } = await startWorld(tested, closing)
    await observe(box, [{ id: spanOf(1), cost: 1, usage: { input: 1 } }])
    box.faults.inject({ match: { pathIncludes: '/v2/observations' }, kind: 'status', times: 3 })
    await expect(billing.sync.pull(range)).rejects.toMatchObject({ code: 'provider_unavailable' })
    box.faults.clear()
    box.faults.inject({ match: { pathIncludes: '/scores' }, kind: 'status' })
    expect(await billing.sync.pull(range)).toMatchObject({
      recorded: 1,
      marked: 0,
      problems: [{ reason: 'not_marked' }],
    })
    box.faults.clear()
    expect(await billing.sync.pull(range)).toMatchObject({ unchanged: 1, marked: 1, problems: [] })
    expect(await chargedOf(store)).toBe(byCost(1_000_000))
  })

  it('S1.3 tells of what belongs to no trace, charges it to nobody, and reads on', async () => {
    const store = await tested.open({ now })
    const row = { id: spanOf(1), startTime: '2026-11-20T00:00:00Z', endTime: '2026-11-20T00:00:01Z', totalCost: 1 }
    const generation = { ...row, type: 'GENERATION', userId: accountId }
    const rows = [
      { ...generation, traceId: null },
      { ...generation, id: spanOf(2), traceId: traceOf('b') },
      { ...generation, id: spanOf(3), traceId: traceOf('b'), metadata: '{"billfold_usage_id":"use_1"}' },
    ]
    const observations = rows.map((each) => toObservation(each)).filter((each) => each !== null)
    const acme = { id: 'acme', traces: { list: async () => ({ observations, next: null }) } }
    const providers = { default: acme }
    const billing = createBilling({
      catalog,
      store,
      providers,
      pull: { generations: 'model_calls' },
      environment: { now },
    })
    closing.push(() => billing.close())
    await billing.accounts.ensure({ accountId })
    const report = await billing.sync.pull(range)
    expect(report).toMatchObject({ recorded: 1, skipped: { own: 1 } })
    expect(report.problems).toMatchObject([{ reason: 'refused', observationId: spanOf(1), traceId: '' }])
  })

  it('S1.3 keeps what a person corrected, until the trace itself changes', async () => {
    const { box, billing, store } = await startWorld(tested, closing, { pull: { generations: 'model_calls' } })
    await observe(box, [{ id: spanOf(1), cost: 1, usage: { input: 1 } }])
    await billing.sync.pull(range)
    const [used] = (await billing.usage.list({ accountId })).items
    const naming = { accountId, id: used?.id ?? '', reason: 'courtesy' }
    await billing.usage.amend({ ...naming, tokens: { input: 1 }, costUsd: '0.5', idempotencyKey: 'hand' })
    expect(await billing.sync.pull(range)).toMatchObject({ unchanged: 1 })
    expect(await chargedOf(store)).toBe(byCost(500_000))
    await change(box, { observationId: spanOf(1), totalCost: 2 })
    expect(await billing.sync.pull(range)).toMatchObject({ amended: 1 })
    expect(await chargedOf(store)).toBe(byCost(2_000_000))
  })

  it.each([
    ['both', { traceId: 'a', from: range.from }],
    ['backwards', { from: range.to, to: range.from }],
    ['unknown provider', { provider: 'nobody' }],
    ['unknown field', { since: range.from }],
    ['no time', { from: 'yesterday' }],
  ])('S1.3 refuses %s', async (_, input) => {
    const { billing } = await startWorld(tested, closing)
    const error: unknown = await billing.sync.pull(input as never).catch((reason: unknown) => reason)
    expect(BillingError.is(error) && error.code).toMatch(/invalid|unknown_field|timestamp/)
  })

  it('S1.3 is there where traces can be read, and its meters are checked at start-up', async () => {
    const { box, store } = await startWorld(tested, closing)
    const without = createBilling({ catalog, store })
    expect('pull' in without.sync).toBe(false)
    const pull = { generations: 'nothing' as never }
    expect(() => createBilling({ catalog, store, providers: { tracing: reading(box) }, pull })).toThrow(
      'pull.generations',
    )
  })
})

async function scoresOf({ url }: { readonly url: string }): Promise<number> {
  return ((await (await fetch(`${url}/_sandbox/langfuse/traces`)).json()) as { scores: number }).scores
}

/** The same store and provider, whose call of this number fails, before or after it had its effect, and every one after it. */
function cutAt<L extends { readonly traces: object }>(store: Store, langfuse: L, step: number, isAfter: boolean) {
  let calls = 0
  let wasCut = false
  const wrap = <T extends object>(group: T): T =>
    Object.fromEntries(
      Object.entries(group).map(([name, method]) => [
        name,
        async (...args: unknown[]) => {
          const own = calls
          calls += 1
          const failure = new BillingError('invariant_violated', 'cut off')
          if (own > step || (own === step && !isAfter)) {
            wasCut = true
            throw failure
          }
          const answer: unknown = await (method as (...args: unknown[]) => unknown).apply(group, args)
          if (own === step) {
            wasCut = true
            throw failure
          }
          return answer
        },
      ]),
    ) as T
  return {
    store: { ...store, ledger: wrap(store.ledger), pulls: wrap(store.pulls), close: async () => {} },
    langfuse: { ...langfuse, traces: wrap(langfuse.traces) },
    wasCut: () => wasCut,
  }
}
