import { deeperThan, readBytes } from '../http/body.js'
import type { BillingCore, Catalog, MeterName } from '../index.js'
import { type BalanceAnswer, balanceAnswer, resumeWithFunds } from './account-status.js'
import { callModel } from './call-model.js'
import type { Currency } from './currency.js'
import { GatewayError, gatewayError, invalidParameter } from './gateway-error.js'
import { byApiKey, type IdentifyCaller, identified } from './identify.js'
import { chargeLostCalls } from './lost-call.js'
import type { LostCalls } from './model-call.js'
import { chat } from './protocols/chat.js'
import { embeddings } from './protocols/embeddings.js'
import { messages } from './protocols/messages.js'
import { jsonOf, type Protocol } from './protocols/protocol.js'
import { responses } from './protocols/responses.js'
import { createSignup, type SignupOptions } from './signup.js'
import { type CallOptions, callTerms } from './terms.js'
import { type ServedModel, servedModels, type Upstream } from './upstream.js'

/** What a gateway is made of, beside the service. */
export interface GatewayOptions<C extends Catalog = Catalog> extends CallOptions {
  /** The meter that usage of models is recorded on; rated by cost. */
  readonly meter: MeterName<C>
  readonly upstreams: readonly Upstream[]
  /** Who calls. Default: whom `billing.apiKeys` knows by the key in `Authorization` or `x-api-key`. */
  readonly identify?: IdentifyCaller
  /** What a key must be allowed to do; default `models:call`. */
  readonly scope?: string
  /**
   * What is charged for a call whose process died, once its hold is over: `release` (nothing, the default), `input` (what it asked to read) or
   * `held` (the most it may have cost). Calls on leases are charged nothing.
   */
  readonly lostCalls?: LostCalls
  /** Serves `POST /user/signup`; default nobody signs up here. */
  readonly signup?: SignupOptions
  /** Where routes begin; default at the root, so that `/v1` is where the official clients look. */
  readonly basePath?: string
  /** The largest request, in bytes; default 10 MiB. */
  readonly maximumBodyBytes?: number
  /**
   * Reaches the upstreams. Default: the dispatcher behind Node's own `fetch`, the one that `setGlobalDispatcher` of undici sets; where `fetch` was
   * replaced, and on other runtimes, the global one.
   */
  readonly fetch?: typeof globalThis.fetch
  /** The clock, in milliseconds since the epoch; default the system's. */
  readonly now?: () => number
}

/** What of the service a gateway uses. */
export type GatewayBilling<C extends Catalog = Catalog> = Pick<
  BillingCore<C>,
  | 'accounts'
  | 'apiKeys'
  | 'capture'
  | 'credits'
  | 'hold'
  | 'lease'
  | 'meter'
  | 'on'
  | 'priceList'
  | 'quote'
  | 'recordUsage'
  | 'sync'
>

/** A fetch-standard handler, for the converters of `billfold/http`. */
export interface Gateway {
  (request: Request): Promise<Response>
  readonly basePath: string
}

const protocols: ReadonlyMap<string, Protocol> = new Map([
  ['/v1/chat/completions', chat],
  ['/v1/responses', responses],
  ['/v1/embeddings', embeddings],
  ['/v1/messages', messages],
])

const consumer = 'gateway'
const maximumDepth = 64

/**
 * A prepaid gateway to models, for the vendors' own clients: it holds what a call may cost at most, forwards it, and charges what it used.
 *
 * @throws BillingError `config_invalid` for upstreams or limits that are none
 * @example const gateway = createGateway(billing, { meter: 'tokens', upstreams: [{ provider: 'openai', baseURL, apiKey, models }] })
 * @see docs/gateway.md
 */
export function createGateway<C extends Catalog>(billing: GatewayBilling<C>, options: GatewayOptions<C>): Gateway {
  const { basePath = '', scope = 'models:call', maximumBodyBytes = 10 * 1024 * 1024 } = options
  const identify = options.identify ?? byApiKey(billing, scope)
  const models = servedModels(options.upstreams, options.fetch ?? globalThis.fetch)
  // Names on the wire are looked up in the catalog when a call has them.
  const metered = billing as unknown as GatewayBilling
  const terms = callTerms(metered, options.meter, options)
  metered.on(consumer, 'credit.granted', ({ id, accountId }) => resumeWithFunds(metered, accountId, `gateway:${id}`))
  if (terms.lostCalls !== 'release') chargeLostCalls(metered, consumer, options.meter)
  const currency = remembered(() => currencyOf(metered))
  const signUp =
    options.signup && createSignup(metered, options.signup, { scope, now: options.now ?? Date.now, currency })
  const health = remembered(async () => void (await metered.sync.status()), 1_000)

  const call = async (protocol: Protocol, request: Request, id: string): Promise<Response> => {
    const caller = await identified(identify, request)
    const read = protocol.parse(await bodyOf(request, maximumBodyBytes))
    const model = models.get(read.model)
    if (!model?.protocols.includes(protocol)) throw noModel(read.model, protocol)
    const send = (body: string, signal: AbortSignal) => model.send(protocol, body, signal)
    const { secret } = model
    return callModel(terms, { id, caller, protocol, request: read, model, secret, send, asked: request })
  }

  const balance = async (request: Request): Promise<BalanceAnswer> => {
    const caller = await identified(identify, request)
    return balanceAnswer(metered, caller, await currency(), await terms.topUpUrl(caller))
  }

  const answer = async (request: Request, path: string, id: string): Promise<Response> => {
    const operation = `${request.method} ${path}`
    const protocol = protocols.get(path)
    if (protocol && request.method === 'POST') return call(protocol, request, id)
    if (operation === 'GET /health') {
      await health()
      return Response.json({ status: 'ok' })
    }
    if (signUp && operation === 'POST /user/signup')
      return Response.json(await signUp(request, await bodyOf(request, 10_000)), { status: 201 })
    if (operation === 'GET /v1/balance') return Response.json(await balance(request))
    const [, name] = /^GET \/v1\/models(?:\/(.+))?$/.exec(operation) ?? [undefined, null]
    if (name !== null) {
      await identified(identify, request)
      return Response.json(name === undefined ? listOf(models) : modelAnswer(found(models, decoded(name))))
    }
    const isKnown = protocol !== undefined
    throw isKnown
      ? new GatewayError(405, 'method_not_allowed', `${path} takes POST.`, {}, { allow: 'POST' })
      : new GatewayError(404, 'not_found', `There is no ${operation} here.`)
  }

  const handle = async (request: Request): Promise<Response> => {
    const id = `req_${crypto.randomUUID()}`
    const { pathname } = new URL(request.url)
    const path = pathname.startsWith(basePath) ? pathname.slice(basePath.length) : pathname
    try {
      return withHeaders(await answer(request, path, id), id)
    } catch (thrown) {
      const error = gatewayError(thrown)
      if (error.status >= 500 && !(thrown instanceof GatewayError)) terms.onError(thrown, id)
      const body = (protocols.get(path) ?? chat).errorBody(error, id)
      return withHeaders(Response.json(body, { status: statusOf(error), headers: error.headers }), id)
    }
  }
  return Object.assign(handle, { basePath })
}

/** Nobody is there to read 499, which no constructor of responses forbids but some servers do. */
function statusOf({ status }: GatewayError): number {
  return status === 499 ? 400 : status
}

function withHeaders(response: Response, id: string): Response {
  response.headers.set('cache-control', 'no-store')
  response.headers.set('x-content-type-options', 'nosniff')
  response.headers.set('x-request-id', id)
  response.headers.set('request-id', id)
  return response
}

/** Prompts may be long, and come from afar. */
const maximumBodyMs = 120_000

const decoder = new TextDecoder()

async function bodyOf(request: Request, maximumBytes: number): Promise<unknown> {
  const text = decoder.decode(await readBytes(request, { bytes: maximumBytes, ms: maximumBodyMs }))
  if (deeperThan(text, maximumDepth)) throw invalidParameter('body', `is nested deeper than ${maximumDepth}`)
  return jsonOf(text)
}

async function currencyOf(billing: Pick<GatewayBilling, 'priceList'>): Promise<Currency> {
  const { currency: code, spark } = await billing.priceList()
  return { code, spark }
}

/** Asks once, or once in a while; a failure is not remembered. */
function remembered<T>(ask: () => Promise<T>, forMs = Number.POSITIVE_INFINITY): () => Promise<T> {
  let known: { readonly answer: Promise<T>; readonly at: number } | null = null
  return () => {
    const now = performance.now()
    if (known && now - known.at < forMs) return known.answer
    const answer = ask()
    known = { answer, at: now }
    answer.catch(() => {
      known = null
    })
    return answer
  }
}

function noModel(name: string, { name: endpoint }: Protocol): GatewayError {
  const message = `The model ${JSON.stringify(name)} does not exist, or is not served at ${endpoint}.`
  return new GatewayError(404, 'model_not_found', message, { param: 'model' })
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function found(models: ReadonlyMap<string, ServedModel>, id: string): ServedModel {
  const model = models.get(id)
  if (model) return model
  throw new GatewayError(404, 'model_not_found', `The model ${JSON.stringify(id)} does not exist.`)
}

/** As OpenAI and Anthropic list models, both in one. */
function listOf(models: ReadonlyMap<string, ServedModel>): unknown {
  const data = [...models.values()].map(modelAnswer)
  return { object: 'list', data, has_more: false, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null }
}

function modelAnswer({ id, provider }: ServedModel) {
  const created = { created: 0, created_at: '1970-01-01T00:00:00Z' }
  return { id, object: 'model', type: 'model', display_name: id, owned_by: provider, ...created }
}
