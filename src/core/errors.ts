/**
 * Every code a `BillingError` can carry, with the HTTP status an app should answer. `null`: it happens at start-up, before
 * there is a request to answer.
 */
export const errorStatus = {
  account_busy: 503,
  batch_too_large: 413,
  amount_out_of_range: 400,
  capability_missing: 501,
  checkout_mismatch: 409,
  config_invalid: null,
  currency_mismatch: 409,
  header_too_large: 431,
  idempotency_conflict: 422,
  idempotency_in_progress: 409,
  idempotency_key_required: 400,
  insufficient_credits: 402,
  invalid_amount: 400,
  invalid_currency: 400,
  invalid_cursor: 400,
  invalid_id: 400,
  invalid_idempotency_key: 400,
  invalid_metadata: 400,
  invalid_quantity: 400,
  invalid_range: 400,
  invalid_request: 400,
  invalid_state: 409,
  invalid_timestamp: 400,
  invalid_url: 400,
  invariant_violated: 500,
  model_not_priced: 400,
  not_found: 404,
  option_unsupported: 400,
  outcome_unknown: 503,
  overloaded: 503,
  payload_too_large: 413,
  payment_method_declined: 402,
  provider_authentication: 502,
  provider_rejected: 502,
  provider_response_invalid: 502,
  provider_timeout: 504,
  provider_unavailable: 503,
  quota_exceeded: 429,
  rate_limited: 429,
  redirect_not_allowed: 400,
  refund_exceeds_original: 409,
  schema_version_mismatch: null,
  storage_full: 503,
  storage_unavailable: 503,
  subscription_exists: 409,
  timestamp_out_of_range: 400,
  unit_mismatch: 400,
  unknown_field: 400,
  webhook_not_configured: 503,
  webhook_payload_invalid: 400,
  webhook_signature_invalid: 400,
  webhook_timestamp_out_of_tolerance: 400,
} as const satisfies Record<string, number | null>

/** A stable, machine-readable reason; the message beside it is for people and may change. */
export type ErrorCode = keyof typeof errorStatus

/** Whether the operation that failed had an effect. `unknown` is always safe to repeat with the same idempotency key. */
export type ErrorOutcome = 'not_applied' | 'applied' | 'unknown'

/** What a `BillingError` is made of, beside its code and message. */
export interface BillingErrorOptions {
  /** Facts for a program, which JSON can write: ids, limits, amounts as decimal text. Never a secret, a card or an e-mail. */
  readonly details?: Readonly<Record<string, unknown>>
  /** Whether the same call may succeed later without a change. Default: true for what is unavailable or overloaded. */
  readonly retryable?: boolean
  /** Default `not_applied`; `unknown` for `outcome_unknown`. */
  readonly outcome?: ErrorOutcome
  readonly cause?: unknown
}

const mark = Symbol.for('billfold.BillingError')
const retryableCodes: ReadonlySet<ErrorCode> = new Set([
  'account_busy',
  'idempotency_in_progress',
  'outcome_unknown',
  'overloaded',
  'provider_timeout',
  'provider_unavailable',
  'rate_limited',
  'storage_unavailable',
])

/**
 * The one class Billfold throws. Branch on `code`; show or log `message`.
 *
 * @example
 * catch (error) {
 *   if (BillingError.is(error) && error.code === 'insufficient_credits') return showTopUp(error.details)
 *   throw error
 * }
 */
export class BillingError extends Error {
  override readonly name = 'BillingError'
  readonly code: ErrorCode
  readonly details: Readonly<Record<string, unknown>>
  readonly retryable: boolean
  readonly outcome: ErrorOutcome
  readonly [mark] = true

  constructor(code: ErrorCode, message: string, options: BillingErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.details = options.details ?? {}
    this.retryable = options.retryable ?? retryableCodes.has(code)
    this.outcome = options.outcome ?? (code === 'outcome_unknown' ? 'unknown' : 'not_applied')
  }

  /** The HTTP status that fits the code; 500 for those that belong to start-up. */
  get httpStatus(): number {
    return errorStatus[this.code] ?? 500
  }

  /** Recognises a `BillingError` of any copy of this package (ESM beside CJS, two versions), which `instanceof` would not. */
  static is(error: unknown): error is BillingError {
    return typeof error === 'object' && error !== null && (error as Record<symbol, unknown>)[mark] === true
  }
}

/** A condition that the code itself guarantees; when it fails the fault is ours, nothing is written, and the message says where. */
export function invariant(
  condition: boolean,
  message: string | (() => string),
  details?: Record<string, unknown>,
): asserts condition {
  if (condition) return
  const what = typeof message === 'string' ? message : message()
  throw new BillingError('invariant_violated', `Invariant violated: ${what}.`, details ? { details } : {})
}

/** The same error with what is known of its effect from elsewhere. */
export function withOutcome(error: unknown, outcome: ErrorOutcome): BillingError {
  if (!BillingError.is(error)) {
    const message = error instanceof Error ? error.message : String(error)
    return new BillingError('outcome_unknown', message, { outcome, cause: error })
  }
  const { code, message, details, retryable } = error
  return new BillingError(code, message, { details, retryable, outcome, cause: error.cause ?? error })
}
