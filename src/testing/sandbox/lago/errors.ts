/** A refusal in Lago's own words. */
export interface LagoFailure extends Error {
  readonly status: number
  readonly body: LagoErrorBody
  readonly headers: Readonly<Record<string, string>>
}

export interface LagoErrorBody {
  readonly status: number
  readonly error: string
  readonly code?: string
  /** By field, or by index for a batch. */
  readonly error_details?: Readonly<Record<string, unknown>>
}

const phrases: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  422: 'Unprocessable Entity',
  429: 'Too Many Requests',
}

export function lagoFailure(
  status: number,
  extra: Partial<Pick<LagoErrorBody, 'error' | 'code' | 'error_details'>> = {},
  headers: Readonly<Record<string, string>> = {},
): LagoFailure {
  const body = { status, error: phrases[status] ?? 'Internal Server Error', ...extra }
  return Object.assign(new Error(`${status} ${extra.code ?? body.error}`), {
    name: 'LagoFailure',
    status,
    body,
    headers,
  })
}

export function isLagoFailure(error: unknown): error is LagoFailure {
  return error instanceof Error && error.name === 'LagoFailure'
}

/** 404 `<resource>_not_found`. */
export function notFound(resource: string): LagoFailure {
  return lagoFailure(404, { code: `${resource}_not_found` })
}

/** 405: the object is in another state than this needs. */
export function notAllowed(code: string): LagoFailure {
  return lagoFailure(405, { code })
}

/** 422: fields, each with what is wrong with it. */
export function invalid(details: Readonly<Record<string, unknown>>): LagoFailure {
  return lagoFailure(422, { code: 'validation_errors', error_details: details })
}

/** 400: the object that the body should hold is not there. */
export function missingParameter(name: string): LagoFailure {
  return lagoFailure(400, { error: `BadRequest: param is missing or the value is empty or invalid: ${name}` })
}
