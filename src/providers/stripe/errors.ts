import { BillingError } from '../../core/errors.js'

/**
 * What a failed call to Stripe means for us.
 *
 * - `not_sent`: no connection was made, so nothing happened; `lost`: it may have happened.
 * - `rate_limited` and `busy`: nothing happened, later it may.
 * - `refused`: Stripe will not do this, however often it is asked; `not_found`: the object named in the address is not there.
 */
export type StripeFaultKind = 'authentication' | 'rate_limited' | 'busy' | 'not_sent' | 'lost' | 'not_found' | 'refused'

/** A failed call in our words, with the facts of Stripe's answer that may be shown. */
export interface StripeFault {
  readonly kind: StripeFaultKind
  readonly message: string
  readonly status: number | undefined
  readonly code: string | undefined
  readonly param: string | undefined
  /** The bank's reason, when a card was declined. */
  readonly declineCode: string | undefined
  readonly requestId: string | undefined
  /** What Stripe asked us to wait, from 0 to one hour. */
  readonly retryAfterMs: number | undefined
}

/** The part of an SDK error that is read here. The SDK is handed in, so `instanceof` would ask for the right copy of it. */
interface SdkError {
  readonly type?: unknown
  readonly rawType?: unknown
  readonly message?: unknown
  readonly statusCode?: unknown
  readonly code?: unknown
  readonly param?: unknown
  readonly decline_code?: unknown
  readonly requestId?: unknown
  readonly headers?: Readonly<Record<string, unknown>>
  readonly detail?: unknown
}

const hourMs = 3_600_000

/** Codes of a connection that was never made. */
const neverConnected: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])

/**
 * Reads whatever the SDK threw.
 *
 * @see https://docs.stripe.com/error-handling
 */
export function stripeFault(error: unknown): StripeFault {
  const given: SdkError = typeof error === 'object' && error !== null ? error : {}
  const status = typeof given.statusCode === 'number' ? given.statusCode : undefined
  return {
    kind: kindOf(given, status),
    message: text(given.message) ?? 'The call failed without a message.',
    status,
    code: text(given.code),
    param: text(given.param),
    declineCode: text(given.decline_code),
    requestId: text(given.requestId),
    retryAfterMs: parseRetryAfter(given.headers?.['retry-after']),
  }
}

/**
 * The `BillingError` for whatever the SDK threw. `write` tells whether the call could have changed something at Stripe: then an
 * answer that was lost, or a 5xx, is `outcome_unknown` instead of `provider_unavailable`.
 */
export function toBillingError(error: unknown, effect: 'read' | 'write'): BillingError {
  if (BillingError.is(error)) return error
  const fault = stripeFault(error)
  const options = { details: detailsOf(fault), cause: error }
  switch (fault.kind) {
    case 'authentication':
      return new BillingError(
        'provider_authentication',
        'Stripe refused the API key; check the key and its permissions.',
        options,
      )
    case 'rate_limited':
      return new BillingError(
        'provider_unavailable',
        'Stripe takes no more requests for now; try again later.',
        options,
      )
    case 'busy':
      return new BillingError('provider_unavailable', 'Stripe is busy with the same object; try again.', options)
    case 'not_sent':
      return new BillingError('provider_unavailable', 'Stripe could not be reached.', options)
    case 'lost':
      return effect === 'write'
        ? new BillingError(
            'outcome_unknown',
            'Stripe did not say whether it happened; repeat with the same key.',
            options,
          )
        : new BillingError('provider_unavailable', 'Stripe did not answer.', options)
    case 'not_found':
      return new BillingError('not_found', `Stripe has no such object: ${fault.message}`, options)
    case 'refused':
      return new BillingError('provider_rejected', `Stripe refused the request: ${fault.message}`, options)
    default:
      return unreachable(fault.kind)
  }
}

/** Seconds or a date, as milliseconds from 0 to one hour; `undefined` for anything else. */
export function parseRetryAfter(header: unknown): number | undefined {
  if (typeof header !== 'string') return undefined
  const given = header.trim()
  const waitMs = /^[+-]?\d+(\.\d+)?$/.test(given) ? Number(given) * 1000 : Date.parse(given) - Date.now()
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(Math.round(waitMs), 0), hourMs)
}

function kindOf(error: SdkError, status: number | undefined): StripeFaultKind {
  if (error.type === 'StripeConnectionError') return connectionKind(error)
  if (status === 401 || status === 403) return 'authentication'
  if (status === 429 || error.code === 'rate_limit') return 'rate_limited'
  // A key in use means that the first request with it is still running: nobody knows yet how it ends.
  if (status === 409) return error.code === 'idempotency_key_in_use' ? 'lost' : 'busy'
  if (status === 404 && error.code === 'resource_missing') return 'not_found'
  if (status !== undefined && status >= 400 && status < 500) return 'refused'
  return 'lost'
}

/**
 * The SDK repeats a closed connection once whatever the settings say, and reports the last failure only: a refused connection
 * after a repeat says nothing about the first attempt. It names its repeats in the message.
 *
 * @see https://github.com/stripe/stripe-node/issues/1040
 */
function connectionKind(error: SdkError): 'not_sent' | 'lost' {
  if (/was retried/.test(text(error.message) ?? '')) return 'lost'
  for (let cause = error.detail, depth = 0; typeof cause === 'object' && cause !== null && depth < 4; depth += 1) {
    const link = cause as { readonly code?: unknown; readonly cause?: unknown }
    if (typeof link.code === 'string') return neverConnected.has(link.code) ? 'not_sent' : 'lost'
    cause = link.cause
  }
  return 'lost'
}

function detailsOf(fault: StripeFault): Record<string, unknown> {
  const { kind, status, code, param, requestId, retryAfterMs } = fault
  const facts = { reason: kind, status, code, param, requestId, retryAfterMs }
  return { provider: 'stripe', ...Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function unreachable(kind: never): never {
  throw new BillingError('invariant_violated', `Unknown kind of failure ${JSON.stringify(kind)}.`)
}
