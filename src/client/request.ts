import type { paths } from './contract.js'
import { problemFrom, unanswered } from './problem.js'

/** How requests are made. */
export interface BillingClientOptions {
  /** Where the routes begin; default `/api/billing`, of the page's own origin. */
  readonly baseUrl?: string
  /** Which account requests are about, where the caller may look after several; default the caller's own. */
  readonly organizationId?: string
  /** Sent with every request: a bearer token, for example. A function is asked before each. */
  readonly headers?: Readonly<Record<string, string>> | (() => Readonly<Record<string, string>>)
  /** Default `same-origin`; `include` for cookies of another origin. */
  readonly credentials?: RequestCredentials
  /** Default: the global one. */
  readonly fetch?: typeof globalThis.fetch
}

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete'
export type PathWith<M extends Method> = {
  [P in keyof paths]: M extends keyof paths[P] ? P : never
}[keyof paths]
type Operation<M extends Method, P extends PathWith<M>> = paths[P][M & keyof paths[P]]

type PathParts<Operation> = Operation extends { readonly parameters: { readonly path: infer Parts } }
  ? { readonly path: Parts }
  : unknown
type Query<Operation> = Operation extends { readonly parameters: { readonly query?: infer Asked } }
  ? unknown extends Asked
    ? unknown
    : { readonly query?: NonNullable<Asked> }
  : unknown
type Body<Operation> = Operation extends {
  readonly requestBody: { readonly content: { readonly 'application/json': infer Sent } }
}
  ? { readonly body: Sent }
  : unknown

/** What a route is asked with: the parts of its path, its question, its body. */
export type Asked<M extends Method, P extends PathWith<M>> = PathParts<Operation<M, P>> &
  Query<Operation<M, P>> &
  Body<Operation<M, P>>

/** What a route answers; nothing for 204. */
export type Answer<M extends Method, P extends PathWith<M>> =
  Operation<M, P> extends {
    readonly responses: infer Responses
  }
    ? Responses[keyof Responses] extends { readonly content: { readonly 'application/json': infer Json } }
      ? Json
      : undefined
    : undefined

/** Beside what a route is asked. */
export interface RequestOptions {
  readonly signal?: AbortSignal | undefined
  /** Makes a repeat of a write harmless: one for each intent of a person, and not for each attempt. */
  readonly idempotencyKey?: string | undefined
}

export interface Requester {
  json<M extends Method, P extends PathWith<M>>(
    method: M,
    path: P,
    asked: Asked<M, P>,
    options?: RequestOptions,
  ): Promise<Answer<M, P>>
  /** The answer as it came, once it is known to be a success. */
  raw(method: Method, path: string, asked: unknown, options?: RequestOptions & RawOptions): Promise<Response>
}

interface RawOptions {
  readonly headers?: Readonly<Record<string, string>>
}

interface Sent {
  readonly path?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, unknown>>
  readonly body?: unknown
}

export function createRequester(options: BillingClientOptions): Requester {
  const { baseUrl = '/api/billing', organizationId, credentials = 'same-origin' } = options
  const base = baseUrl.replace(/\/+$/, '')
  const raw: Requester['raw'] = async (method, path, asked, { signal, idempotencyKey, headers: extra } = {}) => {
    const { body, ...where } = asked as Sent
    const given = typeof options.headers === 'function' ? options.headers() : options.headers
    const headers = {
      accept: 'application/json',
      ...given,
      ...extra,
      ...(organizationId === undefined ? {} : { 'billfold-account': organizationId }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
    }
    const isWrite = method !== 'get'
    // Looked up at each request, so that a page may put its own in place at any time.
    const fetch = options.fetch ?? globalThis.fetch
    const response = await fetch(`${base}${addressOf(path, where)}`, {
      method: method.toUpperCase(),
      headers,
      credentials,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    }).catch((error: unknown) => {
      if (signal?.aborted) throw error
      throw unanswered(error, isWrite)
    })
    if (response.ok) return response
    throw await problemFrom(response)
  }
  return {
    raw,
    async json(method, path, asked, given) {
      const response = await raw(method, path, asked, given)
      if (response.status === 204) return undefined as never
      return (await response.json().catch((error: unknown) => {
        throw unanswered(error, method !== 'get')
      })) as never
    },
  }
}

function addressOf(path: string, { path: parts = {}, query = {} }: Sent): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(parts[name] ?? ''))
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value))
  const text = search.toString()
  return text === '' ? filled : `${filled}?${text}`
}
