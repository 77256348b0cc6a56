import * as z from 'zod'
import { sandboxFaultSchema } from './faults.js'
import { charges } from './stripe/charges.js'
import { openDispute } from './stripe/disputes.js'
import { events } from './stripe/events.js'
import { meterTotal } from './stripe/meter-events.js'
import { thinEvents } from './stripe/thin-events.js'
import { type EmittedEvent, resendEvent } from './stripe/webhook-control.js'
import type { StripeWorld } from './stripe/world.js'
import type { Twins } from './twins.js'

/** `/_sandbox/…`: what a script needs to drive and to inspect the sandbox. */
export async function handleControl(twins: Twins, request: Request, path: string): Promise<Response> {
  const { world } = twins.stripe
  const [, , ...parts] = path.split('/').map(decodeURIComponent)
  const operation = `${request.method} ${parts.join('/')}`
  if (operation === 'GET clock') return json({ nowMs: twins.clock.now() })
  if (operation === 'POST clock') {
    const body = await read(request, z.strictObject({ advanceMs: z.number().nonnegative() }))
    if ('problem' in body) return json({ error: body.problem }, 400)
    twins.clock.advance(body.value.advanceMs)
    twins.tick()
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
  if (operation === 'GET events') return json({ data: eventLog(twins.stripe) })
  if (request.method === 'POST' && parts[0] === 'webhooks' && parts.length === 2) {
    const steered = await steerWebhooks(twins, parts[1] ?? '', request)
    if (steered !== undefined) return steered
  }
  if (operation === 'POST stripe/disputes') return dispute(twins, request)
  if (operation === 'GET langfuse/traces') return json(twins.langfuse.counts())
  if (operation === 'POST langfuse/observations') return changeObservations(twins, request)
  const [area, noun, name = '', last] = parts
  if (request.method === 'GET' && area === 'stripe' && noun === 'meters' && last === 'total') {
    const { customer, from, to } = Object.fromEntries(new URL(request.url).searchParams)
    const second = (text: string | undefined) => (text === undefined ? undefined : Number(text))
    return json(meterTotal(world, name, { customer, from: second(from), to: second(to) }))
  }
  if (request.method === 'POST' && area === 'webhooks' && parts[2] === 'resend')
    return resend(twins, noun ?? '', request)
  return json({ error: `The sandbox has no ${request.method} ${path}` }, 404)
}

/** Every event, newest first, with how its deliveries went. */
export function eventLog({ control }: Twins['stripe']): readonly EmittedEvent[] {
  return [...control.emitted()].reverse()
}

const disputeRequest = z.strictObject({
  charge: z.string(),
  kind: z.enum(['fraudulent', 'product_not_received', 'inquiry']).default('fraudulent'),
  amount: z.number().int().positive().optional(),
})

/** A buyer's bank disputes a charge, or a part of it. */
async function dispute(twins: Twins, request: Request): Promise<Response> {
  const body = await read(request, disputeRequest)
  if ('problem' in body) return json({ error: body.problem }, 400)
  const { world, webhooks } = twins.stripe
  const { charge: id, kind, amount } = body.value
  const charge = charges(world).get(id)
  if (charge?.status !== 'succeeded') return json({ error: `No successful charge: ${id}` }, 404)
  const opened = world.journal.commit(() => openDispute(world, charge, kind, amount))
  webhooks.wake()
  return json(opened, 201)
}

const observationChange = z.strictObject({
  traceId: z.string(),
  observationId: z.string().optional(),
  totalCost: z.number().nullable().optional(),
  usageDetails: z.record(z.string(), z.number()).optional(),
  userId: z.string().optional(),
  metadata: z.record(z.string(), z.string()).optional(),
})

/** Langfuse knows better what observations came to. */
async function changeObservations(twins: Twins, request: Request): Promise<Response> {
  const body = await read(request, observationChange)
  if ('problem' in body) return json({ error: body.problem }, 400)
  const { traceId, ...change } = body.value
  const changed = twins.langfuse.change(traceId, change)
  return changed > 0 ? json({ changed }) : json({ error: `No observation of trace ${traceId}` }, 404)
}

async function steerWebhooks(twins: Twins, verb: string, request: Request): Promise<Response | undefined> {
  const { control, webhooks } = twins.stripe
  if (verb === 'flush') {
    await webhooks.flush()
    return json({ data: eventLog(twins.stripe) })
  }
  if (verb === 'release') {
    control.release()
    return json({ released: true })
  }
  if (!['hold', 'delay', 'drop', 'deliver'].includes(verb)) return undefined
  const body = await read(request, steering)
  if ('problem' in body) return json({ error: body.problem }, 400)
  const { types, ms = 0, events: ids = [] } = body.value
  if (verb === 'hold') control.hold(types)
  else if (verb === 'delay') control.delay(ms)
  else if (verb === 'drop') control.drop(ids)
  else return json({ statuses: await control.deliver(ids) })
  return json(body.value)
}

const steering = z.strictObject({
  types: z.array(z.string()).optional(),
  ms: z.int().nonnegative().optional(),
  events: z.array(z.string()).optional(),
})

function resend(twins: Twins, eventId: string, request: Request): Response {
  const { world, webhooks } = twins.stripe
  const queued = world.journal.commit(() => resendEvent(world, eventId))
  if (queued.length === 0 && !knows(world, eventId)) return json({ error: `No such event: ${eventId}` }, 404)
  webhooks.wake()
  // The console's button is a plain form: its reader wants the page back.
  if (request.headers.get('accept')?.includes('text/html')) {
    return new Response(null, { status: 303, headers: { location: '/' } })
  }
  return json({ queued: queued.length }, 202)
}

async function read<Value>(
  request: Request,
  schema: z.ZodType<Value>,
): Promise<{ value: Value } | { problem: string }> {
  const body: unknown = await request.json().catch(() => undefined)
  const parsed = schema.safeParse(body)
  return parsed.success ? { value: parsed.data } : { problem: z.prettifyError(parsed.error) }
}

function knows(world: StripeWorld, eventId: string): boolean {
  return events(world).has(eventId) || thinEvents(world).has(eventId)
}

function json(body: unknown, status = 200): Response {
  return new Response(JSON.stringify(body, null, 2), { status, headers: { 'content-type': 'application/json' } })
}
