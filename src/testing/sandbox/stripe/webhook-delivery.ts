import { type Delivery, type DeliveryAttempt, deliveries } from './deliveries.js'
import { letterFor, signatureHeader } from './webhook-letter.js'
import type { StripeWorld } from './world.js'

export interface WebhookSender {
  /** Starts on whatever is due, without waiting. */
  wake(): void
  /** Resolves once everything that is due has been tried. */
  flush(): Promise<void>
  /** Sends one delivery now, whatever its state was, and resolves with how it went. */
  sendNow(delivery: Delivery): Promise<Delivery>
  /** Looks at all deliveries anew: some were let go or dropped. */
  rescan(): void
  close(): Promise<void>
}

/** Waits between attempts. Stripe goes on for three days; the first steps are shorter here so that a person can wait. */
const backoffMs = [1, 5, 30, 300, 1800, 7200, 18_000, 36_000, 43_200, 43_200, 43_200].map((wait) => wait * 1000)
const answerWithinMs = 10_000

export function createWebhookSender(world: StripeWorld): WebhookSender {
  const stopping = new AbortController()
  const busy = new Map<string, Promise<void>>()
  // Kept apart from the table, which also remembers everything ever delivered.
  const open = new Map<string, Delivery>()
  let scanned = 0

  const due = (): Delivery[] => {
    const table = deliveries(world)
    // Deliveries are only ever added, so those past the last look are the new ones.
    if (table.size !== scanned) {
      let position = 0
      for (const delivery of table.values()) {
        if (position >= scanned && delivery.state === 'pending') open.set(delivery.id, delivery)
        position += 1
      }
      scanned = table.size
    }
    const now = world.now()
    return [...open.values()].filter((delivery) => delivery.dueAtMs <= now)
  }

  const sendNow = async (delivery: Delivery): Promise<Delivery> => {
    open.delete(delivery.id)
    const attempt = await send(world, delivery, stopping.signal)
    if (stopping.signal.aborted && attempt?.status === undefined) return delivery
    const after = settled(world, delivery, attempt)
    world.journal.commit(() => deliveries(world).put(after.id, after))
    if (after.state === 'pending') open.set(after.id, after)
    return after
  }

  /** One at a time for each endpoint, in order of creation; a failed one steps aside until its next turn. */
  const serve = async (endpointId: string): Promise<void> => {
    for (;;) {
      const next = due().find((delivery) => delivery.endpointId === endpointId)
      if (next === undefined || stopping.signal.aborted) return
      await sendNow(next)
    }
  }

  const wake = (): void => {
    if (stopping.signal.aborted) return
    for (const { endpointId } of due()) {
      if (busy.has(endpointId)) continue
      const work = serve(endpointId).finally(() => busy.delete(endpointId))
      busy.set(endpointId, work)
    }
  }

  return {
    wake,
    sendNow,
    rescan() {
      open.clear()
      scanned = 0
    },
    async flush() {
      for (wake(); busy.size > 0; wake()) await Promise.all(busy.values())
    },
    async close() {
      stopping.abort()
      await Promise.allSettled(busy.values())
    },
  }
}

async function send(world: StripeWorld, delivery: Delivery, signal: AbortSignal): Promise<DeliveryAttempt | undefined> {
  const letter = letterFor(world, delivery)
  if (letter === undefined) return undefined
  const { url, secret, body } = letter
  const atMs = world.now()
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'stripe-signature': signatureHeader(body, secret, Math.floor(atMs / 1000)),
        'user-agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
      },
      body,
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(answerWithinMs)]),
    })
    await answer.arrayBuffer()
    return { atMs, status: answer.status }
  } catch (error) {
    return { atMs, error: error instanceof Error ? describe(error) : String(error) }
  }
}

function settled(world: StripeWorld, delivery: Delivery, attempt: DeliveryAttempt | undefined): Delivery {
  if (attempt === undefined) return { ...delivery, state: 'failed' }
  const attempts = [...delivery.attempts, attempt]
  if (attempt.status !== undefined && attempt.status >= 200 && attempt.status < 300) {
    return { ...delivery, state: 'delivered', attempts }
  }
  const wait = backoffMs[attempts.length - 1]
  if (wait === undefined) return { ...delivery, state: 'failed', attempts }
  return { ...delivery, state: 'pending', attempts, dueAtMs: world.now() + wait }
}

function describe(error: Error): string {
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}
