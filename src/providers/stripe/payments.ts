import * as z from 'zod'
import type { PaymentStatus } from '../../core/domain/payment-outcome.js'
import { BillingError } from '../../core/errors.js'
import type { PaymentsCapability, ProviderPayment } from '../../core/ports/capabilities/payments.js'
import { exactAmount } from './amount.js'
import { parseAnswer, type StripeCall } from './call.js'
import { chargeOnce } from './charge.js'
import { everyRow } from './every-row.js'
import { pageWhere } from './page.js'
import { invoiceOf, invoicesOf, type PaidInvoice } from './paid-invoice.js'
import { actionUrl, declined, nextActionSchema, paymentStateSchema } from './payment-outcome.js'
import { reference } from './reference.js'
import { createRefund, disputeSchema, refundSchema, toDispute, toRefund } from './reversals.js'

const chargeSchema = z.object({ amount_refunded: z.number(), receipt_url: z.string().nullish() })

const intentSchema = paymentStateSchema.extend({
  id: z.string().min(1),
  customer: reference.nullish(),
  amount: z.number(),
  currency: z.string(),
  description: z.string().nullish(),
  created: z.number(),
  metadata: z.record(z.string(), z.string()).nullish(),
  latest_charge: z.union([z.string(), chargeSchema]).nullish(),
  next_action: nextActionSchema,
})

/**
 * Payments: Stripe's payment intents.
 *
 * @see https://docs.stripe.com/api/payment_intents
 */
export function stripePayments(
  call: StripeCall,
): Required<Omit<PaymentsCapability, 'submit' | 'waiting' | 'approve' | 'reject'>> {
  return {
    async list({ customerId: customer, status, ...place }, options) {
      const page = await pageWhere(place, intentSchema, {
        list: (start) =>
          call.read(options, (client, request) =>
            client.paymentIntents.list({ customer, expand: ['data.latest_charge'], ...start }, request),
          ),
        map: (intent) => intent,
        fits: (intent) => status === undefined || toPayment(intent, null).status === status,
      })
      const ids = page.items.map(({ id }) => id)
      const invoices = await invoicesOf(call, customer, ids, options)
      return { ...page, items: page.items.map((intent) => toPayment(intent, invoices.get(intent.id) ?? null)) }
    },
    async get(externalId, options) {
      if (externalId === '') throw new BillingError('not_found', 'A payment has an id.')
      const answer = await call.read(options, (client, request) =>
        client.paymentIntents.retrieve(externalId, { expand: ['latest_charge'] }, request),
      )
      const intent = parseAnswer(intentSchema, answer)
      return toPayment(intent, await invoiceOf(call, intent.id, options))
    },
    async reversals(externalId, options) {
      const [refunds, disputes] = await Promise.all([
        everyRow(refundSchema, (start) =>
          call.read(options, (client, request) =>
            client.refunds.list({ payment_intent: externalId, ...start }, request),
          ),
        ),
        everyRow(disputeSchema, (start) =>
          call.read(options, (client, request) =>
            client.disputes.list({ payment_intent: externalId, ...start }, request),
          ),
        ),
      ])
      return {
        refunds: refunds.map((refund) => toRefund(refund, externalId)),
        disputes: disputes.map((dispute) => toDispute(dispute, externalId)),
      }
    },
    refund: (request, options) => createRefund(call, request, options),
    charge: (request, options) => chargeOnce(call, request, options),
  }
}

function toPayment(intent: z.output<typeof intentSchema>, invoice: PaidInvoice | null): ProviderPayment {
  const charge = typeof intent.latest_charge === 'object' ? intent.latest_charge : null
  const refunded = charge?.amount_refunded ?? 0
  const { last_payment_error: error } = intent
  const failure = error && intent.status !== 'succeeded' ? declined(error) : null
  return {
    externalId: intent.id,
    customerId: intent.customer ?? null,
    status: statusOf(intent, refunded),
    amount: exactAmount(intent.amount, intent.currency),
    refunded: exactAmount(refunded, intent.currency),
    description: intent.description ?? null,
    invoiceId: invoice?.id ?? null,
    // A payment that an invoice made has its own metadata; what we said of the sale is on the invoice then.
    intentId: intent.metadata?.billfold_intent_id ?? invoice?.metadata?.billfold_intent_id ?? null,
    createdAt: intent.created * 1000,
    failure: failure && { reason: failure.reason, message: failure.message },
    receiptUrl: charge?.receipt_url ?? null,
    actionUrl: actionUrl(intent),
  }
}

/** An intent goes back to where it began when the bank declines. */
function statusOf(
  { status, amount, last_payment_error: error }: z.output<typeof intentSchema>,
  refunded: number,
): PaymentStatus {
  switch (status) {
    case 'requires_payment_method':
      return error ? 'failed' : 'requires_method'
    case 'requires_action':
    case 'requires_confirmation':
      return 'requires_action'
    case 'processing':
      return 'processing'
    case 'requires_capture':
      return 'authorized'
    case 'succeeded':
      return refunded >= amount && amount > 0 ? 'refunded' : 'succeeded'
    case 'canceled':
      return 'canceled'
    default:
      return 'unknown'
  }
}
