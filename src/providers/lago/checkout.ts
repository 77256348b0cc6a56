import * as z from 'zod'
import type { Instant } from '../../core/domain/period.js'
import { BillingError } from '../../core/errors.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import type {
  CheckoutCapability,
  CheckoutRequest,
  CheckoutSession,
  CheckoutStatus,
  PaymentCheckout,
} from '../../core/ports/capabilities/checkout.js'
import { withoutKey } from '../door/door.js'
import { fromLagoAmount } from './amount.js'
import { type LagoCall, parseAnswer, part } from './call.js'
import { refusalOf, unsupported } from './errors.js'
import { intentOf, invoiceStatus, type LagoInvoice } from './invoice.js'
import { newestPayment, paymentUrl } from './invoice-payment.js'
import { type LagoInvoiceVerbs, readInvoice } from './invoices.js'
import { invoiceSale } from './sale-invoice.js'
import { isSetup, openSetup, readSetup } from './setup-session.js'

/** How long a page can be paid on. */
const livesMs = 86_400_000

const customerSchema = z.object({
  customer: z.object({ billing_configuration: z.object({ payment_provider: z.string().nullish() }).nullish() }),
})

/**
 * Single payments, each on a one-off invoice that the customer pays on the payment service's page; and its page to leave a payment
 * method. Where a customer goes afterwards is set at the payment service: the addresses of the request are not used.
 *
 * @see https://docs.getlago.com/api-reference/invoices/payment_url
 */
export function lagoCheckout(
  call: LagoCall,
  invoices: LagoInvoiceVerbs,
  now: () => Instant,
): Required<CheckoutCapability> {
  const read = async (externalId: string, options: CallOptions): Promise<CheckoutSession> => {
    if (isSetup(externalId)) return readSetup(call, externalId, options)
    return sessionOf(call, await readInvoice(call, externalId, options), options)
  }
  const close = async (externalId: string, options: CallOptions): Promise<CheckoutSession> => {
    try {
      await invoices.void(externalId, options)
    } catch (error) {
      // Somebody paid it in the meantime.
      if (!BillingError.is(error) || error.code !== 'invalid_state') throw error
    }
    return read(externalId, options)
  }
  return {
    /** A page that nobody has used within a day is closed, or its invoice would be overdue for ever. */
    async get(externalId, options) {
      const session = await read(externalId, options)
      const isOver = session.status === 'open' && session.expiresAt !== null && session.expiresAt <= now()
      return isOver ? close(externalId, options) : session
    },
    /** @throws BillingError `option_unsupported` for subscriptions, promotion codes, and customers without a payment service */
    async create(request, options) {
      if (request.promotionCodes) throw unsupported('Lago’s pages have no field for a promotion code.')
      if (request.mode === 'setup') return openSetup(call, request, options)
      return sessionOf(call, await invoiceSale(call, await payable(call, request, options), options), options)
    },
    async expire(externalId, options) {
      const before = await read(externalId, options)
      return before.status === 'open' && !isSetup(externalId) ? close(externalId, options) : before
    },
  }
}

/** @throws BillingError `option_unsupported` before anything is made */
async function payable(call: LagoCall, request: CheckoutRequest, options: CallOptions): Promise<PaymentCheckout> {
  if (request.mode !== 'payment') throw unsupported('Lago has no page that sells a subscription.')
  const answer = await call.read(withoutKey(options), (client, sent) =>
    client.customers.findCustomer(part(request.customerId), sent),
  )
  const provider = parseAnswer(customerSchema, answer).customer.billing_configuration?.payment_provider
  if (provider == null || provider === 'gocardless')
    throw unsupported('The customer has no payment service in Lago with a page to pay on.')
  return request
}

async function sessionOf(call: LagoCall, invoice: LagoInvoice, options: CallOptions): Promise<CheckoutSession> {
  const { lago_id: externalId, currency } = invoice
  const status = await statusOf(call, invoice, options)
  return {
    externalId,
    intentId: intentOf(invoice),
    customerId: invoice.customer?.external_id ?? null,
    status,
    subtotal: fromLagoAmount(invoice.fees_amount_cents, currency),
    amount: fromLagoAmount(invoice.total_amount_cents, currency),
    url: status === 'open' ? await pageOf(call, externalId, options) : null,
    expiresAt: Date.parse(invoice.created_at) + livesMs,
    subscriptionId: null,
    paymentMethodId: null,
  }
}

/** After a payment that failed the page stays open for another one. */
async function statusOf(call: LagoCall, invoice: LagoInvoice, options: CallOptions): Promise<CheckoutStatus> {
  const status = invoiceStatus(invoice)
  if (status === 'paid') return 'paid'
  if (status === 'void' || status === 'deleted') return 'expired'
  const payment = await newestPayment(call, invoice.lago_id, options)
  return payment?.payment_status === 'processing' && payment.status !== 'requires_action' ? 'processing' : 'open'
}

/** The same for as long as it is good. Lago gives none while it is busy with a payment. */
async function pageOf(call: LagoCall, externalId: string, options: CallOptions): Promise<string | null> {
  try {
    return await paymentUrl(call, externalId, options)
  } catch (error) {
    if (refusalOf(error).includes('payment_processor_is_currently_handling_payment')) return null
    throw error
  }
}
