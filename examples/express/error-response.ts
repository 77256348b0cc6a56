import { BillingError, formatSparks, type RemedyView } from 'billfold'

/** What the API answers when it cannot do what was asked. */
export interface ErrorBody {
  readonly error: { readonly code: string; readonly message: string; readonly remedies: readonly unknown[] }
}

/** Any error as status and body; what is not meant for callers stays out of it. */
export function errorResponse(error: unknown): { readonly status: number; readonly body: ErrorBody } {
  if (BillingError.is(error)) return respond(error.httpStatus, error.code, error.message)
  // What body parsers throw: malformed JSON, too large.
  const { status, expose } = (error ?? {}) as { readonly status?: unknown; readonly expose?: unknown }
  if (error instanceof Error && typeof status === 'number' && expose === true)
    return respond(status, status === 413 ? 'payload_too_large' : 'invalid_request', error.message)
  return respond(500, 'internal', 'Something went wrong on our side. Try again with the same Idempotency-Key.')
}

/** A remedy as JSON: credit in Sparks, as decimal text. */
export function remedyJson(remedy: RemedyView): Readonly<Record<string, unknown>> {
  switch (remedy.kind) {
    case 'top_up':
      return { kind: remedy.kind, package: remedy.package, missing_sparks: formatSparks(remedy.missingSparks) }
    default:
      return { ...remedy }
  }
}

function respond(status: number, code: string, message: string) {
  return { status, body: { error: { code, message, remedies: [] } } }
}
