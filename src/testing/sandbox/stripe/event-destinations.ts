import { type StripeWorld, tableOf } from './world.js'

/** Where events go beside webhook endpoints: the only way to be told of thin ones. */
export interface EventDestination {
  readonly id: string
  readonly object: 'v2.core.event_destination'
  readonly created: string
  readonly description: string
  readonly enabled_events: readonly string[]
  readonly event_payload: 'snapshot' | 'thin'
  readonly livemode: false
  readonly metadata: Readonly<Record<string, string>>
  readonly name: string
  readonly snapshot_api_version?: string
  readonly status: 'enabled' | 'disabled'
  readonly type: 'webhook_endpoint'
  readonly updated: string
  readonly webhook_endpoint: { readonly signing_secret: string; readonly url: string }
}

export const eventDestinations = tableOf<EventDestination>('event_destinations')

/** Whom to tell of an event: those that take its kind and asked for its type. */
export function destinationsFor(
  world: StripeWorld,
  payload: EventDestination['event_payload'],
  type: string,
): readonly EventDestination[] {
  return [...eventDestinations(world).values()].filter(
    (each) =>
      each.status === 'enabled' &&
      each.event_payload === payload &&
      each.enabled_events.some((pattern) => matchesType(pattern, type)),
  )
}

/** `*`, `invoice.*` or a type by its name. */
export function matchesType(pattern: string, type: string): boolean {
  return pattern === '*' || pattern === type || (pattern.endsWith('.*') && type.startsWith(pattern.slice(0, -1)))
}
