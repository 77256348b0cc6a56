import type { Decline } from './test-cards.js'

/** A refusal in Stripe's own words. */
export interface StripeFailure extends Error {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly details: StripeErrorDetails
}

export interface StripeErrorDetails {
  readonly type:
    | 'api_error'
    | 'card_error'
    | 'idempotency_error'
    | 'invalid_request_error'
    // The v2 API has types of its own.
    | 'rate_limit'
    | 'temporary_session_expired'
  readonly message: string
  readonly code?: string
  readonly param?: string
  readonly decline_code?: string
  readonly advice_code?: string
  /** Where a payment fails, the error carries the objects it is about. */
  readonly charge?: string
  readonly payment_intent?: unknown
  readonly payment_method?: unknown
  readonly setup_intent?: unknown
}

export function stripeFailure(
  status: number,
  details: StripeErrorDetails,
  headers: Readonly<Record<string, string>> = {},
): StripeFailure {
  return Object.assign(new Error(details.message), { name: 'StripeFailure', status, headers, details })
}

export function isStripeFailure(error: unknown): error is StripeFailure {
  return error instanceof Error && error.name === 'StripeFailure'
}

/** 400 about one parameter, or about the request as a whole. */
export function invalidRequest(message: string, extra: { code?: string; param?: string } = {}): StripeFailure {
  return stripeFailure(400, { type: 'invalid_request_error', message, ...extra })
}

/** 402: an issuer or a bank refuses. */
export function cardError(
  decline: Decline,
  extra: Omit<StripeErrorDetails, 'type' | 'message' | 'code'> = {},
): StripeFailure {
  return stripeFailure(402, { ...declineFields(decline), ...extra })
}

/** A decline as Stripe writes it, in an error and on what it leaves behind. */
export function declineFields({ code, declineCode, param, advice, message }: Decline) {
  return {
    type: 'card_error' as const,
    code,
    message,
    ...(declineCode === undefined ? {} : { decline_code: declineCode }),
    ...(param === undefined ? {} : { param }),
    ...(advice === undefined ? {} : { advice_code: advice }),
  }
}

/** An id in the address that leads nowhere: 404. */
export function notFound(noun: string, id: string, param = 'id'): StripeFailure {
  return stripeFailure(404, {
    type: 'invalid_request_error',
    code: 'resource_missing',
    message: `No such ${noun}: '${id}'`,
    param,
  })
}

/** An id inside the parameters that leads nowhere: Stripe answers 400 here and 404 only for the address. */
export function noSuch(noun: string, id: string, param: string): StripeFailure {
  return invalidRequest(`No such ${noun}: '${id}'`, { code: 'resource_missing', param })
}

export function missingParameter(param: string): StripeFailure {
  return invalidRequest(`Missing required param: ${param}.`, { code: 'parameter_missing', param })
}

export function unknownRoute(method: string, path: string): StripeFailure {
  return invalidRequestWithStatus(
    404,
    `Unrecognized request URL (${method}: ${path}). The sandbox knows only part of Stripe's API; ` +
      'see https://stripe.com/docs for the rest.',
  )
}

function invalidRequestWithStatus(status: number, message: string): StripeFailure {
  return stripeFailure(status, { type: 'invalid_request_error', message })
}

/** What a fault of the given status looks like on Stripe's wire. */
export function faultDetails(status: number): StripeErrorDetails {
  if (status === 429) {
    return { type: 'invalid_request_error', code: 'rate_limit', message: 'Request rate limit exceeded.' }
  }
  if (status === 409) {
    return { type: 'invalid_request_error', code: 'lock_timeout', message: 'This object cannot be accessed right now.' }
  }
  if (status === 401) return { type: 'invalid_request_error', message: 'Invalid API Key provided.' }
  if (status >= 500) return { type: 'api_error', message: 'An unknown error occurred (injected by the sandbox).' }
  return { type: 'invalid_request_error', message: 'Refused by an injected sandbox fault.' }
}
