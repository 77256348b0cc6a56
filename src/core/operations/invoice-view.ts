import type { InvoiceStatus } from '../domain/invoice.js'
import { formatMoney } from '../domain/money.js'
import type { PaymentOutcome } from '../domain/payment-outcome.js'
import type { Invoice, InvoiceLine, InvoicePreview } from '../ports/capabilities/invoices.js'
import { dateOf } from './date.js'

/** One thing an invoice charges for; amounts as decimal text in its currency. */
export interface InvoiceLineView {
  readonly description: string
  readonly quantity: string | null
  readonly amount: string
  readonly startsAt: Date | null
  readonly endsAt: Date | null
  readonly isProration: boolean
  /** The meter whose usage it charges for; its quantity is counted in Sparks then. `null` for everything else. */
  readonly meter: string | null
  /** What one of the quantity costs, as decimal text; `null` where the provider does not say. */
  readonly unitPrice: string | null
}

/** What is charged next if nothing changes. Amounts as decimal text; `total` = `subtotal` − `discount` + `tax`. */
export interface InvoicePreviewView {
  readonly subscriptionId: string | null
  readonly currency: string
  readonly subtotal: string
  readonly discount: string
  readonly tax: string
  readonly total: string
  readonly creditsApplied: string
  readonly amountDue: string
  readonly lines: readonly InvoiceLineView[]
  readonly startsAt: Date | null
  readonly endsAt: Date | null
}

/** What can be done with an invoice now. */
export type InvoiceAction = 'finalize' | 'pay' | 'update_payment_method' | 'download' | 'void'

/** An invoice as callers see it. */
export interface InvoiceView extends InvoicePreviewView {
  readonly id: string
  readonly provider: string
  /** What people call it; `null` until it is final. */
  readonly number: string | null
  readonly status: InvoiceStatus
  readonly actions: readonly InvoiceAction[]
  readonly description: string | null
  readonly amountPaid: string
  readonly createdAt: Date
  readonly finalizedAt: Date | null
  readonly dueAt: Date | null
  readonly paidAt: Date | null
  /** When the provider tries to collect it again. */
  readonly nextAttemptAt: Date | null
  /** A page on which it can be read and paid. */
  readonly url: string | null
  /** What `tax` is made of, as far as the provider says. */
  readonly taxes: readonly { readonly name: string; readonly rate: string; readonly amount: string }[]
}

/** An invoice after an attempt to pay it, and what came of that. */
export interface PaidInvoice {
  readonly invoice: InvoiceView
  readonly payment: PaymentOutcome
}

export function invoiceView(provider: string, invoice: Invoice): InvoiceView {
  const { externalId, number, status, description, amountPaid, createdAt, url } = invoice
  return {
    ...previewView(invoice),
    id: externalId,
    provider,
    number,
    status,
    actions: actionsOf(status),
    description,
    amountPaid: formatMoney(amountPaid),
    createdAt: new Date(createdAt),
    finalizedAt: dateOf(invoice.finalizedAt),
    dueAt: dateOf(invoice.dueAt),
    paidAt: dateOf(invoice.paidAt),
    nextAttemptAt: dateOf(invoice.nextAttemptAt),
    url,
    taxes: (invoice.taxes ?? []).map(({ name, rate, amount }) => ({ name, rate, amount: formatMoney(amount) })),
  }
}

export function previewView(invoice: InvoicePreview): InvoicePreviewView {
  const { subscriptionId, total, lines, startsAt, endsAt } = invoice
  return {
    subscriptionId,
    currency: total.currency,
    subtotal: formatMoney(invoice.subtotal),
    discount: formatMoney(invoice.discount),
    tax: formatMoney(invoice.tax),
    total: formatMoney(total),
    creditsApplied: formatMoney(invoice.creditsApplied),
    amountDue: formatMoney(invoice.amountDue),
    lines: lines.map(lineView),
    startsAt: dateOf(startsAt),
    endsAt: dateOf(endsAt),
  }
}

function lineView(line: InvoiceLine): InvoiceLineView {
  const { description, quantity, amount, startsAt, endsAt, isProration, meter = null, unitPrice = null } = line
  const times = { startsAt: dateOf(startsAt), endsAt: dateOf(endsAt) }
  return { description, quantity, amount: formatMoney(amount), ...times, isProration, meter, unitPrice }
}

function actionsOf(status: InvoiceStatus): readonly InvoiceAction[] {
  switch (status) {
    case 'draft':
      return ['finalize']
    case 'open':
    case 'past_due':
      return ['pay', 'download', 'void']
    case 'payment_failed':
      return ['update_payment_method', 'pay', 'download', 'void']
    case 'uncollectible':
      return ['pay', 'download', 'void']
    case 'paid':
      return ['download']
    default:
      return []
  }
}
