import { BillingError, formatSparks, type RemedyView } from 'billfold'
import type { ErrorRequestHandler } from 'express'

/** What the API answers when it cannot do what was asked. */
export interface ErrorBody {
  readonly error: { readonly code: string; readonly message: string; readonly remedies: readonly unknown[] }
}

/** Any error as status and body; what is not meant for callers stays out of it. */
export function errorResponse(error: unknown): { readonly status: number; readonly body: ErrorBody } {
  if (BillingError.is(error)) return respond(error.httpStatus, error.code, error.message)
  // What body parsers and our own middleware throw: malformed JSON, too large, another site's form.
  const { status, expose } = (error ?? {}) as { readonly status?: unknown; readonly expose?: unknown }
  // An address that cannot be decoded does not say that its words may be shown; they are about the address alone.
  if (error instanceof Error && typeof status === 'number' && (expose === true || error instanceof URIError))
    return respond(status, codeOf[status] ?? 'invalid_request', error.message)
  return respond(500, 'internal', 'Something went wrong on our side. Try again with the same Idempotency-Key.')
}

/** Answers every error as JSON: without it Express sends a page with the stack in it. */
export const answerError: ErrorRequestHandler = (error, _request, response, next) => {
  if (response.headersSent) return next(error)
  const { status, body } = errorResponse(error)
  if (status === 500) console.error(error)
  response.status(status).json(body)
}

const codeOf: Readonly<Record<number, string>> = { 401: 'unauthenticated', 403: 'forbidden', 413: 'payload_too_large' }

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
