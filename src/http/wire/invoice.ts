import type { z } from '@hono/zod-openapi'
import type { InvoiceLineView, InvoiceView } from '../../index.js'
import type { invoice, lineItem } from '../contract/invoice.js'
import { invoiceWord } from './status.js'
import { isoOrNull, type Wire } from './wire.js'

/** An invoice on the wire; `null` for one that is not shown. Amounts become numbers of whole units of the currency. */
export function invoiceJson(view: InvoiceView, accountId: string, wire: Wire): z.output<typeof invoice> | null {
  const status = invoiceWord(wire.statuses, view.status)
  if (status === null) return null
  return {
    id: view.id,
    invoice_number: view.number,
    billing_account_id: accountId,
    ticket_id: null,
    stripe_invoice_id: view.provider === 'stripe' ? view.id : null,
    status,
    period_start: isoOrNull(view.startsAt),
    period_end: isoOrNull(view.endsAt),
    subtotal: Number(view.subtotal),
    tax_amount: Number(view.tax),
    discount_amount: Number(view.discount),
    total: Number(view.total),
    credits_applied: Number(view.creditsApplied),
    amount_due: Number(view.amountDue),
    amount_paid: Number(view.amountPaid),
    currency: view.currency,
    line_items: view.lines.map(lineItemJson),
    description: view.description,
    due_date: isoOrNull(view.dueAt),
    finalized_at: isoOrNull(view.finalizedAt),
    paid_at: isoOrNull(view.paidAt),
    created_at: view.createdAt.toISOString(),
    provider: view.provider,
    actions: [...view.actions],
    hosted_invoice_url: view.url,
    next_attempt_at: isoOrNull(view.nextAttemptAt),
  }
}

export function lineItemJson(line: InvoiceLineView): z.output<typeof lineItem> {
  return {
    description: line.description,
    quantity: line.quantity === null ? null : Number(line.quantity),
    amount: Number(line.amount),
    period_start: isoOrNull(line.startsAt),
    period_end: isoOrNull(line.endsAt),
    proration: line.isProration,
    meter: line.meter,
    unit_price: line.unitPrice,
  }
}
