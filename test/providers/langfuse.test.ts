import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { LangfuseClient } from '@langfuse/client'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { TracedUsage } from '../../src/core/ports/capabilities/tracing.js'
import {
  type LangfuseProvider,
  type LangfuseProviderOptions,
  langfuseIds,
  langfuseProvider,
} from '../../src/providers/langfuse/index.js'
import { type Sandbox, sandbox } from '../../src/testing/sandbox/sandbox.js'

const delivered = { status: 'delivered' }
const onExport = { method: 'POST', pathIncludes: '/otel/v1/traces' }
let box: Sandbox
let langfuse: LangfuseProvider
let closers: (() => Promise<void>)[]

beforeEach(async () => {
  box = await sandbox()
  langfuse = langfuseProvider(box.langfuse)
  closers = []
})
afterEach(async () => {
  await box.close()
  for (const close of closers) await close()
})

const usage = (usageId: string, given: Partial<TracedUsage> = {}): TracedUsage => ({
  usageId,
  accountId: 'acc_1',
  meter: 'ai_tokens',
  model: 'gpt-4o-mini',
  quantity: '1500',
  tokens: { input: 1000, output: 400, cached_input: 100 },
  costUsd: '0.00045',
  sparks: '150',
  billingStatus: 'credits',
  occurredAt: Date.now() - 60_000,
  dimensions: { feature: 'chat' },
  ...given,
})

const several = (count: number) => Array.from({ length: count }, (_, index) => usage(`u${index}`))
const send = (...events: readonly TracedUsage[]) => langfuse.tracing.export(events, {})

const stored = async () =>
  (await (await fetch(`${box.url}/_sandbox/langfuse/traces`)).json()) as {
    exports: number
    traces: number
    observations: number
  }

describe('traced usage', () => {
  it('S1.1 is read back with its cost by the official client, at once', async () => {
    langfuse = langfuseProvider({ ...box.langfuse, environment: 'production' })
    expect(await send(usage('u1'))).toEqual([delivered])
    const { traceId, spanId } = langfuseIds('u1')
    const fields = 'core,basic,usage,model,metadata,trace_context'
    const { data } = await new LangfuseClient(box.langfuse).api.observations.getMany({ traceId, fields })
    expect(data).toHaveLength(1)
    expect(data[0]).toMatchObject({
      id: spanId,
      traceId,
      type: 'GENERATION',
      name: 'ai_tokens',
      userId: 'acc_1',
      environment: 'production',
      providedModelName: 'gpt-4o-mini',
      usageDetails: { input: 1000, output: 400, cached_input: 100, total: 1500 },
      costDetails: { total: 0.00045 },
      totalCost: 0.00045,
      metadata: { billfold_usage_id: 'u1', billfold_meter: 'ai_tokens', billfold_sparks: '150', feature: 'chat' },
    })
  })

  it('S1.1 that is sent again replaces itself', async () => {
    const event = usage('u1')
    expect(await send(event)).toEqual([delivered])
    expect(await send(event, event)).toEqual([delivered, delivered])
    expect(await stored()).toMatchObject({ traces: 1, observations: 1 })
  })

  it('S1.1 goes out a hundred at a time, with one outcome each', async () => {
    expect(await send(...several(230))).toEqual(Array.from({ length: 230 }, () => delivered))
    expect(await stored()).toEqual({ exports: 3, traces: 230, observations: 230, scores: 0 })
  })

  it('S1.1 that cannot be written is rejected, and the others go out', async () => {
    expect(await send(usage('u1'), usage('u2', { costUsd: '1e-7' }), usage('u3'))).toEqual([
      delivered,
      { status: 'rejected', reason: 'The cost is not a decimal.' },
      delivered,
    ])
    expect(await stored()).toMatchObject({ exports: 1, observations: 2 })
  })

  it('S1.1 whose answer was lost is unknown, and is there once when it is sent again', async () => {
    box.faults.inject({ match: onExport, kind: 'reset_after' })
    const events = several(3)
    expect(await send(...events)).toMatchObject([{ status: 'unknown' }, { status: 'unknown' }, { status: 'unknown' }])
    expect(await send(...events)).toEqual([delivered, delivered, delivered])
    expect(await stored()).toMatchObject({ observations: 3 })
  })
})

describe('an answer', () => {
  it('S1.1 of 200 is no success when spans were rejected: the exporters there would say so', async () => {
    box.faults.inject({ match: onExport, kind: 'partial_success' })
    expect(await send(usage('u1'))).toEqual([{ status: 'rejected', reason: 'Rejected by an injected sandbox fault.' }])
    box.faults.inject({ match: onExport, kind: 'partial_success' })
    expect(await send(...several(3))).toEqual([delivered, delivered, delivered])
  })

  const statuses: readonly (readonly [number, string])[] = [
    [400, 'rejected'],
    [413, 'rejected'],
    [422, 'rejected'],
    [404, 'retry'],
    [408, 'retry'],
    [429, 'retry'],
    [503, 'retry'],
    [500, 'unknown'],
    [502, 'unknown'],
    [504, 'unknown'],
  ]
  for (const [status, expected] of statuses) {
    it(`S1.1 of ${status} to a single span is ${expected}`, async () => {
      box.faults.inject({ match: onExport, kind: 'status', status })
      expect(await send(usage('u1'))).toMatchObject([
        { status: expected, reason: expect.stringContaining(String(status)) },
      ])
    })
  }

  for (const status of [401, 403]) {
    it(`S1.1 of ${status} stops everything: it is about the keys`, async () => {
      box.faults.inject({ match: onExport, kind: 'status', status })
      await expect(send(...several(3))).rejects.toMatchObject({ code: 'provider_authentication', details: { status } })
    })
  }

  it('S1.1 to a wrong key stops everything', async () => {
    langfuse = langfuseProvider({ ...box.langfuse, secretKey: 'sk-lf-wrong' })
    await expect(send(usage('u1'))).rejects.toMatchObject({ code: 'provider_authentication' })
  })

  for (const [wait, retryAfterMs] of [
    ['5', 5000],
    ['-5', 0],
    ['100000000', 3_600_000],
  ] as const) {
    it(`S1.1 that asks to wait ${wait} seconds is obeyed within an hour`, async () => {
      box.faults.inject({ match: onExport, kind: 'status', status: 429, headers: { 'retry-after': wait } })
      expect(await send(usage('u1'))).toMatchObject([{ status: 'retry', retryAfterMs }])
    })
  }

  it('S1.1 that does not come in time leaves it unknown', async () => {
    langfuse = langfuseProvider({ ...box.langfuse, timeoutMs: 100 })
    box.faults.inject({ match: onExport, kind: 'hang' })
    expect(await send(usage('u1'))).toMatchObject([{ status: 'unknown' }])
  })

  it('S1.1 that is waited for no longer leaves it unknown; what had not gone is sent again', async () => {
    const controller = new AbortController()
    box.faults.inject({ match: onExport, kind: 'hang' })
    setTimeout(() => controller.abort(), 50)
    const outcomes = await langfuse.tracing.export(several(101), { signal: controller.signal })
    expect(outcomes[0]).toMatchObject({ status: 'unknown' })
    expect(outcomes[100]).toMatchObject({ status: 'retry' })
  })

  it('S1.1 from nobody means that it is sent again', async () => {
    const { baseUrl, close } = await server(() => {})
    await close()
    langfuse = langfuseProvider({ ...box.langfuse, baseUrl })
    expect(await send(usage('u1'))).toMatchObject([{ status: 'retry' }])
    langfuse = langfuseProvider({ ...box.langfuse, baseUrl: 'http://langfuse.invalid' })
    expect(await send(usage('u1'))).toMatchObject([{ status: 'retry' }])
  })

  const unreadable: readonly (readonly [string, string])[] = [
    ['a page', '<html>Sign in</html>'],
    ['half an object', '{"partialSuccess":{"rejec'],
    ['a list', '[]'],
    ['nothing', ''],
    ['a count that is none', '{"partialSuccess":{"rejectedSpans":"some"}}'],
  ]
  for (const [what, body] of unreadable) {
    it(`S1.1 of 200 with ${what} leaves it unknown`, async () => {
      langfuse = await answering(200, body)
      expect(await send(usage('u1'))).toMatchObject([{ status: 'unknown' }])
    })
  }

  const readable: readonly (readonly [string, string])[] = [
    ['{}', 'delivered'],
    ['{"partialSuccess":{}}', 'delivered'],
    ['{"partialSuccess":null}', 'delivered'],
    ['{"partialSuccess":{"rejectedSpans":"0","errorMessage":"a warning"}}', 'delivered'],
    ['{"partialSuccess":{"rejectedSpans":"1","errorMessage":"bad"}}', 'rejected'],
    ['{"partialSuccess":{"rejectedSpans":1}}', 'rejected'],
  ]
  for (const [body, expected] of readable) {
    it(`S1.1 of 200 with ${body} means ${expected}`, async () => {
      langfuse = await answering(200, body)
      expect(await send(usage('u1'))).toMatchObject([{ status: expected }])
    })
  }

  it('S1.1 cut short in its body leaves it unknown', async () => {
    langfuse = await answeringWith((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' })
      response.write('{"partial')
      setTimeout(() => response.destroy(), 10)
    })
    expect(await send(usage('u1'))).toMatchObject([{ status: 'unknown' }])
  })

  it('S1.1 that redirects is not followed with the keys', async () => {
    let followed = 0
    const elsewhere = await server((_, response) => {
      followed += 1
      response.end('{}')
    })
    langfuse = await answeringWith((_, response) => response.writeHead(307, { location: elsewhere.baseUrl }).end())
    expect(await send(usage('u1'))).toMatchObject([{ status: 'retry' }])
    expect(followed).toBe(0)
  })
})

describe('a batch with a bad span', () => {
  /** Refuses every request that has one of the named spans, with 400 or as a partial success. */
  async function picky(bad: readonly string[], as: 'bad_request' | 'partial_success') {
    const badIds = new Set(bad.map((id) => langfuseIds(id).spanId))
    const traffic = { requests: 0, stored: new Set<string>(), langfuse: undefined as unknown as LangfuseProvider }
    traffic.langfuse = await answeringWith((request, response) => {
      traffic.requests += 1
      let text = ''
      request.on('data', (chunk: Buffer) => {
        text += chunk.toString()
      })
      request.on('end', () => {
        const ids = [...text.matchAll(/"spanId":"([0-9a-f]{16})"/g)].map((match) => match[1] ?? '')
        const rejected = ids.filter((id) => badIds.has(id))
        if (rejected.length > 0 && as === 'bad_request') return response.writeHead(400).end('{"message":"bad span"}')
        for (const id of ids) if (!badIds.has(id)) traffic.stored.add(id)
        const partialSuccess = { rejectedSpans: rejected.length, errorMessage: 'bad span' }
        return response.end(JSON.stringify(rejected.length > 0 ? { partialSuccess } : {}))
      })
    })
    return traffic
  }

  for (const as of ['bad_request', 'partial_success'] as const) {
    it(`S1.1 loses that span alone (${as})`, async () => {
      const traffic = await picky(['u7', 'u42'], as)
      const outcomes = await traffic.langfuse.tracing.export(several(100), {})
      for (const [index, { status }] of outcomes.entries())
        expect(status).toBe([7, 42].includes(index) ? 'rejected' : 'delivered')
      expect(traffic.stored.size).toBe(98)
      // Halving finds two of a hundred in far fewer requests than one by one.
      expect(traffic.requests).toBeLessThan(32)
    })
  }

  it('S1.1 may be bad in every one', async () => {
    const traffic = await picky(['u0', 'u1', 'u2', 'u3', 'u4'], 'bad_request')
    const outcomes = await traffic.langfuse.tracing.export(several(5), {})
    expect(outcomes.map(({ status }) => status)).toEqual(Array.from({ length: 5 }, () => 'rejected'))
  })
})

describe('a request', () => {
  it('S1.1 is OTLP as JSON with the keys and the version of the protocol', async () => {
    const seen: Request[] = []
    langfuse = langfuseProvider({
      baseUrl: 'https://langfuse.example/base/',
      publicKey: 'pk-lf-1',
      secretKey: 'sk-lf-2',
      fetch: async (input, init) => {
        seen.push(new Request(input, init))
        return Response.json({})
      },
    })
    expect(await send(usage('u1'), usage('u2'))).toEqual([delivered, delivered])
    const [request] = seen
    expect(seen).toHaveLength(1)
    expect(request?.url).toBe('https://langfuse.example/base/api/public/otel/v1/traces')
    expect(Object.fromEntries(request?.headers ?? [])).toMatchObject({
      authorization: `Basic ${Buffer.from('pk-lf-1:sk-lf-2').toString('base64')}`,
      'content-type': 'application/json',
      'x-langfuse-ingestion-version': '4',
    })
    expect(await request?.json()).toMatchObject({
      resourceSpans: [{ scopeSpans: [{ spans: [langfuseIds('u1'), langfuseIds('u2')] }] }],
    })
  })
})

describe('the options', () => {
  const broken: readonly Partial<LangfuseProviderOptions>[] = [
    { baseUrl: '' },
    { baseUrl: 'cloud.langfuse.com' },
    { baseUrl: 'ftp://langfuse.example' },
    { baseUrl: 'https://langfuse.example?x=1' },
    { publicKey: '' },
    { publicKey: 'pk:lf' },
    { secretKey: ' ' },
    { secretKey: 'sk-lf-ü' },
    { environment: 'Production' },
    { environment: 'langfuse-prod' },
    { environment: 'x'.repeat(41) },
    { timeoutMs: 0 },
    { timeoutMs: 1.5 },
  ]
  for (const option of broken) {
    it(`C4 refuse ${JSON.stringify(option).slice(0, 60)}`, () => {
      expect(() => langfuseProvider({ ...box.langfuse, ...option })).toThrowError(
        expect.objectContaining({ code: 'config_invalid', details: { option: Object.keys(option)[0] } }),
      )
    })
  }
})

async function server(listener: RequestListener) {
  const listening = createServer(listener)
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
  const close = () => new Promise<void>((resolve) => listening.close(() => resolve()))
  return { baseUrl: `http://127.0.0.1:${(listening.address() as AddressInfo).port}`, close }
}

async function answeringWith(listener: RequestListener): Promise<LangfuseProvider> {
  const { baseUrl, close } = await server(listener)
  closers.push(close)
  return langfuseProvider({ ...box.langfuse, baseUrl })
}

function answering(status: number, body: string): Promise<LangfuseProvider> {
  return answeringWith((_, response) => response.writeHead(status).end(body))
}
