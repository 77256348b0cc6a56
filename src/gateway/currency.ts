import { BillingError } from '../index.js'

/** What credits are worth, where an app counts them in money: a price of `0.001` makes a Spark a tenth of a cent, and a micro-spark a nano. */
export interface Currency {
  readonly code: string
  /** Price of a Spark, decimal text. */
  readonly spark: string
}

/** Micro-sparks as exact decimal text in the currency: `0.499`. */
export function moneyOf(micro: bigint, { spark }: Currency): string {
  const { digits, scale } = read(spark)
  const places = scale + 6
  const amount = micro * digits
  const text = String(amount < 0n ? -amount : amount).padStart(places + 1, '0')
  const fraction = text.slice(text.length - places).replace(/0+$/, '')
  return `${amount < 0n ? '-' : ''}${text.slice(0, text.length - places)}${fraction === '' ? '' : `.${fraction}`}`
}

/** Micro-sparks that an amount buys, rounded down. @throws BillingError `config_invalid` */
export function creditOf(amount: string, { spark }: Currency, field: string): bigint {
  if (!/^\d{1,12}(\.\d{1,9})?$/.test(amount))
    throw new BillingError('config_invalid', `createGateway: ${field} must be decimal text such as "0.50".`)
  const money = read(amount)
  const price = read(spark)
  return (money.digits * 10n ** BigInt(price.scale + 6)) / (price.digits * 10n ** BigInt(money.scale))
}

function read(text: string): { readonly digits: bigint; readonly scale: number } {
  const [whole = '', fraction = ''] = text.split('.')
  return { digits: BigInt(whole + fraction), scale: fraction.length }
}
