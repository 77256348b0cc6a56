import * as z from 'zod'
import type { InvoiceStatus } from '../../core/domain/invoice.js'
import type { Money } from '../../core/domain/money.js'
import type { Invoice, InvoiceLine } from '../../core/ports/capabilities/invoices.js'
import { fromLagoAmount } from './amount.js'
import { afterSecond, instant } from './instant.js'

const cents = z.number().int()

const feeSchema = z.object({
  lago_id: z.string().nullish(),
  lago_subscription_id: z.string().nullish(),
  external_subscription_id: z.string().nullish(),
  amount_cents: cents,
  total_amount_cents: cents,
  units: z.string().nullish(),
  precise_unit_amount: z.string().nullish(),
  description: z.string().nullish(),
  from_date: z.string().nullish(),
  to_date: z.string().nullish(),
  succeeded_at: z.string().nullish(),
  item: z.object({
    type: z.string(),
    code: z.string().nullish(),
    name: z.string().nullish(),
    invoice_display_name: z.string().nullish(),
  }),
})

/** How an invoice stands, by the two words that Lago has for it, and what lies across them. */
const standingSchema = z.object({
  status: z.string(),
  payment_status: z.string().nullish(),
  payment_overdue: z.boolean().nullish(),
  payment_dispute_lost_at: z.string().nullish(),
})

/** The fields of an invoice that are read here. */
export const invoiceSchema = standingSchema.extend({
  lago_id: z.string().min(1),
  number: z.string().nullish(),
  currency: z.string(),
  issuing_date: z.string().nullish(),
  finalized_at: z.string().nullish(),
  payment_due_date: z.string().nullish(),
  fees_amount_cents: cents,
  coupons_amount_cents: cents.nullish(),
  progressive_billing_credit_amount_cents: cents.nullish(),
  taxes_amount_cents: cents,
  credit_notes_amount_cents: cents.nullish(),
  prepaid_credit_amount_cents: cents.nullish(),
  total_amount_cents: cents,
  total_paid_amount_cents: cents.nullish(),
  created_at: z.string(),
  updated_at: z.string().nullish(),
  file_url: z.string().nullish(),
  customer: z.object({ external_id: z.string() }).nullish(),
  metadata: z.array(z.object({ key: z.string().nullish(), value: z.string().nullish() })).nullish(),
  // There where one is asked for alone.
  fees: z.array(feeSchema).nullish(),
  subscriptions: z.array(z.object({ external_id: z.string() })).nullish(),
})

export type LagoInvoice = z.output<typeof invoiceSchema>
export type LagoFee = z.output<typeof feeSchema>

/** What names the sale of ours that an invoice is for. */
export const intentKey = 'billfold_intent'

const dayMs = 86_400_000

/** The meter that is counted under a code; `null` for one of somebody else's. */
export type MeterOf = (code: string) => string | null

/** In our words. */
export function toInvoice(invoice: LagoInvoice, meterOf: MeterOf): Invoice {
  const money = (amount: number | null | undefined) => fromLagoAmount(amount ?? 0, invoice.currency)
  const status = invoiceStatus(invoice)
  const isOver = status === 'void' || status === 'deleted'
  const total = invoice.total_amount_cents
  const paid = status === 'paid' ? total : (invoice.total_paid_amount_cents ?? 0)
  const discount = (invoice.coupons_amount_cents ?? 0) + (invoice.progressive_billing_credit_amount_cents ?? 0)
  const credits = (invoice.credit_notes_amount_cents ?? 0) + (invoice.prepaid_credit_amount_cents ?? 0)
  const lines = (invoice.fees ?? []).map((fee) => toLine(fee, money, meterOf))
  const isFinal = status !== 'draft' && status !== 'processing' && status !== 'generation_failed'
  const due = instant(invoice.payment_due_date)
  return {
    externalId: invoice.lago_id,
    number: isFinal ? (invoice.number ?? null) : null,
    customerId: invoice.customer?.external_id ?? '',
    subscriptionId: subscriptionOf(invoice),
    status,
    subtotal: money(invoice.fees_amount_cents),
    discount: money(discount),
    tax: money(invoice.taxes_amount_cents),
    total: money(invoice.fees_amount_cents - discount + invoice.taxes_amount_cents),
    creditsApplied: money(credits),
    amountDue: money(isOver ? 0 : total - paid),
    amountPaid: money(paid),
    lines,
    description: null,
    startsAt: edge(lines, 'startsAt'),
    endsAt: edge(lines, 'endsAt'),
    createdAt: Date.parse(invoice.created_at),
    finalizedAt: isFinal ? (instant(invoice.finalized_at) ?? instant(invoice.issuing_date)) : null,
    // The day belongs to it.
    dueAt: due === null ? null : due + dayMs,
    paidAt: status === 'paid' ? paidAt(invoice) : null,
    nextAttemptAt: null,
    url: null,
    intentId: intentOf(invoice),
  }
}

/** The subscription that it charges for. */
export function subscriptionOf({ subscriptions, fees }: LagoInvoice): string | null {
  const named = fees?.find(({ external_subscription_id: id }) => id)?.external_subscription_id
  return subscriptions?.[0]?.external_id ?? named ?? null
}

export function intentOf({ metadata }: LagoInvoice): string | null {
  return metadata?.find(({ key }) => key === intentKey)?.value ?? null
}

/**
 * One word for two. A day that has passed counts before an attempt that failed, as at other providers.
 *
 * @see https://docs.getlago.com/guide/invoicing/overview
 */
export function invoiceStatus(invoice: z.output<typeof standingSchema>): InvoiceStatus {
  switch (invoice.status) {
    case 'draft':
    // Lago has no such status; whoever stands between us and Lago may put its two words into one.
    case 'paid':
      return invoice.status
    case 'generating':
    case 'pending':
      return 'processing'
    case 'open':
      return 'open'
    case 'finalized':
      return finalStatus(invoice)
    case 'voided':
    case 'closed':
      return 'void'
    case 'failed':
      // Lago could not make it; of one whose payment failed, other systems say the same.
      return invoice.payment_status === 'failed' ? 'payment_failed' : 'generation_failed'
    case 'deleted':
      return 'deleted'
    default:
      return 'unknown'
  }
}

function finalStatus(invoice: z.output<typeof standingSchema>): InvoiceStatus {
  if (invoice.payment_status === 'succeeded') return 'paid'
  if (invoice.payment_dispute_lost_at) return 'uncollectible'
  if (invoice.payment_overdue === true) return 'past_due'
  if (invoice.payment_status === 'failed') return 'payment_failed'
  return invoice.payment_status === 'pending' ? 'open' : 'unknown'
}

/** What to ask Lago for to get the invoices of a status; `null` where it has none of them. */
export function statusQuery(status: InvoiceStatus): InvoiceStatusQuery | null {
  switch (status) {
    case 'draft':
      return { 'statuses[]': ['draft'] }
    case 'processing':
      return { 'statuses[]': ['pending'] }
    case 'generation_failed':
      return { 'statuses[]': ['failed'] }
    case 'void':
      return { 'statuses[]': ['voided'] }
    case 'paid':
      return { 'statuses[]': ['finalized'], 'payment_statuses[]': ['succeeded'] }
    case 'open':
      return { ...unpaid, 'payment_statuses[]': ['pending'], payment_overdue: false }
    case 'payment_failed':
      return { ...unpaid, 'payment_statuses[]': ['failed'], payment_overdue: false }
    case 'past_due':
      return { ...unpaid, payment_overdue: true }
    case 'uncollectible':
      return { 'statuses[]': ['finalized'], payment_dispute_lost: true }
    default:
      return null
  }
}

/** Lago's own filters. */
export interface InvoiceStatusQuery {
  readonly 'statuses[]'?: ('draft' | 'finalized' | 'voided' | 'pending' | 'failed')[]
  readonly 'payment_statuses[]'?: ('pending' | 'failed' | 'succeeded')[]
  readonly payment_overdue?: boolean
  readonly payment_dispute_lost?: boolean
}

const unpaid: InvoiceStatusQuery = { 'statuses[]': ['finalized'], payment_dispute_lost: false }

function toLine(fee: LagoFee, money: (cents: number) => Money, meterOf: MeterOf): InvoiceLine {
  const { type, code } = fee.item
  return {
    description: fee.item.invoice_display_name || fee.item.name || fee.item.type,
    quantity: fee.units ?? null,
    amount: money(fee.amount_cents),
    startsAt: instant(fee.from_date),
    endsAt: afterSecond(instant(fee.to_date)),
    isProration: false,
    meter: type === 'charge' && code ? meterOf(code) : null,
    unitPrice: fee.precise_unit_amount ?? null,
  }
}

/** When the money came, which Lago writes at what was paid for. */
function paidAt({ fees, updated_at: updatedAt, created_at: createdAt }: LagoInvoice): number {
  const times = (fees ?? []).map(({ succeeded_at: at }) => instant(at)).filter((at) => at !== null)
  return times.length > 0 ? Math.max(...times) : (instant(updatedAt) ?? Date.parse(createdAt))
}

function edge(lines: readonly InvoiceLine[], name: 'startsAt' | 'endsAt'): number | null {
  const times = lines.map((line) => line[name]).filter((at) => at !== null)
  if (times.length === 0) return null
  return name === 'startsAt' ? Math.min(...times) : Math.max(...times)
}
