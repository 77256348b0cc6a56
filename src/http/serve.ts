import { cors } from 'hono/cors'
import { matchedRoutes } from 'hono/route'
import { type App, countRequest, createApp, type RegisteredRoute, routesOf, type Serving } from './app.js'
import { type DocumentTitle, documentOf, withSharedAnswers } from './document.js'
import { notHere } from './not-here.js'
import { type AnsweredRequest, type AskedFor, tell } from './observed.js'
import { problemResponse } from './problem.js'
import { rateLimitHeaders } from './rate-limit.js'
import { RequestError } from './request-error.js'

/** A fetch-standard handler: mount it on anything that speaks `Request` and `Response`. */
export interface BillingHandler {
  (request: Request): Promise<Response>
  readonly basePath: string
  /** The OpenAPI 3.1 document of its routes. */
  document(): unknown
  readonly routes: readonly RegisteredRoute[]
}

const securityHeaders = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

/** What pages of other origins read beside the body. */
const readByPages = [
  ...['content-disposition', 'link', 'retry-after', 'x-request-id'],
  ...['ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset'],
]

/** Where routes begin, without a slash at the end. @throws TypeError for what is no path, or a pattern of several */
function beginning(basePath: string): string {
  const path = basePath.replace(/\/$/, '')
  if (/^(?:\/[\w.~-]+)*$/.test(path) && !/\/\.\.?(?:\/|$)/.test(path)) return path
  throw new TypeError(`basePath: give a path such as /api/billing, not ${JSON.stringify(basePath)}.`)
}

/** Routes as one `Request → Response`: with headers, errors and a document that are the same for whomever they are. */
export function serve(
  serving: Serving,
  givenPath: string,
  title: DocumentTitle,
  add: (app: App) => void,
): BillingHandler {
  const { billing, allowedOrigins, rates, logger, instrumentation, onError } = serving
  const basePath = beginning(givenPath)
  const everywhere = createApp()
  // Also around what is not under the path: no answer goes without them.
  everywhere.use(async (context, next) => {
    context.set('requestId', crypto.randomUUID())
    await next()
    const found = matchedRoutes(context).findLast(({ path }) => !path.endsWith('*'))
    context.env.route = found?.path.replace(/:(\w+)/g, '{$1}')
    context.env.requestId = context.var.requestId
    const { tightest } = context.var
    if (tightest) for (const [name, value] of Object.entries(rateLimitHeaders(tightest))) context.header(name, value)
    const own = context.res.headers.get('content-security-policy')
    for (const [name, value] of Object.entries(securityHeaders)) context.header(name, value)
    // A page brings a policy of its own that lets in what it is made of.
    if (own !== null) context.header('content-security-policy', own)
    context.header('x-request-id', context.var.requestId)
    // Only the head of it is sent: what its body would be made of must end, such as a stream of changes.
    if (context.req.method === 'HEAD') await context.res.body?.cancel()
  })
  everywhere.use(async (_context, next) => {
    try {
      await next()
    } catch (thrown) {
      // An `Error` has become an answer further in.
      throw new Error('What was thrown is no Error.', { cause: thrown })
    }
  })
  const app = everywhere.basePath(basePath) as App
  if (allowedOrigins.length > 0)
    app.use(cors({ origin: [...allowedOrigins], credentials: true, exposeHeaders: readByPages }))
  app.use(async (context, next) => {
    // No id has a slash in it: what looks like a way to somewhere else leads nowhere.
    if (/%2f|%5c/i.test(new URL(context.req.url).pathname))
      throw new RequestError('not_found', 'There is nothing here.')
    const isWebhook = context.req.path.startsWith(`${basePath}/webhooks/`)
    const prefix = context.req.method === 'OPTIONS' ? null : rates.prefixOf(context.req.raw)
    if (prefix !== null) await countRequest(context, serving, isWebhook ? 'webhookAddress' : 'address', prefix)
    await next()
  })
  app.onError((error, context) => {
    const requestId = context.var.requestId
    const response = problemResponse(error, requestId)
    const isExpected = error instanceof RequestError || response.status === 501
    if (response.status >= 500 && !isExpected) onError(error, requestId)
    return response
  })
  app.notFound((context) => problemResponse(notHere(context, basePath, routesOf(app)), context.var.requestId))
  add(app)
  const whole = () => documentOf(app, billing, title)
  const document = () => withSharedAnswers(whole())
  app.get('/openapi.json', (context) => context.json(document()))
  if (serving.reference)
    app.get('/reference', async () => {
      const { referencePage } = await import('./reference/page.js')
      return referencePage(whole() as never, basePath)
    })

  const answer = async (request: Request): Promise<AnsweredRequest> => {
    const asked: AskedFor = {}
    const start = performance.now()
    const response = await app.fetch(request, asked)
    const { route } = asked
    if (logger) tell(logger, request, response, asked, performance.now() - start)
    return { response, ...(route === undefined ? {} : { route }) }
  }
  const handle = async (request: Request) =>
    instrumentation ? instrumentation.request(request, () => answer(request)) : (await answer(request)).response
  return Object.assign(handle, { basePath, routes: routesOf(app), document })
}
