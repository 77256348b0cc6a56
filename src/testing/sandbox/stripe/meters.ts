import * as z from 'zod'
import { invalidRequest, notFound } from './errors.js'
import { emit } from './events.js'
import { paging, text } from './form.js'
import { listPage, noParameters, route } from './route.js'
import { newId, type StripeWorld, seconds, tableOf } from './world.js'

export type Meter = ReturnType<typeof newMeter>

export const meters = tableOf<Meter>('meters')

export function activeMeter(world: StripeWorld, eventName: string): Meter | undefined {
  for (const meter of meters(world).values()) {
    if (meter.event_name === eventName && meter.status === 'active') return meter
  }
  return undefined
}

export function requireMeter(world: StripeWorld, id = ''): Meter {
  const meter = meters(world).get(id)
  if (meter === undefined) throw notFound('meter', id)
  return meter
}

const creatable = z.strictObject({
  display_name: text.max(250),
  event_name: text.max(100, 'Invalid string: event_name must be at most 100 characters'),
  default_aggregation: z.strictObject({ formula: z.enum(['sum', 'count', 'last'], 'Invalid formula') }),
  customer_mapping: z.strictObject({ event_payload_key: text.max(100), type: z.literal('by_id') }).optional(),
  value_settings: z.strictObject({ event_payload_key: text.max(100) }).optional(),
  event_time_window: z.enum(['day', 'hour']).optional(),
})

export const meterRoutes = [
  route('POST /v1/billing/meters', creatable, ({ world, params }) => {
    refuseSecondActive(world, params.event_name)
    const meter = newMeter(world, params)
    meters(world).put(meter.id, meter)
    emit(world, 'billing.meter.created', meter)
    return meter
  }),
  route(
    'GET /v1/billing/meters',
    z.strictObject({ ...paging, status: z.enum(['active', 'inactive']).optional() }),
    ({ world, params }) =>
      listPage(
        '/v1/billing/meters',
        [...meters(world).values()].filter(({ status }) => params.status === undefined || params.status === status),
        params,
      ),
  ),
  route('GET /v1/billing/meters/:id', noParameters, ({ world, path }) => requireMeter(world, path.id)),
  // Only the name shown to people can change; a different aggregation is a different meter.
  route(
    'POST /v1/billing/meters/:id',
    z.strictObject({ display_name: text.max(250).optional() }),
    ({ world, path, params }) => {
      const before = requireMeter(world, path.id)
      const after: Meter = {
        ...before,
        display_name: params.display_name ?? before.display_name,
        updated: seconds(world),
      }
      meters(world).put(after.id, after)
      emit(world, 'billing.meter.updated', after)
      return after
    },
  ),
  route('POST /v1/billing/meters/:id/deactivate', noParameters, ({ world, path }) => {
    const before = requireMeter(world, path.id)
    if (before.status === 'inactive') return before
    const now = seconds(world)
    const after: Meter = { ...before, status: 'inactive', status_transitions: { deactivated_at: now }, updated: now }
    meters(world).put(after.id, after)
    emit(world, 'billing.meter.deactivated', after)
    return after
  }),
  route('POST /v1/billing/meters/:id/reactivate', noParameters, ({ world, path }) => {
    const before = requireMeter(world, path.id)
    if (before.status === 'active') return before
    refuseSecondActive(world, before.event_name)
    const after: Meter = {
      ...before,
      status: 'active',
      status_transitions: { deactivated_at: null },
      updated: seconds(world),
    }
    meters(world).put(after.id, after)
    emit(world, 'billing.meter.reactivated', after)
    return after
  }),
]

function refuseSecondActive(world: StripeWorld, eventName: string): void {
  const active = activeMeter(world, eventName)
  if (active === undefined) return
  throw invalidRequest(`An active meter with event_name '${eventName}' already exists: ${active.id}`, {
    code: 'resource_already_exists',
    param: 'event_name',
  })
}

function newMeter(world: StripeWorld, given: z.output<typeof creatable>) {
  const now = seconds(world)
  return {
    id: newId('mtr_test_', 24),
    object: 'billing.meter' as const,
    created: now,
    customer_mapping: given.customer_mapping ?? { event_payload_key: 'stripe_customer_id', type: 'by_id' as const },
    default_aggregation: given.default_aggregation,
    display_name: given.display_name,
    event_name: given.event_name,
    event_time_window: given.event_time_window ?? null,
    livemode: false as const,
    status: 'active' as 'active' | 'inactive',
    status_transitions: { deactivated_at: null as number | null },
    updated: now,
    value_settings: given.value_settings ?? { event_payload_key: 'value' },
  }
}
