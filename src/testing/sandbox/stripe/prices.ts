import * as z from 'zod'
import { checkStep } from './charge-amounts.js'
import { stepOf } from './currencies.js'
import { invalidRequest, noSuch } from './errors.js'
import { clearable, count, currency, decimal, flag, metadata, text, tolerated } from './form.js'
import { meters } from './meters.js'
import { newId, type StripeWorld, seconds, tableOf } from './world.js'

export type Price = ReturnType<typeof newPrice>

export const prices = tableOf<Price>('prices')

const recurringData = z.strictObject({
  interval: z.enum(['day', 'week', 'month', 'year'], 'Invalid interval'),
  interval_count: count.optional(),
  meter: text.optional(),
  trial_period_days: count.optional(),
  usage_type: z.enum(['licensed', 'metered']).optional(),
})

/** What a price is made from, whether on its own, within a product or within a checkout session. */
export const priceShape = {
  currency,
  unit_amount: count.optional(),
  unit_amount_decimal: decimal.optional(),
  recurring: recurringData.optional(),
  product: text.optional(),
  product_data: z.unknown().optional(),
  nickname: text.optional(),
  lookup_key: text.optional(),
  active: flag.optional(),
  tax_behavior: z.enum(['unspecified', 'exclusive', 'inclusive']).optional(),
  metadata,
}

type PriceData = Pick<z.output<z.ZodObject<typeof priceShape>>, 'currency'> &
  Partial<Omit<z.output<z.ZodObject<typeof priceShape>>, 'currency' | 'product' | 'product_data'>>

export const priceChange = z.strictObject({
  active: flag.optional(),
  nickname: clearable(text).optional(),
  lookup_key: clearable(text).optional(),
  metadata,
  transfer_lookup_key: flag.optional(),
  ...tolerated('tax_behavior', 'currency_options'),
})

/** Builds a price and checks that it can be charged. */
export function newPrice(world: StripeWorld, product: string, given: PriceData) {
  if ((given.unit_amount === undefined) === (given.unit_amount_decimal === undefined)) {
    throw invalidRequest('Exactly one of `unit_amount` and `unit_amount_decimal` is required.', {
      code: 'parameter_missing',
      param: 'unit_amount',
    })
  }
  if (given.unit_amount !== undefined) checkStep(given.unit_amount, given.currency, 'unit_amount')
  const exact = given.unit_amount_decimal ?? String(given.unit_amount)
  return {
    id: newId('price_1', 23),
    object: 'price' as const,
    active: given.active ?? true,
    billing_scheme: 'per_unit' as const,
    created: seconds(world),
    currency: given.currency,
    custom_unit_amount: null,
    livemode: false as const,
    lookup_key: given.lookup_key ?? null,
    metadata: (given.metadata ?? {}) as Readonly<Record<string, string>>,
    nickname: given.nickname ?? null,
    product,
    recurring: recurring(world, given.recurring),
    tax_behavior: given.tax_behavior ?? 'unspecified',
    tiers_mode: null,
    transform_quantity: null,
    type: given.recurring === undefined ? ('one_time' as const) : ('recurring' as const),
    unit_amount: /^-?\d+$/.test(exact) ? Number(exact) : null,
    unit_amount_decimal: exact,
  }
}

/** The old name of a recurring price; subscription items still carry it. */
export function planOf(price: Price) {
  const { recurring: terms } = price
  return {
    id: price.id,
    object: 'plan' as const,
    active: price.active,
    amount: price.unit_amount,
    amount_decimal: price.unit_amount_decimal,
    billing_scheme: price.billing_scheme,
    created: price.created,
    currency: price.currency,
    interval: terms?.interval ?? 'month',
    interval_count: terms?.interval_count ?? 1,
    livemode: false as const,
    metadata: price.metadata,
    meter: terms?.meter ?? null,
    nickname: price.nickname,
    product: price.product,
    tiers_mode: null,
    transform_usage: null,
    trial_period_days: terms?.trial_period_days ?? null,
    usage_type: terms?.usage_type ?? 'licensed',
  }
}

const scale = 18
const one = 10n ** BigInt(scale)

/** What can be charged for a decimal quantity, exact until the rounding at the end (half away from zero). */
export function amountFor(price: Price, quantity: string): number {
  const product = scaled(price.unit_amount_decimal) * scaled(quantity)
  const step = BigInt(stepOf(price.currency))
  const divisor = one * one * step
  const half = product < 0n ? -divisor / 2n : divisor / 2n
  return Number(((product + half) / divisor) * step)
}

/** Decimal text as an integer number of 10⁻¹⁸. */
export function scaled(value: string): bigint {
  const [whole = '0', fraction = ''] = value.replace('-', '').split('.')
  const magnitude = BigInt(whole) * one + BigInt(fraction.padEnd(scale, '0').slice(0, scale))
  return value.startsWith('-') ? -magnitude : magnitude
}

/** The reverse of `scaled`, without needless zeros. */
export function unscaled(value: bigint): string {
  const magnitude = value < 0n ? -value : value
  const fraction = (magnitude % one).toString().padStart(scale, '0').replace(/0+$/, '')
  return `${value < 0n ? '-' : ''}${magnitude / one}${fraction === '' ? '' : `.${fraction}`}`
}

function recurring(world: StripeWorld, given: z.output<typeof recurringData> | undefined) {
  if (given === undefined) return null
  const usageType = given.usage_type ?? 'licensed'
  if (usageType === 'metered' && given.meter === undefined) {
    throw invalidRequest('Metered prices must be backed by a meter: legacy usage records were removed.', {
      param: 'recurring[meter]',
    })
  }
  if (given.meter !== undefined) {
    if (usageType !== 'metered') {
      throw invalidRequest('`meter` needs `usage_type` to be metered.', { param: 'recurring[usage_type]' })
    }
    if (!meters(world).has(given.meter)) throw noSuch('meter', given.meter, 'recurring[meter]')
  }
  return {
    interval: given.interval,
    interval_count: given.interval_count ?? 1,
    meter: given.meter ?? null,
    trial_period_days: given.trial_period_days ?? null,
    usage_type: usageType,
  }
}
