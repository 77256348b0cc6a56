import * as z from 'zod'
import { type Customer, customers } from './customers.js'
import { notFound } from './errors.js'
import { emit } from './events.js'
import { isWithin, paging, text, timeRange, tolerated } from './form.js'
import type { Price } from './prices.js'
import { listPage, noParameters, route, wholeList } from './route.js'
import { newId, type StripeWorld, seconds, tableOf } from './world.js'

export type Invoice = ReturnType<typeof newInvoice>

export const invoices = tableOf<Invoice>('invoices')

export interface InvoiceLine {
  readonly description: string
  readonly amount: number
  readonly quantity: number | null
  readonly price: Price
  readonly period: { readonly start: number; readonly end: number }
  readonly subscriptionItem: string | null
}

export interface InvoiceRequest {
  readonly customer: Customer
  readonly currency: string
  readonly subscription: string
  readonly billingReason: 'subscription_create' | 'subscription_cycle'
  readonly lines: readonly InvoiceLine[]
  readonly metadata: Readonly<Record<string, string>>
}

/** Makes a finalized invoice; it is open until paid. */
export function createInvoice(world: StripeWorld, request: InvoiceRequest): Invoice {
  const invoice = newInvoice(world, request)
  invoices(world).put(invoice.id, invoice)
  const { customer } = request
  const counted: Customer = {
    ...customer,
    next_invoice_sequence: customer.next_invoice_sequence + 1,
    currency: request.currency,
  }
  customers(world).put(customer.id, counted)
  emit(world, 'invoice.created', invoice)
  emit(world, 'invoice.finalized', invoice)
  return invoice
}

export function payInvoice(world: StripeWorld, invoice: Invoice): Invoice {
  const paid: Invoice = {
    ...invoice,
    status: 'paid',
    amount_paid: invoice.amount_due,
    amount_remaining: 0,
    attempted: true,
    attempt_count: invoice.attempt_count + 1,
    status_transitions: { ...invoice.status_transitions, paid_at: seconds(world) },
  }
  invoices(world).put(paid.id, paid)
  emit(world, 'invoice.paid', paid)
  emit(world, 'invoice.payment_succeeded', paid)
  return paid
}

export function failInvoice(world: StripeWorld, invoice: Invoice): Invoice {
  const failed: Invoice = { ...invoice, attempted: true, attempt_count: invoice.attempt_count + 1 }
  invoices(world).put(failed.id, failed)
  emit(world, 'invoice.payment_failed', failed)
  return failed
}

export const invoiceRoutes = [
  route(
    'GET /v1/invoices',
    z.strictObject({
      ...paging,
      customer: text.optional(),
      subscription: text.optional(),
      status: z.enum(['draft', 'open', 'paid', 'uncollectible', 'void']).optional(),
      created: timeRange.optional(),
      ...tolerated('collection_method', 'due_date', 'customer_account'),
    }),
    ({ world, params }) =>
      listPage(
        '/v1/invoices',
        [...invoices(world).values()].filter(
          (invoice) =>
            (params.customer === undefined || params.customer === invoice.customer) &&
            (params.status === undefined || params.status === invoice.status) &&
            (params.subscription === undefined ||
              params.subscription === invoice.parent.subscription_details.subscription) &&
            isWithin(params.created, invoice.created),
        ),
        params,
      ),
  ),
  route('GET /v1/invoices/:id', noParameters, ({ world, path: { id = '' } }) => {
    const invoice = invoices(world).get(id)
    if (invoice === undefined) throw notFound('invoice', id, 'invoice')
    return invoice
  }),
]

function newInvoice(world: StripeWorld, request: InvoiceRequest) {
  const now = seconds(world)
  const { customer, currency, subscription } = request
  const id = newId('in_1', 23)
  const total = request.lines.reduce((sum, line) => sum + line.amount, 0)
  // A period whose corrections outweigh its usage bills nothing.
  const due = Math.max(0, total)
  return {
    id,
    object: 'invoice' as const,
    account_country: 'US',
    account_name: world.merchantName,
    account_tax_ids: null,
    amount_due: due,
    amount_overpaid: 0,
    amount_paid: 0,
    amount_remaining: due,
    amount_shipping: 0,
    application: null,
    attempt_count: 0,
    attempted: false,
    auto_advance: false,
    automatic_tax: { disabled_reason: null, enabled: false, liability: null, provider: null, status: null },
    automatically_finalizes_at: null,
    billing_reason: request.billingReason,
    collection_method: 'charge_automatically' as const,
    created: now,
    currency,
    custom_fields: null,
    customer: customer.id,
    customer_account: null,
    customer_address: customer.address,
    customer_email: customer.email,
    customer_name: customer.name,
    customer_phone: customer.phone,
    customer_shipping: null,
    customer_tax_exempt: customer.tax_exempt,
    customer_tax_ids: [],
    default_payment_method: null,
    default_source: null,
    default_tax_rates: [],
    description: null,
    discounts: [],
    due_date: null,
    effective_at: now,
    ending_balance: 0,
    footer: null,
    from_invoice: null,
    hosted_invoice_url: world.pageUrl(`/invoice/${id}`),
    invoice_pdf: null,
    issuer: { type: 'self' as const },
    last_finalization_error: null,
    latest_revision: null,
    lines: wholeList(
      `/v1/invoices/${id}/lines`,
      request.lines.map((line) => newLine(id, currency, subscription, line)),
    ),
    livemode: false as const,
    metadata: {},
    next_payment_attempt: null,
    number: `${customer.invoice_prefix}-${String(customer.next_invoice_sequence).padStart(4, '0')}`,
    on_behalf_of: null,
    parent: {
      quote_details: null,
      subscription_details: { metadata: request.metadata, subscription },
      type: 'subscription_details' as const,
    },
    payment_settings: { default_mandate: null, payment_method_options: null, payment_method_types: null },
    period_end: now,
    period_start: now,
    post_payment_credit_notes_amount: 0,
    pre_payment_credit_notes_amount: 0,
    receipt_number: null,
    rendering: null,
    shipping_cost: null,
    shipping_details: null,
    starting_balance: 0,
    statement_descriptor: null,
    status: 'open' as 'open' | 'paid',
    status_transitions: {
      finalized_at: now,
      marked_uncollectible_at: null,
      paid_at: null as number | null,
      voided_at: null,
    },
    subtotal: total,
    subtotal_excluding_tax: total,
    test_clock: null,
    total,
    total_discount_amounts: [],
    total_excluding_tax: total,
    total_pretax_credit_amounts: [],
    total_taxes: [],
    webhooks_delivered_at: null,
  }
}

function newLine(invoice: string, currency: string, subscription: string, line: InvoiceLine) {
  return {
    id: newId('il_1', 23),
    object: 'line_item' as const,
    amount: line.amount,
    currency,
    description: line.description,
    discount_amounts: [],
    discountable: true,
    discounts: [],
    invoice,
    livemode: false as const,
    metadata: {},
    parent: {
      invoice_item_details: null,
      subscription_item_details:
        line.subscriptionItem === null
          ? null
          : {
              invoice_item: null,
              proration: false,
              proration_details: { credited_items: null },
              subscription,
              subscription_item: line.subscriptionItem,
            },
      type: 'subscription_item_details' as const,
    },
    period: line.period,
    pretax_credit_amounts: [],
    pricing: {
      price_details: { price: line.price.id, product: line.price.product },
      type: 'price_details' as const,
      unit_amount_decimal: line.price.unit_amount_decimal,
    },
    quantity: line.quantity,
    quantity_decimal: line.quantity === null ? null : String(line.quantity),
    subscription,
    subtotal: line.amount,
    taxes: [],
  }
}
