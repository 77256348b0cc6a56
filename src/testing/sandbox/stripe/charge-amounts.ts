import { formatMoney } from '../page.js'
import { leastCharge, stepOf } from './currencies.js'
import { invalidRequest } from './errors.js'

const mostMinor = 99_999_999

/** Refuses what cannot be charged at once. */
export function checkCharge(amount: number, currency: string): void {
  if (amount < 1) {
    throw invalidRequest(
      'The amount must be greater than or equal to the minimum charge amount allowed for your account and the currency set.',
      { code: 'parameter_invalid_integer', param: 'amount' },
    )
  }
  checkStep(amount, currency, 'amount')
  const least = leastCharge(currency)
  if (amount < least) {
    throw invalidRequest(`Amount must be at least ${formatMoney(least, currency)} ${currency}`, {
      code: 'amount_too_small',
      param: 'amount',
    })
  }
  if (amount > mostMinor) {
    throw invalidRequest('Amount must be no more than $999,999.99', { code: 'amount_too_large', param: 'amount' })
  }
}

/** The total of a checkout, of which nothing can be due as well. */
export function checkSessionTotal(total: number, currency: string): void {
  const least = leastCharge(currency)
  if (total > 0 && total < least) {
    throw invalidRequest(
      `The Checkout Session's total amount due must add up to at least ${formatMoney(least, currency)} ${currency}`,
      { code: 'amount_too_small' },
    )
  }
  if (total > mostMinor) {
    throw invalidRequest(`The Checkout Session's total amount must be no more than ${mostMinor}.`, {
      code: 'amount_too_large',
    })
  }
}

/** Currencies of three digits end in 0, and those without digits are written with two zeros. */
export function checkStep(amount: number, currency: string, param: string): void {
  const step = stepOf(currency)
  if (amount % step === 0) return
  throw invalidRequest(`Invalid ${param}: an amount in ${currency} must be evenly divisible by ${step}.`, {
    code: 'parameter_invalid_integer',
    param,
  })
}
