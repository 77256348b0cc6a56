import { customers } from './customers.js'
import {
  type BillingReason,
  draftInvoice,
  failInvoice,
  finalizeInvoice,
  type Invoice,
  type InvoiceLine,
  invoices,
  payInvoice,
} from './invoices.js'
import type { Subscription } from './subscription-object.js'
import { newId, type StripeWorld, seconds, tableOf } from './world.js'

/** A credit or charge that waits for the subscription's next invoice. */
interface PendingLine {
  readonly id: string
  readonly subscription: string
  readonly line: InvoiceLine
}

const pendingLines = tableOf<PendingLine>('pending_lines')

export function addPending(world: StripeWorld, subscription: string, lines: readonly InvoiceLine[]): void {
  for (const line of lines) {
    const id = newId('ii_1', 23)
    pendingLines(world).put(id, { id, subscription, line })
  }
}

export function pendingOf(world: StripeWorld, subscription: string): readonly InvoiceLine[] {
  return [...pendingLines(world).values()].filter((each) => each.subscription === subscription).map(({ line }) => line)
}

/** Drafts an invoice with these lines and what is pending; nothing when there is nothing to bill. */
export function draftFor(
  world: StripeWorld,
  subscription: Subscription,
  billingReason: BillingReason,
  lines: readonly InvoiceLine[],
): Invoice | undefined {
  const customer = customers(world).get(subscription.customer)
  const all = [...takePending(world, subscription.id), ...lines]
  if (customer === undefined || all.length === 0) return undefined
  const { collection_method: collectionMethod, days_until_due: days } = subscription
  return draftInvoice(world, {
    customer,
    currency: subscription.currency,
    subscription: subscription.id,
    billingReason,
    lines: all,
    metadata: subscription.metadata,
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
  return subscription.collection_method === 'send_invoice' && open.amount_due > 0
    ? open
    : collect(world, open, subscription)
}

/** Charges an open invoice; what follows for the subscription follows from the invoice's event. */
export function collect(world: StripeWorld, open: Invoice, subscription: Subscription): Invoice {
  if (open.amount_due === 0) return payInvoice(world, open)
  const method = methodOf(world, subscription)
  const paid = method !== null && !/decline|fail/i.test(method)
  const after = paid ? payInvoice(world, open) : failInvoice(world, open)
  return invoices(world).get(after.id) ?? after
}

function takePending(world: StripeWorld, subscription: string): readonly InvoiceLine[] {
  const taken = pendingOf(world, subscription)
  for (const { id, subscription: owner } of [...pendingLines(world).values()]) {
    if (owner === subscription) pendingLines(world).delete(id)
  }
  return taken
}
