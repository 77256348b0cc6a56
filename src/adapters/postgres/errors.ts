import { BillingError, type ErrorOutcome } from '../../core/errors.js'

/** Whether the transaction lost against another one and may be run again at once: serialization failure, deadlock. */
export function isConflict(error: unknown): boolean {
  return ['40001', '40P01'].includes(stateOf(error))
}

/**
 * A driver's error as one an app can branch on.
 *
 * @param outcome what became of the transaction: `unknown` when its COMMIT was on the way
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export function storageError(error: unknown, outcome: ErrorOutcome): unknown {
  if (BillingError.is(error)) return error
  const state = stateOf(error)
  const reason = error instanceof Error ? error.message : String(error)
  if (state === '53100')
    return new BillingError('storage_full', `PostgreSQL cannot grow: ${reason}.`, { cause: error, outcome })
  if (state === '22021')
    return new BillingError('invalid_request', 'Text must not hold NUL characters.', { cause: error })
  if (state === '22003') {
    return new BillingError('amount_out_of_range', 'A sum is more than can be stored (2^63 - 1 millionths).', {
      cause: error,
    })
  }
  if (/^(28|3D)/.test(state)) {
    return new BillingError('config_invalid', `PostgreSQL lets nobody in with this connection: ${reason}.`, {
      cause: error,
    })
  }
  if (state === '42501') {
    const message = `PostgreSQL allows this connection too little: ${reason}. It needs to read and write the store's tables.`
    return new BillingError('config_invalid', message, { cause: error, outcome })
  }
  if (state === '55P03') {
    const message =
      'Another transaction keeps locked what this needs. Pass it as `transaction` if it is your own; else try again.'
    return new BillingError('account_busy', message, { cause: error, outcome })
  }
  if (isPassing(state) || isLostConnection(error)) {
    return new BillingError('storage_unavailable', `PostgreSQL cannot be reached or is busy: ${reason}.`, {
      cause: error,
      outcome,
    })
  }
  return error
}

/**
 * Connection exceptions, conflicts, lack of resources, operator intervention, a transaction that took longer than the server allows, and
 * a server that was made read-only by fail-over.
 */
function isPassing(state: string): boolean {
  return /^(08|40|53|57|25P0[34]|25006)/.test(state)
}

/** Errors of the connection itself carry no SQLSTATE: of the socket, or `pg`'s own words. */
export function isLostConnection(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false
  const { code, message } = error as { code?: unknown; message?: unknown }
  if (typeof code === 'string' && /^(E[A-Z]{4,}|57P0[123]|25P0[34]|08\d{3})$/.test(code)) return true
  return (
    /terminat|timeout|not queryable|connection (error|ended)|closed/i.test(String(message ?? '')) && code === undefined
  )
}

/** The SQLSTATE of an error of the server; empty for every other error. */
export function stateOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null ? (error as { code?: unknown }).code : undefined
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : ''
}
