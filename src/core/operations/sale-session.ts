import type { BillingContext } from '../context.js'
import type { CallOptions } from '../ports/call-options.js'
import type { CheckoutSession, CheckoutStatus } from '../ports/capabilities/checkout.js'
import { type AnyProvider, requireCapability } from '../ports/provider.js'
import type { CheckoutIntent } from '../ports/store.js'
import { chargedStatus, hasPage, sessionOfPayment, settlePayment } from './charge-sale.js'
import { isInvoiced, sessionOfInvoice, settleInvoiced } from './debt-invoice.js'
import { settleCheckout } from './fulfilment.js'

/** How a sale stands at the provider, whether it is paid on a page, by a charge, or by an invoice of ours. */
export async function sessionOfSale(
  provider: AnyProvider,
  sale: CheckoutIntent,
  externalId: string,
  options: CallOptions,
): Promise<CheckoutSession> {
  if (isInvoiced(sale)) return sessionOfInvoice(await requireCapability(provider, 'invoices').get(externalId, options))
  if (!hasPage(sale)) return sessionOfPayment(await requireCapability(provider, 'payments').get(externalId, options))
  return requireCapability(provider, 'checkout').get(externalId, options)
}

/** Follows a sale as it stands at the provider, and gives what was paid for. */
export async function settleSale(
  ctx: BillingContext,
  provider: AnyProvider,
  sale: CheckoutIntent,
  externalId: string,
): Promise<CheckoutStatus> {
  if (isInvoiced(sale)) {
    const invoice = await requireCapability(provider, 'invoices').get(externalId, {})
    await settleInvoiced(ctx, provider, sale, invoice)
    return sessionOfInvoice(invoice).status
  }
  if (!hasPage(sale)) {
    const payment = await requireCapability(provider, 'payments').get(externalId, {})
    return chargedStatus(await settlePayment(ctx, provider, sale, payment))
  }
  return settleCheckout(ctx, provider, sale, await requireCapability(provider, 'checkout').get(externalId, {}))
}
