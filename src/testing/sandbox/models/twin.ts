import type { Fate } from '../faults.js'
import { anthropicMessages } from './anthropic-messages.js'
import type { Asked, ModelFormat, StreamEvent } from './format.js'
import { gemini } from './gemini.js'
import { openaiChat } from './openai-chat.js'
import { openaiEmbeddings } from './openai-embeddings.js'
import { openaiResponses } from './openai-responses.js'
import { type Answer, answerOf, type ModelReply } from './reply.js'

/** One request to the model twin, with what was produced for it: the twin's own count, whatever usage it told. */
export interface ModelCall {
  readonly id: string
  /** `openai.chat`, `openai.responses`, `openai.embeddings`, `anthropic.messages` or `gemini`. */
  readonly format: string
  readonly path: string
  readonly model: string
  readonly stream: boolean
  /** The request's body as it came. */
  readonly body: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, string>>
  readonly inputTokens: number
  /** Tokens that were produced until now. */
  readonly outputTokens: number
  /** `aborted`: the client went away; `cut`: the twin did. */
  readonly status: 'running' | 'stalled' | 'done' | 'aborted' | 'cut' | 'refused'
}

/** The model twin by hand: what it answers next, and what it was asked. */
export interface ModelControl {
  /** Says what the next matching requests are answered with, in the order in which it is called. */
  reply(reply: ModelReply): void
  /** Every request until now, in order. */
  calls(): readonly ModelCall[]
  /** Lets everything that stalls go on. */
  resume(): void
  /** Forgets replies and calls. */
  clear(): void
}

export interface ModelTwin {
  readonly control: ModelControl
  /** Answers one request; `path` begins with `/openai`, `/anthropic` or `/gemini`. `Response.error()` stands for a cut connection. */
  handle(request: Request, path: string): Promise<Response>
}

/** Keys the twin takes, by vendor. */
export interface ModelKeys {
  readonly openai: string
  readonly anthropic: string
  readonly gemini: string
}

export interface ModelTwinOptions {
  readonly keys: ModelKeys
  readonly now: () => number
  readonly fateOf: (method: string, path: string) => Fate
}

type Logged = { -readonly [Name in keyof ModelCall]: ModelCall[Name] }

/** A stand-in for model vendors: their wire formats, streams piece by piece, and usage that is true, wrong or missing on request. */
export function createModelTwin({ keys, now, fateOf }: ModelTwinOptions): ModelTwin {
  let replies: { readonly reply: ModelReply; times: number }[] = []
  let log: Logged[] = []
  const stalled = new Set<() => void>()

  const next = (path: string, model: string): ModelReply => {
    const fits = ({ match }: ModelReply) =>
      (match?.model ?? model) === model && path.includes(match?.pathIncludes ?? '')
    const found = replies.find(({ reply }) => fits(reply))
    if (!found) return {}
    found.times -= 1
    if (found.times === 0) replies = replies.filter((each) => each !== found)
    return found.reply
  }

  /** Waits before a piece: as long as it takes, or until the client is gone. @returns whether to go on */
  const pace = async (call: Logged, answer: Answer, index: number, gone: AbortSignal): Promise<boolean> => {
    const { stallAfter, pieceDelayMs } = answer.script
    if (pieceDelayMs !== undefined && index > 0) await new Promise((resolve) => setTimeout(resolve, pieceDelayMs))
    if (stallAfter === index && !gone.aborted) {
      call.status = 'stalled'
      await new Promise<void>((resolve) => {
        stalled.add(resolve)
        gone.addEventListener('abort', () => resolve(), { once: true })
      })
      if (!gone.aborted) call.status = 'running'
    }
    return !gone.aborted
  }

  const stream = (format: ModelFormat, asked: Asked, answer: Answer, call: Logged): Response => {
    const gone = new AbortController()
    async function* events(): AsyncGenerator<StreamEvent> {
      yield* format.begin(asked, answer, countedBy(call))
      for (const [index, piece] of answer.pieces.entries()) {
        if (answer.script.cutAfter === index) await cut()
        if (!(await pace(call, answer, index, gone.signal))) return
        call.outputTokens += piece.tokens
        yield* format.piece(asked, piece, countedBy(call))
      }
      if (answer.script.cutAfter === answer.pieces.length) await cut()
      if (!(await pace(call, answer, answer.pieces.length, gone.signal))) return
      yield* format.end(asked, answer, countedBy(call))
    }
    const source = events()
    const encoder = new TextEncoder()
    const body = new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          try {
            const { value, done } = await source.next()
            if (done) {
              if (call.status === 'running') call.status = 'done'
              return controller.close()
            }
            controller.enqueue(encoder.encode(textOf(value)))
          } catch (error) {
            // A client that went away has closed the stream already.
            if (gone.signal.aborted) return
            call.status = 'cut'
            controller.error(error)
          }
        },
        cancel() {
          if (call.status === 'running' || call.status === 'stalled') call.status = 'aborted'
          gone.abort()
        },
      },
      { highWaterMark: 0 },
    )
    return new Response(body, { headers: { 'content-type': 'text/event-stream', 'x-request-id': call.id } })
  }

  const atOnce = async (
    format: ModelFormat,
    asked: Asked,
    answer: Answer,
    call: Logged,
    gone: AbortSignal,
  ): Promise<Response> => {
    for (const [index, piece] of answer.pieces.entries()) {
      if (answer.script.cutAfter === index) {
        call.status = 'cut'
        return Response.error()
      }
      if (!(await pace(call, answer, index, gone))) {
        call.status = 'aborted'
        return Response.error()
      }
      if (format !== openaiEmbeddings) call.outputTokens += piece.tokens
    }
    call.status = 'done'
    return json(200, format.answer(asked, answer, countedBy(call)), { 'x-request-id': call.id })
  }

  const perform = async (format: ModelFormat, request: Request, path: string): Promise<Response> => {
    const body = (await request.json().catch(() => null)) as Record<string, unknown> | null
    if (body === null) return json(400, format.refusal(400, 'We could not parse the JSON body of your request.'))
    const asked = format.read(body, path)
    if (typeof asked === 'string') return json(400, format.refusal(400, asked))
    const script = next(path, asked.model)
    const call: Logged = {
      id: `model${log.length + 1}`,
      format: format.name,
      path,
      model: asked.model,
      stream: asked.stream,
      body,
      headers: Object.fromEntries(request.headers),
      inputTokens: asked.inputTokens,
      outputTokens: 0,
      status: 'running',
    }
    log.push(call)
    if (script.refuse) {
      call.status = 'refused'
      const { status, message = 'Refused by the sandbox.', headers } = script.refuse
      return json(status, format.refusal(status, message), headers)
    }
    const answer = answerOf(script, format === openaiEmbeddings ? undefined : asked.limit)
    return asked.stream ? stream(format, asked, answer, call) : atOnce(format, asked, answer, call, request.signal)
  }

  const countedBy = ({ id, inputTokens, outputTokens }: Logged) => ({ id, createdMs: now(), inputTokens, outputTokens })

  return {
    control: {
      reply: (reply) => void replies.push({ reply, times: reply.times ?? 1 }),
      calls: () => log.map((call) => ({ ...call })),
      resume() {
        for (const release of stalled) release()
        stalled.clear()
      },
      clear() {
        replies = []
        log = []
      },
    },
    async handle(request, path) {
      const fate = fateOf(request.method, `/models${path}`)
      const format = formatOf(path)
      if (!(await fate.arrive())) return Response.error()
      if (!isKnown(request.headers, path, keys))
        return json(401, (format ?? openaiChat).refusal(401, 'Incorrect API key provided.'))
      if (request.method !== 'POST' || !format)
        return json(404, openaiChat.refusal(404, `Invalid URL (${request.method} ${path})`))
      const given = fate.doesWork ? await perform(format, request, path) : undefined
      if (fate.losesAnswer) {
        await given?.body?.cancel()
        return Response.error()
      }
      if (fate.answer)
        return json(
          fate.answer.status,
          format.refusal(fate.answer.status, 'Injected by the sandbox.'),
          fate.answer.headers,
        )
      return given ?? Response.error()
    },
  }
}

/** Fails once what was said before has left: a socket that is reset forgets what it had yet to send. */
async function cut(): Promise<never> {
  await new Promise((resolve) => setTimeout(resolve, 30))
  throw new Error('The sandbox cut the connection.')
}

function formatOf(path: string): ModelFormat | undefined {
  if (/^\/(openai\/v1|gemini\/v1beta\/openai)\/chat\/completions$/.test(path)) return openaiChat
  if (/^\/(openai\/v1|gemini\/v1beta\/openai)\/embeddings$/.test(path)) return openaiEmbeddings
  if (path === '/openai/v1/responses') return openaiResponses
  if (path === '/anthropic/v1/messages') return anthropicMessages
  return /^\/gemini\/v1beta\/models\/[^/]+:(generateContent|streamGenerateContent)$/.test(path) ? gemini : undefined
}

function isKnown(headers: Headers, path: string, keys: ModelKeys): boolean {
  const bearer = headers.get('authorization')?.replace(/^Bearer /, '')
  if (path.startsWith('/openai/')) return bearer === keys.openai
  if (path.startsWith('/anthropic/')) return (headers.get('x-api-key') ?? bearer) === keys.anthropic
  return (headers.get('x-goog-api-key') ?? bearer) === keys.gemini
}

function textOf({ event, data }: StreamEvent): string {
  const name = event === undefined ? '' : `event: ${event}\n`
  return `${name}data: ${data === null ? '[DONE]' : JSON.stringify(data)}\n\n`
}

function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...headers } })
}
