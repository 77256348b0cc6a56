import { BillingError } from '../../core/errors.js'

/** A place in the ledger is a row's number, as text. @throws BillingError `invalid_cursor` */
export function checkCursor(cursor: string): void {
  if (/^\d{1,18}$/.test(cursor)) return
  throw new BillingError('invalid_cursor', 'The cursor must be that of a row of the page before.')
}
