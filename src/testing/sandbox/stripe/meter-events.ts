import { randomUUID } from 'node:crypto'
import type { Journal } from '../journal.js'
import { customers } from './customers.js'
import { schedule } from './due.js'
import { invalidRequest, stripeFailure } from './errors.js'
import { problemWith } from './meter-event-problems.js'
import { activeMeter } from './meters.js'
import { scaled, unscaled } from './prices.js'
import { clockOf } from './test-clocks.js'
import { newId, type StripeWorld, seconds, tableOf } from './world.js'

/** One accepted meter event. */
export interface MeterEvent {
  readonly id: string
  readonly eventName: string
  readonly identifier: string
  /** When it happened and when it was received, in seconds. */
  readonly timestamp: number
  readonly received: number
  /** From when on it is counted, in milliseconds of the sandbox; nothing in journals of earlier versions. */
  readonly countsAtMs?: number
  readonly payload: Readonly<Record<string, string>>
  /** Nothing for an event that was accepted but cannot be counted. */
  readonly meter: string | null
  readonly customer: string | null
  readonly value: string
  readonly cancelled?: true
  /** Why it is not counted, and whether Stripe has reported that. */
  readonly rejected?: string
  readonly rejection?: string
  readonly reported?: true
}

export interface MeterEventRequest {
  readonly event_name: string
  readonly identifier?: string | undefined
  readonly payload: Readonly<Record<string, string>>
  readonly timestamp?: number | undefined
}

export const meterEvents = tableOf<MeterEvent>('meter_events')

const day = 24 * 60 * 60

/** Whether an event was processed and is counted by now. */
export function isCounted(world: StripeWorld, event: MeterEvent): boolean {
  return !event.cancelled && event.rejected === undefined && (event.countsAtMs ?? 0) <= world.sandboxNow()
}

/** Which events of a name to sum: of one customer, from a second on, before another; without, all of them. */
export interface MeterTotalScope {
  readonly customer?: string | undefined
  readonly from?: number | undefined
  readonly to?: number | undefined
}

/** The exact sum and number of events that count for an event name. */
export function meterTotal(world: StripeWorld, eventName: string, { customer, from, to }: MeterTotalScope = {}) {
  let sum = 0n
  let counted = 0
  let cancelled = 0
  let rejected = 0
  for (const event of meterEvents(world).values()) {
    if (event.eventName !== eventName) continue
    if (customer !== undefined && event.customer !== customer) continue
    if (event.timestamp < (from ?? event.timestamp) || event.timestamp >= (to ?? event.timestamp + 1)) continue
    if (event.rejected !== undefined) rejected += 1
    else if (event.cancelled) cancelled += 1
    else if (isCounted(world, event)) {
      counted += 1
      sum += scaled(event.value)
    }
  }
  return { eventName, customer: customer ?? null, sum: unscaled(sum), count: counted, cancelled, rejected }
}

/** A single event: looked at when it comes, counted a little later. */
export function recordMeterEvent(world: StripeWorld, given: MeterEventRequest): MeterEvent {
  const identifier = given.identifier ?? randomUUID()
  const received = seconds(world)
  if (repeats(world, identifier, received)) {
    throw stripeFailure(
      400,
      {
        type: 'invalid_request_error',
        message: `An event already exists with identifier ${identifier} for event name ${given.event_name}.`,
        param: 'identifier',
      },
      // Not worth a retry.
      { 'stripe-should-retry': 'false' },
    )
  }
  return keep(world, { ...given, identifier }, received, world.meterErrors === 'refuse')
}

/** An event of the stream: nothing is looked at when it comes. A repetition is left out in silence. */
export function streamMeterEvent(world: StripeWorld, given: MeterEventRequest): void {
  const identifier = given.identifier ?? randomUUID()
  const received = seconds(world)
  if (!repeats(world, identifier, received)) keep(world, { ...given, identifier }, received, false)
}

export function cancelMeterEvent(world: StripeWorld, eventName: string, identifier: string): void {
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

function keep(
  world: StripeWorld,
  given: MeterEventRequest & { readonly identifier: string },
  received: number,
  refuses: boolean,
): MeterEvent {
  const meter = activeMeter(world, given.event_name)
  const customer = (meter === undefined ? undefined : given.payload[meter.customer_mapping.event_payload_key]) ?? null
  const owner = customer === null ? undefined : customers(world).get(customer)
  // Usage of a customer on a test clock happens in the clock's time.
  const now = owner === undefined ? received : seconds(clockOf(world, owner))
  const timestamp = given.timestamp ?? now
  const problem = problemWith(world, meter, given.event_name, given.payload, timestamp, now)
  if (problem !== undefined && refuses) throw invalidRequest(problem.message, problem)
  const countsAtMs = world.now() + world.meterDelayMs
  const event: MeterEvent = {
    id: newId('mev_'),
    eventName: given.event_name,
    identifier: given.identifier,
    timestamp,
    received,
    countsAtMs,
    payload: { ...given.payload },
    meter: meter?.id ?? null,
    customer,
    value: (meter === undefined ? undefined : given.payload[meter.value_settings.event_payload_key]) ?? '0',
    ...(problem === undefined ? {} : { rejected: problem.code, rejection: problem.message }),
  }
  meterEvents(world).put(event.id, event)
  latest(world).set(given.identifier, { id: event.id, received })
  if (problem !== undefined) schedule(world, { kind: 'report_meter_errors', target: 'all', dueAtMs: countsAtMs })
  return event
}

/** For 24 hours an identifier is taken; after that the same one is counted again. */
function repeats(world: StripeWorld, identifier: string, received: number): boolean {
  const before = latest(world).get(identifier)
  return before !== undefined && before.received > received - day && meterEvents(world).has(before.id)
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
