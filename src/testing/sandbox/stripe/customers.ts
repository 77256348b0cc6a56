import * as z from 'zod'
import { invalidRequest, noSuch, notFound } from './errors.js'
import { emit } from './events.js'
import {
  clearable,
  email,
  integer,
  isWithin,
  list,
  mergeMetadata,
  metadata,
  paging,
  text,
  timeRange,
  tolerated,
} from './form.js'
import {
  attachPaymentMethod,
  detachPaymentMethod,
  methodsOf,
  paymentMethods,
  resolvePaymentMethod,
} from './payment-methods.js'
import { listPage, noParameters, route } from './route.js'
import { onTestClock } from './test-clocks.js'
import { newId, type StripeWorld, seconds, tableOf } from './world.js'

export type Customer = ReturnType<typeof newCustomer>

export const customers = tableOf<Customer>('customers')
/** Ids of deleted customers: Stripe goes on answering for them with a tombstone. */
const tombstones = tableOf<{ readonly id: string; readonly object: 'customer'; readonly deleted: true }>(
  'deleted_customers',
)

/** Looks up a customer named in the parameters. */
export function requireCustomer(world: StripeWorld, id: string, param = 'customer'): Customer {
  const customer = customers(world).get(id)
  if (customer === undefined) throw noSuch('customer', id, param)
  return customer
}

export function createCustomer(world: StripeWorld, given: z.output<typeof writable>): Customer {
  const customer = newCustomer(world, given)
  customers(world).put(customer.id, customer)
  emit(world, 'customer.created', customer)
  return customer
}

const address = z.strictObject({
  line1: clearable(text).optional(),
  line2: clearable(text).optional(),
  city: clearable(text).optional(),
  state: clearable(text).optional(),
  postal_code: clearable(text).optional(),
  country: clearable(text).optional(),
})

const writable = z.strictObject({
  email: clearable(email).optional(),
  name: clearable(text).optional(),
  description: clearable(text).optional(),
  phone: clearable(text).optional(),
  balance: integer.optional(),
  address: clearable(address).optional(),
  tax_exempt: z.enum(['none', 'exempt', 'reverse']).optional(),
  preferred_locales: list(text).optional(),
  invoice_settings: z
    .strictObject({
      default_payment_method: clearable(text).optional(),
      ...tolerated('custom_fields', 'footer', 'rendering_options'),
    })
    .optional(),
  metadata,
  ...tolerated(
    'business_name',
    'cash_balance',
    'individual_name',
    'invoice_prefix',
    'next_invoice_sequence',
    'shipping',
    'source',
    'tax',
    'tax_id_data',
    'validate',
  ),
})

export const customerRoutes = [
  route(
    'POST /v1/customers',
    writable.extend({ payment_method: text.optional(), test_clock: text.optional() }),
    ({ world: outer, params: { test_clock: clock, payment_method: method, invoice_settings: settings, ...given } }) => {
      const world = clock === undefined ? outer : onTestClock(outer, clock)
      const customer = createCustomer(world, given)
      const attached =
        method === undefined ? undefined : attachPaymentMethod(world, resolvePaymentMethod(world, method), customer.id)
      if (settings === undefined) return customer
      // The id may be one that stands for a new method each time, as `pm_card_visa`.
      const wanted = settings.default_payment_method === method ? attached?.id : settings.default_payment_method
      const after = { ...customer, invoice_settings: settingsOf(world, customer, { default_payment_method: wanted }) }
      customers(world).put(after.id, after)
      return after
    },
  ),
  route(
    'GET /v1/customers',
    z.strictObject({ ...paging, email: text.optional(), created: timeRange.optional(), test_clock: text.optional() }),
    ({ world, params }) =>
      listPage(
        '/v1/customers',
        [...customers(world).values()].filter(
          (customer) =>
            // Those on a test clock are listed by it alone.
            (params.test_clock ?? null) === customer.test_clock &&
            (params.email === undefined || params.email === customer.email) &&
            isWithin(params.created, customer.created),
        ),
        params,
      ),
  ),
  route('GET /v1/customers/:id', noParameters, ({ world, path: { id = '' } }) => {
    const customer = customers(world).get(id) ?? tombstones(world).get(id)
    if (customer === undefined) throw notFound('customer', id)
    return customer
  }),
  route(
    'POST /v1/customers/:id',
    writable.extend(tolerated('default_source')),
    ({ world, path: { id = '' }, params }) => {
      const before = customers(world).get(id)
      if (before === undefined) throw notFound('customer', id)
      const after: Customer = {
        ...before,
        email: params.email === undefined ? before.email : params.email,
        name: params.name === undefined ? before.name : params.name,
        description: params.description === undefined ? before.description : params.description,
        phone: params.phone === undefined ? before.phone : params.phone,
        address: params.address === undefined ? before.address : fullAddress(params.address),
        balance: params.balance ?? before.balance,
        tax_exempt: params.tax_exempt ?? before.tax_exempt,
        preferred_locales: params.preferred_locales ?? before.preferred_locales,
        invoice_settings: settingsOf(world, before, params.invoice_settings),
        metadata: mergeMetadata(before.metadata, params.metadata),
      }
      customers(world).put(id, after)
      emit(world, 'customer.updated', after, changed(before, after))
      return after
    },
  ),
  route('DELETE /v1/customers/:id', noParameters, ({ world, path: { id = '' } }) => {
    const customer = customers(world).get(id)
    if (customer === undefined) throw notFound('customer', id)
    const tombstone = { id, object: 'customer', deleted: true } as const
    for (const method of methodsOf(world, id)) detachPaymentMethod(world, method)
    customers(world).delete(id)
    tombstones(world).put(id, tombstone)
    emit(world, 'customer.deleted', customer)
    return tombstone
  }),
]

/** Makes a saved method the one that invoices are charged to. */
export function setDefaultMethod(world: StripeWorld, before: Customer, method: string | null): Customer {
  const after: Customer = { ...before, invoice_settings: settingsOf(world, before, { default_payment_method: method }) }
  customers(world).put(after.id, after)
  emit(world, 'customer.updated', after, changed(before, after))
  return after
}

function settingsOf(
  world: StripeWorld,
  { id, invoice_settings: before }: Customer,
  change: { readonly default_payment_method?: string | null | undefined } | undefined,
): Customer['invoice_settings'] {
  const wanted = change?.default_payment_method
  if (wanted === undefined) return before
  if (wanted !== null && paymentMethods(world).get(wanted)?.customer !== id) {
    throw invalidRequest(
      `The customer does not have a payment method with the ID ${wanted}. The payment method must be attached to the customer.`,
      { code: 'resource_missing', param: 'invoice_settings[default_payment_method]' },
    )
  }
  return { ...before, default_payment_method: wanted }
}

/** The values that are different now, as they were: Stripe's `previous_attributes`. */
export function changed(before: object, after: object): Record<string, unknown> {
  const now = new Map(Object.entries(after))
  return Object.fromEntries(
    Object.entries(before).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(now.get(name))),
  )
}

function newCustomer(world: StripeWorld, given: z.output<typeof writable>) {
  return {
    id: newId('cus_', 14),
    object: 'customer' as const,
    address: fullAddress(given.address ?? null),
    balance: given.balance ?? 0,
    created: seconds(world),
    currency: null as string | null,
    default_source: null,
    delinquent: false,
    description: given.description ?? null,
    discount: null,
    email: given.email ?? null,
    invoice_prefix: newId('', 8).toUpperCase(),
    invoice_settings: {
      custom_fields: null,
      default_payment_method: null as string | null,
      footer: null,
      rendering_options: null,
    },
    livemode: false as const,
    metadata: (given.metadata ?? {}) as Readonly<Record<string, string>>,
    name: given.name ?? null,
    next_invoice_sequence: 1,
    phone: given.phone ?? null,
    preferred_locales: given.preferred_locales ?? [],
    shipping: null,
    tax_exempt: given.tax_exempt ?? 'none',
    test_clock: world.clock,
  }
}

function fullAddress(given: z.output<typeof address> | null) {
  if (given === null) return null
  const { line1 = null, line2 = null, city = null, state = null, postal_code = null, country = null } = given
  return { line1, line2, city, state, postal_code, country }
}
