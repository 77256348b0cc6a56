import Anthropic from '@anthropic-ai/sdk'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Answer, type OddWorld, openOddWorld, streamed, whole } from './odd-upstream.js'
import { accountId, messages } from './world.js'

const secret = 'sk-ant-our-own-secret'
let world: OddWorld
let client: Anthropic

beforeAll(async () => {
  const limits = { maximumOutputTokens: 1_000, contextTokens: 100_000 }
  world = await openOddWorld({ provider: 'anthropic', apiKey: secret, models: { 'claude-opus-5': limits } })
  client = new Anthropic({ baseURL: world.gatewayURL, apiKey: 'any', maxRetries: 0 })
})
beforeEach(async () => {
  world.asked.length = 0
  world.told.length = 0
  await world.give('1')
})
afterEach(async () => {
  await expect.poll(() => world.held()).toBe(0n)
  expect((await world.billing.verifyLedger({ accountId })).findings).toEqual([])
})
afterAll(() => world.close())

const block = (type: string, more: object = {}) => `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`
const begun = (usage: unknown = { input_tokens: 4, output_tokens: 1 }) =>
  block('message_start', {
    message: { id: 'msg', type: 'message', role: 'assistant', model: 'claude-opus-5', content: [], usage },
  })
const opened = (content: object, index = 0) => block('content_block_start', { index, content_block: content })
const piece = (delta: object, index = 0) => block('content_block_delta', { index, delta })
const closed = (index = 0) => block('content_block_stop', { index })
const text = (words: string) => piece({ type: 'text_delta', text: words })
const used = (usage: unknown = { output_tokens: 8 }, stop_reason = 'end_turn') =>
  block('message_delta', { delta: { stop_reason, stop_sequence: null }, usage })
const stopped = block('message_stop')
const said = [opened({ type: 'text', text: '' }), text('one'), text(' two'), closed()]
const usage = { input_tokens: 4, output_tokens: 8 }
const message = {
  id: 'msg',
  type: 'message',
  role: 'assistant',
  model: 'claude-opus-5',
  content: [{ type: 'text', text: 'hi' }],
  stop_reason: 'end_turn',
  usage,
}
/** 4 × $2/M + 8 × $20/M. */
const cost = 168_000n
/** 4 × $2/M + what was produced: four bytes are about a token, and each piece is one at least. */
const estimated = (tokens: number) => 8_000n + BigInt(tokens) * 20_000n

const ask = { model: 'claude-opus-5', max_tokens: 100, messages }
const tools = [{ name: 'weather', input_schema: { type: 'object' as const } }]
const create = (more: object = {}) =>
  client.messages.create({ ...ask, ...more } as Anthropic.MessageCreateParamsNonStreaming)
const stream = (more: object = {}) => client.messages.stream({ ...ask, ...more } as Anthropic.MessageStreamParams)
const failure = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: unknown) => error as InstanceType<typeof Anthropic.APIError>,
  )

describe('requests that are odd', () => {
  it('G22 that are legal are served, and cost what they used', async () => {
    world.answer = whole(message)
    const use = { type: 'tool_use', id: 't', name: 'weather', input: { type: 'image', source: { data: 'x' } } }
    const cases: readonly object[] = [
      { system: [{ type: 'text', text: 'be short', cache_control: { type: 'ephemeral' } }] },
      { thinking: { type: 'enabled', budget_tokens: 1_024 }, max_tokens: 2_000 },
      { tools, tool_choice: { type: 'any', disable_parallel_tool_use: true } },
      {
        tools,
        messages: [
          ...messages,
          { role: 'assistant', content: [{ type: 'thinking', thinking: 'hm', signature: 's' }, use] },
          { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', is_error: true, content: 'none' }] },
        ],
      },
      { metadata: { user_id: 'u' }, stop_sequences: ['\ud800'], top_k: 1, service_tier: 'standard_only' },
    ]
    for (const more of cases)
      expect(await world.charged(() => create(more)), JSON.stringify(more).slice(0, 80)).toBe(cost)
    expect(world.told).toEqual([])
  })

  it('G22 S25 that are illegal, or reach for what nothing bounds, are refused, sent nowhere, and cost nothing', async () => {
    const source = { type: 'url', url: 'https://a.example/a' }
    const content = (part: object) => ({ messages: [{ role: 'user', content: [part] }] })
    const cases: readonly object[] = [
      { max_tokens: 0 },
      { max_tokens: 0.5 },
      { max_tokens: 'many' },
      { max_tokens: undefined },
      { messages: [] },
      { messages: 'hello' },
      { system: 7 },
      { service_tier: 'auto' },
      { tools: [{ type: 'web_search_20250305', name: 'web_search' }] },
      { mcp_servers: [{ ...source, name: 'x' }] },
      { container: 'c' },
      { base_url: 'https://evil.example' },
      content({ type: 'image', source }),
      content({ type: 'document', source }),
      content({ type: 'container_upload', file_id: 'f' }),
      content({ type: 'tool_result', tool_use_id: 't', content: [{ type: 'document', source }] }),
      { model: 'claude-opus-5-20990101' },
    ]
    const given = await world.charged(async () => {
      for (const more of cases) {
        const error = await failure(create(more))
        expect([400, 404], JSON.stringify(more)).toContain(error?.status)
        expect(error?.error, JSON.stringify(more)).toMatchObject({ type: 'error', error: { type: /error$/ } } as never)
      }
    })
    expect([given, world.asked, world.told]).toEqual([0n, [], []])
  })
})

describe('an upstream that answers oddly', () => {
  it('G22 one that refuses raises the error it is, costs nothing, and its key is never told', async () => {
    const cases = [
      [529, 'overloaded_error', Anthropic.InternalServerError],
      [503, 'api_error', Anthropic.InternalServerError],
      [429, 'rate_limit_error', Anthropic.RateLimitError],
      [413, 'request_too_large', Anthropic.APIError],
      [401, 'api_error', Anthropic.InternalServerError],
      [400, 'invalid_request_error', Anthropic.BadRequestError],
    ] as const
    const given = await world.charged(async () => {
      for (const [status, type, kind] of cases) {
        const words = { type: 'error', error: { type, message: `The key ${secret} may not.` } }
        world.answer = whole(words, status, { 'retry-after': '7' })
        for (const work of [create(), stream().finalMessage()]) {
          const error = await failure(work)
          expect(error).toBeInstanceOf(kind)
          expect(error?.error).toMatchObject({ error: { type } })
          expect(JSON.stringify(error) + String(error)).not.toContain(secret)
          if (status === 429) expect(error?.headers?.get('retry-after')).toBe('7')
        }
      }
    })
    expect(given).toBe(0n)
  })

  const thought = [
    opened({ type: 'thinking', thinking: '', signature: '' }),
    piece({ type: 'thinking_delta', thinking: 'one two three four' }),
    piece({ type: 'signature_delta', signature: 'c2ln' }),
    closed(),
  ]
  const called = [
    opened({ type: 'tool_use', id: 't', name: 'weather', input: {} }),
    piece({ type: 'input_json_delta', partial_json: '{"city":' }),
    piece({ type: 'input_json_delta', partial_json: '"Berlin"}' }),
    closed(),
  ]
  it.each([
    ['as it should be', [begun(), ...said, used(), stopped], cost],
    [
      'lines that end with CRLF',
      [begun(), ...said, used(), stopped].map((each) => each.replaceAll('\n', '\r\n')),
      cost,
    ],
    [
      'bytes one by one',
      [...Buffer.from([begun(), ...said, used(), stopped].join(''))].map((byte) => Buffer.from([byte])).slice(0),
      cost,
    ],
    ['pings and events that are new', [begun(), block('ping'), block('new', { a: 1 }), ...said, used(), stopped], cost],
    ['usage that grows', [begun(), used({ output_tokens: 3 }), ...said, used(), stopped], cost],
    ['thinking', [begun(), ...thought, used(), stopped], cost],
    ['a call of a tool', [begun(), ...called, used({ output_tokens: 8 }, 'tool_use'), stopped], cost],
    ['no last event', [begun(), ...said, used()], cost],
    ['text after its end', [begun(), ...said, used(), stopped, text('and more')], cost],
    // What cannot be is no usage: the texts are counted.
    ['usage below zero', [begun(), ...said, used({ output_tokens: -8 }), stopped], estimated(2)],
    ['usage beyond all', [begun(), ...said, used({ output_tokens: 1e308 }), stopped], estimated(2)],
    ['usage that is no number', [begun(), ...said, used({ output_tokens: '8' }), stopped], estimated(2)],
    ['no usage at its end', [begun(), ...thought, ...called, stopped], estimated(5 + 2 + 2 + 3)],
  ] as const)('G22 a stream with %s is charged as it should be', async (_, pieces, expected) => {
    world.answer = streamed(pieces)
    let answered = ''
    const given = await world.charged(async () => {
      for await (const event of stream()) answered += JSON.stringify(event)
    })
    expect(answered).toMatch(/one|city/)
    expect(answered).not.toContain('and more')
    expect(given).toBe(expected)
  })

  it.each([
    [
      'is overloaded',
      [begun(), ...said, block('error', { error: { type: 'overloaded_error', message: `Busy: ${secret}` } })],
      'end',
      'overloaded_error',
    ],
    ['is cut', [begun(), ...said.slice(0, 3)], 'reset', 'api_error'],
    ['stalls', [begun(), ...said.slice(0, 3), 'data: {"type":"content'], 'stall', 'api_error'],
  ] as const)(
    'G22 a stream that %s in its middle is an error, and paid for what was read and came',
    async (_, pieces, end, type) => {
      world.answer = streamed(pieces, end)
      let error: InstanceType<typeof Anthropic.APIError> | null = null
      const given = await world.charged(async () => {
        error = await failure(stream().finalMessage())
      })
      expect(error).toBeInstanceOf(Anthropic.APIError)
      expect(JSON.stringify(error)).toContain(type)
      expect(JSON.stringify(error) + String(error)).not.toContain(secret)
      expect(given).toBe(estimated(2))
    },
  )

  it('G22 S25 an answer with the key in it is told without it, whole or streamed', async () => {
    world.answer = whole({ ...message, content: [{ type: 'text', text: `the key is ${secret}` }] })
    expect((await create()).content).toEqual([{ type: 'text', text: 'the key is …' }])
    world.answer = streamed([
      begun(),
      opened({ type: 'text', text: '' }),
      text(`it is ${secret}`),
      closed(),
      used(),
      stopped,
    ])
    expect((await stream().finalMessage()).content).toMatchObject([{ text: 'it is …' }])
  })

  it('G22 a client that leaves pays for what was read and came, and the upstream is left', async () => {
    let left = 0
    const stalling: Answer = async (request, response) => {
      request.socket.once('close', () => {
        left += 1
      })
      await streamed([begun(), ...said], 'stall')(request, response)
    }
    world.answer = stalling
    const given = await world.charged(async () => {
      for await (const event of stream()) if (event.type === 'content_block_stop') break
    })
    expect(given).toBe(estimated(2))
    await expect.poll(() => left).toBe(1)
  })
})
