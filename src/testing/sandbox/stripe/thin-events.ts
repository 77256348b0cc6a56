import { queueDelivery } from './deliveries.js'
import { destinationsFor } from './event-destinations.js'
import { newId, type StripeWorld, tableOf } from './world.js'

/** An event of the v2 kind: what it is about is fetched, not sent along. */
export interface ThinEvent {
  readonly id: string
  readonly object: 'v2.core.event'
  readonly context: null
  readonly created: string
  readonly data: unknown
  readonly livemode: false
  readonly reason: null
  readonly related_object: { readonly id: string; readonly type: string; readonly url: string } | null
  readonly type: string
}

export const thinEvents = tableOf<ThinEvent>('thin_events')

export function emitThin(
  world: StripeWorld,
  type: string,
  related: ThinEvent['related_object'],
  data: unknown,
  recipients: readonly { readonly id: string }[] = destinationsFor(world, 'thin', type),
): ThinEvent {
  const event: ThinEvent = {
    id: newId('evt_test_', 24),
    object: 'v2.core.event',
    context: null,
    created: isoTime(world.now()),
    data,
    livemode: false,
    reason: null,
    related_object: related,
    type,
  }
  thinEvents(world).put(event.id, event)
  for (const { id } of recipients) queueDelivery(world, event, id)
  return event
}

/** What goes over the wire: everything but the data. */
export function notificationOf({ data: _, ...notification }: ThinEvent): Omit<ThinEvent, 'data'> {
  return notification
}

/** The v2 API writes times as text. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}
