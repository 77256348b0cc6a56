import { expect, it } from 'vitest'
import { alikeEvents, type BlockWatch } from '../../src/gateway/alike-events.js'
import { timedOut } from '../../src/gateway/call-end.js'
import { dataOf, type EventBlocks, type EventText, eventBlocks } from '../../src/gateway/event-stream.js'
import { chat } from '../../src/gateway/protocols/chat.js'
import { messages } from '../../src/gateway/protocols/messages.js'
import { streamAnswer } from '../../src/gateway/stream-answer.js'
import { type PieceReader, streamPieces } from '../../src/gateway/upstream-answer.js'

const said = (content: unknown) => chat.parse({ model: 'gpt-5', messages: [{ role: 'user', content }] })

it('S2.2 a stream is taken apart wherever it is cut', async () => {
  const text = ': hello\n\nevent: a\r\ndata: {"é":1}\r\n\r\ndata: one\ndata: two\n\ndata: [DONE]\n\n'
  const bytes = new TextEncoder().encode(text)
  for (let size = 1; size < bytes.length; size += 1) {
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
      bytes.slice(at * size, at * size + size),
    )
    const blocks = await allOf(eventBlocks(streamPieces(streamOf(chunks))))
    expect(blocks.map(({ data }) => data)).toEqual([null, '{"é":1}', 'one\ntwo', '[DONE]'])
    expect(blocks.map(({ raw }) => raw).join('')).toBe(text)
  }
})

it.each(['\n', '\r\n', '\r'])('S2.2 a stream is taken apart whose lines end with %j', async (end) => {
  const text = [': a', '', 'data: 1', '', 'event: b', 'data:2', 'data:3', '', 'data: last', '', ''].join(end)
  for (const size of [1, 2, 3, 5, 100]) {
    const bytes = new TextEncoder().encode(text)
    const chunks = []
    for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.slice(at, at + size))
    const blocks = await allOf(eventBlocks(streamPieces(streamOf(chunks))))
    expect(blocks.flatMap(({ data }) => data ?? [])).toEqual(['1', '2\n3', 'last'])
    expect(blocks.map(({ raw }) => raw).join('')).toContain(text)
  }
})

it('S2.2 a mark of the order of bytes is no part of a stream, and a last event without an end is told once', async () => {
  const bytes = new TextEncoder().encode('\ufeffdata: 1\n\ndata: é')
  for (const size of [1, 2, 3, 100]) {
    const chunks = [new Uint8Array()]
    for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.slice(at, at + size))
    const blocks = eventBlocks(streamPieces(streamOf(chunks)))
    expect((await allOf(blocks)).map(({ data }) => data)).toEqual(['1', 'é'])
    expect(await blocks.next()).toBeNull()
  }
})

it('S2.2 a letter that comes in halves is one, also when somebody asks in between', async () => {
  // What elsewhere is the mark of the order of bytes is a letter like any other here.
  const bytes = new TextEncoder().encode('data: \ufeffé👋\n\n')
  for (let cut = 1; cut < bytes.length - 1; cut += 1) {
    let reader: PieceReader | undefined
    const blocks = eventBlocks({
      read(given) {
        reader = given
      },
      pause() {},
      resume() {},
      cancel() {},
    })
    reader?.piece(bytes.slice(0, cut))
    await new Promise(setImmediate)
    expect(blocks.rest().text).toBe('')
    const next = blocks.next()
    reader?.piece(new Uint8Array())
    expect(blocks.rest().text).toBe('')
    // Two letters of three and two bytes and a half of the third.
    const second = Math.min(cut + 7, bytes.length - 1)
    reader?.piece(bytes.slice(cut, second))
    expect(blocks.rest().text).toBe('')
    reader?.piece(bytes.slice(second))
    expect(dataIn(await next)).toEqual(['\ufeffé👋'])
  }
})

it('S2.2 a stream that is out of time ends with the error that says so, also where its upstream says nothing of its end', async () => {
  let reader: PieceReader | undefined
  const body = {
    read(given: PieceReader) {
      reader = given
    },
    pause() {},
    resume() {},
    cancel() {},
  }
  const ending = new AbortController()
  const responses: Response[] = []
  const model = { name: 'gpt-5', provider: 'openai', limits: { contextTokens: 100, maximumOutputTokens: 100 } }
  const call = { id: 'req_1', protocol: chat, request: said('hello'), model, output: 100, bound: { likelyInput: 1 } }
  const answered = streamAnswer({
    terms: { onError: () => {} },
    call: { ...call, secret: null, asked: new Request('http://localhost') },
    work: { report: () => {} },
    body,
    ending,
    handOver: (given: Response) => void responses.push(given),
  } as unknown as Parameters<typeof streamAnswer>[0])
  const text = responses[0]?.text()
  reader?.piece(new TextEncoder().encode('data: {"choices":[{"delta":{"content":"a"}}]}\n\n'))
  await new Promise(setImmediate)
  ending.abort(timedOut)
  ;(await answered).settled(null)
  expect(await text).toMatch(/"content":"a"[\s\S]*upstream_timeout/)
})

it('S2.2 what came and was not taken of a stream is known when it is left, and a failure comes after what was whole', async () => {
  const encoder = new TextEncoder()
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined
  const body = new ReadableStream<Uint8Array>({
    start(own) {
      controller = own
    },
  })
  const blocks = eventBlocks(streamPieces(body))
  controller?.enqueue(encoder.encode('data: 1\n\n'))
  expect(dataIn(await blocks.next())).toEqual(['1'])
  controller?.enqueue(encoder.encode('data: 2\n\ndata: 3\n\nda'))
  await new Promise(setImmediate)
  expect(dataIn(blocks.rest())).toEqual(['2', '3'])
  controller?.enqueue(encoder.encode('ta: 4\n\n'))
  await new Promise(setImmediate)
  controller?.error(new Error('cut'))
  expect(dataIn(await blocks.next())).toEqual(['4'])
  await expect(blocks.next()).rejects.toThrow('cut')
})

it('S2.2 events that differ in their text alone are seen as if each were parsed', () => {
  const chunk = (delta: object, more: object = {}) =>
    JSON.stringify({ id: 'c', choices: [{ index: 0, delta }], usage: null, ...more })
  const block = (text: string, index = 0) =>
    JSON.stringify({ type: 'content_block_delta', index, delta: { type: 'text_delta', text } })
  const words = [
    'a',
    'b',
    'c',
    'he said "no"',
    'é',
    '\\',
    '\u2028',
    'line\nend',
    '',
    'c',
    '"},"usage":{"total_tokens":1}',
    'd',
    '\u0000',
    '"',
  ]
  const events = [
    ...words.map((content) => chunk({ content })),
    chunk({ content: 'c', tool_calls: [{ function: { name: 'c', arguments: '{}' } }] }),
    ...words.map((content) => chunk({ content, refusal: null })),
    // The text stands where it is not read, too.
    ...words.map((content) => chunk({ role: content, content })),
    ...words.map((content, index) => chunk({ content }, { id: `c${index}` })),
    chunk({}, { choices: [], usage: { prompt_tokens: 1, completion_tokens: 1 } }),
    chunk({ content: 'a' }),
    chunk({ content: 'after' }, { usage: { prompt_tokens: 2, completion_tokens: 2 } }),
    '{"id":"c","choices":[{"index":0,"delta":{"content":"no end',
    '[DONE]',
  ]
  const parts = [JSON.stringify({ type: 'message_start', message: { usage: { input_tokens: 1 } } })]
  parts.push(...words.map((text) => block(text)), ...words.map((text) => block(text, 1)))
  parts.push(JSON.stringify({ type: 'message_delta', usage: { output_tokens: 5 } }), block('later'))
  for (const [protocol, all] of [
    [chat, events],
    [messages, parts],
  ] as const) {
    const request = said('hello')
    for (const name of ['', 'event: content_block_delta\n']) {
      const [plain, alike] = [protocol.watch(request), alikeEvents(protocol.watch(request))]
      for (const data of all) {
        expect(seen(alike, `${name}data: ${data}\n\n`), data).toEqual(plain.see(data))
        expect(alike.usage()).toEqual(plain.usage())
      }
      expect(seen(alike, ': a comment\n\n')).toBeNull()
    }
  }
  let parsed = 0
  const plain = chat.watch(said('hello'))
  const see = (data: string) => {
    parsed += 1
    return plain.see(data)
  }
  const watch = alikeEvents({ ...plain, see })
  for (let word = 0; word < 100; word += 1) seen(watch, `data: ${chunk({ content: ` word${word}` })}\n\n`)
  expect(parsed).toBe(2)
})

/** A block among others. */
function seen(watch: BlockWatch, block: string) {
  return watch.see(`data: {}\n\n${block}data: {}\n\n`, 10, 10 + block.length)
}

async function allOf(events: EventBlocks): Promise<readonly { readonly raw: string; readonly data: string | null }[]> {
  const blocks = []
  for (let together = await events.next(); together; together = await events.next()) blocks.push(...blocksOf(together))
  return blocks
}

function blocksOf(events: EventText): readonly { readonly raw: string; readonly data: string | null }[] {
  const blocks = []
  for (let start = 0, end = 0; start < events.text.length; start = end) {
    end = events.endOf(start)
    const raw = events.text.slice(start, end)
    blocks.push({ raw, data: dataOf(raw) })
  }
  return blocks
}

function dataIn(events: EventText | null): readonly (string | null)[] | undefined {
  return events === null ? undefined : blocksOf(events).map(({ data }) => data)
}

function streamOf(chunks: readonly Uint8Array<ArrayBuffer>[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk)
      controller.close()
    },
  })
}
