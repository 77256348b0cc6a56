import { emit } from './events.js'
import { type DraftLine, type InvoiceLine, invoiceLines } from './invoice-lines.js'
import { type Price, prices } from './prices.js'
import { taxRates } from './tax-rates.js'
import { newId, type StripeWorld, seconds, tableOf } from './world.js'

export type InvoiceItem = ReturnType<typeof newInvoiceItem>

export const invoiceItems = tableOf<InvoiceItem>('invoice_items')
/** Deleted drafts keep their items: they are neither pending nor billed. */
const deadItems = tableOf<{ readonly id: string }>('dead_invoice_items')

export interface InvoiceItemRequest {
  readonly customer: string
  readonly price: Price
  readonly quantity: number
  readonly amount: number
  readonly description: string | null
  readonly period?: { readonly start: number; readonly end: number } | undefined
  readonly subscription?: string | null
  readonly subscriptionItem?: string | null
  readonly invoice?: string | null
  readonly proration?: boolean
  readonly discountable?: boolean
  readonly discounts?: readonly string[]
  readonly taxRates?: readonly string[]
  readonly metadata?: Readonly<Record<string, string>>
}

/** Something to bill: with the next invoice, or with the draft it names. */
export function createInvoiceItem(world: StripeWorld, request: InvoiceItemRequest): InvoiceItem {
  const item = newInvoiceItem(world, request)
  invoiceItems(world).put(item.id, item)
  emit(world, 'invoiceitem.created', item)
  return item
}

/** What waits for the customer's next invoice, newest first; what came together stays in its order. */
export function pendingItems(
  world: StripeWorld,
  customer: string,
  currency: string,
  subscription: string | null,
): InvoiceItem[] {
  return [...invoiceItems(world).values()]
    .filter((item) => item.customer === customer && item.currency === currency && item.invoice === null)
    .filter((item) => {
      const of = item.parent?.subscription_details.subscription ?? null
      return subscription === null || of === null || of === subscription
    })
    .sort((left, right) => right.date - left.date)
}

export function toInvoiceLine(world: StripeWorld, item: InvoiceItem): InvoiceLine {
  const price = prices(world).get(item.pricing.price_details.price)
  if (price === undefined) throw new Error(`The invoice item ${item.id} has no price.`)
  return {
    description: item.description ?? '',
    amount: item.amount,
    quantity: item.quantity,
    price,
    period: item.period,
    subscriptionItem: item.parent?.subscription_details.subscription_item ?? null,
    proration: item.proration,
    invoiceItem: item.id,
    discountable: item.discountable,
    discounts: item.discounts,
    taxRates: item.tax_rates.map(({ id }) => id),
    metadata: item.metadata,
  }
}

/** Items among the lines belong to the invoice from now on. */
export function attachItems(world: StripeWorld, invoice: string, lines: readonly DraftLine[]): void {
  for (const { invoiceItem } of lines) {
    const item = invoiceItem === undefined ? undefined : invoiceItems(world).get(invoiceItem)
    if (item !== undefined && item.invoice === null) invoiceItems(world).put(item.id, { ...item, invoice })
  }
}

/** A deleted draft takes its items with it. */
export function buryItems(world: StripeWorld, invoice: string): void {
  for (const { invoiceItem } of invoiceLines(world).get(invoice)?.given ?? []) {
    if (invoiceItem !== undefined) deadItems(world).put(invoiceItem, { id: invoiceItem })
  }
}

export function isDead(world: StripeWorld, item: string): boolean {
  return deadItems(world).has(item)
}

function newInvoiceItem(world: StripeWorld, request: InvoiceItemRequest) {
  const now = seconds(world)
  const { price } = request
  const subscription = request.subscription ?? null
  return {
    id: newId('ii_1', 23),
    object: 'invoiceitem' as const,
    amount: request.amount,
    currency: price.currency,
    customer: request.customer,
    customer_account: null,
    date: now,
    description: request.description,
    discountable: request.discountable ?? !(request.proration ?? false),
    discounts: request.discounts ?? [],
    invoice: request.invoice ?? null,
    livemode: false as const,
    metadata: request.metadata ?? {},
    net_amount: request.amount,
    parent:
      subscription === null
        ? null
        : {
            subscription_details: {
              subscription,
              ...(request.subscriptionItem == null ? {} : { subscription_item: request.subscriptionItem }),
            } as { readonly subscription: string; readonly subscription_item?: string },
            type: 'subscription_details' as const,
          },
    period: request.period ?? { start: now, end: now },
    pricing: {
      price_details: { price: price.id, product: price.product },
      type: 'price_details' as const,
      unit_amount_decimal: price.unit_amount_decimal,
    },
    proration: request.proration ?? false,
    proration_details: { credited_items: null, discount_amounts: [] },
    quantity: request.quantity,
    quantity_decimal: String(request.quantity),
    tax_rates: (request.taxRates ?? []).flatMap((id) => taxRates(world).get(id) ?? []),
    test_clock: null,
  }
}
