import { LangfuseClient } from '@langfuse/client'
import { LangfuseSpanProcessor } from '@langfuse/otel'
import { createTraceId, setLangfuseTracerProvider, startObservation } from '@langfuse/tracing'
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base'
import { memoryStore } from 'billfold/adapters/memory'
import { langfuseIds, langfuseProvider } from 'billfold/providers/langfuse'
import { Langfuse } from 'langfuse'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Sandbox, type SandboxOptions, sandbox } from '../../src/testing/sandbox/sandbox.js'
import {
  accountId,
  change,
  chargedOf,
  day,
  observe,
  range,
  reading,
  readingLegacy,
  serve,
  spanOf,
  traceOf,
} from '../core/operations/pull-world.js'

const span = { from: day, to: day + 86_400_000 }
let closers: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const close of closers) await close()
  closers = []
  vi.restoreAllMocks()
})

async function start(langfuse: NonNullable<SandboxOptions['langfuse']> = {}): Promise<Sandbox> {
  const box = await sandbox({ langfuse })
  closers.push(() => box.close())
  return box
}

const readers = [
  { name: 'version 4', version: 4 as const, read: (box: Sandbox) => reading(box) },
  { name: 'version 3', version: 3 as const, read: readingLegacy },
]

describe.each(readers)('observations of Langfuse $name', ({ version, read }) => {
  it('S1.3 have model, tokens by pool, cost, time, user and metadata', async () => {
    const box = await start({ version })
    await observe(box, [
      {
        ...{ id: spanOf(1), parentId: spanOf(9), model: 'claude', cost: 0.000_000_012_5, durationMs: 1_234 },
        usage: { input: 5, output: 7, cache_read_input_tokens: 11, input_cached_tokens: 2, reasoning: 0 },
        metadata: { account: 'acc', deep: '{"a":1}' },
      },
      { id: spanOf(2), usage: { total: 9 }, type: 'span' },
    ])
    const { observations } = await read(box).traces.list({ traceId: traceOf('a') }, null, {})
    expect(observations).toHaveLength(2)
    expect(observations.find(({ id }) => id === spanOf(1))).toEqual({
      ...{ id: spanOf(1), traceId: traceOf('a'), parentId: spanOf(9), isGeneration: true, name: 'call' },
      ...{ startedAt: day, endedAt: day + 1_234, updatedAt: expect.any(Number) as number, latencySeconds: '1.234' },
      ...{ model: 'claude', tokens: { input: 5, output: 7, cache_read: 13 }, costUsd: '0.0000000125' },
      ...{ userId: accountId, metadata: { account: 'acc', deep: '{"a":1}' } },
    })
    const other = observations.find(({ id }) => id === spanOf(2))
    expect(other).toMatchObject({
      isGeneration: false,
      tokens: { total: 9 },
      costUsd: null,
      model: null,
      parentId: null,
    })
  })

  it('S1.3 have long metadata whole where it is read, which version 4 cuts unless it is named', async () => {
    const box = await start({ version })
    const long = 'x'.repeat(300)
    await observe(box, [{ id: spanOf(1), metadata: { subscription: long, tenant: long, other: long } }])
    const provider = version === 3 ? read(box) : reading(box, 'langfuse', { expandMetadata: ['tenant'] })
    const [found] = (await provider.traces.list({ traceId: traceOf('a') }, null, {})).observations
    const other = version === 3 ? long : long.slice(0, 200)
    expect(found?.metadata).toEqual({ subscription: long, tenant: long, other })
  })

  it('S1.3 come page by page, of a time with its start and without its end', async () => {
    const box = await start({ version })
    const count = version === 3 ? 250 : 1_300
    await observe(
      box,
      Array.from({ length: count }, (_, index) => ({ id: spanOf(index), cost: 1, startMs: day + index })),
    )
    const provider = read(box)
    const ids: string[] = []
    let cursor: string | null = null
    let pages = 0
    do {
      const page: Awaited<ReturnType<typeof provider.traces.list>> = await provider.traces.list(
        { from: day + 10, to: day + count - 10 },
        cursor,
        {},
      )
      ids.push(...page.observations.map(({ id }) => id))
      cursor = page.next
      pages += 1
    } while (cursor !== null)
    expect(pages).toBeGreaterThan(1)
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids).toHaveLength(count - 20)
    expect(await provider.traces.list({ traceId: traceOf('f') }, null, {})).toMatchObject({
      observations: [],
      next: null,
    })
  })

  it('S1.3 are billed once, corrected, and marked', async () => {
    const box = await start({ version })
    const store = memoryStore()
    const billing = serve(store, read(box), { generations: 'model_calls' })
    closers.push(() => billing.close())
    await billing.accounts.ensure({ accountId })
    await observe(box, [{ id: spanOf(1), cost: 1, usage: { input: 3 } }])
    expect(await billing.sync.pull(range)).toMatchObject({ recorded: 1, marked: 1, problems: [] })
    expect(await billing.sync.pull(range)).toMatchObject({ unchanged: 1, marked: 0 })
    await change(box, { totalCost: 0.5 })
    expect(await billing.sync.pull(range)).toMatchObject({ amended: 1 })
    expect(await chargedOf(store)).toBe(15_000_000_000n)
  })

  it('S1.3 that cannot be read are an error and never an empty page', async () => {
    const box = await start({ version })
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const provider = read(box)
    const code = version === 3 ? 'provider_response_invalid' : 'provider_rejected'
    for (const status of [400, 404]) {
      box.faults.inject({ match: { pathIncludes: '/observations' }, kind: 'status', status })
      await expect(provider.traces.list(span, null, {})).rejects.toMatchObject({ code })
    }
    await observe(box, [{ id: spanOf(1), cost: 1 }])
    box.faults.inject({ match: { pathIncludes: '/observations' }, kind: 'status', status: 503, times: 20 })
    await expect(provider.traces.list(span, null, {})).rejects.toMatchObject({ name: 'BillingError' })
  })
})

describe('Langfuse that takes no more questions for now', () => {
  const asked = { match: { pathIncludes: '/observations' }, kind: 'status' } as const

  it.each([429, 503])('S1.3 G7 with %i is asked again when it said, and not before', async (status) => {
    const box = await start()
    await observe(box, [{ id: spanOf(1), cost: 1 }])
    box.faults.inject({ ...asked, status, headers: { 'retry-after': '1' } })
    const from = performance.now()
    const { observations } = await reading(box).traces.list(span, null, {})
    expect(observations).toHaveLength(1)
    expect(performance.now() - from).toBeGreaterThanOrEqual(990)
  })

  it.each([429, 503])(
    'S1.3 G7 with %i and a longer wait leaves that to whoever pulls, and nothing is passed over',
    async (status) => {
      const box = await start()
      const store = memoryStore()
      const billing = serve(store, reading(box), { generations: 'model_calls' })
      await billing.accounts.ensure({ accountId })
      await observe(box, [{ id: spanOf(1), cost: 0.25 }])
      box.faults.inject({ ...asked, status, headers: { 'retry-after': '120' }, times: 9 })
      const from = performance.now()
      await expect(billing.sync.pull(range)).rejects.toMatchObject({
        ...{ code: 'provider_unavailable', retryable: true },
        details: { provider: 'langfuse', status, retryAfterMs: 120_000 },
      })
      expect(performance.now() - from).toBeLessThan(8_000)
      box.faults.clear()
      expect(await billing.sync.pull(range)).toMatchObject({ recorded: 1, problems: [] })
      expect(await chargedOf(store)).toBe(7_500_000_000n)
    },
  )

  it('S1.3 G7 is not waited for by a pull that was told to stop', async () => {
    const box = await start()
    box.faults.inject({ ...asked, status: 429, headers: { 'retry-after': '9' }, times: 9 })
    const from = performance.now()
    const pulled = reading(box).traces.list(span, null, { signal: AbortSignal.timeout(100) })
    await expect(pulled).rejects.toMatchObject({ code: 'provider_unavailable' })
    expect(performance.now() - from).toBeLessThan(8_000)
  })
})

describe('Langfuse of another version than its client', () => {
  it.each([
    [3, 'today’s client', (box: Sandbox) => reading(box)],
    [4, 'the client of version 3, which only logs it', readingLegacy],
  ] as const)('S1.3 version %s read by %s is an error that says what to do', async (version, _, read) => {
    const box = await start({ version })
    vi.spyOn(console, 'error').mockImplementation(() => {})
    await observe(box, [{ id: spanOf(1), cost: 1 }])
    const error: unknown = await read(box)
      .traces.list(span, null, {})
      .catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: version === 4 ? 'provider_response_invalid' : 'provider_rejected' })
    expect(String(error)).toContain('legacyClient')
  })

  it('S1.3 both clients at once are refused', async () => {
    const box = await start()
    const options = {
      ...box.langfuse,
      client: new LangfuseClient(box.langfuse),
      legacyClient: new Langfuse(box.langfuse),
    }
    expect(() => langfuseProvider(options)).toThrow('not both')
  })

  it('S1.3 rows that go missing between two pages of version 3 are an error', async () => {
    const pages = [
      { data: [], meta: { totalItems: 150, totalPages: 2 } },
      { data: [], meta: { totalItems: 149, totalPages: 2 } },
    ]
    const legacyClient = {
      fetchObservations: async () => pages.shift() ?? {},
      fetchTrace: async () => ({}),
    }
    const { traces } = langfuseProvider({ baseUrl: 'http://127.0.0.1:9', publicKey: 'p', secretKey: 's', legacyClient })
    const { next } = await traces.list(span, null, {})
    await expect(traces.list(span, next, {})).rejects.toMatchObject({ code: 'provider_unavailable', retryable: true })
  })
})

describe('with @langfuse/otel', () => {
  it('S1.1 S1.3 spans of the SDK are pulled as usage, ours read the same, and those that carry our usage id are not pulled', async () => {
    const box = await start()
    const store = memoryStore()
    const billing = serve(store, reading(box), { generations: 'model_calls' })
    closers.push(() => billing.close())
    await billing.accounts.ensure({ accountId })
    const usage = { tokens: { input: 10, output: 20 }, costUsd: '0.25', model: 'gpt-5' }
    const own = await billing.recordUsage({ accountId, meter: 'model_calls', ...usage, idempotencyKey: 'own' } as never)
    await billing.sync.flush()
    const processor = new LangfuseSpanProcessor({ ...box.langfuse, exportMode: 'immediate' })
    setLangfuseTracerProvider(new BasicTracerProvider({ spanProcessors: [processor] }))
    const traceId = await createTraceId('request-1')
    const parentSpanContext = { traceId, spanId: '1'.repeat(16), traceFlags: 1 }
    const attributes = { model: 'gpt-5', usageDetails: usage.tokens, costDetails: { total: 0.25 } }
    for (const metadata of [{ account: accountId }, { account: accountId, billfold_usage_id: own.id }])
      startObservation(
        'chat',
        { ...attributes, metadata },
        { asType: 'generation', parentSpanContext, startTime: new Date(day) },
      ).end(new Date(day + 1_000))
    await processor.forceFlush()
    setLangfuseTracerProvider(null)

    const { traces } = reading(box)
    const [ours] = (await traces.list({ traceId: langfuseIds(own.id).traceId }, null, {})).observations
    const theirs = (await traces.list({ traceId }, null, {})).observations
    expect(theirs).toHaveLength(2)
    const facts = { model: 'gpt-5', tokens: usage.tokens, costUsd: '0.25', isGeneration: true }
    for (const each of [ours, ...theirs]) expect(each).toMatchObject(facts)
    expect(ours?.metadata).toMatchObject({ billfold_account: accountId, billfold_billing_status: 'debt' })

    expect(await billing.sync.pull({ traceId })).toMatchObject({ observations: 2, recorded: 1, skipped: { own: 1 } })
    expect(await chargedOf(store)).toBe(2n * own.sparks)
  })
})
