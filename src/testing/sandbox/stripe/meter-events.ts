import { randomUUID } from 'node:crypto'
import * as z from 'zod'
import type { Journal } from '../journal.js'
import { customers } from './customers.js'
import { invalidRequest, stripeFailure } from './errors.js'
import { count, text } from './form.js'
import { activeMeter, type Meter, meters } from './meters.js'
import { scaled, unscaled } from './prices.js'
import { route } from './route.js'
import { newId, type StripeWorld, seconds, tableOf } from './world.js'

/** One accepted meter event. */
export interface MeterEvent {
  readonly id: string
  readonly eventName: string
  readonly identifier: string
  /** When it happened and when it was received, in seconds. */
  readonly timestamp: number
  readonly received: number
  readonly payload: Readonly<Record<string, string>>
  /** Nothing for an event that was accepted but cannot be counted. */
  readonly meter: string | null
  readonly customer: string | null
  readonly value: string
  readonly cancelled?: true
  /** Why it is not counted; Stripe would report this later. */
  readonly rejected?: string
}

export const meterEvents = tableOf<MeterEvent>('meter_events')

const day = 24 * 60 * 60
const oldestDays = 35
const furthestAhead = 5 * 60
const significantDigits = 15

const shape = {
  event_name: text.max(100, 'Invalid string: event_name must be at most 100 characters'),
  identifier: text.max(100, 'Invalid string: identifier must be at most 100 characters').optional(),
  payload: z.record(z.string().max(100), z.string().max(100)),
}

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
  route(
    'POST /v2/billing/meter_events',
    z.strictObject({ ...shape, timestamp: z.iso.datetime({ offset: true }).optional() }),
    ({ world, params: { timestamp, ...given } }) => {
      const at = timestamp === undefined ? {} : { timestamp: Math.floor(Date.parse(timestamp) / 1000) }
      const event = recordMeterEvent(world, { ...given, ...at })
      return {
        object: 'v2.billing.meter_event',
        created: new Date(event.received * 1000).toISOString(),
        event_name: event.eventName,
        identifier: event.identifier,
        livemode: false,
        payload: event.payload,
        timestamp: timestamp ?? new Date(event.timestamp * 1000).toISOString(),
      }
    },
  ),
  route(
    'POST /v1/billing/meter_event_adjustments',
    z.strictObject({ event_name: text, type: z.literal('cancel'), cancel: z.strictObject({ identifier: text }) }),
    ({ world, params }) => {
      cancel(world, params.event_name, params.cancel.identifier)
      return {
        object: 'billing.meter_event_adjustment',
        cancel: { identifier: params.cancel.identifier },
        event_name: params.event_name,
        livemode: false,
        status: 'pending',
        type: 'cancel',
      }
    },
  ),
]

/** The exact sum and number of events that count for an event name, for all customers or one. */
export function meterTotal(world: StripeWorld, eventName: string, customer?: string) {
  let sum = 0n
  let counted = 0
  let cancelled = 0
  let rejected = 0
  for (const event of meterEvents(world).values()) {
    if (event.eventName !== eventName) continue
    if (customer !== undefined && event.customer !== customer) continue
    if (event.rejected !== undefined) rejected += 1
    else if (event.cancelled) cancelled += 1
    else {
      counted += 1
      sum += scaled(event.value)
    }
  }
  return { eventName, customer: customer ?? null, sum: unscaled(sum), count: counted, cancelled, rejected }
}

function recordMeterEvent(
  world: StripeWorld,
  given: {
    readonly event_name: string
    readonly identifier?: string | undefined
    readonly payload: Readonly<Record<string, string>>
    readonly timestamp?: number | undefined
  },
): MeterEvent {
  const received = seconds(world)
  const timestamp = given.timestamp ?? received
  const identifier = given.identifier ?? randomUUID()
  refuseRepeat(world, given.event_name, identifier, received)
  const meter = activeMeter(world, given.event_name)
  const problem = problemWith(world, meter, given.event_name, given.payload, timestamp, received)
  if (problem !== undefined && world.meterErrors === 'refuse') throw invalidRequest(problem.message, problem)
  const event: MeterEvent = {
    id: newId('mev_'),
    eventName: given.event_name,
    identifier,
    timestamp,
    received,
    payload: { ...given.payload },
    meter: meter?.id ?? null,
    customer: (meter === undefined ? undefined : given.payload[meter.customer_mapping.event_payload_key]) ?? null,
    value: (meter === undefined ? undefined : given.payload[meter.value_settings.event_payload_key]) ?? '0',
    ...(problem === undefined ? {} : { rejected: problem.code }),
  }
  meterEvents(world).put(event.id, event)
  latest(world).set(identifier, { id: event.id, received })
  return event
}

/** Refused, not ignored, and marked as not worth a retry. After the window the same identifier is counted again. */
function refuseRepeat(world: StripeWorld, eventName: string, identifier: string, received: number): void {
  const before = latest(world).get(identifier)
  if (before === undefined || before.received <= received - day || !meterEvents(world).has(before.id)) return
  throw stripeFailure(
    400,
    {
      type: 'invalid_request_error',
      message: `An event already exists with identifier ${identifier} for event name ${eventName}.`,
      param: 'identifier',
    },
    { 'stripe-should-retry': 'false' },
  )
}

function problemWith(
  world: StripeWorld,
  meter: Meter | undefined,
  eventName: string,
  payload: Readonly<Record<string, string>>,
  timestamp: number,
  received: number,
): { message: string; code: string; param: string } | undefined {
  if (meter === undefined) {
    const archived = [...meters(world).values()].some((each) => each.event_name === eventName)
    return archived
      ? { code: 'archived_meter', message: `The meter for event name '${eventName}' is inactive.`, param: 'event_name' }
      : { code: 'no_meter', message: `No active meter found for event name '${eventName}'.`, param: 'event_name' }
  }
  if (timestamp < received - oldestDays * day) {
    const message = `The timestamp is too far in the past: it must be within the last ${oldestDays} days.`
    return { code: 'timestamp_too_far_in_past', message, param: 'timestamp' }
  }
  if (timestamp > received + furthestAhead) {
    const message = 'The timestamp is in the future: it must be at most 5 minutes ahead.'
    return { code: 'timestamp_in_future', message, param: 'timestamp' }
  }
  const customerKey = meter.customer_mapping.event_payload_key
  const customer = payload[customerKey]
  if (customer === undefined || customer === '') {
    const message = `The payload has no '${customerKey}', which names the customer.`
    return { code: 'meter_event_no_customer_defined', message, param: 'payload' }
  }
  if (!customers(world).has(customer)) {
    return { code: 'meter_event_customer_not_found', message: `No such customer: '${customer}'`, param: 'payload' }
  }
  return meter.default_aggregation.formula === 'count' ? undefined : problemWithValue(meter, payload)
}

function problemWithValue(meter: Meter, payload: Readonly<Record<string, string>>) {
  const key = meter.value_settings.event_payload_key
  const value = payload[key]
  if (value === undefined || !/^-?\d+(\.\d+)?$/.test(value)) {
    const message = `The payload's '${key}' is not a number: ${JSON.stringify(value ?? null)}.`
    return { code: 'meter_event_invalid_value', message, param: 'payload' }
  }
  if (value.replace(/^-?0*\.?0*|\./g, '').length > significantDigits) {
    const message = `The payload's '${key}' has more than ${significantDigits} significant digits.`
    return { code: 'meter_event_value_too_many_digits', message, param: 'payload' }
  }
  return undefined
}

function cancel(world: StripeWorld, eventName: string, identifier: string): void {
  const found = latest(world).get(identifier)
  const event = found === undefined ? undefined : meterEvents(world).get(found.id)
  if (event === undefined || event.eventName !== eventName) {
    throw invalidRequest(`No event found with identifier ${identifier} for event name ${eventName}.`, {
      code: 'resource_missing',
      param: 'cancel[identifier]',
    })
  }
  if (event.received <= seconds(world) - day) {
    throw invalidRequest('Events can only be cancelled within 24 hours of being received.', {
      param: 'cancel[identifier]',
    })
  }
  meterEvents(world).put(event.id, { ...event, cancelled: true })
}

const latestByJournal = new WeakMap<Journal, Map<string, { readonly id: string; readonly received: number }>>()

/** The last event of each identifier; derived from the table, so it is never out of step after a restart. */
function latest(world: StripeWorld) {
  const known = latestByJournal.get(world.journal)
  if (known !== undefined) return known
  const built = new Map<string, { readonly id: string; readonly received: number }>()
  for (const { identifier, id, received } of meterEvents(world).values()) built.set(identifier, { id, received })
  latestByJournal.set(world.journal, built)
  return built
}
