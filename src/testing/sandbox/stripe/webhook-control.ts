import {
  type Delivery,
  type DeliveryAttempt,
  deliveries,
  deliveryHold,
  queueDelivery,
  setDeliveryHold,
} from './deliveries.js'
import { destinationsFor, eventDestinations } from './event-destinations.js'
import { events, webhookEndpoints } from './events.js'
import { thinEvents } from './thin-events.js'
import type { WebhookSender } from './webhook-delivery.js'
import type { StripeWorld } from './world.js'

/** An event that was emitted, and how its deliveries went. */
export interface EmittedEvent {
  readonly id: string
  readonly type: string
  /** In seconds. */
  readonly created: number
  readonly objectId: string | null
  readonly deliveries: readonly {
    readonly endpointId: string
    readonly url: string | null
    readonly state: Delivery['state']
    readonly attempts: readonly DeliveryAttempt[]
    readonly dueAtMs?: number
  }[]
}

/** Webhooks by hand: late, in another order, several times or never. */
export interface WebhookControl {
  /** Every event, oldest first. */
  emitted(): readonly EmittedEvent[]
  /** Keeps events of these types (patterns as `invoice.*`; default all) back from now on. */
  hold(types?: readonly string[]): void
  /** Holds nothing more, and sends what was held. */
  release(): void
  /** Sends events that happen from now on so much later, by the sandbox clock. */
  delay(ms: number): void
  /**
   * Sends events now, one after the other in the order given; naming one several times repeats it. Resolves with the HTTP
   * statuses in the order they came in; 0 stands for no answer.
   */
  deliver(eventIds: readonly string[]): Promise<readonly number[]>
  /** What was not delivered of these events never will be, unless by `deliver`. */
  drop(eventIds: readonly string[]): void
}

export function createWebhookControl(world: StripeWorld, sender: WebhookSender): WebhookControl {
  const change = (work: () => void): void => {
    world.journal.commit(work)
    sender.rescan()
    sender.wake()
  }
  return {
    emitted: () => emittedEvents(world),
    hold: (types = ['*']) => change(() => setDeliveryHold(world, { ...deliveryHold(world), types })),
    delay: (delayMs) => change(() => setDeliveryHold(world, { ...deliveryHold(world), delayMs })),
    release: () =>
      change(() => {
        setDeliveryHold(world, { ...deliveryHold(world), types: [] })
        for (const delivery of [...deliveries(world).values()]) {
          if (delivery.state !== 'held') continue
          deliveries(world).put(delivery.id, { ...delivery, state: 'pending', dueAtMs: world.now() })
        }
      }),
    drop: (eventIds) =>
      change(() => {
        for (const delivery of [...deliveries(world).values()]) {
          if (!eventIds.includes(delivery.eventId)) continue
          if (delivery.state !== 'pending' && delivery.state !== 'held') continue
          deliveries(world).put(delivery.id, { ...delivery, state: 'dropped' })
        }
      }),
    async deliver(eventIds) {
      const statuses: number[] = []
      for (const id of eventIds) {
        for (const delivery of world.journal.commit(() => toSend(world, id))) {
          const { attempts } = await sender.sendNow(delivery)
          statuses.push(attempts.at(-1)?.status ?? 0)
        }
      }
      return statuses
    },
  }
}

/** Queues an event once more for everybody it can go to. */
export function resendEvent(world: StripeWorld, eventId: string): readonly Delivery[] {
  const event = events(world).get(eventId) ?? thinEvents(world).get(eventId)
  if (event === undefined) return []
  const recipients =
    event.object === 'event'
      ? [
          ...[...webhookEndpoints(world).values()].filter(({ status }) => status === 'enabled'),
          ...destinationsFor(world, 'snapshot', event.type),
        ]
      : destinationsFor(world, 'thin', event.type)
  return recipients.map(({ id }) => queueDelivery(world, event, id))
}

/** What still waits, or the event once more where nothing waits. */
function toSend(world: StripeWorld, eventId: string): readonly Delivery[] {
  const waiting = [...deliveries(world).values()].filter(
    (delivery) => delivery.eventId === eventId && (delivery.state === 'held' || delivery.state === 'pending'),
  )
  if (waiting.length > 0) return waiting
  const earlier = new Set(
    [...deliveries(world).values()].filter((each) => each.eventId === eventId).map(({ endpointId }) => endpointId),
  )
  const event = events(world).get(eventId) ?? thinEvents(world).get(eventId)
  if (event === undefined) throw new Error(`The sandbox emitted no event ${eventId}.`)
  // Sent by the caller; a hold would otherwise leave a copy behind.
  if (earlier.size === 0) return resendEvent(world, eventId)
  return [...earlier].map((endpointId) => queueDelivery(world, event, endpointId))
}

function emittedEvents(world: StripeWorld): readonly EmittedEvent[] {
  const byEvent = new Map<string, EmittedEvent['deliveries'][number][]>()
  for (const { eventId, endpointId, state, attempts, dueAtMs } of deliveries(world).values()) {
    const url = webhookEndpoints(world).get(endpointId)?.url ?? destinationUrl(world, endpointId)
    const delivery = { endpointId, url, state, attempts, ...(state === 'pending' ? { dueAtMs } : {}) }
    const known = byEvent.get(eventId)
    if (known === undefined) byEvent.set(eventId, [delivery])
    else known.push(delivery)
  }
  const snapshots = [...events(world).values()].map(({ id, type, created, data }) => ({
    id,
    type,
    created,
    objectId: idOf(data.object),
  }))
  const thin = [...thinEvents(world).values()].map(({ id, type, created, related_object: related }) => ({
    id,
    type,
    created: Math.floor(Date.parse(created) / 1000),
    objectId: related?.id ?? null,
  }))
  const all = thin.length === 0 ? snapshots : [...snapshots, ...thin].sort((a, b) => a.created - b.created)
  return all.map((event) => ({ ...event, deliveries: byEvent.get(event.id) ?? [] }))
}

function destinationUrl(world: StripeWorld, id: string): string | null {
  return eventDestinations(world).get(id)?.webhook_endpoint.url ?? null
}

function idOf(object: unknown): string | null {
  return typeof object === 'object' && object !== null && 'id' in object ? String(object.id) : null
}
