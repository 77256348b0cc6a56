import { RequestError, requestErrorStatus } from '../http/request-error.js'
import { BillingError } from '../index.js'

/** What a client is told went wrong, before it is written as its protocol writes errors. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError'
  constructor(
    readonly status: number,
    /** For programs; stable. */
    readonly code: string,
    message: string,
    /** Facts that go beside the message, such as where to top up. */
    readonly facts: Readonly<Record<string, string>> = {},
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message)
  }
}

/** What is wrong with a parameter of a request. */
export function invalidParameter(name: string, what: string): GatewayError {
  return new GatewayError(400, 'invalid_request', `${name}: ${what}`, { param: name })
}

/** Any error as one for clients; what they need not know of its causes stays here. */
export function gatewayError(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error
  if (error instanceof RequestError)
    return new GatewayError(requestErrorStatus[error.code], error.code, error.message, {}, error.headers)
  if (!BillingError.is(error)) return new GatewayError(500, 'internal_error', 'Something went wrong here.')
  const { code, httpStatus, message } = error
  switch (code) {
    case 'model_not_priced':
      return new GatewayError(404, code, 'This model has no price here, so it is not served.')
    case 'quota_exceeded':
      // Asked again at once it is refused again.
      return new GatewayError(httpStatus, 'insufficient_quota', message, {}, { 'x-should-retry': 'false' })
    case 'account_busy':
    case 'overloaded':
    case 'storage_unavailable':
      return new GatewayError(503, code, 'Try again in a moment.', {}, { 'retry-after': '1' })
    case 'not_found':
      return new GatewayError(403, 'account_unknown', 'There is no account behind this key.')
    default:
      return new GatewayError(500, 'internal_error', 'Something went wrong here.')
  }
}
