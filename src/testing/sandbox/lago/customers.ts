import * as z from 'zod'
import { invalid, notFound } from './errors.js'
import { linkedSettings, paymentLink } from './payment-link.js'
import { noBody, paged, route, wrapped } from './route.js'
import { emitWebhook } from './webhooks.js'
import { isoTime, type LagoWorld, newLagoId, tableOf } from './world.js'

/** A customer, by the id that the app gave it. */
export interface LagoCustomer {
  readonly lago_id: string
  readonly sequential_id: number
  readonly external_id: string
  readonly created_at: string
  readonly updated_at: string
  /** What was given as it was given: names, addresses, tax numbers. */
  readonly profile: Readonly<Record<string, unknown>>
  readonly currency: string | null
  readonly timezone: string | null
  readonly net_payment_term: number | null
  readonly finalize_zero_amount_invoice: 'inherit' | 'skip' | 'finalize'
  readonly billing_configuration: Readonly<Record<string, unknown>>
  readonly metadata: readonly CustomerMetadata[]
}

export interface CustomerMetadata {
  readonly lago_id: string
  readonly key: string
  readonly value: string
  readonly display_in_invoice: boolean
  readonly created_at: string
}

/** By external id. */
export const customers = tableOf<LagoCustomer>('customers')

const profileFields = [
  'address_line1',
  'address_line2',
  'city',
  'country',
  'email',
  'legal_name',
  'legal_number',
  'logo_url',
  'name',
  'firstname',
  'lastname',
  'phone',
  'state',
  'tax_identification_number',
  'url',
  'zipcode',
] as const

const text = z.string().nullish()
const customerShape = z.object({
  external_id: z.string().min(1),
  ...(Object.fromEntries(profileFields.map((name) => [name, text])) as Record<
    (typeof profileFields)[number],
    typeof text
  >),
  currency: text,
  timezone: text,
  customer_type: z.enum(['company', 'individual']).nullish(),
  account_type: z.enum(['customer', 'partner']).nullish(),
  net_payment_term: z.int().nonnegative().nullish(),
  finalize_zero_amount_invoice: z.enum(['inherit', 'skip', 'finalize']).optional(),
  billing_configuration: z.record(z.string(), z.unknown()).optional(),
  metadata: z
    .array(
      z.object({
        id: z.string().optional(),
        key: z.string().max(20),
        value: z.string(),
        display_in_invoice: z.boolean(),
      }),
    )
    .max(5)
    .optional(),
})

export const customerRoutes = [
  route('POST /customers', wrapped('customer', customerShape), ({ world, body }) => ({
    customer: shownCustomer(upsert(world, body.customer)),
  })),
  route('GET /customers', noBody, ({ world, query }) => {
    const term = query.get('search_term')?.toLowerCase()
    const rows = [...customers(world).values()].reverse().filter(({ external_id: id, profile }) => {
      if (term === undefined || term === '') return true
      return [id, profile.name, profile.email].some((field) =>
        String(field ?? '')
          .toLowerCase()
          .includes(term),
      )
    })
    return paged('customers', rows.map(shownCustomer), query)
  }),
  route('GET /customers/:customer', noBody, ({ world, path }) => ({
    customer: shownCustomer(customerOf(world, path.customer ?? '')),
  })),
]

/** @throws a 404 in Lago's words */
export function customerOf(world: LagoWorld, externalId: string): LagoCustomer {
  const found = customers(world).get(externalId)
  if (found === undefined) throw notFound('customer')
  return found
}

/** A customer has one currency for ever, given or taken from the first thing that it buys. @throws a 422 for another one */
export function ensureCurrency(world: LagoWorld, customer: LagoCustomer, currency: string): void {
  if (customer.currency === currency) return
  if (customer.currency !== null) throw invalid({ currency: ['currencies_does_not_match'] })
  customers(world).put(customer.external_id, { ...customer, currency })
}

/** The same external id is the same customer; what is not given stays. */
function upsert(world: LagoWorld, given: z.output<typeof customerShape>): LagoCustomer {
  const at = isoTime(world.now())
  const { external_id: id } = given
  const before = customers(world).get(id)
  const fresh: LagoCustomer = {
    lago_id: newLagoId(),
    sequential_id: customers(world).size + 1,
    external_id: id,
    created_at: at,
    updated_at: at,
    profile: {},
    currency: null,
    timezone: null,
    net_payment_term: null,
    finalize_zero_amount_invoice: 'inherit',
    billing_configuration: {},
    metadata: [],
  }
  const base = before ?? fresh
  const named = Object.fromEntries(
    [...profileFields, 'customer_type' as const, 'account_type' as const]
      .filter((name) => given[name] !== undefined)
      .map((name) => [name, given[name]]),
  )
  const customer: LagoCustomer = {
    ...base,
    updated_at: at,
    profile: { ...base.profile, ...named },
    currency: given.currency ?? base.currency,
    timezone: given.timezone === undefined ? base.timezone : given.timezone,
    net_payment_term: given.net_payment_term === undefined ? base.net_payment_term : given.net_payment_term,
    finalize_zero_amount_invoice: given.finalize_zero_amount_invoice ?? base.finalize_zero_amount_invoice,
    billing_configuration: linkedSettings({ ...base.billing_configuration, ...given.billing_configuration }, newLagoId),
    metadata:
      given.metadata?.map(({ id: known, ...entry }) => ({
        lago_id: known ?? newLagoId(),
        ...entry,
        created_at: at,
      })) ?? base.metadata,
  }
  customers(world).put(id, customer)
  emitWebhook(
    world,
    before === undefined ? 'customer.created' : 'customer.updated',
    'customer',
    shownCustomer(customer),
  )
  if (paymentLink(base) === null && paymentLink(customer) !== null)
    emitWebhook(world, 'customer.payment_provider_created', 'customer', shownCustomer(customer))
  return customer
}

/** A customer as Lago answers it. */
export function shownCustomer({ profile, ...customer }: LagoCustomer) {
  return {
    ...customer,
    slug: `SAN-0001-${String(customer.sequential_id).padStart(3, '0')}`,
    billing_entity_code: 'default',
    ...Object.fromEntries(profileFields.map((name) => [name, null])),
    customer_type: null,
    account_type: 'customer',
    ...profile,
    applicable_timezone: customer.timezone ?? 'UTC',
    skip_invoice_custom_sections: false,
    integration_customers: [],
    taxes: [],
  }
}
