import type * as z from 'zod'
import { type Content, contentOf } from '../content.js'
import { type GatewayError, invalidParameter } from '../gateway-error.js'

/** A request to a model, as far as its cost goes. */
export interface ModelRequest {
  readonly model: string
  readonly stream: boolean
  /** How many answers are asked for; each may be as long as is allowed. */
  readonly choices: number
  /** How long an answer may be, in tokens; `null` where the request does not say. */
  readonly maximumOutput: number | null
  readonly content: Content
  /** The body, checked: nothing in it is unknown. */
  readonly body: Readonly<Record<string, unknown>>
}

/** What is sent in the place of what the client said. */
export interface Sent {
  readonly model: string
  /** How long each answer may be; `null` for answers without tokens of their own. */
  readonly maximumOutput: number | null
}

/** A wire format: what clients send and are answered, and where it says what was used. */
export interface Protocol {
  readonly name: 'chat' | 'responses' | 'embeddings' | 'messages'
  /** What the price list calls the shape of its usage, the first that a provider has. */
  readonly flavors: readonly string[]
  /** Below the upstream's address. */
  readonly path: string
  /** @throws GatewayError */
  parse(body: unknown): ModelRequest
  bodyFor(request: ModelRequest, sent: Sent): Readonly<Record<string, unknown>>
  /** Watches one stream. */
  watch(request: ModelRequest): StreamWatch
  /** The texts in an answer that came in one piece. */
  textsOf(answer: unknown): readonly string[]
  /** An error as the protocol writes it. */
  errorBody(error: GatewayError, requestId: string): unknown
  /** The same within a stream, as a block of server-sent events. */
  errorEvent(error: GatewayError, requestId: string): string
}

/** What one event of a stream comes to. */
export interface Seen {
  /** Text that the model produced with it. */
  readonly text: string
  /** Whether the client is told of it. */
  readonly isForwarded: boolean
  /** Whether it ends the stream: it is told when what was used is paid for. */
  readonly isLast: boolean
}

/** What is known of a stream from the events until now. */
export interface StreamWatch {
  see(data: string): Seen
  /** A body with the usage of all of it; `null` until that came. */
  usage(): unknown
  /** A body with the usage of the input, where that comes first. */
  inputUsage(): unknown
}

/** Reads a body of known fields, of which `read` are what the model reads. */
export function readRequest<T extends Readonly<Record<string, unknown>>>(
  schema: z.ZodType<T>,
  body: unknown,
  types: ReadonlySet<string>,
  read: (body: T) => Readonly<Record<string, unknown>>,
): { readonly body: T; readonly content: Content } {
  const parsed = schema.safeParse(body)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const unknown = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined
    if (unknown !== undefined) throw invalidParameter(unknown.slice(0, 60), 'this parameter is not served here.')
    throw invalidParameter(issue?.path.join('.') || 'body', issue?.message ?? 'is malformed')
  }
  return { body: parsed.data, content: contentOf(read(parsed.data), types) }
}

/** The JSON in an event, or `undefined` for none. */
export function jsonOf(data: string): unknown {
  try {
    return JSON.parse(data) as unknown
  } catch {
    return undefined
  }
}

/** A field of something that may be anything. */
export function fieldOf(value: unknown, ...path: readonly (string | number)[]): unknown {
  let found = value
  for (const name of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name)) return undefined
    found = (found as Record<string | number, unknown>)[name]
  }
  return found
}

/** The list at a place, or an empty one. */
export function listOf(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = fieldOf(value, ...path)
  return Array.isArray(found) ? found : []
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
