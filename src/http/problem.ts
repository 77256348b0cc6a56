import { BillingError } from '../index.js'
import { RequestError, requestErrorStatus } from './request-error.js'

/** An error as an answer: RFC 9457, with what a program branches on. */
export interface Problem {
  /** `urn:billfold:error:<code>`. */
  readonly type: string
  readonly title: string
  readonly status: number
  /** For people. */
  readonly detail: string
  /** For programs; stable. */
  readonly code: string
  /** Whether the request had an effect: `not_applied`, `applied`, or `unknown`, which is safe to repeat with the same key. */
  readonly outcome: string
  /** Whether the same request may succeed later without a change. */
  readonly retryable: boolean
  readonly request_id: string
  readonly errors?: readonly { readonly field: string; readonly message: string }[]
  readonly remedies?: unknown
}

/** Codes whose message may speak of what is behind the app. */
const inward: ReadonlySet<string> = new Set([
  'config_invalid',
  'invariant_violated',
  'provider_authentication',
  'provider_response_invalid',
  'schema_version_mismatch',
  'storage_full',
  'storage_unavailable',
])

/** Any error as a problem document; what an app need not know of its causes stays here. With `detail`, nobody is told more than that. */
export function problemResponse(error: unknown, requestId: string, detail?: string): Response {
  const { errors, remedies, ...outline } = problemOf(error, requestId)
  const problem = detail === undefined ? { ...outline, errors, remedies } : { ...outline, detail }
  const headers = new Headers({ 'content-type': 'application/problem+json; charset=utf-8' })
  if (error instanceof RequestError) for (const [name, value] of Object.entries(error.headers)) headers.set(name, value)
  const waits = problem.status === 503 || problem.status === 504 || problem.status === 429
  if (waits && problem.retryable && !headers.has('retry-after')) headers.set('retry-after', '1')
  return new Response(JSON.stringify(problem), { status: problem.status, headers })
}

/** The same as an object, for what is wrong with one of several. */
export function problemOf(error: unknown, requestId: string): Problem {
  if (error instanceof RequestError) {
    const { code, message, fields } = error
    const document = problem(code, requestErrorStatus[code], message, requestId)
    return fields.length === 0 ? document : { ...document, errors: fields }
  }
  if (!BillingError.is(error)) return problem('internal_error', 500, 'Something went wrong here.', requestId)
  const { code, httpStatus, message, outcome, retryable, details } = error
  const detail = inward.has(code) || httpStatus === 500 ? 'Something went wrong here.' : message
  const { field, remedies } = details
  return {
    ...problem(code, httpStatus, detail, requestId),
    outcome,
    retryable,
    ...(typeof field === 'string' ? { errors: [{ field, message }] } : {}),
    ...(remedies === undefined ? {} : { remedies }),
  }
}

function problem(code: string, status: number, detail: string, requestId: string): Problem {
  const title = code.charAt(0).toUpperCase() + code.slice(1).replaceAll('_', ' ')
  const type = `urn:billfold:error:${code}`
  const isLater = status === 429 || status === 503
  return { type, title, status, detail, code, outcome: 'not_applied', retryable: isLater, request_id: requestId }
}
