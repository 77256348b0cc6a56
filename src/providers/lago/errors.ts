import { BillingError } from '../../core/errors.js'
import {
  connectionFault,
  type DoorName,
  type Fault,
  type FaultKind,
  faultError,
  parseRetryAfter,
} from '../door/fault.js'

export const lagoName: DoorName = { id: 'lago', name: 'Lago' }

/** A failed call in our words, with the facts of Lago's answer that may be shown. */
export interface LagoFault extends Fault {
  readonly status: number | undefined
  /** `validation_errors`, `<resource>_not_found`, and the like. */
  readonly code: string | undefined
  /** What is wrong, by field, or by index for a batch. */
  readonly details: Readonly<Record<string, unknown>>
}

/**
 * What the SDK throws: the raw `Response`, whose body it has read already and put into `error`. It is no `Error`, and may be one of
 * another realm or of a fetch of the app's own, so that `instanceof` would not know it.
 */
interface ThrownResponse {
  readonly status: number
  readonly headers: { get(name: string): string | null }
  readonly error?: unknown
}

/** Reads whatever the SDK threw: a response, an error of its rate limiting, or what `fetch` threw. */
export function lagoFault(error: unknown): LagoFault {
  if (isResponse(error)) return responseFault(error)
  const given = (typeof error === 'object' && error !== null ? error : {}) as {
    message?: unknown
    name?: unknown
    retryAfter?: unknown
  }
  const message = typeof given.message === 'string' ? given.message : 'The call failed without a message.'
  const none = { status: undefined, code: undefined, details: {} }
  // What the SDK throws when its own retries are over (`rateLimitRetry`).
  if (given.name === 'LagoRateLimitError') {
    const retryAfterMs = typeof given.retryAfter === 'number' ? given.retryAfter : undefined
    return { ...none, kind: 'rate_limited', message, status: 429, retryAfterMs }
  }
  return { ...none, kind: connectionFault(error), message, retryAfterMs: undefined }
}

/** The `BillingError` for whatever the SDK threw. */
export function toBillingError(error: unknown, effect: 'read' | 'write'): BillingError {
  if (BillingError.is(error)) return error
  const fault = lagoFault(error)
  const { status, code, details } = fault
  const facts = { status, code, ...(Object.keys(details).length === 0 ? {} : { fields: details }) }
  // A raw response is no cause that anybody could print.
  const cause = isResponse(error) ? new Error(`Lago answered ${error.status}.`) : error
  return faultError(lagoName, fault, effect, facts, cause)
}

function responseFault({ status, headers, error }: ThrownResponse): LagoFault {
  const body = (typeof error === 'object' && error !== null ? error : {}) as {
    readonly error?: unknown
    readonly code?: unknown
    readonly error_details?: unknown
  }
  const code = typeof body.code === 'string' ? body.code : undefined
  const details = (typeof body.error_details === 'object' ? body.error_details : null) ?? {}
  const phrase = typeof body.error === 'string' ? body.error : `status ${status}`
  const listed = Object.keys(details).length === 0 ? '' : ` ${JSON.stringify(details).slice(0, 500)}`
  return {
    kind: kindOf(status, code),
    message: `${code ?? phrase}${listed}`,
    status,
    code,
    details: details as Readonly<Record<string, unknown>>,
    retryAfterMs: waitOf(headers),
  }
}

function kindOf(status: number, code: string | undefined): FaultKind {
  if (status === 401) return 'authentication'
  // 403 is also how Lago says that a feature is not in the plan.
  if (status === 403) return code === 'feature_unavailable' ? 'refused' : 'authentication'
  if (status === 429) return 'rate_limited'
  // Without a code it is an address that Lago does not have: a base URL without `/api/v1` ends there.
  if (status === 404) return code?.endsWith('_not_found') && code !== 'route_not_found' ? 'not_found' : 'refused'
  return status >= 400 && status < 500 ? 'refused' : 'lost'
}

/** Lago's cloud says in how many seconds its limit begins anew; a proxy before a Lago of one's own may say `Retry-After`. */
function waitOf(headers: ThrownResponse['headers']): number | undefined {
  return parseRetryAfter(headers.get('retry-after') ?? headers.get('x-ratelimit-reset') ?? undefined)
}

function isResponse(error: unknown): error is ThrownResponse {
  if (typeof error !== 'object' || error === null) return false
  const { status, headers } = error as { readonly status?: unknown; readonly headers?: { readonly get?: unknown } }
  return typeof status === 'number' && typeof headers?.get === 'function'
}

/** What Lago calls its refusal: the code of a 405, or the words in the details of a 422. */
export function refusalOf(error: unknown): readonly string[] {
  if (!BillingError.is(error)) return []
  const { code, fields } = error.details as { readonly code?: unknown; readonly fields?: unknown }
  const words = typeof fields === 'object' && fields !== null ? Object.values(fields).flat() : []
  return [code, ...words].filter((word) => typeof word === 'string')
}

/** Whether a create was refused because the code is there already. */
export function isTaken(error: unknown): boolean {
  if (!BillingError.is(error)) return false
  const { fields } = error.details as { readonly fields?: { readonly code?: unknown } }
  return Array.isArray(fields?.code) && fields.code.includes('value_already_exist')
}

/** What is asked for and Lago does not have. */
export function unsupported(message: string): BillingError {
  return new BillingError('option_unsupported', message, { details: { provider: lagoName.id } })
}
