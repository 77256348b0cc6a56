import type { z } from '@hono/zod-openapi'
import type { PaymentView } from '../../index.js'
import type { payment } from '../contract/payment.js'
import { paymentWord } from './payment-status.js'

export function paymentJson(view: PaymentView): z.output<typeof payment> {
  return {
    id: view.id,
    invoice_id: view.invoiceId,
    checkout_id: view.checkoutId,
    status: paymentWord(view.status),
    amount: Number(view.amount),
    refunded_amount: Number(view.refunded),
    currency: view.currency,
    provider: view.provider,
    description: view.description,
    failure_reason: view.failure?.reason ?? null,
    failure_message: view.failure?.message ?? null,
    receipt_url: view.receiptUrl,
    created_at: view.createdAt.toISOString(),
  }
}
