import { randomInt } from 'node:crypto'
import { type BillingCore, BillingError, type BillingEventType, billingEventTypes } from '../index.js'
import { createEgress, type EgressOptions } from './egress.js'
import { isOutward, payloadOf } from './payload.js'
import { AttemptError, post } from './post.js'
import { retryDelay } from './schedule.js'
import { createSigner } from './signature.js'

/** Where events are sent. */
export interface WebhookEndpoint {
  /** What it is called in `sync.status()` and for `sync.replay`, as `webhook_<id>`: a-z, then up to 39 of a-z 0-9 _ -. Never reused for another. */
  readonly id: string
  readonly url: string
  /** `whsec_` and base64, as Standard Webhooks has it; while one is exchanged for another both. */
  readonly secrets: readonly string[]
  /** What it is told of; default everything that is an account's business. */
  readonly types?: readonly BillingEventType[]
}

/** Where webhooks are sent, and how. */
export interface SendWebhooksOptions {
  readonly endpoints: readonly WebhookEndpoint[]
  /** How long an endpoint may take to answer, in milliseconds; default 15 seconds, at most 30. */
  readonly timeoutMs?: number
  /** Where may be sent to, beside public addresses over https. */
  readonly egress?: EgressOptions
  /** Milliseconds since the epoch, for the timestamp of an attempt; default the clock. */
  readonly now?: () => number
}

const longestMs = 30_000

/**
 * Sends events to endpoints of yours as signed webhooks (Standard Webhooks), whenever `sync.run()` or `sync.flush()` deliver. Each endpoint is a
 * durable consumer of its own: every event at least once and under one `webhook-id`, of each account one after the other, tried again for about
 * three days (`retryDelaysMs`), then given up, which `sync.status()` shows and `sync.replay()` takes up again. Call it once, in every process that
 * delivers, before it does.
 *
 * @throws BillingError `config_invalid`
 * @example sendWebhooks(billing, { endpoints: [{ id: 'crm', url: 'https://crm.example/hooks', secrets: [secret], types: ['invoice.paid'] }] })
 * @see docs/outgoing-webhooks.md
 */
export function sendWebhooks(billing: Pick<BillingCore, 'on'>, options: SendWebhooksOptions): void {
  const { endpoints, timeoutMs = 15_000, egress: allowed, now = Date.now } = options
  if (!Number.isInteger(timeoutMs) || timeoutMs < 1 || timeoutMs > longestMs)
    throw new BillingError('config_invalid', `sendWebhooks: timeoutMs must be a whole number from 1 to ${longestMs}.`)
  const egress = createEgress(allowed)
  const names = new Set<string>()
  const ready = endpoints.map((endpoint) => {
    const { id } = endpoint
    if (typeof id !== 'string' || !/^[a-z][a-z0-9_-]{0,39}$/.test(id) || names.has(id)) throw misnamed(id)
    names.add(id)
    const url = egress.check(id, endpoint.url)
    return { id, url, signer: createSigner(id, endpoint.secrets), types: typesOf(endpoint) }
  })
  // Only when all of them are right: nothing is begun by halves.
  for (const { id, url, signer, types } of ready)
    for (const type of types)
      billing.on(
        `webhook_${id}`,
        type,
        (event, { signal }) => {
          const body = JSON.stringify(payloadOf(event))
          const headers = signer.sign({ id: event.id, timestamp: Math.floor(now() / 1_000), body })
          return post(egress, { url, headers, body, timeoutMs, signal })
        },
        { inTurn: true, retry },
      )
}

function retry(attempt: number, error: unknown): number | null {
  const isAttempt = error instanceof AttemptError
  if (isAttempt && error.isFinal) return null
  const delay = retryDelay(attempt, randomInt(1_001) / 1_000)
  return delay === null || !isAttempt ? delay : Math.max(delay, error.retryAfterMs)
}

function typesOf({ id, types }: WebhookEndpoint): readonly BillingEventType[] {
  if (types === undefined) return billingEventTypes.filter(isOutward)
  const wrong = types.find((type) => !billingEventTypes.includes(type) || !isOutward(type))
  if (types.length > 0 && wrong === undefined) return [...new Set(types)]
  const what = wrong === undefined ? 'give at least one type' : `${JSON.stringify(wrong)} is nothing it can be told of`
  throw new BillingError('config_invalid', `Webhook endpoint ${id}: ${what}.`)
}

function misnamed(id: unknown): BillingError {
  const message = `Webhook endpoint ${JSON.stringify(id)} must be named once, by a-z, then up to 39 of a-z 0-9 _ -.`
  return new BillingError('config_invalid', message)
}
