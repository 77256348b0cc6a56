import type { Fate } from '../faults.js'
import type { Journal } from '../journal.js'
import { runBackground } from './background.js'
import { backgroundWorkers } from './background-workers.js'
import { isLagoFailure, type LagoErrorBody, lagoFailure } from './errors.js'
import { jobs } from './job-list.js'
import { runJobs } from './jobs.js'
import { LagoText } from './route.js'
import { routes } from './routes.js'
import { createLagoWebhookControl, type LagoWebhookControl } from './webhook-control.js'
import { createLagoWebhookSender, type LagoWebhookSender } from './webhook-delivery.js'
import type { EventStore, LagoWorld } from './world.js'

export interface LagoTwinOptions {
  readonly journal: Journal
  readonly now: () => number
  readonly apiKey: string
  readonly hmacKey: string
  readonly eventStore: EventStore
  readonly merchantName: string
  readonly pageUrl: (path: string) => string
  readonly fateOf: (method: string, path: string) => Fate
}

export interface LagoTwin {
  readonly world: LagoWorld
  readonly webhooks: LagoWebhookSender
  readonly control: LagoWebhookControl
  /** Answers one API request; `path` begins with `/api/v1`. `Response.error()` stands for a connection that is cut. */
  handle(request: Request, path: string): Promise<Response>
  /** Does what is due by the clock and starts on webhooks. */
  tick(): void
}

interface Answer {
  readonly status: number
  /** `undefined` for an empty one. */
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

const prefix = '/api/v1'

/** A stateful stand-in for Lago's API that the official SDK works against. */
export function createLagoTwin(options: LagoTwinOptions): LagoTwin {
  const { journal, now, pageUrl, merchantName, eventStore, hmacKey } = options
  const world: LagoWorld = { journal, now, pageUrl, merchantName, eventStore, hmacKey }
  const webhooks = createLagoWebhookSender(world)

  const tick = (): void => {
    runJobs(world, jobs)
    runBackground(world, backgroundWorkers)
    webhooks.wake()
  }

  const answer = async (request: Request, path: string): Promise<Answer | undefined> => {
    authorize(request, options.apiKey)
    const text = await request.text()
    const fate = options.fateOf(request.method, path)
    if (!(await fate.arrive())) return undefined
    const own = fate.doesWork ? journal.commit(() => perform(world, request, path, text)) : undefined
    const given = fate.answer === undefined ? own : faultAnswer(fate.answer)
    return fate.losesAnswer ? undefined : given
  }

  return {
    world,
    webhooks,
    control: createLagoWebhookControl(world, webhooks),
    tick,
    async handle(request, path) {
      tick()
      let given: Answer | undefined
      try {
        given = await answer(request, path)
      } catch (error) {
        given = failureAnswer(error)
      }
      // After the answer is on its way, mostly: as with Lago, a webhook may still arrive first.
      setImmediate(() => webhooks.wake())
      return given === undefined ? Response.error() : toResponse(given)
    },
  }
}

function perform(world: LagoWorld, request: Request, path: string, text: string): Answer {
  try {
    // A refusal undoes what the request had done so far.
    return world.journal.attempt(() => run(world, request, path, text))
  } catch (error) {
    return failureAnswer(error)
  }
}

function run(world: LagoWorld, request: Request, path: string, text: string): Answer {
  const address = path.slice(prefix.length)
  const { searchParams: query } = new URL(request.url)
  for (const route of path.startsWith(`${prefix}/`) ? routes : []) {
    const parts = route.method === request.method ? route.match(address) : undefined
    if (parts === undefined) continue
    return { status: 200, body: route.run({ world, path: parts, query, body: readJson(text) }) }
  }
  // Rails answers like this for an address that it does not know; the official SDK without `/api/v1` gets there.
  throw lagoFailure(404, { error: `Not Found: the sandbox has no ${request.method} ${path}`, code: 'route_not_found' })
}

function readJson(text: string): unknown {
  if (text === '') return undefined
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw lagoFailure(400, { error: 'BadRequest: Error occurred while parsing request parameters' })
  }
}

function authorize(request: Request, apiKey: string): void {
  const [scheme = '', credentials = ''] = (request.headers.get('authorization') ?? '').split(' ')
  if (scheme.toLowerCase() !== 'bearer' || credentials !== apiKey) throw lagoFailure(401)
}

function failureAnswer(error: unknown): Answer {
  if (isLagoFailure(error)) return { status: error.status, body: error.body, headers: error.headers }
  const message = `The sandbox failed: ${error instanceof Error ? error.message : String(error)}`
  return { status: 500, body: { status: 500, error: message } satisfies LagoErrorBody }
}

/** What a fault looks like on Lago's wire: `code` and details as Lago gives them for the status. */
function faultAnswer({ status, headers }: NonNullable<Fate['answer']>): Answer {
  if (status < 400) return { status, body: undefined, headers }
  const limited = { 'x-ratelimit-limit': '50', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1' }
  const refusal = lagoFailure(status, status === 422 ? { code: 'validation_errors', error_details: {} } : {})
  return { status, body: refusal.body, headers: status === 429 ? { ...limited, ...headers } : headers }
}

function toResponse({ status, body, headers }: Answer): Response {
  if (body instanceof LagoText)
    return new Response(body.text, { status, headers: { 'content-type': 'text/plain', ...headers } })
  const content = body === undefined ? null : JSON.stringify(body)
  return new Response(content, { status, headers: { 'content-type': 'application/json; charset=utf-8', ...headers } })
}
