import * as z from 'zod'
import { formatDecimal, multiplyDecimal, parseDecimal } from '../../core/domain/decimal.js'
import type { InvoiceStatus } from '../../core/domain/invoice.js'
import type { Invoice, InvoiceLine, InvoicePreview } from '../../core/ports/capabilities/invoices.js'
import { exactAmount, stripeDigits } from './amount.js'
import { parseAnswer } from './call.js'
import { instant } from './instant.js'
import { meterOfProduct } from './prices.js'
import { reference } from './reference.js'

const amountsSchema = z.array(z.object({ amount: z.number() })).nullish()

const lineSchema = z.object({
  description: z.string().nullish(),
  amount: z.number(),
  quantity: z.number().nullish(),
  quantity_decimal: z.unknown().optional(),
  period: z.object({ start: z.number(), end: z.number() }).nullish(),
  pricing: z
    .object({
      price_details: z.object({ product: reference.nullish() }).nullish(),
      // An object of the SDK's, which writes itself as decimal text.
      unit_amount_decimal: z.unknown().optional(),
    })
    .nullish(),
  parent: z
    .object({
      subscription_item_details: z.object({ proration: z.boolean().nullish() }).nullish(),
      invoice_item_details: z.object({ proration: z.boolean().nullish() }).nullish(),
    })
    .nullish(),
})

const previewSchema = z.object({
  customer: reference.nullish(),
  currency: z.string(),
  status: z.string().nullish(),
  subtotal: z.number(),
  total: z.number(),
  total_discount_amounts: amountsSchema,
  total_taxes: amountsSchema,
  total_pretax_credit_amounts: z.array(z.object({ amount: z.number(), type: z.string().nullish() })).nullish(),
  amount_due: z.number(),
  amount_paid: z.number(),
  attempt_count: z.number().nullish(),
  next_payment_attempt: z.number().nullish(),
  due_date: z.number().nullish(),
  period_start: z.number().nullish(),
  period_end: z.number().nullish(),
  description: z.string().nullish(),
  lines: z.object({ data: z.array(lineSchema) }),
  parent: z.object({ subscription_details: z.object({ subscription: reference.nullish() }).nullish() }).nullish(),
})

/** The fields of an invoice that are read here. */
export const invoiceSchema = previewSchema.extend({
  id: z.string().min(1),
  number: z.string().nullish(),
  created: z.number(),
  metadata: z.record(z.string(), z.string()).nullish(),
  hosted_invoice_url: z.string().nullish(),
  invoice_pdf: z.string().nullish(),
  status_transitions: z.object({ finalized_at: z.number().nullish(), paid_at: z.number().nullish() }),
})

export type StripeInvoice = z.output<typeof invoiceSchema>

/** An invoice in our words. @throws BillingError `provider_response_invalid` */
export function fromStripeInvoice(answer: unknown, now: number): Invoice {
  return toInvoice(parseAnswer(invoiceSchema, answer), now)
}

export function toInvoice(invoice: StripeInvoice, now: number): Invoice {
  return {
    ...common(invoice, now),
    externalId: invoice.id,
    number: invoice.number ?? null,
    createdAt: invoice.created * 1000,
    finalizedAt: instant(invoice.status_transitions.finalized_at),
    paidAt: instant(invoice.status_transitions.paid_at),
    url: invoice.hosted_invoice_url ?? null,
    intentId: invoice.metadata?.billfold_intent_id ?? null,
  }
}

/** What would be charged, in our words. @throws BillingError `provider_response_invalid` */
export function invoicePreview(answer: unknown): InvoicePreview {
  return common(parseAnswer(previewSchema, answer), 0)
}

function common(invoice: z.output<typeof previewSchema>, now: number): InvoicePreview {
  const money = (minor: number) => exactAmount(minor, invoice.currency)
  const sum = (amounts: readonly { readonly amount: number }[] | null | undefined) =>
    money((amounts ?? []).reduce((total, { amount }) => total + amount, 0))
  const grants = (invoice.total_pretax_credit_amounts ?? []).filter(({ type }) => type === 'credit_balance_transaction')
  return {
    customerId: invoice.customer ?? '',
    subscriptionId: invoice.parent?.subscription_details?.subscription ?? null,
    status: statusOf(invoice, now),
    subtotal: money(invoice.subtotal),
    discount: sum(invoice.total_discount_amounts),
    tax: sum(invoice.total_taxes),
    total: money(invoice.total),
    creditsApplied: sum(grants),
    amountDue: money(invoice.amount_due),
    amountPaid: money(invoice.amount_paid),
    lines: invoice.lines.data.map((line) => toLine(line, invoice.currency)),
    description: invoice.description ?? null,
    startsAt: instant(invoice.period_start),
    endsAt: instant(invoice.period_end),
    dueAt: instant(invoice.due_date),
    nextAttemptAt: instant(invoice.next_payment_attempt),
  }
}

function toLine(line: z.output<typeof lineSchema>, currency: string): InvoiceLine {
  const { quantity, quantity_decimal: exactQuantity, period, parent, pricing } = line
  const counted = exactQuantity == null ? quantity : exactQuantity
  return {
    description: line.description ?? '',
    quantity: counted == null ? null : String(counted),
    amount: exactAmount(line.amount, currency),
    startsAt: instant(period?.start),
    endsAt: instant(period?.end),
    isProration:
      parent?.subscription_item_details?.proration === true || parent?.invoice_item_details?.proration === true,
    meter: meterOfProduct(pricing?.price_details?.product),
    unitPrice: unitPrice(pricing?.unit_amount_decimal, currency),
  }
}

/** A price in whole units of its currency; `null` where Stripe has none, as for tiers. */
function unitPrice(minor: unknown, currency: string): string | null {
  const amount = minor == null ? undefined : parseDecimal(String(minor))
  return amount
    ? formatDecimal(multiplyDecimal(amount, { coefficient: 1n, scale: stripeDigits(currency.toUpperCase()) }))
    : null
}

/**
 * The word for how an invoice stands. One that is open says by its attempts and its due date whether somebody is behind.
 *
 * @see https://docs.stripe.com/invoicing/overview#invoice-statuses
 */
function statusOf(invoice: z.output<typeof previewSchema>, now: number): InvoiceStatus {
  switch (invoice.status) {
    case 'draft':
    case 'paid':
    case 'uncollectible':
    case 'void':
      return invoice.status
    case 'open':
      if (typeof invoice.due_date === 'number' && invoice.due_date * 1000 < now) return 'past_due'
      if ((invoice.attempt_count ?? 0) === 0) return 'open'
      return invoice.next_payment_attempt == null ? 'payment_failed' : 'past_due'
    case null:
    case undefined:
      return 'draft'
    default:
      return 'unknown'
  }
}

/** Stripe's word for the invoices of a status of ours, `null` where it has none of them. */
export function stripeStatus(status: InvoiceStatus): 'draft' | 'open' | 'paid' | 'uncollectible' | 'void' | null {
  switch (status) {
    case 'draft':
    case 'paid':
    case 'uncollectible':
    case 'void':
      return status
    case 'open':
    case 'past_due':
    case 'payment_failed':
      return 'open'
    default:
      return null
  }
}
