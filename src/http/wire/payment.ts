import type { z } from '@hono/zod-openapi'
import type { PaymentOutcome, PaymentView } from '../../index.js'
import type { payment, paymentOutcome } from '../contract/payment.js'
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

export function paymentOutcomeJson(outcome: PaymentOutcome): z.output<typeof paymentOutcome> {
  const { reason = null, message = null } = outcome.status === 'declined' ? outcome : {}
  return { status: outcome.status, reason, message, url: outcome.status === 'requires_action' ? outcome.url : null }
}
