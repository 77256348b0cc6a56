import { customers } from './customers.js'
import { invalidRequest, noSuch } from './errors.js'
import { collectInvoice } from './invoice-collection.js'
import { createInvoiceItem, pendingItems, toInvoiceLine } from './invoice-items.js'
import {
  type BillingReason,
  draftInvoice,
  finalizeInvoice,
  type Invoice,
  type InvoiceLine,
  payInvoice,
} from './invoices.js'
import { paymentMethods } from './payment-methods.js'
import type { Subscription } from './subscription-object.js'
import { type StripeWorld, seconds } from './world.js'

/** Puts down credits and charges as items for the subscription's next invoice. */
export function addPending(world: StripeWorld, subscription: Subscription, lines: readonly InvoiceLine[]): void {
  for (const line of lines) {
    createInvoiceItem(world, {
      customer: subscription.customer,
      price: line.price,
      quantity: line.quantity ?? 1,
      amount: line.amount,
      description: line.description,
      period: line.period,
      subscription: subscription.id,
      subscriptionItem: line.subscriptionItem,
      proration: line.proration ?? false,
    })
  }
}

export function pendingOf(world: StripeWorld, { id, customer, currency }: Subscription): readonly InvoiceLine[] {
  return pendingItems(world, customer, currency, id).map((item) => toInvoiceLine(world, item))
}

/** Drafts an invoice with these lines and what is pending; nothing when there is nothing to bill. */
export function draftFor(
  world: StripeWorld,
  subscription: Subscription,
  billingReason: BillingReason,
  lines: readonly InvoiceLine[],
): Invoice | undefined {
  const customer = customers(world).get(subscription.customer)
  if (customer === undefined || lines.length + pendingOf(world, subscription).length === 0) return undefined
  const { collection_method: collectionMethod, days_until_due: days } = subscription
  return draftInvoice(world, {
    customer,
    currency: subscription.currency,
    subscription: subscription.id,
    billingReason,
    lines,
    metadata: subscription.metadata,
    discounts: subscription.discounts,
    automaticTax: subscription.automatic_tax.enabled,
    taxRates: subscription.default_tax_rates.map(({ id }) => id),
    collectionMethod,
    dueDate: collectionMethod === 'send_invoice' ? seconds(world) + (days ?? 30) * 86_400 : null,
  })
}

/** The payment method an invoice of the subscription is charged to. */
export function methodOf(world: StripeWorld, subscription: Subscription): string | null {
  const customer = customers(world).get(subscription.customer)
  return subscription.default_payment_method ?? customer?.invoice_settings.default_payment_method ?? null
}

/** Finalizes a draft and, unless the customer is to pay it by hand, charges it. */
export function finalizeAndCollect(world: StripeWorld, draft: Invoice, subscription: Subscription): Invoice {
  const open = finalizeInvoice(world, draft)
  return subscription.collection_method === 'send_invoice' && open.amount_due > 0 ? open : collect(world, open)
}

/** Charges an open invoice; what follows for the subscription follows from the invoice's event. */
export function collect(world: StripeWorld, open: Invoice): Invoice {
  if (open.amount_due === 0) return payInvoice(world, open)
  return collectInvoice(world, open).invoice
}

/** A subscription is charged to a method of its own customer. */
export function checkMethod(world: StripeWorld, customer: string, id: string | undefined): void {
  if (id === undefined) return
  const method = paymentMethods(world).get(id)
  if (method === undefined) throw noSuch('PaymentMethod', id, 'default_payment_method')
  if (method.customer === customer) return
  throw invalidRequest(
    `The customer does not have a payment method with the ID ${id}. The payment method must be attached to the customer.`,
    { code: 'resource_missing', param: 'default_payment_method' },
  )
}
