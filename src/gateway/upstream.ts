import { BillingError } from '../index.js'
import type { ModelLimits } from './bound.js'
import { dispatched, dispatcherOf } from './dispatch.js'
import type { PricedModel } from './model-call.js'
import { chat } from './protocols/chat.js'
import { embeddings } from './protocols/embeddings.js'
import { messages } from './protocols/messages.js'
import type { Protocol } from './protocols/protocol.js'
import { responses } from './protocols/responses.js'
import { fetched, type UpstreamAnswer } from './upstream-answer.js'

/** Who serves models, and which. */
export interface Upstream {
  /** As the price list calls them: `openai`, `anthropic`, `google`, `groq`, … */
  readonly provider: string
  /** As for the vendor's own client: `https://api.openai.com/v1`, `https://api.anthropic.com`. */
  readonly baseURL: string
  readonly apiKey: string
  /** What it speaks; default `anthropic` for the provider of that name, else `openai`. */
  readonly protocol?: 'openai' | 'anthropic'
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>
  /** What it serves, by the name that clients use. */
  readonly models: Readonly<Record<string, GatewayModel>>
}

/** A model, what it may read and write at most, and what its upstream calls it, where that is another name. */
export interface GatewayModel extends ModelLimits {
  readonly name?: string
}

/** A model that is served, and where. */
export interface ServedModel extends PricedModel {
  readonly id: string
  readonly protocols: readonly Protocol[]
  readonly secret: string
  send(protocol: Protocol, body: string, signal: AbortSignal): Promise<UpstreamAnswer>
}

/**
 * The models of all upstreams by the name that clients use.
 *
 * @throws BillingError `config_invalid` for a name that stands for two models, limits that are none, or an address that is none
 */
export function servedModels(
  upstreams: readonly Upstream[],
  fetch: typeof globalThis.fetch,
): ReadonlyMap<string, ServedModel> {
  const served = new Map<string, ServedModel>()
  for (const upstream of upstreams) {
    if (!URL.canParse(upstream.baseURL) || !/^https?:/.test(upstream.baseURL))
      throw invalid(`upstream ${upstream.provider}: baseURL is no address`)
    for (const [id, { name = id, ...limits }] of Object.entries(upstream.models)) {
      if (served.has(id)) throw invalid(`two upstreams serve a model called ${id}`)
      checkLimits(id, limits)
      served.set(id, { id, name, provider: upstream.provider, limits, ...doorTo(upstream, limits, fetch) })
    }
  }
  if (served.size > 0) return served
  throw invalid('no upstream serves a model')
}

function checkLimits(id: string, { maximumOutputTokens, contextTokens, imageTokens = 0 }: ModelLimits): void {
  const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0
  if (isCount(maximumOutputTokens) && isCount(contextTokens) && contextTokens > 0 && isCount(imageTokens)) return
  throw invalid(`model ${id}: maximumOutputTokens, contextTokens and imageTokens are whole numbers of tokens`)
}

/** What is sent is made here: no header and no part of the address comes from a client. */
function doorTo(upstream: Upstream, limits: ModelLimits, fetch: typeof globalThis.fetch) {
  const speaks = upstream.protocol ?? (upstream.provider === 'anthropic' ? 'anthropic' : 'openai')
  const isText = limits.maximumOutputTokens > 0
  const protocols = speaks === 'anthropic' ? [messages] : isText ? [chat, responses] : [embeddings]
  const key: Readonly<Record<string, string>> =
    speaks === 'anthropic'
      ? { 'x-api-key': upstream.apiKey, 'anthropic-version': '2023-06-01' }
      : { authorization: `Bearer ${upstream.apiKey}` }
  const asked = { 'content-type': 'application/json', accept: '*/*', 'accept-encoding': 'identity' }
  const headers = { 'user-agent': 'billfold', ...upstream.headers, ...key, ...asked }
  const base = upstream.baseURL.replace(/\/+$/, '')
  const urls = new Map(protocols.map((protocol) => [protocol, new URL(`${base}${protocol.path}`)]))
  return {
    protocols,
    secret: upstream.apiKey,
    async send(protocol: Protocol, body: string, signal: AbortSignal) {
      const url = urls.get(protocol) ?? new URL(`${base}${protocol.path}`)
      const dispatcher = dispatcherOf(fetch)
      if (dispatcher) return dispatched(dispatcher, url, headers, body, signal)
      return fetched(fetch, url.href, { headers, body, signal })
    },
  }
}

function invalid(what: string): BillingError {
  return new BillingError('config_invalid', `createGateway: ${what}.`)
}
