import { describe, expect, it } from 'vitest'
import { parseMoney } from '../../src/core/domain/money.js'
import { fromStripeAmount, toStripeAmount } from '../../src/providers/stripe/amount.js'

describe('an amount at Stripe', () => {
  const exact: readonly (readonly [string, string, number])[] = [
    ['10.50', 'USD', 1050],
    ['0', 'EUR', 0],
    ['500', 'JPY', 500],
    ['500', 'ISK', 50_000],
    ['5000', 'UGX', 500_000],
    ['12', 'MGA', 12],
    ['5.120', 'KWD', 5120],
    ['99999999.99', 'USD', 9_999_999_999],
  ]
  for (const [amount, currency, minor] of exact) {
    it(`S1.4 is ${minor} for ${amount} ${currency}, and back`, () => {
      const money = parseMoney(amount, currency)
      expect(toStripeAmount(money)).toEqual({ currency: currency.toLowerCase(), minor })
      expect(fromStripeAmount(minor, currency.toLowerCase())).toEqual(money)
    })
  }

  const inexact: readonly (readonly [string, { currency: string; nanos: bigint }])[] = [
    ['half a cent', { currency: 'USD', nanos: 5_000_000n }],
    ['five hundredths of an ariary', parseMoney('0.05', 'MGA')],
    ['a tenth of a króna', { currency: 'ISK', nanos: 100_000_000n }],
    ['a third digit of a dinar', parseMoney('5.124', 'KWD')],
    ['less than nothing', { currency: 'USD', nanos: -10_000_000n }],
    ['more than a number can hold', { currency: 'USD', nanos: 2n ** 80n * 10_000_000n }],
  ]
  for (const [what, money] of inexact) {
    it(`S1.4 of ${what} is refused, never rounded`, () => {
      expect(() => toStripeAmount(money)).toThrowError(expect.objectContaining({ code: 'invalid_amount' }))
    })
  }

  it('S1.4 in a currency or a number we cannot trust is none', () => {
    expect(fromStripeAmount(100, 'xxx')).toBeNull()
    expect(fromStripeAmount(1.5, 'usd')).toBeNull()
    expect(fromStripeAmount(2 ** 53, 'usd')).toBeNull()
  })
})
