import * as z from 'zod'
import { sandboxFaultSchema } from './faults.js'
import { deliveries, events, queueDelivery, webhookEndpoints } from './stripe/events.js'
import { meterTotal } from './stripe/meter-events.js'
import type { StripeWorld } from './stripe/world.js'
import type { Twins } from './twins.js'

/** `/_sandbox/…`: what a script needs to drive and to inspect the sandbox. */
export async function handleControl(twins: Twins, request: Request, path: string): Promise<Response> {
  const { world, webhooks } = twins.stripe
  const [, , ...parts] = path.split('/').map(decodeURIComponent)
  const operation = `${request.method} ${parts.join('/')}`
  if (operation === 'GET clock') return json({ nowMs: twins.clock.now() })
  if (operation === 'POST clock') {
    const body = await read(request, z.strictObject({ advanceMs: z.number().nonnegative() }))
    if ('problem' in body) return json({ error: body.problem }, 400)
    twins.clock.advance(body.value.advanceMs)
    twins.stripe.tick()
    return json({ nowMs: twins.clock.now() })
  }
  if (operation === 'POST faults') {
    const body = await read(request, sandboxFaultSchema)
    if ('problem' in body) return json({ error: body.problem }, 400)
    twins.faults.inject(body.value)
    return json({ injected: body.value }, 201)
  }
  if (operation === 'DELETE faults') {
    twins.faults.clear()
    return json({ cleared: true })
  }
  if (operation === 'GET events') return json({ data: eventLog(world) })
  if (operation === 'POST webhooks/flush') {
    await webhooks.flush()
    return json({ data: eventLog(world) })
  }
  if (operation === 'GET langfuse/traces') return json(twins.langfuse.counts())
  const [area, noun, name = '', last] = parts
  if (request.method === 'GET' && area === 'stripe' && noun === 'meters' && last === 'total') {
    return json(meterTotal(world, name, new URL(request.url).searchParams.get('customer') ?? undefined))
  }
  if (request.method === 'POST' && area === 'webhooks' && parts[2] === 'resend')
    return resend(twins, noun ?? '', request)
  return json({ error: `The sandbox has no ${request.method} ${path}` }, 404)
}

/** Every event, newest first, with how its deliveries went. */
export function eventLog(world: StripeWorld) {
  const byEvent = new Map<string, unknown[]>()
  for (const { eventId, endpointId, state, attempts, dueAtMs } of deliveries(world).values()) {
    const endpoint = webhookEndpoints(world).get(endpointId)
    const delivery = {
      endpointId,
      url: endpoint?.url ?? null,
      state,
      attempts,
      ...(state === 'pending' ? { dueAtMs } : {}),
    }
    const known = byEvent.get(eventId)
    if (known === undefined) byEvent.set(eventId, [delivery])
    else known.push(delivery)
  }
  return [...events(world).values()].reverse().map(({ id, type, created, data }) => ({
    id,
    type,
    created,
    objectId: idOf(data.object),
    deliveries: (byEvent.get(id) ?? []) as readonly { readonly state: string; readonly attempts: readonly unknown[] }[],
  }))
}

function resend(twins: Twins, eventId: string, request: Request): Response {
  const { world, webhooks } = twins.stripe
  if (!events(world).has(eventId)) return json({ error: `No such event: ${eventId}` }, 404)
  const endpoints = [...webhookEndpoints(world).values()].filter(({ status }) => status === 'enabled')
  world.journal.commit(() => {
    for (const { id } of endpoints) queueDelivery(world, eventId, id)
  })
  webhooks.wake()
  // The console's button is a plain form: its reader wants the page back.
  if (request.headers.get('accept')?.includes('text/html')) {
    return new Response(null, { status: 303, headers: { location: '/' } })
  }
  return json({ queued: endpoints.length }, 202)
}

async function read<Value>(
  request: Request,
  schema: z.ZodType<Value>,
): Promise<{ value: Value } | { problem: string }> {
  const body: unknown = await request.json().catch(() => undefined)
  const parsed = schema.safeParse(body)
  return parsed.success ? { value: parsed.data } : { problem: z.prettifyError(parsed.error) }
}

function idOf(object: unknown): string | null {
  return typeof object === 'object' && object !== null && 'id' in object ? String(object.id) : null
}

function json(body: unknown, status = 200): Response {
  return new Response(JSON.stringify(body, null, 2), { status, headers: { 'content-type': 'application/json' } })
}
