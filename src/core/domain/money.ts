import { BillingError } from '../errors.js'
import { divide, formatDecimal, normalize, parseDecimal, type Rounding, toScaledExactly } from './decimal.js'

/** An amount of one currency, in nanos: billionths of the currency unit. $1.50 is `{ currency: 'USD', nanos: 1_500_000_000n }`. */
export interface Money {
  readonly currency: string
  readonly nanos: bigint
}

/** Nanos in one unit of a currency. */
export const nanosPerUnit = 1_000_000_000n

/**
 * Digits of the minor unit by currency. A currency that is not listed is refused rather than guessed.
 *
 * @see ISO 4217, list one (current currency codes), column "minor unit"
 */
const minorDigits: ReadonlyMap<string, number> = new Map([
  ...(
    'AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE CZK DKK ' +
    'DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT ' +
    'LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR ' +
    'PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD ' +
    'UYU UZS VED VES WST XCD YER ZAR ZMW'
  )
    .split(' ')
    .map((code): [string, number] => [code, 2]),
  ...'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF'
    .split(' ')
    .map((code): [string, number] => [code, 0]),
  ...'BHD IQD JOD KWD LYD OMR TND'.split(' ').map((code): [string, number] => [code, 3]),
])

/** The ISO code in capitals. @throws BillingError `invalid_currency` */
export function parseCurrency(code: string): string {
  const upper = code.toUpperCase()
  if (minorDigits.has(upper)) return upper
  throw new BillingError(
    'invalid_currency',
    `Unknown currency ${JSON.stringify(code)}: use an ISO 4217 code such as "USD".`,
  )
}

/** How many digits the minor unit of a currency has: 2 for USD, 0 for JPY, 3 for KWD. @throws BillingError `invalid_currency` */
export function currencyDigits(currency: string): number {
  return minorDigits.get(parseCurrency(currency)) ?? 2
}

/**
 * Reads an amount that a person pays: at most the digits the currency's minor unit has (`"80"` JPY, `"18.600"` KWD).
 *
 * @throws BillingError `invalid_amount` for anything else, `invalid_currency`
 */
export function parseMoney(amount: string, currency: string): Money {
  const code = parseCurrency(currency)
  const digits = currencyDigits(code)
  // The grammar counts written digits, so "80.00" JPY is refused although its value is whole: it was meant for another currency.
  const written = /\.(\d+)$/.exec(amount)?.[1]?.length ?? 0
  const value = parseDecimal(amount)
  const nanos = value === undefined || written > digits ? undefined : toScaledExactly(value, 9)
  if (nanos === undefined) {
    throw new BillingError(
      'invalid_amount',
      `${JSON.stringify(amount)} is not an amount of ${code}: write at most ${digits} decimals.`,
    )
  }
  return { currency: code, nanos }
}

/** The shortest exact decimal: `"10"`, `"0.5"`. */
export function formatMoney(money: Money): string {
  return formatDecimal(normalize(money.nanos, 9))
}

export function addMoney(left: Money, right: Money): Money {
  sameCurrency(left, right)
  return { currency: left.currency, nanos: left.nanos + right.nanos }
}

/** Negative, zero or positive as `left` is below, equal to or above `right`. */
export function compareMoney(left: Money, right: Money): number {
  sameCurrency(left, right)
  return left.nanos < right.nanos ? -1 : left.nanos > right.nanos ? 1 : 0
}

/** The amount in minor units (cents), rounded as named. */
export function toMinor(money: Money, rounding: Rounding): bigint {
  return divide(money.nanos, nanosPerUnit / 10n ** BigInt(currencyDigits(money.currency)), rounding)
}

export function fromMinor(minor: bigint, currency: string): Money {
  const code = parseCurrency(currency)
  return { currency: code, nanos: minor * (nanosPerUnit / 10n ** BigInt(currencyDigits(code))) }
}

/**
 * Splits a whole number of minor units by weight so that the parts sum to the whole. What cannot be split evenly goes, one unit
 * each, to the largest remainders, earlier parts first.
 */
export function allocate(totalMinor: bigint, weights: readonly bigint[]): readonly bigint[] {
  const sum = weights.reduce((total, weight) => total + weight, 0n)
  if (sum <= 0n || weights.some((weight) => weight < 0n)) {
    throw new BillingError('invalid_request', 'Weights must not be negative, and one of them must be positive.')
  }
  const parts = weights.map((weight) => divide(totalMinor * weight, sum, 'floor'))
  const remainders = weights.map((weight, index) => ({ index, rest: totalMinor * weight - (parts[index] ?? 0n) * sum }))
  remainders.sort((a, b) => (a.rest === b.rest ? a.index - b.index : a.rest > b.rest ? -1 : 1))
  let left = totalMinor - parts.reduce((total, part) => total + part, 0n)
  for (const { index } of remainders) {
    if (left === 0n) break
    parts[index] = (parts[index] ?? 0n) + 1n
    left -= 1n
  }
  return parts
}

function sameCurrency(left: Money, right: Money): void {
  if (left.currency === right.currency) return
  throw new BillingError('currency_mismatch', `Cannot combine ${left.currency} with ${right.currency}.`)
}
