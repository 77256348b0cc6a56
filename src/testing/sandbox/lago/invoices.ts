import { customers, type LagoCustomer, shownCustomer } from './customers.js'
import { notFound } from './errors.js'
import { type BilledPart, type InvoiceFee, shownFee } from './invoice-fees.js'
import { planOf } from './plans.js'
import { shownSubscription, subscriptions } from './subscriptions.js'
import { emitWebhook } from './webhooks.js'
import { isoTime, type LagoWorld, tableOf } from './world.js'

/** What a customer is asked to pay. */
export interface LagoInvoice {
  readonly lago_id: string
  readonly external_customer_id: string
  /** Counted by customer; 0 for a draft. */
  readonly sequence: number
  readonly type: 'subscription' | 'one_off' | 'credit'
  readonly status: 'draft' | 'finalized' | 'voided'
  readonly payment_status: 'pending' | 'succeeded' | 'failed'
  readonly currency: string
  readonly issuedAtMs: number
  /** When a draft becomes final by itself. */
  readonly finalizesAtMs: number | null
  readonly createdAtMs: number
  readonly updatedAtMs: number
  readonly paidAtMs: number | null
  readonly paymentDueMs: number
  readonly overdue: boolean
  readonly disputeLostAtMs: number | null
  readonly parts: readonly BilledPart[]
  readonly fees: readonly InvoiceFee[]
  readonly creditNotesCents: number
  readonly prepaidCents: number
  /** What of each wallet and credit note it took. */
  readonly taken: readonly { readonly from: string; readonly cents: number }[]
  readonly hasFile: boolean
  readonly metadata: readonly InvoiceMetadata[]
}

export interface InvoiceMetadata {
  readonly lago_id: string
  readonly key: string
  readonly value: string
  readonly created_at: string
}

/** By Lago's id, oldest first. */
export const invoices = tableOf<LagoInvoice>('invoices')

/** @throws a 404 in Lago's words */
export function invoiceOf(world: LagoWorld, id: string): LagoInvoice {
  const found = invoices(world).get(id)
  if (found === undefined) throw notFound('invoice')
  return found
}

export function putInvoice(world: LagoWorld, invoice: LagoInvoice): LagoInvoice {
  const after = { ...invoice, updatedAtMs: world.now() }
  invoices(world).put(after.lago_id, after)
  return after
}

export function feesCents({ fees }: LagoInvoice): number {
  return fees.reduce((sum, { cents }) => sum + cents, 0)
}

export function totalCents(invoice: LagoInvoice): number {
  return feesCents(invoice) - invoice.creditNotesCents - invoice.prepaidCents
}

/** What people call it. */
export function numberOf(world: LagoWorld, invoice: LagoInvoice): string {
  const { slug } = shownCustomer(customerOfInvoice(world, invoice))
  return invoice.sequence === 0 ? `${slug}-DRAFT` : `${slug}-${String(invoice.sequence).padStart(3, '0')}`
}

export function customerOfInvoice(world: LagoWorld, { external_customer_id: id }: LagoInvoice): LagoCustomer {
  return customers(world).get(id) as LagoCustomer
}

export function emitInvoice(world: LagoWorld, type: string, invoice: LagoInvoice): void {
  emitWebhook(world, type, 'invoice', shownInvoice(world, invoice))
}

/** An invoice as Lago lists it: without what it charges for. */
export function shownInvoiceRow(world: LagoWorld, invoice: LagoInvoice) {
  const fees = feesCents(invoice)
  const customer = customerOfInvoice(world, invoice)
  return {
    lago_id: invoice.lago_id,
    billing_entity_code: 'default',
    sequential_id: invoice.sequence,
    number: numberOf(world, invoice),
    issuing_date: isoTime(invoice.issuedAtMs).slice(0, 10),
    ...(invoice.disputeLostAtMs === null ? {} : { payment_dispute_lost_at: isoTime(invoice.disputeLostAtMs) }),
    payment_due_date: isoTime(invoice.paymentDueMs).slice(0, 10),
    payment_overdue: invoice.overdue,
    net_payment_term: customer.net_payment_term ?? 0,
    invoice_type: invoice.type,
    status: invoice.status,
    payment_status: invoice.payment_status,
    currency: invoice.currency,
    fees_amount_cents: fees,
    coupons_amount_cents: 0,
    credit_notes_amount_cents: invoice.creditNotesCents,
    sub_total_excluding_taxes_amount_cents: fees,
    taxes_amount_cents: 0,
    sub_total_including_taxes_amount_cents: fees,
    prepaid_credit_amount_cents: invoice.prepaidCents,
    progressive_billing_credit_amount_cents: 0,
    total_amount_cents: totalCents(invoice),
    version_number: 4,
    self_billed: false,
    ...(invoice.hasFile ? { file_url: fileUrl(world, invoice) } : {}),
    created_at: isoTime(invoice.createdAtMs),
    updated_at: isoTime(invoice.updatedAtMs),
    customer: shownCustomer(customer),
    metadata: invoice.metadata,
    applied_taxes: [],
    applied_invoice_custom_sections: [],
    applied_usage_thresholds: [],
  }
}

/** An invoice as Lago answers it. */
export function shownInvoice(world: LagoWorld, invoice: LagoInvoice) {
  const lagoCustomerId = customerOfInvoice(world, invoice).lago_id
  const ids = [...new Set(invoice.parts.map(({ subscriptionId }) => subscriptionId))]
  return {
    ...shownInvoiceRow(world, invoice),
    billing_periods: invoice.parts.map((part) => shownPart(world, part)),
    credits: [],
    fees: invoice.fees.map((fee) => shownFee(world, fee, { ...invoice, lagoCustomerId })),
    subscriptions: ids.flatMap((id) => {
      const subscription = subscriptions(world).get(id)
      return subscription === undefined ? [] : [shownSubscription(world, subscription)]
    }),
    error_details: [],
  }
}

function shownPart(world: LagoWorld, { subscriptionId, fee, usage, reason }: BilledPart) {
  const subscription = subscriptions(world).get(subscriptionId)
  const whole = fee ?? usage ?? { startsAt: 0, endsAt: 0 }
  const counted = usage ?? whole
  return {
    lago_subscription_id: subscriptionId,
    external_subscription_id: subscription?.external_id ?? '',
    lago_plan_id: subscription === undefined ? '' : planOf(world, subscription.plan_code).lago_id,
    subscription_from_datetime: isoTime(whole.startsAt),
    subscription_to_datetime: isoTime(whole.endsAt - 1000),
    charges_from_datetime: isoTime(counted.startsAt),
    charges_to_datetime: isoTime(counted.endsAt - 1000),
    invoicing_reason: reason,
  }
}

export function fileUrl(world: LagoWorld, { lago_id: id }: LagoInvoice): string {
  return world.pageUrl(`/lago/files/${id}.pdf`)
}
