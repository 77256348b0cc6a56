import { BillingError, type ErrorCode } from 'billfold'

/** What went wrong, for the person on the page: what it means and what to do, not what a developer would look for. */
export function errorWords(error: unknown, status: number): string {
  const words = BillingError.is(error) ? byCode[error.code] : undefined
  if (words !== undefined) return words
  if (status === 403) return 'This form was sent from another site, so it was not accepted.'
  if (status === 413) return 'That was more than we take at once.'
  if (status < 500) return 'We could not read what was sent. Start again from the billing page.'
  return 'Something went wrong on our side. Look at the billing page for where you stand, and try again in a minute.'
}

const busy = 'This is not available at the moment. Try again in a minute.'
const noAnswer =
  'The payment service does not answer at the moment. If you paid, the credits come by themselves; otherwise try again in a minute.'

const byCode: Partial<Record<ErrorCode, string>> = {
  idempotency_conflict: 'This form was already sent. See on the billing page what came of it, and start again there.',
  not_found: 'Your account has nothing of this kind. The address may be incomplete or old.',
  invalid_quantity: 'This number cannot be used. Choose an amount on the billing page.',
  amount_out_of_range: 'This is more than can be bought or used at once. Choose a smaller amount.',
  checkout_mismatch:
    'The payment does not match what was ordered, so nothing was added. Please write to us; we will sort it out.',
  outcome_unknown: 'We do not know yet whether that worked. Look at your balance before you try again.',
  invalid_state: 'The account cannot do this at the moment. Please write to us.',
  account_busy: busy,
  overloaded: busy,
  storage_unavailable: busy,
  rate_limited: busy,
  provider_unavailable: noAnswer,
  provider_timeout: noAnswer,
}
