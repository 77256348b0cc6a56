import { divide, parseDecimal, tenTo } from '../../core/domain/decimal.js'
import { fromMinor, toMinor } from '../../core/domain/money.js'
import { BillingError } from '../../core/errors.js'

/** A tax that is added to what is sold. */
export interface TaxRate {
  /** What the customer reads: `VAT`. */
  readonly name: string
  /** Percent, as decimal text: `19`, `8.1`. */
  readonly rate: string
}

/** Each tax on a sum, in nanos, in whole minor units, rounded half to even. @throws BillingError `config_invalid` */
export function taxesOn(nanos: bigint, currency: string, rates: readonly TaxRate[]) {
  const minor = toMinor({ currency, nanos }, 'half_even')
  return rates.map(({ name, rate }) => {
    const percent = parseDecimal(rate)
    if (percent === undefined || percent.coefficient < 0n)
      throw new BillingError('config_invalid', `manualProvider(): the rate ${JSON.stringify(rate)} of ${name} is none.`)
    const tax = divide(minor * percent.coefficient, 100n * tenTo(percent.scale), 'half_even')
    return { name, rate, nanos: fromMinor(tax, currency).nanos }
  })
}
