import { html } from 'hono/html'
import { formatMoney, formatPeriod, type Markup } from '../page.js'
import type { InvoiceFee } from './invoice-fees.js'
import { type LagoInvoice, totalCents } from './invoices.js'

/** Where an invoice stands, in a word. */
export function invoiceBadge({ status, payment_status: payment, overdue }: LagoInvoice): Markup {
  if (status === 'voided') return html`<span class="badge danger">✕ Void</span>`
  if (status === 'draft') return html`<span class="badge warning">◷ Draft</span>`
  if (payment === 'succeeded') return html`<span class="badge">✓ Paid</span>`
  if (payment === 'failed') return html`<span class="badge danger">! Payment failed</span>`
  return html`<span class="badge warning">◷ ${overdue ? 'Overdue' : 'Open'}</span>`
}

export function money(cents: number, { currency }: LagoInvoice): string {
  return formatMoney(cents, currency.toLowerCase())
}

/** What an invoice charges for, and what it comes to. */
export function invoiceRows(invoice: LagoInvoice): Markup {
  const taken = invoice.creditNotesCents + invoice.prepaidCents
  return html`<ul class="rows">${invoice.fees.map((fee) => feeRow(fee, invoice))}
${taken === 0 ? '' : html`<li><span class="muted">Credits</span><span class="figure">${money(-taken, invoice)}</span></li>`}
<li class="total"><span>Total</span><span class="figure">${money(totalCents(invoice), invoice)}</span></li></ul>`
}

function feeRow({ name, fromMs, toMs, cents }: InvoiceFee, invoice: LagoInvoice): Markup {
  const period = fromMs === null || toMs === null ? '' : formatPeriod({ start: fromMs / 1000, end: toMs / 1000 - 1 })
  return html`<li><span>${name}<br><span class="muted small">${period}</span></span><span class="figure">${money(cents, invoice)}</span></li>`
}
