import * as z from 'zod'
import { type Customer, customers } from './customers.js'
import { notFound } from './errors.js'
import { emit } from './events.js'
import { isWithin, paging, text, timeRange, tolerated } from './form.js'
import { nextAttempt } from './payment-retries.js'
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
  /** A part of a period, credited or charged because something changed within it. */
  readonly proration?: boolean
}

export type BillingReason = 'manual' | 'subscription_create' | 'subscription_cycle' | 'subscription_update' | 'upcoming'

export interface InvoiceRequest {
  readonly customer: Customer
  readonly currency: string
  readonly subscription: string
  readonly billingReason: BillingReason
  readonly lines: readonly InvoiceLine[]
  readonly metadata: Readonly<Record<string, string>>
  readonly collectionMethod?: 'charge_automatically' | 'send_invoice'
  readonly dueDate?: number | null
}

export function draftInvoice(world: StripeWorld, request: InvoiceRequest): Invoice {
  const invoice = newInvoice(world, request)
  invoices(world).put(invoice.id, invoice)
  emit(world, 'invoice.created', invoice)
  return invoice
}

/** Gives a draft its number and its page; from now on its lines stay as they are. */
export function finalizeInvoice(world: StripeWorld, draft: Invoice): Invoice {
  const customer = customers(world).get(draft.customer)
  const sequence = customer?.next_invoice_sequence ?? 1
  // What is left over when credits outweigh charges stays with the customer, below zero, for the next invoice.
  const startingBalance = customer?.balance ?? 0
  const endingBalance = Math.min(0, draft.total + startingBalance)
  if (customer !== undefined) {
    const counted = {
      ...customer,
      balance: endingBalance,
      next_invoice_sequence: sequence + 1,
      currency: draft.currency,
    }
    customers(world).put(customer.id, counted)
  }
  const now = seconds(world)
  const due = Math.max(0, draft.total + startingBalance)
  const open: Invoice = {
    ...draft,
    status: 'open',
    amount_due: due,
    amount_remaining: due,
    starting_balance: startingBalance,
    ending_balance: endingBalance,
    automatically_finalizes_at: null,
    effective_at: now,
    hosted_invoice_url: world.pageUrl(`/invoice/${draft.id}`),
    number: `${customer?.invoice_prefix ?? 'GUEST'}-${String(sequence).padStart(4, '0')}`,
    status_transitions: { ...draft.status_transitions, finalized_at: now },
  }
  invoices(world).put(open.id, open)
  emit(world, 'invoice.finalized', open)
  return open
}

export function payInvoice(world: StripeWorld, invoice: Invoice): Invoice {
  const paid: Invoice = {
    ...invoice,
    status: 'paid',
    amount_paid: invoice.amount_due,
    amount_remaining: 0,
    attempted: true,
    attempt_count: invoice.attempt_count + 1,
    next_payment_attempt: null,
    status_transitions: { ...invoice.status_transitions, paid_at: seconds(world) },
  }
  invoices(world).put(paid.id, paid)
  emit(world, 'invoice.paid', paid)
  emit(world, 'invoice.payment_succeeded', paid)
  return paid
}

export function voidInvoice(world: StripeWorld, invoice: Invoice): Invoice {
  const voided: Invoice = {
    ...invoice,
    status: 'void',
    next_payment_attempt: null,
    status_transitions: { ...invoice.status_transitions, voided_at: seconds(world) },
  }
  invoices(world).put(voided.id, voided)
  emit(world, 'invoice.voided', voided)
  return voided
}

export function markUncollectible(world: StripeWorld, invoice: Invoice): Invoice {
  const marked: Invoice = {
    ...invoice,
    status: 'uncollectible',
    next_payment_attempt: null,
    status_transitions: { ...invoice.status_transitions, marked_uncollectible_at: seconds(world) },
  }
  invoices(world).put(marked.id, marked)
  emit(world, 'invoice.marked_uncollectible', marked)
  return marked
}

export function failInvoice(world: StripeWorld, invoice: Invoice): Invoice {
  const attempts = invoice.attempt_count + 1
  const failed: Invoice = {
    ...invoice,
    attempted: true,
    attempt_count: attempts,
    next_payment_attempt: invoice.billing_reason === 'subscription_cycle' ? nextAttempt(world, attempts) : null,
  }
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
    auto_advance: false as boolean,
    automatic_tax: { disabled_reason: null, enabled: false, liability: null, provider: null, status: null },
    automatically_finalizes_at: null as number | null,
    billing_reason: request.billingReason,
    collection_method: request.collectionMethod ?? ('charge_automatically' as const),
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
    due_date: (request.dueDate ?? null) as number | null,
    effective_at: null as number | null,
    ending_balance: null as number | null,
    footer: null,
    from_invoice: null,
    hosted_invoice_url: null as string | null,
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
    next_payment_attempt: null as number | null,
    number: null as string | null,
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
    status: 'draft' as 'draft' | 'open' | 'paid' | 'uncollectible' | 'void',
    status_transitions: {
      finalized_at: null as number | null,
      marked_uncollectible_at: null as number | null,
      paid_at: null as number | null,
      voided_at: null as number | null,
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
              proration: line.proration ?? false,
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
