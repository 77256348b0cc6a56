import { currencyDigits, type Money, parseCurrency } from '../../core/domain/money.js'
import { BillingError } from '../../core/errors.js'

/**
 * Where Stripe's integers differ from ISO 4217: ISK and UGX are written with two digits that must be zero, MGA without any.
 *
 * @see https://docs.stripe.com/currencies#special-cases
 * @see https://docs.stripe.com/currencies#zero-decimal
 */
const ownDigits: ReadonlyMap<string, number> = new Map([
  ['ISK', 2],
  ['UGX', 2],
  ['MGA', 0],
])

/** What an amount must be a multiple of. Three-digit currencies end in 0, for the sake of the card networks. */
const ownStep: ReadonlyMap<string, bigint> = new Map([
  ['ISK', 100n],
  ['UGX', 100n],
])

const nanoDigits = 9

/**
 * An amount as Stripe writes it: `{ currency: 'usd', minor: 1050 }` for $10.50.
 *
 * @throws BillingError `invalid_amount` when Stripe cannot charge exactly this, `invalid_currency`
 */
export function toStripeAmount(money: Money): { readonly currency: string; readonly minor: number } {
  const currency = parseCurrency(money.currency)
  const perMinor = 10n ** BigInt(nanoDigits - stripeDigits(currency))
  const minor = money.nanos / perMinor
  const fits = money.nanos >= 0n && money.nanos % perMinor === 0n && minor % stepOf(currency) === 0n
  if (fits && minor <= BigInt(Number.MAX_SAFE_INTEGER))
    return { currency: currency.toLowerCase(), minor: Number(minor) }
  throw new BillingError('invalid_amount', `Stripe cannot charge exactly this amount of ${currency}.`, {
    details: { provider: 'stripe', currency, nanos: money.nanos.toString(), stepMinor: stepOf(currency).toString() },
  })
}

/** An amount of Stripe's, or `null` for a currency we do not know or a number that is not exact. */
export function fromStripeAmount(minor: number, currency: string): Money | null {
  if (!Number.isSafeInteger(minor)) return null
  try {
    const code = parseCurrency(currency)
    return { currency: code, nanos: BigInt(minor) * 10n ** BigInt(nanoDigits - stripeDigits(code)) }
  } catch {
    return null
  }
}

/** An amount of Stripe's that must be exact. @throws BillingError `provider_response_invalid` */
export function exactAmount(minor: number, currency: string): Money {
  const money = fromStripeAmount(minor, currency)
  if (money) return money
  throw new BillingError('provider_response_invalid', `Stripe answered an amount that is not exact in ${currency}.`)
}

/** How many digits Stripe's minor unit of a currency has. */
export function stripeDigits(currency: string): number {
  return ownDigits.get(currency) ?? currencyDigits(currency)
}

function stepOf(currency: string): bigint {
  return ownStep.get(currency) ?? (stripeDigits(currency) === 3 ? 10n : 1n)
}
