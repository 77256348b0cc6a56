import { BillingError } from '../../core/errors.js'
import {
  connectionFault,
  type DoorName,
  type Fault,
  type FaultKind,
  faultError,
  parseRetryAfter,
} from '../door/fault.js'

export const stripeName: DoorName = { id: 'stripe', name: 'Stripe' }

/** A failed call in our words, with the facts of Stripe's answer that may be shown. */
export interface StripeFault extends Fault {
  readonly status: number | undefined
  readonly code: string | undefined
  readonly param: string | undefined
  /** The bank's reason, when a card was declined. */
  readonly declineCode: string | undefined
  readonly requestId: string | undefined
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
  const { status, code, param, requestId } = fault
  if (fault.kind === 'refused' && code !== undefined && aboutAmount.has(code)) {
    const details = { provider: stripeName.id, status, code, ...(requestId === undefined ? {} : { requestId }) }
    return new BillingError('invalid_amount', `Stripe cannot charge this amount: ${fault.message}`, {
      details,
      cause: error,
    })
  }
  return faultError(stripeName, fault, effect, { status, code, param, requestId }, error)
}

/** What the caller asked for is less, or more, than Stripe charges at once. */
const aboutAmount = new Set(['amount_too_small', 'amount_too_large'])

function kindOf(error: SdkError, status: number | undefined): FaultKind {
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
  return connectionFault(error.detail)
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
