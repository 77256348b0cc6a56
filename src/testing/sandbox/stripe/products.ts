import * as z from 'zod'
import { invalidRequest, noSuch, notFound } from './errors.js'
import { emit } from './events.js'
import { clearable, flag, isWithin, list, mergeMetadata, metadata, paging, text, timeRange, tolerated } from './form.js'
import { newPrice, type Price, priceShape, prices } from './prices.js'
import { listPage, noParameters, route } from './route.js'
import { newId, type StripeWorld, seconds, tableOf } from './world.js'

export type Product = ReturnType<typeof newProduct>

export const products = tableOf<Product>('products')

export const productData = z.strictObject({
  name: text,
  description: text.optional(),
  images: list(text).optional(),
  unit_label: text.optional(),
  metadata,
  ...tolerated('tax_code', 'tax_details', 'statement_descriptor', 'id', 'active'),
})

const { product: _product, product_data: _data, ...defaultPriceShape } = priceShape

const creatable = z.strictObject({
  name: text,
  id: text.optional(),
  active: flag.optional(),
  description: text.optional(),
  images: list(text).optional(),
  unit_label: text.optional(),
  url: text.optional(),
  shippable: flag.optional(),
  default_price_data: z.strictObject(defaultPriceShape).optional(),
  metadata,
  ...tolerated('marketing_features', 'package_dimensions', 'statement_descriptor', 'tax_code', 'tax_details', 'type'),
})

export function createProduct(
  world: StripeWorld,
  given: Omit<z.output<typeof creatable>, 'default_price_data'>,
): Product {
  const product = newProduct(world, given)
  products(world).put(product.id, product)
  emit(world, 'product.created', product)
  return product
}

/** Looks up or makes the product a price belongs to. */
export function productOf(
  world: StripeWorld,
  given: { product?: string | undefined; product_data?: z.output<typeof productData> | undefined },
): Product {
  if ((given.product === undefined) === (given.product_data === undefined)) {
    throw invalidRequest('Exactly one of `product` and `product_data` is required.', {
      code: 'parameter_missing',
      param: 'product',
    })
  }
  if (given.product_data !== undefined) {
    const { name, description, images, unit_label, metadata: labels } = given.product_data
    return createProduct(world, { name, description, images, unit_label, metadata: labels })
  }
  const product = products(world).get(given.product ?? '')
  if (product === undefined) throw noSuch('product', given.product ?? '', 'product')
  return product
}

export const productRoutes = [
  route('POST /v1/products', creatable, ({ world, params: { default_price_data: priceData, ...given } }) => {
    if (given.id !== undefined && products(world).has(given.id)) {
      throw invalidRequest('Product already exists.', { code: 'resource_already_exists', param: 'id' })
    }
    const product = createProduct(world, given)
    if (priceData === undefined) return product
    const price: Price = newPrice(world, product.id, priceData)
    prices(world).put(price.id, price)
    emit(world, 'price.created', price)
    const priced: Product = { ...product, default_price: price.id }
    products(world).put(priced.id, priced)
    return priced
  }),
  route(
    'GET /v1/products',
    z.strictObject({
      ...paging,
      active: flag.optional(),
      ids: list(text).optional(),
      created: timeRange.optional(),
      ...tolerated('shippable', 'type', 'url'),
    }),
    ({ world, params }) =>
      listPage(
        '/v1/products',
        [...products(world).values()].filter(
          (product) =>
            (params.active === undefined || params.active === product.active) &&
            (params.ids === undefined || params.ids.includes(product.id)) &&
            isWithin(params.created, product.created),
        ),
        params,
      ),
  ),
  route('GET /v1/products/:id', noParameters, ({ world, path: { id = '' } }) => {
    const product = products(world).get(id)
    if (product === undefined) throw notFound('product', id)
    return product
  }),
  route(
    'POST /v1/products/:id',
    z.strictObject({
      name: text.optional(),
      active: flag.optional(),
      default_price: text.optional(),
      description: clearable(text).optional(),
      unit_label: clearable(text).optional(),
      url: clearable(text).optional(),
      images: clearable(list(text)).optional(),
      metadata,
      ...tolerated(
        'marketing_features',
        'package_dimensions',
        'shippable',
        'statement_descriptor',
        'tax_code',
        'tax_details',
      ),
    }),
    ({ world, path: { id = '' }, params }) => {
      const before = products(world).get(id)
      if (before === undefined) throw notFound('product', id)
      const after: Product = {
        ...before,
        name: params.name ?? before.name,
        active: params.active ?? before.active,
        default_price: params.default_price ?? before.default_price,
        description: params.description === undefined ? before.description : params.description,
        unit_label: params.unit_label === undefined ? before.unit_label : params.unit_label,
        url: params.url === undefined ? before.url : params.url,
        images: params.images === undefined ? before.images : (params.images ?? []),
        metadata: mergeMetadata(before.metadata, params.metadata),
        updated: seconds(world),
      }
      products(world).put(id, after)
      emit(world, 'product.updated', after)
      return after
    },
  ),
  route('DELETE /v1/products/:id', noParameters, ({ world, path: { id = '' } }) => {
    const product = products(world).get(id)
    if (product === undefined) throw notFound('product', id)
    if ([...prices(world).values()].some((price) => price.product === id)) {
      throw invalidRequest('This product cannot be deleted because it has one or more user-created prices.')
    }
    products(world).delete(id)
    emit(world, 'product.deleted', product)
    return { id, object: 'product', deleted: true }
  }),
]

function newProduct(world: StripeWorld, given: Omit<z.output<typeof creatable>, 'default_price_data'>) {
  const now = seconds(world)
  return {
    id: given.id ?? newId('prod_', 14),
    object: 'product' as const,
    active: given.active ?? true,
    created: now,
    default_price: null as string | null,
    description: given.description ?? null,
    images: given.images ?? [],
    livemode: false as const,
    marketing_features: [],
    metadata: (given.metadata ?? {}) as Readonly<Record<string, string>>,
    name: given.name,
    package_dimensions: null,
    shippable: given.shippable ?? null,
    statement_descriptor: null,
    tax_code: null,
    tax_details: null,
    type: 'service' as const,
    unit_label: given.unit_label ?? null,
    updated: now,
    url: given.url ?? null,
  }
}
