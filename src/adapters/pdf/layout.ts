import { currencyDigits, formatMoney, type Money } from '../../core/domain/money.js'
import type { Invoice } from '../../core/ports/capabilities/invoices.js'
import type { TextDocument, Typesetter } from './fonts.js'
import type { InvoiceLabels } from './labels.js'

const margin = 50
const lineGap = 1.5
const grey = '#666666'

/** Draws an invoice on as many pages as it takes. */
export function drawInvoice(
  document: TextDocument,
  type: Typesetter,
  invoice: Invoice,
  { labels, notes }: { readonly labels: InvoiceLabels; readonly notes: readonly string[] },
): void {
  const { width, height } = document.page
  const right = width - margin
  const amountLeft = right - 110
  const quantityRight = amountLeft - 10
  const descriptionWidth = quantityRight - 60 - margin
  let y = margin

  const line = (text: string, x: number, size: number, color?: string) => type.draw(text, x, y, size, color)
  const lineToRight = (text: string, edge: number, size: number, color?: string) =>
    type.draw(text, edge - type.width(text, size), y, size, color)
  const rule = () => {
    document.moveTo(margin, y).lineTo(right, y).lineWidth(0.5).strokeColor('#bbbbbb').stroke()
    y += 8
  }
  const need = (space: number) => {
    if (y + space <= height - margin) return
    document.addPage()
    y = margin
  }
  const paragraph = (text: string, x: number, size: number, maximum: number, color?: string) => {
    for (const part of type.wrap(text, size, maximum)) {
      need(size * lineGap)
      line(part, x, size, color)
      y += size * lineGap
    }
  }
  const row = (name: string, amount: Money, size = 10) => {
    const names = type.wrap(name, size, amountLeft - 20 - margin - 150)
    need(size * lineGap * names.length)
    lineToRight(amountText(amount), right, size)
    for (const part of names) {
      lineToRight(part, amountLeft + 40, size)
      y += size * lineGap
    }
  }

  line(invoice.status === 'draft' ? labels.draft : labels.invoice, margin, 20)
  if (invoice.status === 'paid') stamp(document, type, labels.paid, right, y)
  if (invoice.status === 'void') stamp(document, type, labels.void, right, y)
  y += 40
  const facts: [string, string | null][] = [
    [labels.number, invoice.number],
    [labels.date, dateText(invoice.finalizedAt ?? invoice.createdAt)],
    [labels.due, invoice.dueAt === null ? null : dateText(invoice.dueAt)],
    [labels.paidOn, invoice.paidAt === null ? null : dateText(invoice.paidAt)],
  ]
  for (const [name, value] of facts) if (value !== null) paragraph(`${name}: ${value}`, margin, 10, right - margin)
  y += 12

  const top = y
  const half = (right - margin) / 2 - 10
  party(labels.from, invoice.seller ?? [], margin)
  const afterSeller = y
  y = top
  party(labels.to, invoice.buyer ?? [invoice.customerId], margin + half + 20)
  y = Math.max(y, afterSeller) + 12
  if (invoice.description !== null) paragraph(invoice.description, margin, 10, right - margin)

  heading()
  for (const item of invoice.lines) {
    const parts = type.wrap(item.description, 10, descriptionWidth)
    if (y + 15 * Math.min(parts.length, 2) > height - margin) {
      document.addPage()
      y = margin
      heading()
    }
    lineToRight(amountText(item.amount), right, 10)
    if (item.quantity !== null) lineToRight(item.quantity, quantityRight, 10)
    for (const part of parts) {
      need(15)
      line(part, margin, 10)
      y += 15
    }
  }
  y += 4
  need(60)
  rule()
  row(labels.subtotal, invoice.subtotal)
  if (invoice.discount.nanos !== 0n) row(labels.discount, negative(invoice.discount))
  if (invoice.taxes) for (const { name, rate, amount } of invoice.taxes) row(`${name} ${rate} %`, amount)
  else if (invoice.tax.nanos !== 0n) row(labels.tax, invoice.tax)
  row(labels.total, invoice.total, 12)
  if (invoice.creditsApplied.nanos !== 0n) row(labels.credits, negative(invoice.creditsApplied))
  if (invoice.amountPaid.nanos !== 0n) row(labels.amountPaid, negative(invoice.amountPaid))
  row(labels.amountDue, invoice.amountDue, 12)
  y += 16
  for (const note of notes) paragraph(note, margin, 10, right - margin)

  function party(title: string, lines: readonly string[], x: number): void {
    if (lines.length === 0) return
    paragraph(title, x, 9, half, grey)
    for (const text of lines) paragraph(text, x, 10, half)
  }

  function heading(): void {
    y += 8
    line(labels.description, margin, 9, grey)
    lineToRight(labels.quantity, quantityRight, 9, grey)
    lineToRight(labels.amount, right, 9, grey)
    y += 16
    rule()
  }
}

function stamp(document: TextDocument, type: Typesetter, text: string, right: number, y: number): void {
  const color = '#1a7f37'
  const width = type.width(text, 18) + 20
  document
    .rect(right - width, y - 4, width, 32)
    .lineWidth(2)
    .strokeColor(color)
    .stroke()
  type.draw(text, right - width + 10, y, 18, color)
}

/** Every digit of the smallest coin: `20.00 USD`. */
function amountText(amount: Money): string {
  const [whole = '', fraction = ''] = formatMoney(amount).split('.')
  const digits = currencyDigits(amount.currency)
  return `${whole}${digits === 0 ? '' : `.${fraction.padEnd(digits, '0')}`} ${amount.currency}`
}

function negative({ currency, nanos }: Money): Money {
  return { currency, nanos: -nanos }
}

/** A day that reads the same everywhere. */
function dateText(at: number): string {
  return new Date(at).toISOString().slice(0, 10)
}
