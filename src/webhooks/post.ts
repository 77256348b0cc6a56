import { request as http } from 'node:http'
import { request as https } from 'node:https'
import type { Egress } from './egress.js'

/** What went wrong with an attempt, in words without an address, a secret or anything that was answered. */
export class AttemptError extends Error {
  override readonly name = 'WebhookAttemptError'
  /** Whether another attempt is of no use: the endpoint says that it is gone for good. */
  readonly isFinal: boolean
  /** How long the endpoint asks to be left alone. */
  readonly retryAfterMs: number

  constructor(message: string, { isFinal = false, retryAfterMs = 0 } = {}) {
    super(message)
    this.isFinal = isFinal
    this.retryAfterMs = retryAfterMs
  }
}

/** What is sent where. */
export interface Post {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** The longest that an endpoint may ask to be left alone. */
const longestWaitMs = 86_400_000

/**
 * Sends once, over a connection of its own, so that its address is looked up and checked each time. A redirect is an answer like others, and
 * no success. Of the answer only the head is read.
 *
 * @throws AttemptError unless it is answered with 2xx in time
 */
export function post(egress: Egress, { url, headers, body, timeoutMs, signal }: Post): Promise<void> {
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? https : http
    const over = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    const fail = (message: string, options?: ConstructorParameters<typeof AttemptError>[1]) =>
      reject(new AttemptError(message, options))
    const outgoing = send(
      url,
      {
        method: 'POST',
        agent: false,
        lookup: egress.lookupFor(url),
        signal: over,
        headers: {
          ...headers,
          'content-type': 'application/json; charset=utf-8',
          'content-length': String(Buffer.byteLength(body)),
          'user-agent': 'billfold-webhooks/1',
        },
      },
      (answer) => {
        const { statusCode: status = 0, headers: said } = answer
        answer.destroy()
        if (status >= 200 && status < 300) return resolve()
        const retryAfterMs = waitOf(said['retry-after'])
        fail(`the endpoint answered ${status}`, { isFinal: status === 410, retryAfterMs })
      },
    )
    // Nobody asked for another protocol. Unheard, it would end the connection without an answer or an error.
    outgoing.on('upgrade', (_answer, socket) => {
      socket.destroy()
      fail('the endpoint answered 101')
    })
    outgoing.on('error', (error) => {
      if (over.aborted) return fail(signal.aborted ? 'it was ended' : 'the endpoint did not answer in time')
      // What Node says beside the code may name the address.
      const { code } = error as NodeJS.ErrnoException
      fail(code === undefined ? error.message : `the endpoint could not be reached (${code})`)
    })
    outgoing.end(body)
  })
}

function waitOf(header: string | undefined): number {
  const seconds = /^\d{1,9}$/.test(header ?? '') ? Number(header) : 0
  return Math.min(seconds * 1_000, longestWaitMs)
}
