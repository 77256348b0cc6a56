import type { Customer } from './customers.js'
import type { Line } from './invoice-lines.js'
import type { Totals } from './invoice-totals.js'
import type { StripeList } from './route.js'
import { newId, type StripeWorld, seconds, tableOf } from './world.js'

export type Invoice = ReturnType<typeof newInvoice>
export type InvoiceStatus = 'draft' | 'open' | 'paid' | 'uncollectible' | 'void'
export type BillingReason =
  | 'manual'
  | 'subscription_create'
  | 'subscription_cycle'
  | 'subscription_update'
  | 'subscription_threshold'
  | 'upcoming'

export const invoices = tableOf<Invoice>('invoices')

/** What an invoice is made with, beside its lines. */
export interface InvoiceTerms {
  readonly customer: Customer
  readonly currency: string
  readonly subscription: string | null
  readonly billingReason: BillingReason
  /** Metadata of the subscription, shown on its invoices. */
  readonly subscriptionMetadata: Readonly<Record<string, string>>
  readonly metadata: Readonly<Record<string, string>>
  readonly autoAdvance: boolean
  readonly collectionMethod: 'charge_automatically' | 'send_invoice'
  readonly dueDate: number | null
  readonly defaultPaymentMethod: string | null
  readonly description: string | null
  readonly footer: string | null
  readonly discounts: readonly string[]
  readonly automaticTax: boolean
  readonly period?: { readonly start: number; readonly end: number } | undefined
}

/** The subscription an invoice belongs to. */
export function subscriptionOf(invoice: Invoice): string | null {
  return invoice.parent?.subscription_details.subscription ?? null
}

/** The first lines, as an invoice shows them; the rest is listed on its own. */
export function shownLines(id: string, lines: readonly Line[]): StripeList<Line> {
  return { object: 'list', url: `/v1/invoices/${id}/lines`, has_more: lines.length > 10, data: lines.slice(0, 10) }
}

/** Draft windows: Stripe finalizes a little over an hour after an invoice was created. */
export function draftWindow(created: number, autoAdvance: boolean, collectionMethod: InvoiceTerms['collectionMethod']) {
  return {
    auto_advance: autoAdvance,
    automatically_finalizes_at: autoAdvance ? created + 3601 : null,
    next_payment_attempt: autoAdvance && collectionMethod === 'charge_automatically' ? created + 3600 : null,
  }
}

/** The amounts of a draft for its lines. A total below zero bills nothing. */
export function draftAmounts(id: string, totals: Totals) {
  const due = Math.max(0, totals.amounts.total)
  return { ...totals.amounts, amount_due: due, amount_remaining: due, lines: shownLines(id, totals.lines) }
}

export function newInvoice(world: StripeWorld, id: string, terms: InvoiceTerms, totals: Totals) {
  const now = seconds(world)
  const { customer } = terms
  const collection_method = terms.collectionMethod
  return {
    id,
    object: 'invoice' as const,
    account_country: 'US',
    account_name: world.merchantName,
    account_tax_ids: null,
    amount_overpaid: 0,
    amount_paid: 0,
    amount_shipping: 0,
    application: null,
    attempt_count: 0,
    attempted: false,
    ...draftWindow(now, terms.autoAdvance, collection_method),
    automatic_tax: {
      disabled_reason: null,
      enabled: terms.automaticTax,
      liability: terms.automaticTax ? { type: 'self' as const } : null,
      provider: terms.automaticTax ? 'stripe' : null,
      status: (terms.automaticTax ? 'complete' : null) as 'complete' | 'requires_location_inputs' | null,
    },
    billing_reason: terms.billingReason,
    collection_method,
    created: now,
    currency: terms.currency,
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
    default_payment_method: terms.defaultPaymentMethod,
    default_source: null,
    default_tax_rates: [] as readonly unknown[],
    description: terms.description,
    discounts: terms.discounts,
    due_date: terms.dueDate,
    effective_at: null as number | null,
    ending_balance: null as number | null,
    footer: terms.footer,
    from_invoice: null,
    hosted_invoice_url: null as string | null,
    invoice_pdf: null as string | null,
    issuer: { type: 'self' as const },
    last_finalization_error: null,
    latest_revision: null,
    livemode: false as const,
    metadata: terms.metadata,
    number: null as string | null,
    on_behalf_of: null,
    parent:
      terms.subscription === null
        ? null
        : {
            quote_details: null,
            subscription_details: { metadata: terms.subscriptionMetadata, subscription: terms.subscription },
            type: 'subscription_details' as const,
          },
    payment_settings: { default_mandate: null, payment_method_options: null, payment_method_types: null },
    period_end: terms.period?.end ?? now,
    period_start: terms.period?.start ?? now,
    post_payment_credit_notes_amount: 0,
    pre_payment_credit_notes_amount: 0,
    receipt_number: null as string | null,
    rendering: null,
    shipping_cost: null,
    shipping_details: null,
    starting_balance: 0,
    statement_descriptor: null as string | null,
    status: 'draft' as InvoiceStatus,
    status_details: {} as { readonly uncollectible?: { readonly reason: string } },
    status_transitions: {
      finalized_at: null as number | null,
      marked_uncollectible_at: null as number | null,
      paid_at: null as number | null,
      voided_at: null as number | null,
    },
    test_clock: customer.test_clock,
    webhooks_delivered_at: now as number | null,
    ...draftAmounts(id, totals),
  }
}

export function newInvoiceId(): string {
  return newId('in_1', 23)
}
