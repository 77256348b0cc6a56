import * as z from 'zod'
import { invalidRequest } from './errors.js'
import { count, text } from './form.js'
import { cancelMeterEvent, recordMeterEvent, streamMeterEvent } from './meter-events.js'
import { openMeterSession } from './meter-sessions.js'
import { noParameters, route } from './route.js'
import { isoTime } from './thin-events.js'
import { newId } from './world.js'

const eventsAtOnce = 100

const shape = {
  event_name: text.max(100, 'Invalid string: event_name must be at most 100 characters'),
  identifier: text.max(100, 'Invalid string: identifier must be at most 100 characters').optional(),
  payload: z.record(z.string().max(100), z.string().max(100)),
}

const isoShape = { ...shape, timestamp: z.iso.datetime({ offset: true }).optional() }

const adjustment = z.strictObject({
  event_name: text,
  type: z.literal('cancel'),
  cancel: z.strictObject({ identifier: text }),
})

export const meterEventRoutes = [
  route(
    'POST /v1/billing/meter_events',
    z.strictObject({ ...shape, timestamp: count.optional() }),
    ({ world, params }) => {
      const event = recordMeterEvent(world, params)
      return {
        object: 'billing.meter_event',
        created: event.received,
        event_name: event.eventName,
        identifier: event.identifier,
        livemode: false,
        payload: event.payload,
        timestamp: event.timestamp,
      }
    },
  ),
  route('POST /v2/billing/meter_events', z.strictObject(isoShape), ({ world, params: { timestamp, ...given } }) => {
    const event = recordMeterEvent(world, { ...given, ...inSeconds(timestamp) })
    return {
      object: 'v2.billing.meter_event',
      created: isoTime(event.received * 1000),
      event_name: event.eventName,
      identifier: event.identifier,
      livemode: false,
      payload: event.payload,
      timestamp: timestamp ?? isoTime(event.timestamp * 1000),
    }
  }),
  route('POST /v2/billing/meter_event_session', noParameters, ({ world }) => openMeterSession(world)),
  route(
    'POST /v2/billing/meter_event_stream',
    z.strictObject({ events: z.array(z.strictObject(isoShape)) }),
    ({ world, params: { events } }) => {
      if (events.length === 0 || events.length > eventsAtOnce) {
        throw invalidRequest(`Between 1 and ${eventsAtOnce} events can be sent at once.`, { param: 'events' })
      }
      for (const { timestamp, ...given } of events) streamMeterEvent(world, { ...given, ...inSeconds(timestamp) })
      return {}
    },
  ),
  route('POST /v1/billing/meter_event_adjustments', adjustment, ({ world, params }) => {
    cancelMeterEvent(world, params.event_name, params.cancel.identifier)
    return {
      object: 'billing.meter_event_adjustment',
      cancel: { identifier: params.cancel.identifier },
      event_name: params.event_name,
      livemode: false,
      status: 'pending',
      type: 'cancel',
    }
  }),
  route('POST /v2/billing/meter_event_adjustments', adjustment, ({ world, params }) => {
    cancelMeterEvent(world, params.event_name, params.cancel.identifier)
    return {
      id: newId('mtr_event_adj_', 24),
      object: 'v2.billing.meter_event_adjustment',
      cancel: { identifier: params.cancel.identifier },
      created: isoTime(world.now()),
      event_name: params.event_name,
      livemode: false,
      status: 'pending',
      type: 'cancel',
    }
  }),
]

function inSeconds(timestamp: string | undefined): { timestamp?: number } {
  return timestamp === undefined ? {} : { timestamp: Math.floor(Date.parse(timestamp) / 1000) }
}
