import * as z from 'zod'
import type { CallOptions } from '../../core/ports/call-options.js'
import type { StripeCall } from './call.js'
import { everyRow } from './every-row.js'

const meterSchema = z.object({
  id: z.string().min(1),
  event_name: z.string(),
  default_aggregation: z.object({ formula: z.string() }),
  customer_mapping: z.object({ event_payload_key: z.string() }),
  value_settings: z.object({ event_payload_key: z.string() }),
  event_time_window: z.string().nullish(),
})

/** A meter at Stripe. */
export type StripeMeter = z.output<typeof meterSchema>

/** The active meters by event name; Stripe allows one for each. */
export async function activeMeters(call: StripeCall, options: CallOptions): Promise<ReadonlyMap<string, StripeMeter>> {
  return new Map((await metersOf(call, 'active', options)).map((meter) => [meter.event_name, meter]))
}

/** The meters that were deactivated, newest first; there may be several of an event name. */
export function inactiveMeters(call: StripeCall, options: CallOptions): Promise<readonly StripeMeter[]> {
  return metersOf(call, 'inactive', options)
}

function metersOf(call: StripeCall, status: 'active' | 'inactive', options: CallOptions) {
  return everyRow(meterSchema, (start) =>
    call.read(options, (client, request) => client.billing.meters.list({ status, ...start }, request)),
  )
}
