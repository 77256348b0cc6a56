import * as z from 'zod'
import { apiVersion } from './api-versions.js'
import { queueDelivery } from './deliveries.js'
import { notFound } from './errors.js'
import { destinationsFor, matchesType } from './event-destinations.js'
import {
  clearable,
  flag,
  isWithin,
  list,
  mergeMetadata,
  metadata,
  paging,
  text,
  timeRange,
  tolerated,
  webUrl,
} from './form.js'
import { listPage, noParameters, route } from './route.js'
import { newId, type StripeWorld, seconds, tableOf } from './world.js'

export interface StripeEvent {
  readonly id: string
  readonly object: 'event'
  readonly api_version: string
  readonly created: number
  readonly data: { readonly object: unknown; readonly previous_attributes?: Readonly<Record<string, unknown>> }
  readonly livemode: false
  readonly pending_webhooks: number
  readonly request: { readonly id: string | null; readonly idempotency_key: string | null }
  readonly type: string
}

export interface WebhookEndpoint {
  readonly id: string
  readonly object: 'webhook_endpoint'
  readonly api_version: string | null
  readonly application: null
  readonly created: number
  readonly description: string | null
  readonly enabled_events: readonly string[]
  readonly livemode: false
  readonly metadata: Readonly<Record<string, string>>
  readonly secret: string
  readonly status: 'enabled' | 'disabled'
  readonly url: string
}

/** How far back events can be read. */
const keptSeconds = 30 * 24 * 60 * 60

export const events = tableOf<StripeEvent>('events')
export const webhookEndpoints = tableOf<WebhookEndpoint>('webhook_endpoints')

/** Records that something happened and queues it for every endpoint that asked for it. */
export function emit(
  world: StripeWorld,
  type: string,
  object: unknown,
  previous?: Readonly<Record<string, unknown>>,
): void {
  const listening = [
    ...[...webhookEndpoints(world).values()].filter((endpoint) => wants(endpoint, type)),
    ...destinationsFor(world, 'snapshot', type),
  ]
  const event: StripeEvent = {
    id: newId('evt_'),
    object: 'event',
    api_version: apiVersion,
    created: seconds(world),
    data: previous === undefined ? { object } : { object, previous_attributes: previous },
    livemode: false,
    pending_webhooks: listening.length,
    request: { id: world.cause?.id ?? null, idempotency_key: world.cause?.idempotencyKey ?? null },
    type,
  }
  events(world).put(event.id, event)
  for (const { id } of listening) queueDelivery(world, event, id)
  world.followers[type]?.(world, object)
}

export const eventRoutes = [
  route(
    'GET /v1/events',
    z.strictObject({
      ...paging,
      type: text.optional(),
      types: list(text).optional(),
      created: timeRange.optional(),
      delivery_success: flag.optional(),
    }),
    ({ world, params }) =>
      listPage(
        '/v1/events',
        [...events(world).values()].filter(
          (event) =>
            event.created > seconds(world) - keptSeconds &&
            (params.type === undefined || matchesType(params.type, event.type)) &&
            (params.types === undefined || params.types.includes(event.type)) &&
            isWithin(params.created, event.created),
        ),
        params,
      ),
  ),
  route('GET /v1/events/:id', noParameters, ({ world, path: { id = '' } }) => {
    const event = events(world).get(id)
    if (event === undefined || event.created <= seconds(world) - keptSeconds) throw notFound('event', id)
    return event
  }),
]

export const webhookEndpointRoutes = [
  route(
    'POST /v1/webhook_endpoints',
    z.strictObject({
      enabled_events: list(text),
      url: webUrl,
      api_version: text.optional(),
      description: clearable(text).optional(),
      metadata,
      ...tolerated('connect'),
    }),
    ({ world, params }) => {
      const endpoint: WebhookEndpoint = {
        id: newId('we_'),
        object: 'webhook_endpoint',
        api_version: params.api_version ?? null,
        application: null,
        created: seconds(world),
        description: params.description ?? null,
        enabled_events: params.enabled_events,
        livemode: false,
        metadata: params.metadata ?? {},
        secret: newId('whsec_', 32),
        status: 'enabled',
        url: params.url,
      }
      webhookEndpoints(world).put(endpoint.id, endpoint)
      return endpoint
    },
  ),
  route('GET /v1/webhook_endpoints', z.strictObject({ ...paging }), ({ world, params }) => {
    const page = listPage('/v1/webhook_endpoints', webhookEndpoints(world).values(), params)
    return { ...page, data: page.data.map(withoutSecret) }
  }),
  route('GET /v1/webhook_endpoints/:id', noParameters, ({ world, path }) =>
    withoutSecret(requireEndpoint(world, path.id)),
  ),
  route(
    'POST /v1/webhook_endpoints/:id',
    z.strictObject({
      enabled_events: list(text).optional(),
      url: webUrl.optional(),
      description: clearable(text).optional(),
      disabled: flag.optional(),
      metadata,
    }),
    ({ world, path, params }) => {
      const before = requireEndpoint(world, path.id)
      const after: WebhookEndpoint = {
        ...before,
        enabled_events: params.enabled_events ?? before.enabled_events,
        url: params.url ?? before.url,
        description: params.description === undefined ? before.description : params.description,
        status: params.disabled === undefined ? before.status : params.disabled ? 'disabled' : 'enabled',
        metadata: mergeMetadata(before.metadata, params.metadata),
      }
      webhookEndpoints(world).put(after.id, after)
      return withoutSecret(after)
    },
  ),
  route('DELETE /v1/webhook_endpoints/:id', noParameters, ({ world, path }) => {
    const { id } = requireEndpoint(world, path.id)
    webhookEndpoints(world).delete(id)
    return { id, object: 'webhook_endpoint', deleted: true }
  }),
]

function requireEndpoint(world: StripeWorld, id = ''): WebhookEndpoint {
  const endpoint = webhookEndpoints(world).get(id)
  if (endpoint === undefined) throw notFound('webhook endpoint', id, 'webhook_endpoint')
  return endpoint
}

/** The secret is shown once, when the endpoint is created. */
function withoutSecret({ secret: _, ...shown }: WebhookEndpoint): Omit<WebhookEndpoint, 'secret'> {
  return shown
}

function wants(endpoint: WebhookEndpoint, type: string): boolean {
  return endpoint.status === 'enabled' && endpoint.enabled_events.some((pattern) => matchesType(pattern, type))
}
