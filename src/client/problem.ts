const brand = Symbol.for('billfold.problem')

/** What may be done instead, as the server proposes it: a top-up, a plan, a smaller request, a time to wait for. */
export interface Remedy {
  readonly kind: string
  readonly [detail: string]: unknown
}

/** What a problem document of the server says (RFC 9457), or what the client knows where it said nothing. */
export interface ProblemFields {
  /** For programs; stable. `network_error` where nothing was answered, `invalid_answer` where it was not ours. */
  readonly code: string
  /** For people. */
  readonly detail: string
  /** The HTTP status; 0 where nothing was answered. */
  readonly status: number
  /** Whether the request had an effect: `not_applied`, `applied`, or `unknown`, which is safe to repeat with the same key. */
  readonly outcome: string
  /** Whether the same request may succeed later without a change. */
  readonly retryable: boolean
  /** Names the request in the server's logs; `null` where nothing was answered. */
  readonly requestId: string | null
  readonly errors: readonly { readonly field: string; readonly message: string }[]
  readonly remedies: readonly Remedy[]
}

/** A request that was refused, failed, or was not answered. */
export class BillingProblem extends Error implements ProblemFields {
  override readonly name = 'BillingProblem'
  readonly code: string
  readonly detail: string
  readonly status: number
  readonly outcome: string
  readonly retryable: boolean
  readonly requestId: string | null
  readonly errors: ProblemFields['errors']
  readonly remedies: readonly Remedy[]

  constructor(fields: ProblemFields, options?: ErrorOptions) {
    super(fields.detail, options)
    Object.defineProperty(this, brand, { value: true })
    this.code = fields.code
    this.detail = fields.detail
    this.status = fields.status
    this.outcome = fields.outcome
    this.retryable = fields.retryable
    this.requestId = fields.requestId
    this.errors = fields.errors
    this.remedies = fields.remedies
  }

  /** Recognises it also when two copies of the package are loaded. */
  static is(error: unknown): error is BillingProblem {
    return typeof error === 'object' && error !== null && brand in error
  }
}

/** Nothing came back: whether a write had an effect is not known. */
export function unanswered(cause: unknown, isWrite: boolean): BillingProblem {
  return new BillingProblem(
    {
      code: 'network_error',
      detail: 'The server could not be reached.',
      status: 0,
      outcome: isWrite ? 'unknown' : 'not_applied',
      retryable: true,
      requestId: null,
      errors: [],
      remedies: [],
    },
    { cause },
  )
}

/** Reads an answer that is no success. */
export async function problemFrom(response: Response): Promise<BillingProblem> {
  const { status, headers } = response
  const isProblem = headers.get('content-type')?.includes('json') === true
  const body: unknown = isProblem ? await response.json().catch(() => null) : null
  const document = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>
  const isLater = status === 429 || status >= 500
  return new BillingProblem({
    code: textOr(document.code, 'invalid_answer'),
    detail: textOr(document.detail, `The server answered ${status}.`),
    status,
    outcome: textOr(document.outcome, status >= 500 ? 'unknown' : 'not_applied'),
    retryable: typeof document.retryable === 'boolean' ? document.retryable : isLater,
    requestId: textOr(document.request_id, headers.get('x-request-id') ?? '') || null,
    errors: Array.isArray(document.errors) ? document.errors : [],
    remedies: Array.isArray(document.remedies) ? document.remedies : [],
  })
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise
}
