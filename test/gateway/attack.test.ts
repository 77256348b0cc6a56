import { setTimeout as after } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { createGateway } from 'billfold/gateway'
import OpenAI from 'openai'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Answer, type OddWorld, openOddWorld, streamed, whole } from './odd-upstream.js'
import { accountId, messages } from './world.js'

let world: OddWorld

beforeAll(async () => {
  const limits = { maximumOutputTokens: 1_000, contextTokens: 100_000, imageTokens: 1_000 }
  world = await openOddWorld({ provider: 'openai', apiKey: 'sk-our-own-secret', models: { 'gpt-5': limits } })
})
beforeEach(async () => {
  world.asked.length = 0
  world.told.length = 0
  world.answer = honest()
  await world.give('1')
})
afterEach(async () => {
  await expect.poll(() => world.held()).toBe(0n)
  expect((await world.billing.verifyLedger({ accountId })).findings).toEqual([])
})
afterAll(() => world.close())

const usage = { prompt_tokens: 4, completion_tokens: 8, total_tokens: 12 }
const reply = {
  id: 'c',
  object: 'chat.completion',
  choices: [{ index: 0, message: { role: 'assistant', content: 'hi' } }],
}
const chunk = (content: string, more: object = {}) =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', choices: [{ index: 0, delta: { content } }], ...more })}\n\n`
const used = (of: object = usage) => `data: ${JSON.stringify({ id: 'c', choices: [], usage: of })}\n\n`
const done = 'data: [DONE]\n\n'

const honest = (body: unknown = { ...reply, usage }) => whole(body)

const chat = { model: 'gpt-5', messages }
const client = () => new OpenAI({ baseURL: `${world.gatewayURL}/v1`, apiKey: 'any', maxRetries: 0 })
const ask = (more: object = {}) =>
  client().chat.completions.create({ ...chat, ...more } as OpenAI.ChatCompletionCreateParamsNonStreaming)
const post = (
  body: string | Uint8Array<ArrayBuffer>,
  headers: Readonly<Record<string, string>> = {},
  path = '/v1/chat/completions',
) =>
  fetch(`${world.gatewayURL}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  })

async function read(more: object = {}): Promise<string> {
  let text = ''
  const stream = await client().chat.completions.create({ ...chat, ...more, stream: true })
  for await (const { choices } of stream) text += choices[0]?.delta.content ?? ''
  return text
}

const charged = (work: () => Promise<unknown>) => world.charged(work)

/** 4 × $1/M + 8 × $10/M. */
const cost = 84_000n

describe('requests that are odd', () => {
  it('G22 that are legal are served, and cost what they used', async () => {
    const cases: readonly object[] = [
      { n: 2, logprobs: true, top_logprobs: 3 },
      { stream_options: null, stop: ['a', 'b'], logit_bias: { 50256: -100 }, seed: 1e15 },
      { max_tokens: null, max_completion_tokens: 5 },
      {
        tools: [
          {
            type: 'function',
            function: { name: 'f', parameters: { enum: Array.from({ length: 5_000 }, (_, i) => `v${i}`) } },
          },
        ],
      },
      { response_format: { type: 'json_schema', json_schema: { name: 's', schema: { type: 'object' } } } },
      {
        messages: [
          {
            role: 'user',
            content: [{ type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(500_000)}` } }],
          },
        ],
      },
      { messages: [{ role: 'user', content: '\ud800 half \u0000 of it 👩‍👩‍👧' }] },
      { reasoning_effort: 'high', verbosity: 'low', user: 'u', metadata: { a: 'b' }, prompt_cache_key: 'k' },
      { service_tier: 'default', store: false },
      { service_tier: null, store: null },
    ]
    for (const more of cases) {
      const given = await charged(() => ask(more))
      expect(given, JSON.stringify(more).slice(0, 80)).toBe(cost)
    }
    world.answer = streamed([chunk('hi'), used(), done])
    expect(await charged(() => read({ stream_options: { include_obfuscation: false } }))).toBe(cost)
    expect(JSON.parse(world.asked.at(-1)?.body ?? '')).toMatchObject({
      stream_options: { include_usage: true, include_obfuscation: false },
    })
    expect(world.told).toEqual([])
  })

  it('G22 S25 that are illegal, or reach for what is elsewhere, are refused, sent nowhere, and cost nothing', async () => {
    const bodies: readonly (string | readonly [string, string])[] = [
      '',
      'null',
      '[]',
      '"text"',
      '{"model":"gpt-5"',
      `{"model":"gpt-5","messages":${'['.repeat(10_000)}${']'.repeat(10_000)}}`,
      '{"model":"../../etc/passwd","messages":[{"role":"user","content":"x"}]}',
      '{"model":"gpt-5\\r\\nx-evil: 1","messages":[{"role":"user","content":"x"}]}',
      '{"model":"__proto__","messages":[{"role":"user","content":"x"}]}',
      '{"model":"gpt-5","messages":[{"role":"user","content":"x"}],"max_tokens":-1}',
      '{"model":"gpt-5","messages":[{"role":"user","content":"x"}],"max_tokens":1e309}',
      '{"model":"gpt-5","messages":[{"role":"user","content":"x"}],"max_completion_tokens":0.5}',
      '{"model":"gpt-5","messages":[{"role":"user","content":"x"}],"n":0}',
      '{"model":"gpt-5","messages":[{"role":"user","content":"x"}],"n":1e3}',
      '{"model":"gpt-5","messages":[{"role":"user","content":"x"}],"__proto__":{"store":true}}',
      '{"model":"gpt-5","messages":[{"role":"user","content":"x"}],"constructor":{}}',
      '{"model":"gpt-5","messages":[{"role":"user","content":"x"}],"store":true}',
      '{"model":"gpt-5","messages":[{"role":"user","content":"x"}],"service_tier":"auto"}',
      '{"model":"gpt-5","messages":[{"role":"user","content":"x"}],"background":true}',
      '{"model":"gpt-5","messages":[{"role":"user","content":"x"}],"prediction":{"type":"content","content":"x"}}',
      '{"model":"gpt-5","messages":[{"role":"user","content":"x"}],"modalities":["text","audio"]}',
      // Sound that was made before, somebody's.
      '{"model":"gpt-5","messages":[{"role":"assistant","audio":{"id":"audio_1"}},{"role":"user","content":"x"}]}',
      '{"model":"gpt-5","messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"f"}}]}]}',
      ['/v1/responses', '{"model":"gpt-5","input":"x","background":true}'],
      ['/v1/responses', '{"model":"gpt-5","input":"x","conversation":"conv_1"}'],
      ['/v1/responses', '{"model":"gpt-5","input":"x","previous_response_id":"resp_1"}'],
      // The type of a reference may be left out.
      ['/v1/responses', '{"model":"gpt-5","input":[{"id":"msg_1"}]}'],
      ['/v1/responses', '{"model":"gpt-5","input":[{"type":null,"id":"msg_1"},{"role":"user","content":"x"}]}'],
      ['/v1/responses', '{"model":"gpt-5","input":[{"type":"reasoning","id":"rs_1","summary":[]}]}'],
      [
        '/v1/responses',
        '{"model":"gpt-5","input":[{"role":"user","content":[{"type":"input_image","file_id":"f"}]}],"prompt":{"id":"p"}}',
      ],
    ]
    const given = await charged(async () => {
      for (const each of bodies) {
        const [path, body] = typeof each === 'string' ? ['/v1/chat/completions', each] : each
        const refused = await post(body, {}, path)
        expect([400, 404], body.slice(0, 120)).toContain(refused.status)
        const { error } = (await refused.json()) as { readonly error: { readonly message: string } }
        expect(error.message).not.toBe('')
      }
      const large = new Uint8Array(50 * 1024 * 1024)
      const announced = await post(large).catch(() => null)
      if (announced) expect(announced.status).toBe(413)
      expect((await post(new Uint8Array(gzipSync(JSON.stringify(chat))), { 'content-encoding': 'gzip' })).status).toBe(
        415,
      )
    })
    expect(given).toBe(0n)
    expect(world.asked).toEqual([])
    expect(world.told).toEqual([])
  })

  it('S25 nothing of the client’s but its parameters goes on, and the last of equal names is what is held for', async () => {
    const body = `{"model":"gpt-5","max_tokens":5,"max_tokens":7,"messages":[{"role":"user","content":"x","__proto__":{"a":1}}]}`
    const answered = await post(body, {
      'x-evil': '1',
      cookie: 'a=b',
      'openai-organization': 'theirs',
      'x-forwarded-host': 'evil.example',
    })
    expect(answered.status).toBe(200)
    const [call] = world.asked
    expect(Object.keys(call?.headers ?? {}).filter((name) => /evil|cookie|organization|forwarded/.test(name))).toEqual(
      [],
    )
    expect(call?.path).toBe('/v1/chat/completions')
    expect(JSON.parse(call?.body ?? '').max_tokens).toBe(7)
  })

  it('G22 a client that leaves while it sends is nobody’s failure', async () => {
    const given = await charged(async () => {
      const going = new AbortController()
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(new TextEncoder().encode('{"model":"gpt-5",')),
      })
      const headers = { 'content-type': 'application/json', 'content-length': '5000' }
      const sending = [
        fetch(`${world.gatewayURL}/v1/chat/completions`, {
          method: 'POST',
          body,
          duplex: 'half',
          signal: going.signal,
        } as RequestInit),
        new Promise((resolve) => {
          const { port } = new URL(world.gatewayURL)
          import('node:http').then(({ request }) => {
            const half = request({ port, method: 'POST', path: '/v1/chat/completions', headers })
            half.on('error', resolve)
            half.write('{"model":')
            setTimeout(() => half.destroy(), 20)
            half.on('close', resolve)
          })
        }),
      ]
      setTimeout(() => going.abort(), 20)
      await Promise.allSettled(sending)
      await after(20)
    })
    expect(given).toBe(0n)
    expect(world.asked).toEqual([])
    expect(world.told).toEqual([])
  })
})

describe('an upstream that answers oddly', () => {
  it.each([
    ['204, and nothing', whole('', 204)],
    ['205, and nothing', whole('', 205)],
    ['202', whole({ id: 'later', status: 'queued' }, 202)],
    ['302 to elsewhere', whole('', 302, { location: 'http://127.0.0.1:9/elsewhere' })],
    ['307 to itself', whole('', 307, { location: '/v1/elsewhere' })],
    ['401 with its key', whole({ error: { message: 'sk-our-own-secret is wrong' } }, 401)],
    ['400 with its key', whole({ error: { message: 'Key sk-our-own-secret may not do this' } }, 400)],
    ['429', whole({ error: { message: 'slow down' } }, 429, { 'retry-after': '7' })],
    [
      '500 without an end',
      ((_, response) => {
        response.writeHead(500, { 'content-type': 'application/json' })
        const more = () => !response.destroyed && response.write('x'.repeat(1_000_000), () => setImmediate(more))
        more()
      }) satisfies Answer,
    ],
    ['a reset', ((request) => request.socket.resetAndDestroy()) satisfies Answer],
  ] as const)('G22 %s is refused, and costs nothing', async (name, wrong) => {
    world.answer = wrong
    const given = await charged(async () => {
      for (const stream of [false, true]) {
        const error = await ask({ stream }).then(
          () => null,
          (refusal: unknown) => refusal,
        )
        expect(error).toBeInstanceOf(OpenAI.APIError)
        expect(JSON.stringify(error)).not.toContain('our-own-secret')
        expect(String(error)).not.toContain('our-own-secret')
        if (name === '429')
          expect((error as InstanceType<typeof OpenAI.APIError>).headers?.get('retry-after')).toBe('7')
      }
    })
    expect(given).toBe(0n)
    // Nothing was sent where it led to.
    expect(new Set(world.asked.map(({ path }) => path))).toEqual(new Set(['/v1/chat/completions']))
  })

  it.each([
    ['CRLF', [chunk('hi'), used(), done].map((text) => text.replaceAll('\n', '\r\n')), cost],
    ['CR', [chunk('hi'), used(), done].map((text) => text.replaceAll('\n', '\r')), cost],
    [
      'letters that are cut',
      [...Buffer.from(chunk('hé👋'))]
        .map((byte) => Buffer.from([byte]))
        .concat([Buffer.from(used()), Buffer.from(done)]),
      cost,
    ],
    ['usage twice', [chunk('hi'), used({ ...usage, completion_tokens: 3 }), used(), done], cost],
    ['usage of another model', [chunk('hi'), used().replace('"id":"c"', '"id":"c","model":"gpt-5-nano"'), done], cost],
    // What cannot be is no usage: the texts are counted, a byte for a fourth of a token.
    ['usage below zero', [chunk('hi'), used({ prompt_tokens: -4, completion_tokens: 8 }), done], 15_000n],
    ['usage beyond all', [chunk('hi'), used({ prompt_tokens: 4, completion_tokens: 1e308 }), done], 15_000n],
    ['usage first good, then none', [chunk('hi'), used(), used({}), done], 15_000n],
    ['a flood of comments', [chunk('hi'), `${': keep-alive\n\n'.repeat(20_000)}`, used(), done], cost],
    ['no last event', [chunk('hi'), used()], cost],
    ['text after its end', [chunk('hi'), used(), done, chunk('more'), chunk('and more')], cost],
  ] as const)('G22 a stream with %s is charged as it should be', async (_, pieces, expected) => {
    world.answer = streamed(pieces)
    let text = ''
    const given = await charged(async () => {
      const answered = await post(JSON.stringify({ ...chat, stream: true }))
      text = await answered.text()
    })
    expect(text).toMatch(/hi|hé👋/)
    expect(text).not.toContain('and more')
    expect(given).toBe(expected)
  })

  it('G22 compressed, whole or streamed, is read', async () => {
    world.answer = whole(gzipSync(JSON.stringify({ ...reply, usage })), 200, { 'content-encoding': 'gzip' })
    expect(await charged(() => ask())).toBe(cost)
    const bytes = gzipSync([chunk('hi'), used(), done].join(''))
    world.answer = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' })
      response.end(bytes)
    }
    expect(await charged(async () => expect(await read()).toBe('hi'))).toBe(cost)
  })

  it('G22 stalls, or is reset, before its answer, in its head and in its middle: paid for what came, and nothing is held', async () => {
    for (const end of ['stall', 'reset'] as const) {
      world.answer = streamed([chunk('one'), chunk(' two'), 'data: {"id":"c","choi'], end)
      expect(await charged(() => read().catch(() => {})), end).toBe(5_000n + 20_000n)
    }
    world.answer = () => {}
    expect(await charged(() => ask().catch(() => {}))).toBe(0n)
    world.answer = (_, response) =>
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': 50 }).write('{"id"')
    expect(await charged(() => ask().catch(() => {}))).toBe(0n)
  }, 20_000)
})

describe('the way to an upstream', () => {
  const name = Symbol.for('undici.globalDispatcher.1')
  const place = globalThis as unknown as Record<typeof name, { dispatch(...given: unknown[]): boolean }>

  it('S25 G22 is the dispatcher that a host has set, and the `fetch` that it gave or put in the place of the global one', async () => {
    const own = place[name]
    const fetchOfHost = globalThis.fetch
    const went: string[] = []
    const through: typeof fetch = (...given) => {
      went.push('fetch')
      return fetchOfHost(...given)
    }
    const call = async (given?: typeof fetch, signal?: AbortSignal) => {
      const limits = { maximumOutputTokens: 1_000, contextTokens: 100_000 }
      const baseURL = `${world.upstreamURL}/v1`
      const handler = createGateway(world.billing, {
        meter: 'tokens',
        upstreams: [{ provider: 'openai', baseURL, apiKey: 'sk-1', models: { 'gpt-5': limits } }],
        identify: () => ({ accountId }),
        ...(given && { fetch: given }),
      })
      const headers = { 'content-type': 'application/json' }
      const request = { method: 'POST', headers, body: JSON.stringify(chat), ...(signal && { signal }) }
      const answered = await handler(new Request('http://gateway/v1/chat/completions', request))
      // What fetch then goes through is another one from Node 26 on.
      return { way: went.splice(0)[0], body: await answered.json() }
    }
    place[name] = {
      dispatch(...given) {
        went.push('dispatcher')
        return own.dispatch(...given)
      },
    }
    try {
      expect(await call()).toMatchObject({ way: 'dispatcher', body: { usage } })
      expect(world.asked[0]?.headers).toMatchObject({ authorization: 'Bearer sk-1', 'accept-encoding': 'identity' })
      expect(await call(through)).toMatchObject({ way: 'fetch', body: { usage } })
      globalThis.fetch = through
      expect(await call()).toMatchObject({ way: 'fetch', body: { usage } })
      // Nobody waits for a connection that is not there yet.
      globalThis.fetch = fetchOfHost
      const going = new AbortController()
      place[name] = {
        dispatch() {
          setImmediate(() => going.abort())
          return true
        },
      }
      expect(await call(undefined, going.signal)).toMatchObject({ body: { error: { code: 'client_closed_request' } } })
    } finally {
      globalThis.fetch = fetchOfHost
      place[name] = own
    }
  })
})

describe('an account that changes in the middle of a stream', () => {
  it('S2.4 S2.6 a suspension lets what has begun end, which is charged once, and nothing more begins', async () => {
    world.answer = async (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(chunk('hi'))
      await world.billing.accounts.suspend({ accountId, reason: 'abuse', idempotencyKey: 'in-the-middle' })
      response.end(used() + done)
    }
    expect(await charged(async () => expect(await read()).toBe('hi'))).toBe(cost)
    await expect(ask()).rejects.toMatchObject({ status: 403, code: 'account_suspended' })
    await world.billing.accounts.resume({ accountId, reason: 'looked at', idempotencyKey: 'again' })
  })
})
