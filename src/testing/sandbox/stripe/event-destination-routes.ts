import * as z from 'zod'
import { apiVersion } from './api-versions.js'
import { invalidRequest, notFound } from './errors.js'
import { type EventDestination, eventDestinations } from './event-destinations.js'
import { text, webUrl } from './form.js'
import { noParameters, route } from './route.js'
import { emitThin, isoTime, type ThinEvent, thinEvents } from './thin-events.js'
import { newId, type StripeWorld } from './world.js'

// v2 takes JSON, and lists in the query as `types[0]=…`.
const texts = z.preprocess(
  (value) => (typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.values(value) : value),
  z.array(text),
)
const include = texts.optional()
const words = z.record(z.string().max(40), z.string().max(500))
const limit = z.coerce.number().int().min(1).max(100).optional()

const creatable = z.strictObject({
  name: text,
  type: z.literal('webhook_endpoint', 'The sandbox delivers to destinations of type webhook_endpoint only.'),
  event_payload: z.enum(['snapshot', 'thin'], 'Invalid event_payload'),
  enabled_events: texts,
  description: z.string().optional(),
  include,
  metadata: words.optional(),
  snapshot_api_version: text.optional(),
  webhook_endpoint: z.strictObject({ url: webUrl }),
})

const changeable = z.strictObject({
  name: text.optional(),
  description: z.string().optional(),
  enabled_events: texts.optional(),
  include,
  metadata: words.optional(),
  webhook_endpoint: z.strictObject({ url: webUrl }).optional(),
})

/** Destinations and thin events, in the v2 API. */
export const eventDestinationRoutes = [
  route('POST /v2/core/event_destinations', creatable, ({ world, params }) => {
    if (params.enabled_events.length === 0) {
      throw invalidRequest('enabled_events must name at least one type.', { param: 'enabled_events' })
    }
    const now = isoTime(world.now())
    const made: EventDestination = {
      id: newId('ed_test_', 24),
      object: 'v2.core.event_destination',
      created: now,
      description: params.description ?? '',
      enabled_events: params.enabled_events,
      event_payload: params.event_payload,
      livemode: false,
      metadata: params.metadata ?? {},
      name: params.name,
      ...(params.event_payload === 'snapshot'
        ? { snapshot_api_version: params.snapshot_api_version ?? apiVersion }
        : {}),
      status: 'enabled',
      type: 'webhook_endpoint',
      updated: now,
      webhook_endpoint: { signing_secret: newId('whsec_', 32), url: params.webhook_endpoint.url },
    }
    eventDestinations(world).put(made.id, made)
    return shown(made, params.include)
  }),
  route(
    'GET /v2/core/event_destinations',
    z.strictObject({ limit, page: text.optional(), include }),
    ({ world, params }) =>
      pageOf('/v2/core/event_destinations', [...eventDestinations(world).values()].reverse(), params, (each) =>
        shown(each, params.include),
      ),
  ),
  route('GET /v2/core/event_destinations/:id', z.strictObject({ include }), ({ world, path, params }) =>
    shown(requireDestination(world, path.id), params.include),
  ),
  route('POST /v2/core/event_destinations/:id', changeable, ({ world, path, params }) => {
    const before = requireDestination(world, path.id)
    return change(
      world,
      before,
      {
        name: params.name ?? before.name,
        description: params.description ?? before.description,
        enabled_events: params.enabled_events ?? before.enabled_events,
        metadata: { ...before.metadata, ...params.metadata },
        webhook_endpoint: { ...before.webhook_endpoint, ...params.webhook_endpoint },
      },
      params.include,
    )
  }),
  route('POST /v2/core/event_destinations/:id/enable', z.strictObject({ include }), ({ world, path, params }) =>
    change(world, requireDestination(world, path.id), { status: 'enabled' }, params.include),
  ),
  route('POST /v2/core/event_destinations/:id/disable', z.strictObject({ include }), ({ world, path, params }) =>
    change(world, requireDestination(world, path.id), { status: 'disabled' }, params.include),
  ),
  route('DELETE /v2/core/event_destinations/:id', noParameters, ({ world, path }) => {
    const { id, object } = requireDestination(world, path.id)
    eventDestinations(world).delete(id)
    return { id, object }
  }),
  route('POST /v2/core/event_destinations/:id/ping', noParameters, ({ world, path }) => {
    const { id } = requireDestination(world, path.id)
    const related = { id, type: 'v2.core.event_destination', url: `/v2/core/event_destinations/${id}` }
    return emitThin(world, 'v2.core.event_destination.ping', related, {}, [{ id }])
  }),
  route(
    'GET /v2/core/events',
    z.strictObject({
      limit,
      page: text.optional(),
      object_id: text.optional(),
      types: texts.optional(),
      created: z
        .strictObject({ gt: text.optional(), gte: text.optional(), lt: text.optional(), lte: text.optional() })
        .optional(),
    }),
    ({ world, params }) =>
      pageOf(
        '/v2/core/events',
        [...thinEvents(world).values()]
          .reverse()
          .filter(
            (event) =>
              (params.object_id === undefined || params.object_id === event.related_object?.id) &&
              (params.types === undefined || params.types.includes(event.type)) &&
              isWithin(params.created, event.created),
          ),
        params,
        (event: ThinEvent) => event,
      ),
  ),
  route('GET /v2/core/events/:id', noParameters, ({ world, path: { id = '' } }) => {
    const event = thinEvents(world).get(id)
    if (event === undefined) throw notFound('event', id)
    return event
  }),
]

function requireDestination(world: StripeWorld, id = ''): EventDestination {
  const destination = eventDestinations(world).get(id)
  if (destination === undefined) throw notFound('event destination', id)
  return destination
}

function change(
  world: StripeWorld,
  before: EventDestination,
  given: Partial<EventDestination>,
  wanted: readonly string[] | undefined,
) {
  const after: EventDestination = { ...before, ...given, updated: isoTime(world.now()) }
  eventDestinations(world).put(after.id, after)
  return shown(after, wanted)
}

/** Address and secret are shown to those who ask for them. */
function shown({ webhook_endpoint: endpoint, ...rest }: EventDestination, wanted: readonly string[] = []) {
  const parts = {
    ...(wanted.includes('webhook_endpoint.signing_secret') ? { signing_secret: endpoint.signing_secret } : {}),
    ...(wanted.includes('webhook_endpoint.url') ? { url: endpoint.url } : {}),
  }
  return Object.keys(parts).length === 0 ? rest : { ...rest, webhook_endpoint: parts }
}

/** v2 pages by address: `next_page_url` says where the rest is. */
function pageOf<Row, Shown>(
  url: string,
  rows: readonly Row[],
  { limit: size = 20, page }: { readonly limit?: number | undefined; readonly page?: string | undefined },
  show: (row: Row) => Shown,
) {
  const from = page === undefined ? 0 : Number(Buffer.from(page, 'base64url').toString())
  if (!Number.isSafeInteger(from) || from < 0) throw invalidRequest('Invalid page.', { param: 'page' })
  const addressOf = (position: number) =>
    `${url}?limit=${size}&page=${Buffer.from(String(position)).toString('base64url')}`
  return {
    data: rows.slice(from, from + size).map(show),
    next_page_url: from + size < rows.length ? addressOf(from + size) : null,
    previous_page_url: from > 0 ? addressOf(Math.max(0, from - size)) : null,
  }
}

type TextRange = { readonly [edge in 'gt' | 'gte' | 'lt' | 'lte']?: string | undefined }

function isWithin(range: TextRange | undefined, created: string): boolean {
  if (range === undefined) return true
  const at = Date.parse(created)
  const passes = (edge: string | undefined, test: (edgeMs: number) => boolean) =>
    edge === undefined || test(Date.parse(edge))
  return (
    passes(range.gt, (edge) => at > edge) &&
    passes(range.gte, (edge) => at >= edge) &&
    passes(range.lt, (edge) => at < edge) &&
    passes(range.lte, (edge) => at <= edge)
  )
}
