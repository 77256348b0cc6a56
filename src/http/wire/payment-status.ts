import { BillingError, type PaymentStatus } from '../../index.js'
import { invalidField } from '../request-error.js'

/** The word of S3 for each state of a payment. */
const words: Readonly<Record<Exclude<PaymentStatus, 'unknown'>, string>> = {
  requires_method: 'pending',
  requires_action: 'pending',
  pending_approval: 'pending_approval',
  processing: 'processing',
  authorized: 'processing',
  succeeded: 'succeeded',
  failed: 'failed',
  refunded: 'refunded',
  canceled: 'cancelled',
}

/** @throws BillingError `provider_response_invalid` for a state that nobody knows */
export function paymentWord(status: PaymentStatus): string {
  if (status !== 'unknown') return words[status]
  throw new BillingError('provider_response_invalid', 'The provider has a payment in a state that is not known here.')
}

/** The states that a filter's word stands for; `completed` is another word for `succeeded`. @throws RequestError `invalid_request` */
export function paymentStatusesOf(word: string): readonly PaymentStatus[] {
  const meant = word === 'completed' ? 'succeeded' : word
  const found = Object.entries(words).flatMap(([status, each]) => (each === meant ? [status] : []))
  if (found.length > 0) return found as PaymentStatus[]
  throw invalidField('status', `one of ${[...new Set(Object.values(words)), 'completed'].join(', ')}.`)
}
