import { BillingError } from '../../core/errors.js'
import { neverConnected, parseRetryAfter } from '../door/fault.js'
import type { OtlpSpan } from './span.js'

/**
 * What became of one request.
 *
 * - `refused`: some or all of its spans will never be taken; which ones is not said.
 * - `retry`: nothing happened; `unknown`: it may have.
 */
export type SendResult =
  | { readonly status: 'delivered' }
  | { readonly status: 'refused'; readonly reason: string }
  | { readonly status: 'retry'; readonly reason: string; readonly retryAfterMs?: number }
  | { readonly status: 'unknown'; readonly reason: string }

/** Sends spans in one request. @throws BillingError `provider_authentication` */
export type SendSpans = (spans: readonly OtlpSpan[], signal: AbortSignal | undefined) => Promise<SendResult>

export interface SendSettings {
  readonly baseUrl: string
  readonly publicKey: string
  readonly secretKey: string
  readonly timeoutMs: number
  readonly fetch: typeof fetch | undefined
}

/**
 * Sends OTLP as JSON. Written here, since the exporters there are report success where the server refused spans
 * (`partialSuccess`). The version header says that the spans are complete; without it they would be readable minutes later.
 *
 * @see https://langfuse.com/integrations/native/opentelemetry
 * @see https://opentelemetry.io/docs/specs/otlp/#otlphttp-response
 */
export function spanSender(settings: SendSettings): SendSpans {
  const url = `${settings.baseUrl}/api/public/otel/v1/traces`
  const headers = {
    authorization: `Basic ${btoa(`${settings.publicKey}:${settings.secretKey}`)}`,
    'content-type': 'application/json',
    'x-langfuse-ingestion-version': '4',
  }
  return async (spans, signal) => {
    if (signal?.aborted) return { status: 'retry', reason: 'Not sent: the sending was stopped.' }
    const timeout = AbortSignal.timeout(settings.timeoutMs)
    try {
      const response = await (settings.fetch ?? fetch)(url, {
        method: 'POST',
        headers,
        body: JSON.stringify(toExport(spans)),
        // The key must not follow to another host, and a redirected POST would lose its body.
        redirect: 'manual',
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      })
      return resultOf(response.status, response.headers, await response.text())
    } catch (error) {
      if (BillingError.is(error)) throw error
      return failedSend(error)
    }
  }
}

/** The body of a request. */
export function toExport(spans: readonly OtlpSpan[]) {
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'billfold' } }] }
  return { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'billfold' }, spans }] }] }
}

function resultOf(status: number, headers: Headers, body: string): SendResult {
  if (status >= 200 && status < 300) return acknowledged(body)
  const reason = `Langfuse answered ${status}${messageOf(body)}`
  if (status === 401 || status === 403) {
    throw new BillingError('provider_authentication', 'Langfuse refused the keys; check them and the base URL.', {
      details: { provider: 'langfuse', status },
    })
  }
  if (status === 400 || status === 413 || status === 422) return { status: 'refused', reason }
  if (status >= 500 && status !== 503) return { status: 'unknown', reason }
  // 408, 429 and 503 say so; the others (a redirect, 404) mean that the base URL is wrong, which is mended without loss.
  const retryAfterMs = parseRetryAfter(headers.get('retry-after'))
  return { status: 'retry', reason, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }
}

/** A 2xx counts once it can be read: a proxy's page or half an answer says nothing about the spans. */
function acknowledged(body: string): SendResult {
  const answer = parseObject(body)
  if (answer === undefined)
    return { status: 'unknown', reason: 'Langfuse acknowledged with something that is not a JSON object.' }
  const partial = asObject(answer.partialSuccess ?? answer.partial_success)
  // 64-bit numbers are text in OTLP/JSON.
  const rejected = Number(partial?.rejectedSpans ?? partial?.rejected_spans ?? 0)
  if (rejected === 0) return { status: 'delivered' }
  if (Number.isNaN(rejected)) return { status: 'unknown', reason: 'Langfuse acknowledged without saying how many.' }
  const message = partial?.errorMessage ?? partial?.error_message
  return {
    status: 'refused',
    reason: typeof message === 'string' && message !== '' ? message : 'Langfuse rejected the span.',
  }
}

function failedSend(error: unknown): SendResult {
  for (let cause = error, depth = 0; typeof cause === 'object' && cause !== null && depth < 4; depth += 1) {
    const link = cause as { readonly code?: unknown; readonly cause?: unknown }
    if (typeof link.code === 'string' && neverConnected.has(link.code)) {
      return { status: 'retry', reason: `Langfuse could not be reached (${link.code}).` }
    }
    cause = link.cause
  }
  return {
    status: 'unknown',
    reason: error instanceof Error ? `${error.name}: ${error.message}` : 'The request failed.',
  }
}

function messageOf(body: string): string {
  const message = parseObject(body)?.message
  return typeof message === 'string' ? `: ${message.slice(0, 300)}` : '.'
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return asObject(JSON.parse(text))
  } catch {
    return undefined
  }
}

function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject ? (value as Readonly<Record<string, unknown>>) : undefined
}
