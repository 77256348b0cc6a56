import type { BillingCore, Catalog, MeterName } from '../index.js'
import type { ModelLimits } from './bound.js'
import { callModel } from './call-model.js'
import type { GatewayCaller } from './caller.js'
import { GatewayError, gatewayError } from './gateway-error.js'
import { chat } from './protocols/chat.js'
import { embeddings } from './protocols/embeddings.js'
import { messages } from './protocols/messages.js'
import { jsonOf, type Protocol } from './protocols/protocol.js'
import { responses } from './protocols/responses.js'
import { type CallOptions, callTerms } from './terms.js'
import { fetched } from './upstream-answer.js'

/** Whose calls are metered, and what models may do. */
export interface WrapFetchOptions<C extends Catalog = Catalog> extends CallOptions {
  /** The meter that usage of models is recorded on; rated by cost. */
  readonly meter: MeterName<C>
  /** Who pays. */
  readonly caller: GatewayCaller | (() => GatewayCaller)
  /** Who serves the models, as the price list calls them: `openai`, `anthropic`, … */
  readonly provider: string
  /** The models that may be called, and what bounds them. */
  readonly models: Readonly<Record<string, ModelLimits>>
  /** What is wrapped; default the global one. */
  readonly fetch?: typeof globalThis.fetch
}

const endings: readonly (readonly [ending: string, protocol: Protocol])[] = [
  ['/chat/completions', chat],
  ['/responses', responses],
  ['/embeddings', embeddings],
  ['/messages', messages],
]

/**
 * A `fetch` for clients that speak as OpenAI's or Anthropic's do, which holds, forwards and charges every call of a model as the gateway
 * does, without one. What it cannot meter it does not send: it answers as the vendor would, so that clients raise their own errors.
 *
 * @example const openai = new OpenAI({ apiKey, fetch: wrapFetch(billing, { meter: 'tokens', caller, provider: 'openai', models }) })
 */
export function wrapFetch<C extends Catalog>(
  billing: Pick<BillingCore<C>, 'accounts' | 'credits' | 'lease' | 'meter' | 'quote'>,
  options: WrapFetchOptions<C>,
): typeof globalThis.fetch {
  const { meter, provider, models, fetch = globalThis.fetch } = options
  const terms = callTerms(
    billing as unknown as Pick<BillingCore, 'accounts' | 'credits' | 'lease' | 'meter' | 'quote'>,
    meter,
    options,
  )
  return async (input, init) => {
    const request = new Request(input, init)
    if (request.method !== 'POST') return fetch(input, init)
    const path = new URL(request.url).pathname
    const [, protocol] = endings.find(([ending]) => path.endsWith(ending)) ?? []
    const id = `req_${crypto.randomUUID()}`
    try {
      if (!protocol) throw new GatewayError(400, 'invalid_request', `Calls of ${path} are not metered.`)
      const read = protocol.parse(jsonOf(await request.text()))
      const limits = Object.hasOwn(models, read.model) ? models[read.model] : undefined
      if (!limits)
        throw new GatewayError(404, 'model_not_found', `No limits are known of model ${JSON.stringify(read.model)}.`)
      const caller = typeof options.caller === 'function' ? options.caller() : options.caller
      const headers = new Headers(request.headers)
      headers.delete('content-length')
      const send = (body: string, signal: AbortSignal) => fetched(fetch, request.url, { headers, body, signal })
      const model = { name: read.model, provider, limits }
      return await callModel(terms, { id, caller, protocol, request: read, model, secret: null, send, asked: request })
    } catch (thrown) {
      const error = gatewayError(thrown)
      if (error.code === 'client_closed_request') throw request.signal.reason
      if (error.status >= 500 && !(thrown instanceof GatewayError)) terms.onError(thrown, id)
      const { status, headers } = error
      return Response.json((protocol ?? chat).errorBody(error, id), { status, headers })
    }
  }
}
