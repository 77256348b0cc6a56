import { invalidRequest } from './errors.js'
import type { StripeWorld } from './world.js'

const tableByPrefix: readonly (readonly [prefix: string, table: string])[] = [
  ['cus_', 'customers'],
  ['prod_', 'products'],
  ['price_', 'prices'],
  ['pi_', 'payment_intents'],
  ['sub_sched_', 'subscription_schedules'],
  ['sub_', 'subscriptions'],
  ['clock_', 'test_clocks'],
  ['in_', 'invoices'],
  ['bpc_', 'portal_configurations'],
]

/** Puts whole objects where `expand` asks for them. */
export function expand(world: StripeWorld, body: unknown, paths: readonly string[]): unknown {
  return paths.reduce((expanded, path) => expandPath(world, expanded, path.split('.'), path), body)
}

function expandPath(world: StripeWorld, value: unknown, [name, ...rest]: readonly string[], path: string): unknown {
  if (name === undefined || value === null) return value
  if (Array.isArray(value)) return value.map((item) => expandPath(world, item, [name, ...rest], path))
  if (typeof value !== 'object') return value
  const object = value as Readonly<Record<string, unknown>>
  const inside = name in object ? object[name] : included(world, object, name)
  if (inside === undefined) {
    throw invalidRequest(`This property cannot be expanded (${path}).`, { param: 'expand' })
  }
  const whole = typeof inside === 'string' ? (find(world, inside) ?? inside) : inside
  return { ...object, [name]: expandPath(world, whole, rest, path) }
}

/** Parts that are left out unless asked for. */
function included(world: StripeWorld, object: Readonly<Record<string, unknown>>, name: string): unknown {
  if (object.object !== 'checkout.session' || name !== 'line_items') return undefined
  const data = world.journal.table<{ readonly items: unknown }>('stripe.line_items').get(String(object.id))?.items ?? []
  return { object: 'list', url: `/v1/checkout/sessions/${String(object.id)}/line_items`, has_more: false, data }
}

function find(world: StripeWorld, id: string): unknown {
  const table = tableByPrefix.find(([prefix]) => id.startsWith(prefix))?.[1]
  return table === undefined ? undefined : world.journal.table<unknown>(`stripe.${table}`).get(id)
}
