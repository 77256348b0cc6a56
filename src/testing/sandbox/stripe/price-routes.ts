import * as z from 'zod'
import { invalidRequest, notFound } from './errors.js'
import { emit } from './events.js'
import { currency, flag, isWithin, list, mergeMetadata, paging, text, timeRange } from './form.js'
import { newPrice, type Price, priceChange, priceShape, prices } from './prices.js'
import { productData, productOf } from './products.js'
import { listPage, noParameters, route } from './route.js'
import type { StripeWorld } from './world.js'

const creatable = z.strictObject({
  ...priceShape,
  product_data: productData.optional(),
  billing_scheme: z.literal('per_unit', 'The sandbox models per_unit prices only.').optional(),
  transfer_lookup_key: flag.optional(),
})

export const priceRoutes = [
  route('POST /v1/prices', creatable, ({ world, params: { transfer_lookup_key: transfers, ...given } }) => {
    freeLookupKey(world, given.lookup_key, transfers ?? false)
    return createPrice(world, given)
  }),
  route(
    'GET /v1/prices',
    z.strictObject({
      ...paging,
      active: flag.optional(),
      currency: currency.optional(),
      product: text.optional(),
      type: z.enum(['recurring', 'one_time']).optional(),
      lookup_keys: list(text).optional(),
      created: timeRange.optional(),
      recurring: z
        .strictObject({ interval: text.optional(), meter: text.optional(), usage_type: text.optional() })
        .optional(),
    }),
    ({ world, params }) =>
      listPage(
        '/v1/prices',
        [...prices(world).values()].filter(
          (price) =>
            (params.active === undefined || params.active === price.active) &&
            (params.currency === undefined || params.currency === price.currency) &&
            (params.product === undefined || params.product === price.product) &&
            (params.type === undefined || params.type === price.type) &&
            (params.lookup_keys === undefined || params.lookup_keys.includes(price.lookup_key ?? '')) &&
            (params.recurring?.interval === undefined || params.recurring.interval === price.recurring?.interval) &&
            (params.recurring?.meter === undefined || params.recurring.meter === price.recurring?.meter) &&
            (params.recurring?.usage_type === undefined ||
              params.recurring.usage_type === price.recurring?.usage_type) &&
            isWithin(params.created, price.created),
        ),
        params,
      ),
  ),
  route('GET /v1/prices/:id', noParameters, ({ world, path }) => requirePrice(world, path.id)),
  route('POST /v1/prices/:id', priceChange, ({ world, path, params }) => {
    const before = requirePrice(world, path.id)
    if (params.lookup_key !== null && params.lookup_key !== before.lookup_key) {
      freeLookupKey(world, params.lookup_key, params.transfer_lookup_key ?? false)
    }
    const after: Price = {
      ...before,
      active: params.active ?? before.active,
      nickname: params.nickname === undefined ? before.nickname : params.nickname,
      lookup_key: params.lookup_key === undefined ? before.lookup_key : params.lookup_key,
      metadata: mergeMetadata(before.metadata, params.metadata),
    }
    prices(world).put(after.id, after)
    emit(world, 'price.updated', after)
    return after
  }),
]

/** A lookup key names one price; it is taken from the one that has it only when that is asked for. */
function freeLookupKey(world: StripeWorld, key: string | undefined, transfers: boolean): void {
  const holder = [...prices(world).values()].find((price) => key !== undefined && price.lookup_key === key)
  if (holder === undefined) return
  if (!transfers) {
    throw invalidRequest(`A price (\`${holder.id}\`) already uses that lookup key.`, {
      code: 'resource_already_exists',
      param: 'lookup_key',
    })
  }
  const after: Price = { ...holder, lookup_key: null }
  prices(world).put(after.id, after)
  emit(world, 'price.updated', after, { lookup_key: key })
}

export function createPrice(world: StripeWorld, given: Omit<z.output<typeof creatable>, 'transfer_lookup_key'>): Price {
  const price = newPrice(world, productOf(world, given).id, given)
  prices(world).put(price.id, price)
  emit(world, 'price.created', price)
  return price
}

function requirePrice(world: StripeWorld, id = ''): Price {
  const price = prices(world).get(id)
  if (price === undefined) throw notFound('price', id, 'price')
  return price
}
