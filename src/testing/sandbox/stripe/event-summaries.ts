import { createHash } from 'node:crypto'
import * as z from 'zod'
import { requireCustomer } from './customers.js'
import { invalidRequest } from './errors.js'
import { count, paging, text } from './form.js'
import { isCounted, type MeterEvent, meterEvents } from './meter-events.js'
import { type Meter, requireMeter } from './meters.js'
import { scaled, unscaled } from './prices.js'
import { listPage, route } from './route.js'
import type { StripeWorld } from './world.js'

const windowSeconds = { minute: 60, hour: 3600, day: 86_400 } as const

export const eventSummaryRoutes = [
  route(
    'GET /v1/billing/meters/:id/event_summaries',
    z.strictObject({
      ...paging,
      customer: text,
      start_time: count,
      end_time: count,
      value_grouping_window: z.enum(['hour', 'day'], 'Invalid value_grouping_window').optional(),
    }),
    ({ world, path, params }) => {
      const meter = requireMeter(world, path.id)
      requireCustomer(world, params.customer)
      const unit = params.value_grouping_window ?? 'minute'
      for (const param of ['start_time', 'end_time'] as const) {
        if (params[param] % windowSeconds[unit] === 0) continue
        throw invalidRequest(`${param} must be aligned with ${unit} boundaries.`, { param })
      }
      if (params.end_time <= params.start_time) {
        throw invalidRequest('end_time must be after start_time.', { param: 'end_time' })
      }
      const length = unit === 'minute' ? params.end_time - params.start_time : windowSeconds[unit]
      const summaries = summarize(world, meter, params.customer, params.start_time, params.end_time, length)
      return listPage(`/v1/billing/meters/${meter.id}/event_summaries`, summaries, params)
    },
  ),
]

/** The aggregated usage of one customer between two instants, exact, as the meter's formula counts it. */
export function usageBetween(world: StripeWorld, meter: Meter, customer: string, start: number, end: number): string {
  return aggregate(meter, countedEvents(world, meter, customer, start, end))
}

function summarize(world: StripeWorld, meter: Meter, customer: string, start: number, end: number, length: number) {
  const groups = new Map<number, MeterEvent[]>()
  for (const event of countedEvents(world, meter, customer, start, end)) {
    const from = start + Math.floor((event.timestamp - start) / length) * length
    const group = groups.get(from)
    if (group === undefined) groups.set(from, [event])
    else group.push(event)
  }
  return [...groups.entries()]
    .sort(([a], [b]) => a - b)
    .map(([from, events]) => ({
      id: `mtrusg_test_${createHash('sha256').update(`${meter.id} ${customer} ${from} ${length}`).digest('hex').slice(0, 24)}`,
      object: 'billing.meter_event_summary' as const,
      aggregated_value: Number(aggregate(meter, events)),
      end_time: from + length,
      livemode: false as const,
      meter: meter.id,
      start_time: from,
    }))
}

function countedEvents(world: StripeWorld, meter: Meter, customer: string, start: number, end: number): MeterEvent[] {
  const counted = [...meterEvents(world).values()].filter(
    (event) =>
      event.meter === meter.id &&
      event.customer === customer &&
      event.timestamp >= start &&
      event.timestamp < end &&
      isCounted(world, event),
  )
  if (meter.event_time_window === null) return counted
  // With a time window the last event of each hour or day replaces the earlier ones.
  const length = windowSeconds[meter.event_time_window]
  const lastOf = new Map<number, MeterEvent>()
  for (const event of counted) {
    const window = Math.floor(event.timestamp / length)
    const before = lastOf.get(window)
    if (before === undefined || before.timestamp <= event.timestamp) lastOf.set(window, event)
  }
  return [...lastOf.values()]
}

function aggregate(meter: Meter, events: readonly MeterEvent[]): string {
  switch (meter.default_aggregation.formula) {
    case 'count':
      return String(events.length)
    case 'sum':
      return unscaled(events.reduce((sum, { value }) => sum + scaled(value), 0n))
    case 'last':
      return (
        events.reduce<MeterEvent | undefined>(
          (last, event) => (last === undefined || last.timestamp <= event.timestamp ? event : last),
          undefined,
        )?.value ?? '0'
      )
  }
}
