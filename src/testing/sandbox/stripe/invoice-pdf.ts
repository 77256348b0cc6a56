import { invoicePdfOf } from '../invoice-sheet.js'
import { formatDate, formatMoney, formatPeriod } from '../page.js'
import type { Line } from './invoice-lines.js'
import type { Invoice } from './invoice-object.js'

const stamps = { draft: 'DRAFT', open: 'OPEN', paid: 'PAID', uncollectible: 'UNCOLLECTIBLE', void: 'VOID' }

/** An invoice of the Stripe twin as a PDF. */
export function invoicePdf(invoice: Invoice, lines: readonly Line[]): Uint8Array {
  const address = invoice.customer_address
  const buyer = [
    invoice.customer_name,
    address?.line1,
    [address?.postal_code, address?.city].filter(Boolean).join(' '),
    address?.country,
    invoice.customer_email,
  ]
  const number = invoice.number ?? 'Draft'
  return invoicePdfOf({
    number,
    stamp: stamps[invoice.status],
    facts: [
      ['Invoice number', number],
      ['Date', formatDate(invoice.effective_at ?? invoice.created)],
      ...(invoice.due_date === null ? [] : ([['Due', formatDate(invoice.due_date)]] as const)),
    ],
    seller: invoice.account_name ?? '',
    buyer: buyer.filter((part): part is string => part !== null && part !== undefined && part !== ''),
    rows: lines.map(({ description, period, quantity, amount, currency }) => ({
      description,
      period: formatPeriod(period),
      quantity: quantity === null ? '' : String(quantity),
      amount: formatMoney(amount, currency),
    })),
    totals: totals(invoice),
  })
}

function totals(invoice: Invoice): readonly (readonly [string, string])[] {
  const money = (amount: number) => formatMoney(amount, invoice.currency)
  const discount = invoice.total_discount_amounts.reduce((sum, { amount }) => sum + amount, 0)
  const tax = invoice.total_taxes.reduce((sum, { amount }) => sum + amount, 0)
  return [
    ['Subtotal', money(invoice.subtotal)],
    ...(discount === 0 ? [] : ([['Discount', money(-discount)]] as const)),
    ...(tax === 0 ? [] : ([['Tax', money(tax)]] as const)),
    ['Total', money(invoice.total)],
    invoice.status === 'paid'
      ? ['Amount paid', money(invoice.amount_paid)]
      : ['Amount due', money(invoice.amount_remaining)],
  ]
}
