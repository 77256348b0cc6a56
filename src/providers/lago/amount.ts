import { currencyDigits, fromMinor, type Money, parseCurrency } from '../../core/domain/money.js'
import { BillingError } from '../../core/errors.js'

const nanoDigits = 9

/**
 * An amount as Lago writes it, in the smallest units of ISO 4217: `{ currency: 'USD', cents: 1050 }` for $10.50.
 *
 * @throws BillingError `invalid_amount` when Lago cannot charge exactly this, `invalid_currency`
 */
export function toLagoAmount(money: Money): { readonly currency: string; readonly cents: number } {
  const currency = parseCurrency(money.currency)
  const perCent = 10n ** BigInt(nanoDigits - currencyDigits(currency))
  const cents = money.nanos / perCent
  if (money.nanos >= 0n && money.nanos % perCent === 0n && cents <= BigInt(Number.MAX_SAFE_INTEGER))
    return { currency, cents: Number(cents) }
  throw new BillingError('invalid_amount', `Lago cannot charge exactly this amount of ${currency}.`, {
    details: { provider: 'lago', currency, nanos: money.nanos.toString() },
  })
}

/** The amount that Lago writes in the smallest units. @throws BillingError `invalid_currency` */
export function fromLagoAmount(cents: number, currency: string): Money {
  return fromMinor(BigInt(cents), currency)
}
