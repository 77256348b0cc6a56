import { createHash } from 'node:crypto'
import { invalidRequest, stripeFailure } from './errors.js'
import { type StripeWorld, seconds, tableOf } from './world.js'

/** An answer as it goes over the wire. */
export interface StripeAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

interface StoredAnswer {
  readonly key: string
  readonly fingerprint: string
  readonly created: number
  readonly answer: StripeAnswer
  /** The request that was answered first, and its address; not in journals of older sandboxes. */
  readonly request?: string
  readonly path?: string
}

const longestKey = 255

/** The two APIs forget at different times. */
const memories = {
  v1: { keepSeconds: 24 * 60 * 60, answers: tableOf<StoredAnswer>('idempotency') },
  v2: { keepSeconds: 30 * 24 * 60 * 60, answers: tableOf<StoredAnswer>('idempotency_v2') },
} as const

type Memory = (typeof memories)['v1' | 'v2']

export function fingerprintOf(method: string, path: string, body: string): string {
  return createHash('sha256').update(`${method} ${path}\n${body}`).digest('base64')
}

/** The key of a request that changes something. */
export function keyOf(request: Request): string | undefined {
  const key = request.method === 'GET' ? null : request.headers.get('idempotency-key')
  if (key === null) return undefined
  if (key.length <= longestKey) return key
  throw invalidRequest(`Idempotency-Key is too long: at most ${longestKey} characters, and this has ${key.length}.`)
}

/** The answer given under this key before, if it is still remembered. Other parameters under the same key are refused. */
export function storedAnswer(
  world: StripeWorld,
  path: string,
  key: string,
  fingerprint: string,
): StripeAnswer | undefined {
  const memory = memoryOf(path)
  prune(world, memory)
  const stored = memory.answers(world).get(key)
  if (stored === undefined) return undefined
  if (stored.fingerprint !== fingerprint) {
    const alike =
      stored.path === undefined || stored.path === path
        ? 'with the same parameters they were first used with'
        : `for the same endpoint they were first used for ('${path}' vs '${stored.path}')`
    throw stripeFailure(400, {
      type: 'idempotency_error',
      message:
        `Keys for idempotent requests can only be used ${alike}. ` +
        `Try using a key other than '${key}' if you meant to execute a different request.`,
    })
  }
  const original = stored.request === undefined ? {} : { 'original-request': stored.request }
  const headers = { ...stored.answer.headers, ...original, 'idempotency-key': key, 'idempotent-replayed': 'true' }
  return { ...stored.answer, headers }
}

/**
 * Remembers the answer. In v1 a 500 as well: Stripe replays it for as long as the key lives. In v2 only what succeeded: failed
 * work is done again. Requests that never began (malformed, unauthorized, in conflict, too many) leave no trace.
 */
export function storeAnswer(
  world: StripeWorld,
  path: string,
  key: string,
  fingerprint: string,
  answer: StripeAnswer,
  request: string,
): void {
  const memory = memoryOf(path)
  if (neverBegan(answer) || (memory === memories.v2 && answer.status >= 400)) return
  memory.answers(world).put(key, { key, fingerprint, created: seconds(world), answer, request, path })
}

export function keyInUse(key: string): Error {
  return stripeFailure(409, {
    type: 'idempotency_error',
    code: 'idempotency_key_in_use',
    message: `There is currently another in-progress request using this Idempotent Key '${key}'. Please try again later.`,
  })
}

function memoryOf(path: string): Memory {
  return path.startsWith('/v2/') ? memories.v2 : memories.v1
}

function neverBegan(answer: StripeAnswer): boolean {
  if ([401, 403, 409, 429].includes(answer.status)) return true
  const { error } = answer.body as { readonly error?: { readonly code?: string } }
  return answer.status === 400 && error?.code?.startsWith('parameter_') === true
}

function prune(world: StripeWorld, { keepSeconds, answers }: Memory): void {
  const oldest = seconds(world) - keepSeconds
  for (const { key, created } of answers(world).values()) {
    if (created > oldest) return
    answers(world).delete(key)
  }
}
