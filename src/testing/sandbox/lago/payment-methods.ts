import { customerOf } from './customers.js'
import { notFound } from './errors.js'
import type { LagoInvoice } from './invoices.js'
import { paymentLink } from './payment-link.js'
import { noBody, paged, route } from './route.js'
import { isoTime, type LagoWorld, newLagoId, tableOf } from './world.js'

/** What a customer left at the payment service, as far as Lago knows it. */
export interface LagoPaymentMethod {
  readonly lago_id: string
  readonly external_customer_id: string
  readonly is_default: boolean
  /** Number of the test card, which the real Lago never sees. */
  readonly card: string
  readonly provider_method_id: string
  readonly createdAtMs: number
}

/** By Lago's id, oldest first. */
export const paymentMethods = tableOf<LagoPaymentMethod>('payment_methods')

export const paymentMethodRoutes = [
  route('GET /customers/:customer/payment_methods', noBody, ({ world, path, query }) => {
    const { external_id: id } = customerOf(world, path.customer ?? '')
    return paged(
      'payment_methods',
      [...methodsOf(world, id)].reverse().map((method) => shown(world, method)),
      query,
    )
  }),
  route('PUT /customers/:customer/payment_methods/:id/set_as_default', noBody, ({ world, path }) => {
    const method = methodOf(world, path.customer ?? '', path.id ?? '')
    return { payment_method: shown(world, makeDefault(world, method)) }
  }),
  route('DELETE /customers/:customer/payment_methods/:id', noBody, ({ world, path }) => {
    const method = methodOf(world, path.customer ?? '', path.id ?? '')
    removeMethod(world, method)
    return { payment_method: shown(world, { ...method, is_default: false }) }
  }),
]

/** A customer's, oldest first. */
export function methodsOf(world: LagoWorld, customerId: string): readonly LagoPaymentMethod[] {
  return [...paymentMethods(world).values()].filter(({ external_customer_id: id }) => id === customerId)
}

export function defaultMethod(
  world: LagoWorld,
  { external_customer_id: id }: LagoInvoice,
): LagoPaymentMethod | undefined {
  return methodsOf(world, id).find(({ is_default: isDefault }) => isDefault)
}

/** Keeps a card. One that a customer leaves on a page becomes the default. */
export function saveMethod(world: LagoWorld, customerId: string, card: string): LagoPaymentMethod {
  const id = newLagoId()
  const method: LagoPaymentMethod = {
    lago_id: id,
    external_customer_id: customerId,
    is_default: false,
    card,
    provider_method_id: `pm_${id.replaceAll('-', '').slice(0, 24)}`,
    createdAtMs: world.now(),
  }
  paymentMethods(world).put(id, method)
  return makeDefault(world, method)
}

export function makeDefault(world: LagoWorld, method: LagoPaymentMethod): LagoPaymentMethod {
  for (const other of methodsOf(world, method.external_customer_id))
    if (other.is_default) paymentMethods(world).put(other.lago_id, { ...other, is_default: false })
  const after = { ...method, is_default: true }
  paymentMethods(world).put(after.lago_id, after)
  return after
}

export function removeMethod(world: LagoWorld, { lago_id: id }: LagoPaymentMethod): void {
  paymentMethods(world).delete(id)
}

function methodOf(world: LagoWorld, customerId: string, id: string): LagoPaymentMethod {
  const { external_id: owner } = customerOf(world, customerId)
  const found = paymentMethods(world).get(id)
  if (found?.external_customer_id !== owner) throw notFound('payment_method')
  return found
}

function shown(world: LagoWorld, method: LagoPaymentMethod) {
  const link = paymentLink(customerOf(world, method.external_customer_id))
  return {
    lago_id: method.lago_id,
    is_default: method.is_default,
    payment_provider_code: link?.code ?? null,
    payment_provider_name: link === null ? null : 'Sandbox payments',
    payment_provider_type: link?.provider ?? 'stripe',
    provider_method_id: method.provider_method_id,
    created_at: isoTime(method.createdAtMs),
  }
}
