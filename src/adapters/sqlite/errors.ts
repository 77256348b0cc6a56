import { BillingError, type ErrorOutcome } from '../../core/errors.js'

/** Whether another connection has what this one wants, so that waiting helps. */
export function isBusy(error: unknown): boolean {
  const message = messageOf(error)
  // The app's own transaction on a database it shares with us ends too.
  return /^SQLITE_(BUSY|LOCKED)/.test(codeOf(error)) || /database (table )?is locked|within a transaction/.test(message)
}

/**
 * A driver's error as one an app can branch on.
 *
 * @param outcome what became of the transaction when the file failed: `unknown` when it may have taken the COMMIT
 */
export function storageError(error: unknown, file: string, outcome: ErrorOutcome = 'not_applied'): unknown {
  if (BillingError.is(error)) return error
  const code = codeOf(error)
  const message = messageOf(error)
  if (isBusy(error)) {
    return new BillingError('storage_unavailable', `${file} is being written by somebody else: try again.`, {
      cause: error,
    })
  }
  if (code.startsWith('SQLITE_FULL') || /database or disk is full/.test(message)) {
    return new BillingError('storage_full', `${file} cannot grow: free space on its disk, then try again.`, {
      cause: error,
    })
  }
  if (/cannot store REAL value in INTEGER column|integer overflow/.test(message)) {
    return new BillingError('amount_out_of_range', 'A sum is more than can be stored (2^63 - 1 millionths).', {
      cause: error,
    })
  }
  if (code.startsWith('SQLITE_CONSTRAINT'))
    return new BillingError('invariant_violated', `${file} refuses a row: ${message}`, { cause: error })
  if (/(not open|is closed)/i.test(message))
    return new BillingError('storage_unavailable', `${file} is closed.`, { cause: error, retryable: false })
  if (code.startsWith('SQLITE') || /sqlite/i.test(code)) {
    return new BillingError('storage_unavailable', `${file}: ${message}`, {
      cause: error,
      retryable: isPassing(code),
      outcome: code.startsWith('SQLITE_IOERR') ? outcome : 'not_applied',
    })
  }
  return error
}

function isPassing(code: string): boolean {
  return /^SQLITE_(IOERR|CANTOPEN|PROTOCOL|NOMEM|INTERRUPT)/.test(code)
}

/** `node:sqlite` says `ERR_SQLITE_ERROR` and the number in `errcode`; the others say the name. */
function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return ''
  const { code, errcode } = error as { code?: unknown; errcode?: unknown }
  if (typeof errcode === 'number') return names[errcode & 0xff] ?? 'SQLITE_ERROR'
  return typeof code === 'string' ? code : ''
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Primary result codes. @see https://www.sqlite.org/rescode.html */
const names: Readonly<Record<number, string>> = {
  5: 'SQLITE_BUSY',
  6: 'SQLITE_LOCKED',
  7: 'SQLITE_NOMEM',
  8: 'SQLITE_READONLY',
  9: 'SQLITE_INTERRUPT',
  10: 'SQLITE_IOERR',
  11: 'SQLITE_CORRUPT',
  13: 'SQLITE_FULL',
  14: 'SQLITE_CANTOPEN',
  15: 'SQLITE_PROTOCOL',
  19: 'SQLITE_CONSTRAINT',
  26: 'SQLITE_NOTADB',
}
