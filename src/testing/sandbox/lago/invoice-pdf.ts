import { type InvoiceSheet, invoicePdfOf } from '../invoice-sheet.js'
import { formatDate, formatMoney, formatPeriod } from '../page.js'
import {
  customerOfInvoice,
  emitInvoice,
  feesCents,
  invoices,
  type LagoInvoice,
  numberOf,
  putInvoice,
  totalCents,
} from './invoices.js'
import type { LagoWorld } from './world.js'

/** Writes the file of an invoice, and tells of it. */
export function generatePdf(world: LagoWorld, invoiceId: string): void {
  const invoice = invoices(world).get(invoiceId)
  if (invoice === undefined || invoice.hasFile) return
  emitInvoice(world, 'invoice.generated', putInvoice(world, { ...invoice, hasFile: true }))
}

/** An invoice of the Lago twin as a PDF. */
export function invoicePdf(world: LagoWorld, invoice: LagoInvoice): Uint8Array {
  const { profile, external_id: externalId } = customerOfInvoice(world, invoice)
  const { legal_name: legalName, name, address_line1: line, zipcode, city, country, email } = profile
  const money = (cents: number) => formatMoney(cents, invoice.currency.toLowerCase())
  const number = numberOf(world, invoice)
  const sheet: InvoiceSheet = {
    number,
    stamp: stampOf(invoice),
    facts: [
      ['Invoice number', number],
      ['Date', formatDate(invoice.issuedAtMs / 1000)],
      ['Due', formatDate(invoice.paymentDueMs / 1000)],
    ],
    seller: world.merchantName,
    buyer: [legalName ?? name ?? externalId, line, [zipcode, city].filter(Boolean).join(' '), country, email]
      .filter((part) => typeof part === 'string' && part !== '')
      .map(String),
    rows: invoice.fees.map((fee) => ({
      description: fee.name,
      period:
        fee.fromMs === null || fee.toMs === null
          ? ''
          : formatPeriod({ start: fee.fromMs / 1000, end: fee.toMs / 1000 - 1 }),
      quantity: fee.units.replace(/\.0$/, ''),
      amount: money(fee.cents),
    })),
    totals: [
      ['Subtotal', money(feesCents(invoice))],
      ...(invoice.creditNotesCents === 0 ? [] : ([['Credit notes', money(-invoice.creditNotesCents)]] as const)),
      ...(invoice.prepaidCents === 0 ? [] : ([['Prepaid credits', money(-invoice.prepaidCents)]] as const)),
      ['Total', money(totalCents(invoice))],
      invoice.payment_status === 'succeeded'
        ? ['Amount paid', money(totalCents(invoice))]
        : ['Amount due', money(invoice.status === 'voided' ? 0 : totalCents(invoice))],
    ],
  }
  return invoicePdfOf(sheet)
}

function stampOf({ status, payment_status: payment }: LagoInvoice): string {
  if (status === 'voided') return 'VOID'
  if (status === 'draft') return 'DRAFT'
  return payment === 'succeeded' ? 'PAID' : 'OPEN'
}
