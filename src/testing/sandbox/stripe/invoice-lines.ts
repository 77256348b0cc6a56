import type { CreditAmount } from './credit-application.js'
import type { Price } from './prices.js'
import { newId, tableOf } from './world.js'

/** What is billed, before discounts and taxes. */
export interface InvoiceLine {
  readonly description: string
  readonly amount: number
  readonly quantity: number | null
  readonly price: Price
  readonly period: { readonly start: number; readonly end: number }
  readonly subscriptionItem: string | null
  /** A part of a period, credited or charged because something changed within it. */
  readonly proration?: boolean
  /** The invoice item it came from. */
  readonly invoiceItem?: string
  readonly discountable?: boolean
  /** Ids of the discounts of this line alone. */
  readonly discounts?: readonly string[]
  /** Ids of the tax rates of this line alone. */
  readonly taxRates?: readonly string[]
  readonly metadata?: Readonly<Record<string, string>>
}

/** A line keeps its id however often a draft is computed anew. */
export interface DraftLine extends InvoiceLine {
  readonly id: string
}

export type Line = ReturnType<typeof newLine>

/** All lines of an invoice, as billed and as given; the invoice itself shows the first ten. */
export const invoiceLines = tableOf<{
  readonly id: string
  readonly given: readonly DraftLine[]
  readonly lines: readonly Line[]
}>('invoice_lines')

export interface DiscountAmount {
  readonly amount: number
  readonly discount: string
}

export interface LineTax {
  readonly amount: number
  readonly tax_behavior: 'exclusive' | 'inclusive'
  readonly tax_rate_details: { readonly tax_rate: string }
  readonly taxability_reason: 'standard_rated' | 'zero_rated' | 'customer_exempt' | 'reverse_charge' | 'not_collecting'
  readonly taxable_amount: number
  readonly type: 'tax_rate_details'
}

export function toDraftLine(line: InvoiceLine): DraftLine {
  return { ...line, id: newId('il_1', 23) }
}

export function newLine(
  invoice: string | null,
  currency: string,
  subscription: string | null,
  line: DraftLine,
  discountAmounts: readonly DiscountAmount[],
  taxes: readonly LineTax[],
  credits: readonly CreditAmount[] = [],
) {
  const proration = line.proration ?? false
  const noDetails = { credited_items: null }
  const ofItem = line.subscriptionItem !== null
  const inclusive = taxes.filter((tax) => tax.tax_behavior === 'inclusive').reduce((sum, tax) => sum + tax.amount, 0)
  return {
    id: line.id,
    object: 'line_item' as const,
    amount: line.amount,
    currency,
    description: line.description,
    discount_amounts: discountAmounts,
    discountable: line.discountable ?? !proration,
    discounts: line.discounts ?? [],
    invoice,
    livemode: false as const,
    metadata: line.metadata ?? {},
    parent: {
      invoice_item_details:
        ofItem || line.invoiceItem === undefined
          ? null
          : { invoice_item: line.invoiceItem, proration, proration_details: noDetails, subscription },
      subscription_item_details: ofItem
        ? {
            invoice_item: line.invoiceItem ?? null,
            proration,
            proration_details: noDetails,
            subscription,
            subscription_item: line.subscriptionItem ?? '',
          }
        : null,
      type: ofItem ? ('subscription_item_details' as const) : ('invoice_item_details' as const),
    },
    period: line.period,
    pretax_credit_amounts: [
      ...discountAmounts.map(({ amount, discount }) => ({ amount, discount, type: 'discount' as const })),
      ...credits,
    ],
    pricing: {
      price_details: { price: line.price.id, product: line.price.product },
      type: 'price_details' as const,
      unit_amount_decimal: line.price.unit_amount_decimal,
    },
    quantity: line.quantity,
    quantity_decimal: line.quantity === null ? null : String(line.quantity),
    subscription,
    subtotal: line.amount - inclusive,
    taxes,
  }
}
