import { BillingError } from '../errors.js'

/** The prefix that says what an id names: usage event, ledger entry, hold, grant, checkout, delivery, billing event, an operator's action. */
export type IdPrefix = 'use' | 'ent' | 'hld' | 'grt' | 'chk' | 'evt' | 'clm' | 'aud'

const idPattern = /^[A-Za-z0-9._:-]{1,128}$/
const keyPattern = /^[A-Za-z0-9._:-]{1,255}$/

/** An id that a caller gave: 1–128 of `A-Z a-z 0-9 . _ : -`. @throws BillingError `invalid_id` */
export function checkId(id: unknown, field: string): string {
  if (typeof id === 'string' && idPattern.test(id) && !(id.startsWith('.') && /^\.+$/.test(id))) return id
  throw new BillingError('invalid_id', `${field} must be 1 to 128 characters of A-Z a-z 0-9 . _ : -`)
}

/**
 * A caller's idempotency key: 1–255 of `A-Z a-z 0-9 . _ : -`. Keys travel to providers and logs, so text that could hold an
 * e-mail address or break a header is refused.
 *
 * @throws BillingError `idempotency_key_required`, `invalid_idempotency_key`
 */
export function checkIdempotencyKey(key: unknown): string {
  if (key === undefined) {
    throw new BillingError(
      'idempotency_key_required',
      'idempotencyKey is missing: it is what makes a repeat of this call harmless.',
    )
  }
  if (typeof key === 'string' && keyPattern.test(key)) return key
  throw new BillingError('invalid_idempotency_key', 'idempotencyKey must be 1 to 255 characters of A-Z a-z 0-9 . _ : -')
}

/**
 * The id of what a destination is told, made of plain characters since providers get it as the identifier of the event. The name of a
 * consumer or provider has no dot: with its underscores written as dots, no two pairs of name and id read the same.
 */
export function deliveryId(destination: string, id: string): string {
  return `dlv_${destination.includes('_') ? destination.replaceAll('_', '.') : destination}_${id}`
}
