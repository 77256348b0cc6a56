import * as z from 'zod'
import { BillingError } from '../../core/errors.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import type { PlanPrice } from '../../core/ports/capabilities/plan-price.js'
import { withoutKey } from '../door/door.js'
import type { MeterNames } from '../door/meter-names.js'
import { stripeDigits, toStripeAmount } from './amount.js'
import { parseAnswer, type StripeCall } from './call.js'
import { everyRow } from './every-row.js'
import { activeMeters } from './meters.js'
import { reference } from './reference.js'

/** What is sold of a plan at Stripe: one price for its seats, and one for each meter whose overage it collects. */
export interface StripePrices {
  readonly plan: string
  readonly metered: readonly string[]
}

/** A price as it should be: what it is called, what it belongs to, and what Stripe is asked for when it is not there. */
export interface WantedPrice {
  /** Follows from all that makes the price what it is, so another price is another key, and nobody's price changes. */
  readonly lookupKey: string
  readonly product: { readonly id: string; readonly name: string }
  readonly currency: string
  /** In minor units, decimal text. */
  readonly amount: string
  readonly interval: PlanPrice['interval']
  /** Our meter, for a price of its usage. */
  readonly meter: string | null
  readonly metadata: Readonly<Record<string, string>>
}

const priceSchema = z.object({ id: z.string().min(1), active: z.boolean(), lookup_key: z.string().nullish() })
const productOfPriceSchema = z.object({ product: reference })

/** What the id of a product begins with that is the usage of a meter. */
const meterProduct = 'billfold_meter_'

/** The meter whose usage a product is; `null` for every other product. */
export function meterOfProduct(id: string | null | undefined): string | null {
  return id?.startsWith(meterProduct) ? id.slice(meterProduct.length) : null
}

/** The prices of a plan, by what they must be. @throws BillingError `invalid_amount`, `invalid_request` */
export function wantedPrices({ plan, title, amount, interval, overage }: PlanPrice): readonly WantedPrice[] {
  const { currency, minor } = toStripeAmount(amount)
  return [
    {
      lookupKey: keyOf('plan', plan, currency, String(minor), interval),
      product: { id: `billfold_plan_${plan}`, name: title },
      currency,
      amount: String(minor),
      interval,
      meter: null,
      metadata: { billfold_plan: plan },
    },
    ...overage.map(({ meter, sparkPrice }): WantedPrice => {
      const cents = toMinorDecimal(sparkPrice, stripeDigits(amount.currency))
      return {
        lookupKey: keyOf('overage', meter, currency, cents, interval),
        product: { id: `${meterProduct}${meter}`, name: `${meter} (Sparks)` },
        currency,
        amount: cents,
        interval,
        meter,
        metadata: { billfold_meter: meter },
      }
    }),
  ]
}

/**
 * Gets the prices of a plan, and makes those that are not there. May be repeated, and run by several processes at once: products have
 * ids that follow from their names, and a lookup key belongs to one price.
 *
 * @see https://docs.stripe.com/products-prices/manage-prices#lookup-keys
 */
export function stripePrices(call: StripeCall, eventName: MeterNames) {
  const known = new Map<string, string>()

  const lookUp = async (keys: readonly string[], options: CallOptions): Promise<void> => {
    // At most ten keys a request.
    for (let start = 0; start < keys.length; start += 10) {
      const part = keys.slice(start, start + 10)
      const rows = await everyRow(priceSchema, (page) =>
        call.read(options, (client, request) => client.prices.list({ lookup_keys: part, ...page }, request)),
      )
      for (const { id, active, lookup_key: key } of rows)
        if (key) known.set(key, active ? id : await revive(id, options))
    }
  }

  /** A price that was archived and is sold again. */
  const revive = async (id: string, options: CallOptions): Promise<string> => {
    const answer = await call.write(withoutKey(options), (client, request) =>
      client.prices.update(id, { active: true }, request),
    )
    const { product } = parseAnswer(productOfPriceSchema, answer)
    await call.write(withoutKey(options), (client, request) =>
      client.products.update(product, { active: true }, request),
    )
    return id
  }

  const create = async (price: WantedPrice, options: CallOptions): Promise<string> => {
    const meterId = price.meter === null ? null : await meterIdOf(price.meter, options)
    await ensureProduct(call, price.product, options)
    const made = await call.create(
      { ...options, idempotencyKey: `billfold-price:${price.lookupKey}` },
      (client, request) =>
        client.prices.create(
          {
            currency: price.currency,
            product: price.product.id,
            lookup_key: price.lookupKey,
            metadata: { ...price.metadata },
            recurring:
              meterId === null
                ? { interval: price.interval }
                : { interval: price.interval, usage_type: 'metered', meter: meterId },
            unit_amount_decimal: client.Decimal.from(price.amount),
          },
          request,
        ),
    )
    return parseAnswer(priceSchema, made).id
  }

  const meterIdOf = async (meter: string, options: CallOptions): Promise<string> => {
    const name = eventName(meter)
    const found = (await activeMeters(call, options)).get(name)
    if (found) return found.id
    throw new BillingError(
      'config_invalid',
      `Stripe has no active meter ${name}: call billing.catalog.apply() before plans with overage are sold.`,
      { details: { meter, eventName: name } },
    )
  }

  const ensureOne = async (price: WantedPrice, options: CallOptions): Promise<string> => {
    const found = known.get(price.lookupKey)
    if (found !== undefined) return found
    try {
      const id = await create(price, options)
      known.set(price.lookupKey, id)
      return id
    } catch (error) {
      // Somebody else may have made it in the meantime, or we may have, and the answer was lost.
      await lookUp([price.lookupKey], options)
      const id = known.get(price.lookupKey)
      if (id === undefined) throw error
      return id
    }
  }

  return {
    /** Forgets what it knows, since a price was archived. */
    forget: () => known.clear(),
    async ensure(price: PlanPrice, options: CallOptions): Promise<StripePrices> {
      const wanted = wantedPrices(price)
      const missing = wanted.filter(({ lookupKey }) => !known.has(lookupKey)).map(({ lookupKey }) => lookupKey)
      if (missing.length > 0) await lookUp(missing, options)
      const [plan = '', ...metered] = await Promise.all(wanted.map((each) => ensureOne(each, options)))
      return { plan, metered }
    },
    /** The prices of usage alone. */
    async metered(overage: PlanPrice['overage'], currency: string, options: CallOptions): Promise<readonly string[]> {
      const usage = { plan: '', title: '', amount: { currency, nanos: 0n }, interval: 'month', overage } as const
      const wanted = wantedPrices(usage).filter(({ meter }) => meter !== null)
      const missing = wanted.filter(({ lookupKey }) => !known.has(lookupKey)).map(({ lookupKey }) => lookupKey)
      if (missing.length > 0) await lookUp(missing, options)
      return Promise.all(wanted.map((each) => ensureOne(each, options)))
    },
    /** Makes a price that is not sold, or sells it again: under its key Stripe would answer for a day as when it was made. */
    async sell(price: WantedPrice, options: CallOptions): Promise<string> {
      known.delete(price.lookupKey)
      await lookUp([price.lookupKey], options)
      return ensureOne(price, options)
    },
  }
}

export type StripePriceList = ReturnType<typeof stripePrices>

const productSchema = z.object({ id: z.string().min(1), name: z.string(), active: z.boolean() })

/** A product under an id of ours, so that it can only be made once. @see https://docs.stripe.com/api/products/create#create_product-id */
async function ensureProduct(
  call: StripeCall,
  { id, name }: WantedPrice['product'],
  options: CallOptions,
): Promise<void> {
  const product = await findProduct(call, id, options)
  if (product?.active) return
  if (product) {
    // A plan that was taken out of the catalog, and is sold again.
    await call.write(withoutKey(options), (client, request) => client.products.update(id, { active: true }, request))
    return
  }
  try {
    await call.create({ ...options, idempotencyKey: `billfold-product:${id}` }, (client, request) =>
      client.products.create({ id, name }, request),
    )
  } catch (error) {
    if ((await findProduct(call, id, options)) === null) throw error
  }
}

/** The product, or `null`. */
export async function findProduct(
  call: StripeCall,
  id: string,
  options: CallOptions,
): Promise<z.output<typeof productSchema> | null> {
  try {
    const answer = await call.read(options, (client, request) => client.products.retrieve(id, {}, request))
    return parseAnswer(productSchema, answer)
  } catch (error) {
    if (BillingError.is(error) && error.code === 'not_found') return null
    throw error
  }
}

/** At most 200 characters; the parts are names and numbers of ours. */
function keyOf(...parts: readonly string[]): string {
  return ['billfold', ...parts].join(':')
}

/** A decimal in units as a decimal in minor units: `0.00004` with two digits is `0.004`. */
export function toMinorDecimal(units: string, digits: number): string {
  const [whole = '0', fraction = ''] = units.split('.')
  const padded = fraction.padEnd(digits, '0')
  const moved = `${whole}${padded.slice(0, digits)}`.replace(/^0+(?=\d)/, '')
  const rest = padded.slice(digits).replace(/0+$/, '')
  return rest === '' ? moved : `${moved}.${rest}`
}
