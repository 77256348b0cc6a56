import type { BillingContext } from '../context.js'
import type { BillingEventType } from '../domain/event.js'
import type { InvoiceStatus } from '../domain/invoice.js'
import { formatMoney } from '../domain/money.js'
import type { Invoice } from '../ports/capabilities/invoices.js'
import { type AnyProvider, requireCapability } from '../ports/provider.js'
import { invoicedSale, settleInvoiced } from './debt-invoice.js'
import { followSubscriptions } from './follow-subscriptions.js'

/** What is told of an invoice that stands so. */
const told: ReadonlyMap<InvoiceStatus, BillingEventType> = new Map<InvoiceStatus, BillingEventType>([
  ['open', 'invoice.finalized'],
  ['past_due', 'invoice.past_due'],
  ['payment_failed', 'invoice.payment_failed'],
  ['paid', 'invoice.paid'],
  ['void', 'invoice.voided'],
  ['uncollectible', 'invoice.uncollectible'],
])

/** Tells how an invoice stands, and follows the subscription it is for. */
export async function followInvoice(
  ctx: BillingContext,
  provider: AnyProvider,
  invoiceId: string,
  { cause, signal }: { readonly cause: string; readonly signal: AbortSignal },
): Promise<void> {
  const invoice = await requireCapability(provider, 'invoices').get(invoiceId, { signal })
  const accountId = await ctx.store.directory.accountByExternalId(provider.id, invoice.customerId)
  if (accountId === null) return
  const sale = await invoicedSale(ctx, provider, invoice)
  if (sale) await settleInvoiced(ctx, provider, sale, invoice)
  const type = told.get(invoice.status)
  if (type) await tellOf(ctx, provider, accountId, invoice, type)
  if (invoice.subscriptionId !== null) await followSubscriptions(ctx, provider, invoice.customerId, cause)
  ctx.wake()
}

async function tellOf(
  ctx: BillingContext,
  provider: AnyProvider,
  accountId: string,
  invoice: Invoice,
  type: BillingEventType,
): Promise<void> {
  const { externalId, number, amountDue, total, subscriptionId, status } = invoice
  await ctx.store.outbox.publish({
    id: `evt_${externalId}_${status}`,
    type,
    accountId,
    occurredAt: ctx.environment.now(),
    data: {
      provider: provider.id,
      invoiceId: externalId,
      number,
      subscriptionId,
      currency: total.currency,
      total: formatMoney(total),
      amountDue: formatMoney(amountDue),
    },
  })
}
