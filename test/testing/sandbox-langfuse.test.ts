import { gzipSync } from 'node:zlib'
import { LangfuseClient } from '@langfuse/client'
import { LangfuseSpanProcessor } from '@langfuse/otel'
import { createTraceId, setLangfuseTracerProvider, startObservation } from '@langfuse/tracing'
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from '../../src/testing/sandbox/sandbox.js'

const traceId = 'a'.repeat(32)
let box: Sandbox

beforeEach(async () => {
  box = await sandbox()
})
afterEach(() => box.close())

describe('with the official SDKs', () => {
  it('C4 reads back the generation the SDK exported, with its cost', async () => {
    const processor = new LangfuseSpanProcessor({ ...box.langfuse, exportMode: 'immediate' })
    const provider = new BasicTracerProvider({ spanProcessors: [processor] })
    setLangfuseTracerProvider(provider)
    const parentTrace = await createTraceId('request-1')
    const context = { traceId: parentTrace, spanId: '1'.repeat(16), traceFlags: 1 }
    const generation = startObservation(
      'chat',
      {
        model: 'gpt-5',
        input: [{ role: 'user', content: 'hi' }],
        usageDetails: { input: 10, output: 20 },
        costDetails: { input: 0.001, output: 0.002, cache: 0.5, total: 0.25 },
      },
      { asType: 'generation', parentSpanContext: context },
    )
    generation.end()
    await processor.forceFlush()
    setLangfuseTracerProvider(null)
    const client = new LangfuseClient(box.langfuse)
    const { data } = await client.api.observations.getMany({
      traceId: parentTrace,
      fields: 'core,basic,usage,model,io',
    })
    expect(data).toHaveLength(1)
    expect(data[0]).toMatchObject({
      id: generation.id,
      traceId: parentTrace,
      type: 'GENERATION',
      name: 'chat',
      providedModelName: 'gpt-5',
      usageDetails: { input: 10, output: 20, total: 30 },
      totalCost: 0.25,
      input: JSON.stringify([{ role: 'user', content: 'hi' }]),
    })
    const bare = await client.api.observations.getMany({ traceId: parentTrace })
    expect(bare.data[0]).not.toHaveProperty('totalCost')
    expect((await client.api.projects.get()).data).toHaveLength(1)
    expect(await client.api.health.health()).toMatchObject({ status: 'OK' })
  })

  it('C4 answers an unknown trace with an empty list', async () => {
    const client = new LangfuseClient(box.langfuse)
    expect((await client.api.observations.getMany({ traceId: 'f'.repeat(32) })).data).toEqual([])
  })
})

describe('cost', () => {
  it.each([
    [{ input: 1, output: 2, cache_read: 3, total: 9 }, 9],
    [{ input: 1, output: 2 }, 3],
    [{ input: 1, output: 2, cache_read: 3 }, null],
    [{}, null],
  ])('S1.3 is %j → %s', async (costDetails, totalCost) => {
    await send([span({ attributes: { 'langfuse.observation.cost_details': JSON.stringify(costDetails) } })])
    expect((await read('&fields=usage'))[0]).toMatchObject({ totalCost })
  })

  it('S1.3 drops units that are not whole and not negative', async () => {
    await send([span({ attributes: { 'langfuse.observation.usage_details': '{"input":3,"output":1.5,"cache":-1}' } })])
    expect((await read('&fields=usage'))[0]).toMatchObject({ usageDetails: { input: 3, total: 3 } })
  })
})

describe('ingestion', () => {
  it('C4 replaces a span sent again with the same start, and keeps both when the start differs', async () => {
    await send([span({ name: 'first' })])
    await send([span({ name: 'second' })])
    expect(await read('')).toMatchObject([{ name: 'second' }])
    await send([span({ name: 'third', startMs: Date.now() + 5 })])
    expect(await read('')).toHaveLength(2)
  })

  it('C4 refuses a whole export for one bad span id', async () => {
    const answer = await send([span({}), span({ spanId: 'xyz' })])
    expect(answer.status).toBe(400)
    expect(await read('')).toEqual([])
  })

  it('C4 shows an export without the version header only ten minutes later', async () => {
    await send([span({})], { 'x-langfuse-ingestion-version': '' })
    expect(await read('')).toEqual([])
    box.advance(10 * 60 * 1000)
    expect(await read('')).toHaveLength(1)
    expect((await send([span({})], { 'x-langfuse-ingestion-version': '5' })).status).toBe(400)
  })

  it('C4 takes a compressed export', async () => {
    const body = gzipSync(JSON.stringify(exportOf([span({})])))
    const answer = await post('/otel/v1/traces', body, { 'content-encoding': 'gzip' })
    expect(answer.status).toBe(200)
    expect(await read('')).toHaveLength(1)
  })

  it('C4 refuses strangers, legacy events and legacy reads', async () => {
    expect((await send([span({})], { authorization: 'Basic bm86bm8=' })).status).toBe(401)
    const legacy = await post(
      '/ingestion',
      JSON.stringify({
        batch: [
          { id: 'e1', type: 'trace-create' },
          { id: 'e2', type: 'score-create' },
        ],
      }),
    )
    expect(legacy.status).toBe(207)
    expect(await legacy.json()).toMatchObject({
      successes: [{ id: 'e2' }],
      errors: [{ id: 'e1', status: 400, error: 'Event type not accepted' }],
    })
    expect((await get(`/traces/${traceId}`)).status).toBe(404)
    expect((await get('/traces')).status).toBe(404)
  })

  it('C4 reports rejected spans in a 200 on request', async () => {
    box.faults.inject({ match: { pathIncludes: '/otel/v1/traces' }, kind: 'partial_success' })
    expect(await (await send([span({})])).json()).toMatchObject({ partialSuccess: { rejectedSpans: 1 } })
    expect(await read('')).toEqual([])
  })
})

describe('what Langfuse finds out later', () => {
  it('S1.3 an observation comes to something else, and both rows are seen until they are merged', async () => {
    await box.close()
    box = await sandbox({ langfuse: { delays: { readMs: 1_000, mergeMs: 5_000 } } })
    await send([span({ attributes: { 'langfuse.observation.cost_details': '{"total":1}' } })])
    expect(await read('&fields=usage')).toEqual([])
    box.advance(1_000)
    const costs = async () => (await read('&fields=usage')).map((row) => (row as { totalCost: unknown }).totalCost)
    expect(await costs()).toEqual([1])
    const answer = await fetch(`${box.url}/_sandbox/langfuse/observations`, {
      method: 'POST',
      body: JSON.stringify({ traceId, totalCost: 2 }),
    })
    expect(await answer.json()).toEqual({ changed: 1 })
    expect(await costs()).toEqual([1])
    box.advance(1_000)
    expect(await costs()).toEqual([2, 1])
    box.advance(5_000)
    expect(await costs()).toEqual([2])
  })

  it('C4 a score with the same id replaces the one before, and one of nothing is refused', async () => {
    const score = { id: 's', traceId, name: 'done', value: 1, dataType: 'BOOLEAN' }
    for (const value of [1, 0])
      expect(await (await post('/scores', JSON.stringify({ ...score, value }))).json()).toEqual({ id: 's' })
    expect((await post('/scores', JSON.stringify({ ...score, value: 2 }))).status).toBe(400)
    expect((await post('/scores', JSON.stringify({ ...score, traceId: undefined }))).status).toBe(400)
    expect(await (await fetch(`${box.url}/_sandbox/langfuse/traces`)).json()).toMatchObject({ scores: 1 })
  })

  it('C4 version 3 is read by the legacy API, and only by it', async () => {
    await box.close()
    box = await sandbox({ langfuse: { version: 3 } })
    await send([span({})])
    expect((await get('/v2/observations')).status).toBe(404)
    expect(await (await get('/observations')).json()).toMatchObject({ meta: { totalItems: 1, totalPages: 1 } })
    expect(await (await get(`/traces/${traceId}`)).json()).toMatchObject({ id: traceId })
    expect((await get(`/traces/${'e'.repeat(32)}`)).status).toBe(404)
  })
})

describe('reading', () => {
  it('S1.3 follows the cursor over every observation once, newest first', async () => {
    const start = Date.now()
    await send(
      Array.from({ length: 25 }, (_, index) =>
        span({ spanId: String(index + 1).padStart(16, '0'), startMs: start + index }),
      ),
    )
    const seen: string[] = []
    for (let cursor = ''; ; ) {
      const page = (await (await get(`/v2/observations?traceId=${traceId}&limit=10${cursor}`)).json()) as Page
      seen.push(...page.data.map(({ id }) => id))
      if (page.meta.cursor === undefined) break
      cursor = `&cursor=${encodeURIComponent(page.meta.cursor)}`
    }
    expect(seen).toHaveLength(25)
    expect(new Set(seen).size).toBe(25)
    expect(seen[0]).toBe('25'.padStart(16, '0'))
  })

  it('S1.3 filters by time, and refuses too much at once', async () => {
    const start = Date.parse('2026-11-01T00:00:00Z')
    await send([span({ startMs: start }), span({ spanId: '2'.repeat(16), startMs: start + 1000 })])
    expect(await read('&fromStartTime=2026-11-01T00:00:01Z')).toMatchObject([{ id: '2'.repeat(16) }])
    expect(await read('&toStartTime=2026-11-01T00:00:01Z')).toMatchObject([{ id: 'b'.repeat(16) }])
    expect((await get('/v2/observations?limit=1001')).status).toBe(400)
    expect((await get('/v2/observations?fields=nonsense')).status).toBe(400)
    expect((await get('/v2/observations?cursor=nonsense')).status).toBe(400)
  })
})

interface Page {
  readonly data: { readonly id: string }[]
  readonly meta: { readonly cursor?: string }
}

const startedAt = Date.now()

function span(given: { spanId?: string; name?: string; startMs?: number; attributes?: Record<string, string> }) {
  const startMs = given.startMs ?? startedAt
  return {
    traceId,
    spanId: given.spanId ?? 'b'.repeat(16),
    name: given.name ?? 'call',
    startTimeUnixNano: `${startMs}000000`,
    endTimeUnixNano: `${startMs + 100}000000`,
    attributes: Object.entries(given.attributes ?? {}).map(([key, stringValue]) => ({ key, value: { stringValue } })),
  }
}

function exportOf(spans: unknown[]) {
  return { resourceSpans: [{ resource: { attributes: [] }, scopeSpans: [{ spans }] }] }
}

function send(spans: unknown[], headers: Record<string, string> = {}) {
  return post('/otel/v1/traces', JSON.stringify(exportOf(spans)), headers)
}

function post(path: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) {
  return fetch(`${box.langfuse.baseUrl}/api/public${path}`, {
    method: 'POST',
    headers: {
      authorization: basic(),
      'content-type': 'application/json',
      'x-langfuse-ingestion-version': '4',
      ...headers,
    },
    body,
  })
}

function get(path: string) {
  return fetch(`${box.langfuse.baseUrl}/api/public${path}`, { headers: { authorization: basic() } })
}

async function read(query: string): Promise<unknown[]> {
  return ((await (await get(`/v2/observations?traceId=${traceId}${query}`)).json()) as Page).data
}

function basic(): string {
  return `Basic ${Buffer.from(`${box.langfuse.publicKey}:${box.langfuse.secretKey}`).toString('base64')}`
}
