import { customerOf, customers } from './customers.js'
import { notFound } from './errors.js'
import { invoices, numberOf } from './invoices.js'
import { paymentLink } from './payment-link.js'
import { noBody, paged, route } from './route.js'
import { isoTime, type LagoWorld, tableOf } from './world.js'

/** An attempt to collect an invoice through the payment service. */
export interface LagoPayment {
  readonly lago_id: string
  readonly invoiceId: string
  readonly external_customer_id: string
  readonly cents: number
  readonly currency: string
  /** The payment service's word. */
  readonly status: 'pending' | 'processing' | 'requires_action' | 'succeeded' | 'failed' | 'canceled'
  readonly payment_status: 'pending' | 'processing' | 'succeeded' | 'failed'
  readonly methodId: string | null
  /** Number of the test card. */
  readonly card: string
  /** The payment's id at the payment service. */
  readonly providerId: string
  readonly nextActionUrl: string | null
  readonly createdAtMs: number
}

/** By Lago's id, oldest first. */
export const payments = tableOf<LagoPayment>('payments')

export const paymentRoutes = [
  route('GET /payments', noBody, ({ world, query }) => list(world, query, query.get('external_customer_id'))),
  route('GET /customers/:customer/payments', noBody, ({ world, path, query }) =>
    list(world, query, customerOf(world, path.customer ?? '').external_id),
  ),
  // The published description has no object around it, the server has.
  route('GET /payments/:id', noBody, ({ world, path }) => {
    const found = payments(world).get(path.id ?? '')
    if (found === undefined) throw notFound('payment')
    const shown = shownPayment(world, found)
    return { ...shown, payment: shown }
  }),
]

function list(world: LagoWorld, query: URLSearchParams, customerId: string | null) {
  const invoiceId = query.get('invoice_id')
  const rows = [...payments(world).values()]
    .reverse()
    .filter(
      (payment) =>
        (customerId === null || payment.external_customer_id === customerId) &&
        (invoiceId === null || payment.invoiceId === invoiceId),
    )
  return paged(
    'payments',
    rows.map((payment) => shownPayment(world, payment)),
    query,
  )
}

/** A payment as Lago answers it. */
export function shownPayment(world: LagoWorld, payment: LagoPayment) {
  const customer = customers(world).get(payment.external_customer_id)
  const link = customer === undefined ? null : paymentLink(customer)
  const invoice = invoices(world).get(payment.invoiceId)
  return {
    lago_id: payment.lago_id,
    lago_customer_id: customer?.lago_id ?? '',
    external_customer_id: payment.external_customer_id,
    invoice_ids: [payment.invoiceId],
    invoice_numbers: invoice === undefined ? [] : [numberOf(world, invoice)],
    lago_payable_id: payment.invoiceId,
    payable_type: 'Invoice',
    amount_cents: payment.cents,
    amount_currency: payment.currency,
    status: payment.status,
    payment_status: payment.payment_status,
    type: 'provider',
    reference: payment.providerId,
    payment_provider_code: link?.code ?? 'sandbox',
    payment_provider_type: link?.provider ?? 'stripe',
    external_payment_id: payment.providerId,
    provider_payment_id: payment.providerId,
    provider_customer_id: link?.customerId ?? '',
    payment_method_id: payment.methodId,
    next_action:
      payment.nextActionUrl === null
        ? {}
        : { type: 'redirect_to_url', redirect_to_url: { url: payment.nextActionUrl } },
    created_at: isoTime(payment.createdAtMs),
  }
}
