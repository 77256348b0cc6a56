import * as z from 'zod'
import type { PaymentStatus } from '../../core/domain/payment-outcome.js'
import type { ProviderPayment } from '../../core/ports/capabilities/payments.js'
import { fromLagoAmount } from './amount.js'

/** The fields of a payment that are read here. */
export const paymentSchema = z.object({
  lago_id: z.string().min(1),
  external_customer_id: z.string().nullish(),
  invoice_ids: z.array(z.string()).nullish(),
  amount_cents: z.number().int(),
  amount_currency: z.string(),
  /** The payment service's own word. */
  status: z.string().nullish(),
  payment_status: z.string().nullish(),
  next_action: z.unknown().optional(),
  created_at: z.string(),
})

export type LagoPayment = z.output<typeof paymentSchema>

const actionSchema = z.object({ redirect_to_url: z.object({ url: z.url() }) })

/** In our words; `refundedCents` is what credit notes gave back of it. */
export function toPayment(payment: LagoPayment, refundedCents: number, intentId: string | null): ProviderPayment {
  const { lago_id: externalId, amount_cents: cents, amount_currency: currency } = payment
  const status = statusOf(payment)
  const isBack = status === 'succeeded' && cents > 0 && refundedCents >= cents
  return {
    externalId,
    customerId: payment.external_customer_id ?? null,
    status: isBack ? 'refunded' : status,
    amount: fromLagoAmount(cents, currency),
    refunded: fromLagoAmount(refundedCents, currency),
    description: null,
    invoiceId: payment.invoice_ids?.[0] ?? null,
    intentId,
    createdAt: Date.parse(payment.created_at),
    failure: status === 'failed' ? { reason: 'declined', message: 'The payment did not go through.' } : null,
    receiptUrl: null,
  }
}

/** Where the customer has to go to confirm it. */
export function nextActionOf({ next_action: action }: LagoPayment): string | null {
  const parsed = actionSchema.safeParse(action)
  return parsed.success ? parsed.data.redirect_to_url.url : null
}

function statusOf({ status, payment_status: standing }: LagoPayment): PaymentStatus {
  switch (standing) {
    case 'succeeded':
      return 'succeeded'
    case 'failed':
      return 'failed'
    case 'pending':
    case 'processing':
      return status === 'requires_action' ? 'requires_action' : 'processing'
    default:
      return 'unknown'
  }
}
