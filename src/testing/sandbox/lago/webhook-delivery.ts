import { webhookSignature } from './webhook-keys.js'
import { type LagoWebhook, webhookEndpoints, webhooks } from './webhooks.js'
import type { LagoWorld } from './world.js'

export interface LagoWebhookSender {
  /** Starts on whatever is due, without waiting. */
  wake(): void
  /** Resolves once everything that is due has been tried. */
  flush(): Promise<void>
  /** Sends one now, whatever its state was, and resolves with how it went. */
  sendNow(webhook: LagoWebhook): Promise<LagoWebhook>
  close(): Promise<void>
}

/** Lago tries three times. @see https://docs.getlago.com/guide/webhooks#retry-logic */
const maximumAttempts = 3
const answerWithinMs = 30_000
const successful: ReadonlySet<number> = new Set([200, 201, 202, 204])

export function createLagoWebhookSender(world: LagoWorld): LagoWebhookSender {
  const stopping = new AbortController()
  const busy = new Map<string, Promise<unknown>>()

  const due = (): LagoWebhook[] =>
    [...webhooks(world).values()].filter(
      ({ id, state, dueAtMs }) => state === 'pending' && dueAtMs <= world.now() && !busy.has(id),
    )

  const sendNow = async (webhook: LagoWebhook): Promise<LagoWebhook> => {
    const attempt = await send(world, webhook, stopping.signal)
    if (stopping.signal.aborted && attempt.status === undefined) return webhook
    const after = settled(world, webhook, attempt)
    world.journal.commit(() => webhooks(world).put(after.id, after))
    return after
  }

  // Lago's workers send side by side: there is no order.
  const wake = (): void => {
    if (stopping.signal.aborted) return
    for (const webhook of due()) {
      const work = sendNow(webhook).finally(() => busy.delete(webhook.id))
      busy.set(webhook.id, work)
    }
  }

  return {
    wake,
    sendNow,
    async flush() {
      for (wake(); busy.size > 0; wake()) await Promise.all(busy.values())
    },
    async close() {
      stopping.abort()
      await Promise.allSettled(busy.values())
    },
  }
}

type Attempt = LagoWebhook['attempts'][number]

async function send(world: LagoWorld, { id, endpointId, body }: LagoWebhook, signal: AbortSignal): Promise<Attempt> {
  const atMs = world.now()
  const endpoint = webhookEndpoints(world).get(endpointId)
  if (endpoint === undefined) return { atMs, error: 'The endpoint was deleted.' }
  try {
    const answer = await fetch(endpoint.webhook_url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-lago-signature': webhookSignature(world, endpoint.signature_algo, body),
        'x-lago-signature-algorithm': endpoint.signature_algo,
        'x-lago-unique-key': id,
      },
      body,
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(answerWithinMs)]),
    })
    await answer.arrayBuffer()
    return { atMs, status: answer.status }
  } catch (error) {
    return { atMs, error: error instanceof Error ? error.message : String(error) }
  }
}

function settled(world: LagoWorld, webhook: LagoWebhook, attempt: Attempt): LagoWebhook {
  const attempts = [...webhook.attempts, attempt]
  if (attempt.status !== undefined && successful.has(attempt.status))
    return { ...webhook, state: 'delivered', attempts }
  if (attempts.length >= maximumAttempts) return { ...webhook, state: 'failed', attempts }
  // As Sidekiq waits: longer each time.
  const waitMs = (attempts.length ** 4 + 2) * 1000
  return { ...webhook, state: 'pending', attempts, dueAtMs: world.now() + waitMs }
}
