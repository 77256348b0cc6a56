import { type MeterEvent, meterEvents } from './meter-events.js'
import { meters } from './meters.js'
import { emitThin, isoTime } from './thin-events.js'
import type { StripeWorld } from './world.js'

const samples = 10

/** Tells of the events that were accepted and cannot be counted: one report for each meter, with a few samples. */
export function reportMeterErrors(world: StripeWorld): void {
  const byMeter = new Map<string | null, MeterEvent[]>()
  for (const event of [...meterEvents(world).values()]) {
    if (event.rejected === undefined || event.reported || (event.countsAtMs ?? 0) > world.now()) continue
    const group = byMeter.get(event.meter)
    if (group === undefined) byMeter.set(event.meter, [event])
    else group.push(event)
    meterEvents(world).put(event.id, { ...event, reported: true })
  }
  for (const [meter, events] of byMeter) report(world, meter, events)
}

function report(world: StripeWorld, meterId: string | null, events: readonly MeterEvent[]): void {
  const meter = meterId === null ? undefined : meters(world).get(meterId)
  const count = events.length
  const received = events.map((event) => event.received)
  const data = {
    developer_message_summary:
      meter === undefined
        ? `There ${count === 1 ? 'was 1 meter event' : `were ${count} meter events`} with no matching meter.`
        : `There ${count === 1 ? 'is 1 invalid event' : `are ${count} invalid events`} for meter ${meter.display_name}.`,
    reason: { error_count: count, error_types: errorTypes(events) },
    validation_end: isoTime((Math.max(...received) + 1) * 1000),
    validation_start: isoTime(Math.min(...received) * 1000),
  }
  if (meter === undefined) emitThin(world, 'v1.billing.meter.no_meter_found', null, data)
  else {
    const related = { id: meter.id, type: 'billing.meter', url: `/v1/billing/meters/${meter.id}` }
    emitThin(world, 'v1.billing.meter.error_report_triggered', related, data)
  }
}

function errorTypes(events: readonly MeterEvent[]) {
  const codes = [...new Set(events.map(({ rejected }) => rejected ?? ''))]
  return codes.map((code) => {
    const of = events.filter(({ rejected }) => rejected === code)
    return {
      code,
      error_count: of.length,
      // A few only: a report never names every event.
      sample_errors: of.slice(0, samples).map(({ identifier, rejection = code }) => ({
        error_message: rejection,
        request: { identifier },
      })),
    }
  })
}
