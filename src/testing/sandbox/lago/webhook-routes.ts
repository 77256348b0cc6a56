import * as z from 'zod'
import { invalid, notFound } from './errors.js'
import { LagoText, noBody, paged, route, wrapped } from './route.js'
import { webhookPublicKey } from './webhook-keys.js'
import { type WebhookEndpoint, webhookEndpoints } from './webhooks.js'
import { isoTime, type LagoWorld, newLagoId, organizationId } from './world.js'

const maximumEndpoints = 10

const endpointShape = z.object({
  webhook_url: z.string(),
  signature_algo: z.enum(['jwt', 'hmac']).nullish(),
  name: z.string().nullish(),
  event_types: z.array(z.string()).nullish(),
})

export const webhookRoutes = [
  route('POST /webhook_endpoints', wrapped('webhook_endpoint', endpointShape), ({ world, body }) => {
    const { webhook_url: url, signature_algo: algorithm, name, event_types: types } = body.webhook_endpoint
    if (!URL.canParse(url)) throw invalid({ webhook_url: ['url_invalid'] })
    const known = [...webhookEndpoints(world).values()]
    if (known.length >= maximumEndpoints) throw invalid({ base: ['exceeded_limit'] })
    if (known.some(({ webhook_url: other }) => other === url)) throw invalid({ webhook_url: ['value_already_exist'] })
    const endpoint: WebhookEndpoint = {
      lago_id: newLagoId(),
      lago_organization_id: organizationId,
      webhook_url: url,
      signature_algo: algorithm ?? 'jwt',
      name: name ?? null,
      event_types: types ?? null,
      created_at: isoTime(world.now()),
    }
    webhookEndpoints(world).put(endpoint.lago_id, endpoint)
    return { webhook_endpoint: shown(endpoint) }
  }),
  route('GET /webhook_endpoints', noBody, ({ world, query }) =>
    paged('webhook_endpoints', [...webhookEndpoints(world).values()].map(shown), query),
  ),
  route('GET /webhook_endpoints/:id', noBody, ({ world, path }) => ({
    webhook_endpoint: shown(endpointOf(world, path.id ?? '')),
  })),
  route('PUT /webhook_endpoints/:id', wrapped('webhook_endpoint', endpointShape.partial()), ({ world, path, body }) => {
    const before = endpointOf(world, path.id ?? '')
    const { webhook_url: url, signature_algo: algorithm, name, event_types: types } = body.webhook_endpoint
    const after: WebhookEndpoint = {
      ...before,
      ...(url === undefined ? {} : { webhook_url: url }),
      ...(algorithm == null ? {} : { signature_algo: algorithm }),
      ...(name === undefined ? {} : { name }),
      ...(types === undefined ? {} : { event_types: types }),
    }
    webhookEndpoints(world).put(after.lago_id, after)
    return { webhook_endpoint: shown(after) }
  }),
  route('DELETE /webhook_endpoints/:id', noBody, ({ world, path }) => {
    const endpoint = endpointOf(world, path.id ?? '')
    webhookEndpoints(world).delete(endpoint.lago_id)
    return { webhook_endpoint: shown(endpoint) }
  }),
  route('GET /webhooks/public_key', noBody, ({ world }) => new LagoText(webhookPublicKey(world))),
  route('GET /webhooks/json_public_key', noBody, ({ world }) => ({
    webhook: { public_key: webhookPublicKey(world) },
  })),
]

function endpointOf(world: LagoWorld, id: string): WebhookEndpoint {
  const found = webhookEndpoints(world).get(id)
  if (found === undefined) throw notFound('webhook_endpoint')
  return found
}

/** An endpoint that takes all types has no list of them. */
function shown({ event_types: types, ...endpoint }: WebhookEndpoint) {
  return { ...endpoint, ...(types === null ? {} : { event_types: types }) }
}
