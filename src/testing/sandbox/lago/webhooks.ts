import { isoTime, type LagoWorld, newLagoId, organizationId, tableOf } from './world.js'

/** Somebody who wants to be told. */
export interface WebhookEndpoint {
  readonly lago_id: string
  readonly lago_organization_id: string
  readonly webhook_url: string
  readonly signature_algo: 'jwt' | 'hmac'
  readonly name: string | null
  /** Nothing for all. */
  readonly event_types: readonly string[] | null
  readonly created_at: string
}

export const webhookEndpoints = tableOf<WebhookEndpoint>('webhook_endpoints')

/** One webhook on its way to one endpoint. */
export interface LagoWebhook {
  /** `X-Lago-Unique-Key`: the same for all attempts, another one for each endpoint. */
  readonly id: string
  /** The same for all endpoints. */
  readonly occurrence: string
  readonly type: string
  readonly objectId: string | null
  readonly endpointId: string
  /** The raw body, which is what is signed. */
  readonly body: string
  /** `held` until it is let go or delivered by hand; `dropped` for good. */
  readonly state: 'pending' | 'held' | 'delivered' | 'failed' | 'dropped'
  readonly dueAtMs: number
  readonly createdAt: string
  readonly attempts: readonly { readonly atMs: number; readonly status?: number; readonly error?: string }[]
}

export const webhooks = tableOf<LagoWebhook>('webhooks')

/** Whose types are kept back. */
export const webhookHolds = tableOf<{ readonly types: readonly string[] }>('webhook_hold')

/**
 * Tells every endpoint that wants the type. `name` is the key of the object in the body.
 *
 * @example emitWebhook(world, 'subscription.started', 'subscription', subscription)
 */
export function emitWebhook(world: LagoWorld, type: string, name: string, object: unknown): void {
  const occurrence = newLagoId()
  const body = JSON.stringify({
    webhook_type: type,
    object_type: name,
    organization_id: organizationId,
    [name]: object,
  })
  const held = webhookHolds(world).get('hold')?.types ?? []
  for (const endpoint of webhookEndpoints(world).values()) {
    if (endpoint.event_types !== null && !endpoint.event_types.includes(type)) continue
    const id = newLagoId()
    webhooks(world).put(id, {
      id,
      occurrence,
      type,
      objectId: idOf(object),
      endpointId: endpoint.lago_id,
      body,
      state: held.includes('*') || held.includes(type) ? 'held' : 'pending',
      dueAtMs: world.now(),
      createdAt: isoTime(world.now()),
      attempts: [],
    })
  }
}

function idOf(object: unknown): string | null {
  return typeof object === 'object' && object !== null && 'lago_id' in object ? String(object.lago_id) : null
}
