import { createRoute, OpenAPIHono, type RouteConfig, type RouteHandler, z } from '@hono/zod-openapi'
import type { Context, MiddlewareHandler } from 'hono'
import type { Logger } from '../index.js'
import type { Operator, OperatorAccess } from './admin/operator.js'
import type { ServedBilling } from './billing.js'
import { type BodyLimits, readJson } from './body.js'
import { bodyProblems, changeProblems, problemsOfAll, providerProblems } from './contract/fields.js'
import type { EventStreamOptions } from './event-stream.js'
import { type Access, authorized, type Identify, type Identity, identified } from './identity.js'
import type { AskedFor, RequestInstrumentation } from './observed.js'
import { checkOrigin } from './origin.js'
import type { RateLimitStanding, RateLimits } from './rate-limit.js'
import { RequestError } from './request-error.js'
import type { Wire } from './wire/wire.js'

/** What a request brings with it once it is known whose it is. */
export interface AppEnv {
  readonly Bindings: AskedFor
  readonly Variables: {
    requestId: string
    identity: Identity
    accountId: string
    operator: Operator
    /** The limit of requests that has least room. */
    tightest: RateLimitStanding | undefined
  }
}

export type App = OpenAPIHono<AppEnv>

/** What every handler has, whoever it is for. */
export interface Serving {
  readonly billing: ServedBilling
  readonly allowedOrigins: readonly string[]
  readonly limits: BodyLimits
  readonly rates: RateLimits
  /** Whether there is a page that shows what can be asked for. */
  readonly reference: boolean
  readonly logger: Logger | null
  readonly instrumentation: RequestInstrumentation | null
  readonly onError: (error: unknown, requestId: string) => void
}

/** What routes are made of. */
export interface Served extends Serving {
  readonly wire: Wire
  readonly identify: Identify
  readonly publishableKey: string | null
  readonly eventStreams: EventStreamOptions
  readonly returnUrls: ReturnUrls | null
  /** Reads what providers keep for download. */
  readonly fetch: typeof globalThis.fetch
}

/** Where hosted pages lead back to where a request does not say; `portal` is as `success` where it is not given. */
export interface ReturnUrls {
  readonly success: string
  readonly cancel: string
  readonly portal?: string
}

/** A route of one account, whoever asks for it: identity, scope, account, origin, body, fields, in this order. */
export function addRoute<const R extends RouteConfig>(
  app: App,
  served: Served,
  access: Access,
  config: R,
  handler: RouteHandler<R, AppEnv>,
): void {
  const request = access.account === 'own' ? withAccountHeader(config.request) : config.request
  addGuardedRoute(app, access, { ...config, ...(request && { request }) } as R, guard(served, access), handler)
}

/** Which of the accounts that `identify` grants a route is about, where its path names none. */
const accountHeader = 'billfold-account'
const accountHeaders = z.object({
  [accountHeader]: z
    .string()
    .max(200)
    .optional()
    .openapi({ description: 'One of the accounts the caller may name, instead of its own.', example: 'acme' }),
})

function withAccountHeader(request: RouteConfig['request']): RouteConfig['request'] {
  const { headers } = request ?? {}
  const own = headers instanceof z.ZodObject ? headers.extend(accountHeaders.shape) : accountHeaders
  return { ...request, headers: own }
}

/** A route behind something that knows its callers. */
export function addGuardedRoute<const R extends RouteConfig>(
  app: App,
  access: Exclude<RegisteredRoute['access'], 'public'>,
  config: R,
  middleware: MiddlewareHandler<AppEnv>,
  handler: RouteHandler<R, AppEnv>,
): void {
  const isChange = config.method !== 'get'
  const route = createRoute({
    ...config,
    // GET of some objects makes or asks for what does not fit how things stand, too.
    responses: { ...providerProblems, ...changeProblems, ...(isChange && bodyProblems), ...config.responses },
    // What is asked for must be known, also where nothing can be.
    request: { query: z.strictObject({}), ...config.request },
    operationId: config.operationId ?? operationOf(config),
    security: [{ bearer: [] }, { cookie: [] }],
    middleware,
  })
  app.openapi(route as never, handler as never)
  register(app, config, access)
}

/** A route that anybody may ask for. It looks for itself at what it is sent. */
export function addPublicRoute<const R extends RouteConfig>(
  app: App,
  config: R,
  handler: RouteHandler<R, AppEnv>,
): void {
  const responses = { ...problemsOfAll, ...config.responses }
  const route = createRoute({ ...config, responses, operationId: operationOf(config), security: [] })
  app.openapi(route as never, handler as never)
  register(app, config, 'public')
}

/** A route as tests and documents look at it. */
export interface RegisteredRoute {
  readonly method: string
  readonly path: string
  readonly access: Access | OperatorAccess | 'public'
}

function register(app: App, { method, path }: RouteConfig, access: RegisteredRoute['access']): void {
  registered.set(app, [...routesOf(app), { method, path, access }])
}

/** `GET /account/{organization_id}/usage` is `get_account_usage`; what is one of several is named by its id. */
function operationOf({ method, path }: RouteConfig): string {
  const words = path.split('/').flatMap((part) => {
    if (part === '' || part === '{organization_id}') return []
    return [part.startsWith('{') ? `by_${part.slice(1, -1)}` : part.replace(/\W/g, '_')]
  })
  return [method, ...words].join('_')
}

const registered = new WeakMap<App, readonly RegisteredRoute[]>()

export function routesOf(app: App): readonly RegisteredRoute[] {
  return registered.get(app) ?? []
}

function guard(served: Served, access: Access): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    const request = context.req.raw
    const identity = await identified(served.identify, request, (error) => served.onError(error, context.var.requestId))
    context.set('identity', identity)
    await countRequest(context, served, 'account', identity.accountId)
    if (identity.apiKeyId !== undefined) await countRequest(context, served, 'apiKey', identity.apiKeyId)
    context.set('accountId', authorized(identity, access, accountNamed(context, access)))
    checkOrigin(request, identity, served.allowedOrigins)
    await takeBody(context, served.limits)
    await next()
  }
}

/** The account that the path names, or the header of a request whose path names none. */
function accountNamed(context: Context<AppEnv>, { account }: Access): string | undefined {
  return account === 'path' ? context.req.param('organization_id') : context.req.header(accountHeader)
}

/** Reads what a write says, for whatever checks its fields. */
export async function takeBody(context: Context<AppEnv>, limits: BodyLimits): Promise<void> {
  const request = context.req.raw
  if (request.method === 'GET' || request.method === 'HEAD') return
  const text = await readJson(request, limits)
  // What checks the fields reads this instead of the body, which is read already.
  context.req.bodyCache = { text: Promise.resolve(text) as never }
  context.req.raw = withJsonType(request)
}

/** Counts a request of somebody, and keeps for its answer which limit has least room. @throws RequestError `rate_limited` */
export async function countRequest(
  context: Context<AppEnv>,
  { rates, onError }: Serving,
  who: string,
  key: string,
): Promise<void> {
  const standing = await rates.take(who, key, (error) => onError(error, context.var.requestId))
  if (!standing) return
  const { tightest } = context.var
  if (!tightest || standing.isOver || standing.remaining < tightest.remaining) context.set('tightest', standing)
  if (!standing.isOver) return
  const seconds = String(Math.max(1, Math.ceil(standing.resetMs / 1_000)))
  throw new RequestError('rate_limited', `Too many requests: wait ${seconds} seconds.`, { 'retry-after': seconds })
}

/** A write without a body is one with an empty object. */
function withJsonType(request: Request): Request {
  if (request.headers.get('content-type')?.startsWith('application/json')) return request
  const headers = new Headers(request.headers)
  headers.set('content-type', 'application/json')
  return new Request(request.url, { method: request.method, headers })
}

/** An empty app that answers what its schemas refuse as every other error. */
export function createApp(): App {
  return new OpenAPIHono<AppEnv>({
    strict: false,
    defaultHook: (result) => {
      if (result.success) return
      const [first] = result.error.issues
      const unknown = first?.code === 'unrecognized_keys' ? first.keys[0] : undefined
      const fields = result.error.issues.map(({ path, message, ...issue }) => ({
        field: 'keys' in issue ? [...path, String((issue.keys as readonly string[])[0])].join('.') : path.join('.'),
        message,
      }))
      const message = fields.map(({ field, message: what }) => (field === '' ? what : `${field}: ${what}`)).join('; ')
      throw new RequestError(unknown === undefined ? 'invalid_request' : 'unknown_field', message, {}, fields)
    },
  })
}
