import { customers } from './customers.js'
import { type Meter, meters } from './meters.js'
import type { StripeWorld } from './world.js'

/** Why an event cannot be counted, in Stripe's codes. */
export interface MeterEventProblem {
  readonly code: string
  readonly message: string
  readonly param: 'event_name' | 'payload' | 'timestamp'
}

const day = 24 * 60 * 60
const oldestDays = 35
const furthestAhead = 5 * 60
const significantDigits = 15

export function problemWith(
  world: StripeWorld,
  meter: Meter | undefined,
  eventName: string,
  payload: Readonly<Record<string, string>>,
  timestamp: number,
  received: number,
): MeterEventProblem | undefined {
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

function problemWithValue(meter: Meter, payload: Readonly<Record<string, string>>): MeterEventProblem | undefined {
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
