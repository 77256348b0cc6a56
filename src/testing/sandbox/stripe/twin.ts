import type { Fate } from '../faults.js'
import type { Journal } from '../journal.js'
import { apiVersion, checkVersion } from './api-versions.js'
import { type CallLimits, createCallGate } from './call-limits.js'
import { takeDue } from './due.js'
import { faultDetails, invalidRequest, isStripeFailure, stripeFailure, unknownRoute } from './errors.js'
import { expand } from './expand.js'
import { type FormFields, parseForm } from './form.js'
import { fingerprintOf, keyInUse, keyOf, type StripeAnswer, storeAnswer, storedAnswer } from './idempotency.js'
import { authorizeStream } from './meter-sessions.js'
import { ensureDefaultConfiguration } from './portal-configurations.js'
import { duties, followers } from './reactions.js'
import { routes } from './routes.js'
import { createWebhookControl, type WebhookControl } from './webhook-control.js'
import { createWebhookSender, type WebhookSender } from './webhook-delivery.js'
import { newId, type PaymentRecovery, type StripeWorld, worldAt } from './world.js'

export interface StripeTwinOptions {
  readonly journal: Journal
  readonly now: () => number
  readonly secretKey: string
  readonly pageUrl: (path: string) => string
  readonly merchantName: string
  readonly meterErrors: 'refuse' | 'report'
  readonly meterDelayMs: number
  readonly limits: CallLimits
  readonly recovery: PaymentRecovery
  readonly fateOf: (method: string, path: string) => Fate
}

export interface StripeTwin {
  readonly world: StripeWorld
  readonly webhooks: WebhookSender
  readonly control: WebhookControl
  /** Answers one API request. `Response.error()` stands for a connection that is cut. */
  handle(request: Request, path: string): Promise<Response>
  /** Does what is due by the clock and starts on webhooks. */
  tick(): void
}

/** A stateful stand-in for Stripe's API that the official SDK works against. */
export function createStripeTwin(options: StripeTwinOptions): StripeTwin {
  const world: StripeWorld = {
    ...options,
    cause: undefined,
    clock: null,
    sandboxNow: options.now,
    followers,
    catchUp: (clock, untilMs) => doDueWork(worldAt(world, untilMs, clock)),
  }
  const webhooks = createWebhookSender(world)
  const keysAtWork = new Set<string>()
  const gate = createCallGate(options.limits)
  world.journal.commit(() => ensureDefaultConfiguration(world))

  const tick = (): void => {
    world.journal.commit(() => doDueWork(world))
    webhooks.wake()
  }

  const answer = async (request: Request, path: string, requestId: string): Promise<StripeAnswer | undefined> => {
    authorize(world, request, path, options.secretKey)
    checkVersion(request.headers.get('stripe-version'))
    const body = await request.text()
    const url = new URL(request.url)
    const method = request.method
    const key = keyOf(request)
    const fingerprint = key === undefined ? '' : fingerprintOf(method, path + url.search, body)
    if (key !== undefined && keysAtWork.has(key)) throw keyInUse(key)
    const earlier = key === undefined ? undefined : storedAnswer(world, path, key, fingerprint)
    const call = gate.enter(world, path, body)
    const fate = options.fateOf(method, path)
    const holdsKey = key !== undefined && !fate.neverAnswers
    if (holdsKey) keysAtWork.add(key)
    try {
      if (!(await fate.arrive())) return undefined
      // A replay is an answer like any other and can be lost like any other.
      if (earlier !== undefined) return fate.losesAnswer ? undefined : earlier
      const given = world.journal.commit(() => {
        // The answer is kept together with what it did, so a kill leaves both or neither.
        const own = fate.doesWork ? perform(world, method, path, url, body, request.headers, requestId, key) : undefined
        const final = fate.answer === undefined ? own : faultAnswer(fate.answer)
        if (key !== undefined && final !== undefined) storeAnswer(world, path, key, fingerprint, final, requestId)
        return final
      })
      return fate.losesAnswer ? undefined : given
    } finally {
      call.leave()
      if (holdsKey) keysAtWork.delete(key)
    }
  }

  return {
    world,
    webhooks,
    control: createWebhookControl(world, webhooks),
    tick,
    async handle(request, path) {
      const requestId = newId('req_', 14)
      tick()
      let given: StripeAnswer | undefined
      try {
        given = await answer(request, path, requestId)
      } catch (error) {
        given = failureAnswer(error)
      }
      // After the answer is on its way, mostly: as with Stripe, a webhook may still arrive first.
      setImmediate(() => webhooks.wake())
      return given === undefined ? Response.error() : toResponse(given, requestId)
    },
  }
}

function perform(
  world: StripeWorld,
  method: string,
  path: string,
  url: URL,
  body: string,
  headers: Headers,
  requestId: string,
  key: string | undefined,
): StripeAnswer {
  world.cause = { id: requestId, idempotencyKey: key ?? null }
  try {
    // A refusal undoes what the request had done so far, yet is itself an answer to remember.
    return world.journal.attempt(() => run(world, method, path, url, body, headers))
  } catch (error) {
    return failureAnswer(error)
  } finally {
    world.cause = undefined
  }
}

function run(world: StripeWorld, method: string, path: string, url: URL, body: string, headers: Headers): StripeAnswer {
  for (const route of routes) {
    const parts = route.method === method ? route.match(path) : undefined
    if (parts === undefined) continue
    const { expand: wanted, ...fields } = readFields(method, path, url, body, headers)
    const result = route.run(world, parts, fields)
    // A declined payment is refused, yet its traces stay: it is returned, not thrown.
    if (isStripeFailure(result)) return failureAnswer(result)
    const paths = typeof wanted === 'object' && wanted !== null ? Object.values(wanted).map(String) : []
    return { status: 200, headers: {}, body: expand(world, result, paths) }
  }
  throw unknownRoute(method, path)
}

function readFields(
  method: string,
  path: string,
  url: URL,
  body: string,
  headers: Headers,
): FormFields | Record<string, unknown> {
  if (method === 'GET') return parseForm(url.search.slice(1))
  const json = headers.get('content-type')?.includes('application/json') === true
  if (json && body !== '' && path.startsWith('/v1/')) {
    throw invalidRequest('Invalid request (check that your POST content type is application/x-www-form-urlencoded).')
  }
  if (!json || path.startsWith('/v1/')) return parseForm(body === '' ? url.search.slice(1) : body)
  try {
    const value: unknown = JSON.parse(body === '' ? '{}' : body)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    // Told below, in Stripe's words.
  }
  throw stripeFailure(400, { type: 'invalid_request_error', message: 'Invalid request body: expected a JSON object.' })
}

function doDueWork(world: StripeWorld): void {
  for (let work = takeDue(world); work !== undefined; work = takeDue(world)) {
    // Late work is done as of its own time: what it schedules follows from there.
    duties[work.kind](worldAt(world, work.dueAtMs), work)
  }
}

function authorize(world: StripeWorld, request: Request, path: string, secretKey: string): void {
  const [scheme = '', credentials = ''] = (request.headers.get('authorization') ?? '').split(' ')
  const given =
    scheme.toLowerCase() === 'basic' ? (Buffer.from(credentials, 'base64').toString().split(':')[0] ?? '') : credentials
  if (path === '/v2/billing/meter_event_stream') {
    authorizeStream(world, given)
    return
  }
  if (given === secretKey) return
  const message =
    given === ''
      ? "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
      : `Invalid API Key provided: ${given.slice(0, 7)}${'*'.repeat(8)}`
  throw stripeFailure(401, { type: 'invalid_request_error', message })
}

function failureAnswer(error: unknown): StripeAnswer {
  if (isStripeFailure(error)) return { status: error.status, headers: error.headers, body: { error: error.details } }
  const message = `The sandbox failed: ${error instanceof Error ? error.message : String(error)}`
  return { status: 500, headers: {}, body: { error: { type: 'api_error', message } } }
}

function faultAnswer({ status, headers }: NonNullable<Fate['answer']>): StripeAnswer {
  return { status, headers, body: status < 400 ? {} : { error: faultDetails(status) } }
}

function toResponse({ status, headers, body }: StripeAnswer, requestId: string): Response {
  return new Response(JSON.stringify(body, null, 2), {
    status,
    headers: {
      'content-type': 'application/json',
      'request-id': requestId,
      'stripe-version': apiVersion,
      ...headers,
    },
  })
}
