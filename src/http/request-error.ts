/** What can be wrong with a request before an operation sees it, beside the codes of `BillingError`. */
export const requestErrorStatus = {
  csrf_failed: 403,
  forbidden: 403,
  invalid_json: 400,
  invalid_range: 400,
  invalid_request: 400,
  method_not_allowed: 405,
  not_found: 404,
  not_ready: 503,
  payload_too_large: 413,
  rate_limited: 429,
  request_timeout: 408,
  unauthenticated: 401,
  unknown_field: 400,
  unsupported_media_type: 415,
} as const satisfies Record<string, number>

export type RequestErrorCode = keyof typeof requestErrorStatus

/** A request that is refused before it reaches an operation. */
export class RequestError extends Error {
  override readonly name = 'RequestError'
  constructor(
    readonly code: RequestErrorCode,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
    /** The fields that are wrong, where it is fields. */
    readonly fields: readonly { readonly field: string; readonly message: string }[] = [],
  ) {
    super(message)
  }
}

/** A field that is wrong, and how. */
export function invalidField(field: string, what: string): RequestError {
  const message = `${field}: ${what}`
  return new RequestError('invalid_request', message, {}, [{ field, message }])
}
