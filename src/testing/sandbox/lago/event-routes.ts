import * as z from 'zod'
import { notFound } from './errors.js'
import { eventShape, events, ingest, ingestBatch, type LagoEvent, shownEvent } from './events.js'
import { noBody, paged, route, wrapped } from './route.js'
import { activeUnder } from './subscriptions.js'
import type { LagoWorld } from './world.js'

export const eventRoutes = [
  route('POST /events', wrapped('event', eventShape), ({ world, body }) => ({
    event: justTaken(world, ingest(world, body.event)),
  })),
  route('POST /events/batch', z.object({ events: z.array(eventShape) }), ({ world, body }) => ({
    events: ingestBatch(world, body.events).map((event) => justTaken(world, event)),
  })),
  route('GET /events', noBody, ({ world, query }) => {
    const subscription = query.get('external_subscription_id')
    const code = query.get('code')
    const from = fromTime(world, query)
    const to = query.get('timestamp_to')
    const rows = [...events(world).values()]
      .filter(
        (event) =>
          (subscription === null || event.external_subscription_id === subscription) &&
          (code === null || event.code === code) &&
          event.timestampMs >= from &&
          // Up to and with.
          (to === null || event.timestampMs <= Date.parse(to)),
      )
      .sort((left, right) => right.timestampMs - left.timestampMs)
    return paged(
      'events',
      rows.map((event) => shownEvent(world, event)),
      query,
    )
  }),
  route('GET /events/:id', noBody, ({ world, path }) => {
    const found = [...events(world).values()].find(({ transaction_id: id }) => id === path.id)
    if (found === undefined) throw notFound('event')
    return { event: shownEvent(world, found) }
  }),
]

/** Lago answers before it has looked for customer and subscription. */
function justTaken(world: LagoWorld, event: LagoEvent) {
  return { ...shownEvent(world, event), lago_customer_id: null, lago_subscription_id: null }
}

function fromTime(world: LagoWorld, query: URLSearchParams): number {
  const subscription = query.get('external_subscription_id')
  if (query.get('timestamp_from_started_at') === 'true' && subscription !== null)
    return activeUnder(world, subscription)?.startedAtMs ?? 0
  const from = query.get('timestamp_from')
  return from === null ? Number.NEGATIVE_INFINITY : Date.parse(from)
}
