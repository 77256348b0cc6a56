import { z } from '@hono/zod-openapi'
import { money, pageQuery, time } from './fields.js'

/** Of S3. */
export const payment = z
  .object({
    id: z.string(),
    invoice_id: z.string().nullable(),
    checkout_id: z.string().nullable(),
    status: z.string(),
    amount: money,
    refunded_amount: money,
    currency: z.string(),
    provider: z.string(),
    description: z.string().nullable(),
    failure_reason: z.string().nullable(),
    failure_message: z.string().nullable(),
    receipt_url: z.string().nullable(),
    created_at: time,
  })
  .openapi('Payment')

export const paymentPage = z
  .object({ results: z.array(payment), next: z.string().nullable(), previous: z.null() })
  .openapi('PaymentPage')

export const paymentQuery = z.strictObject({ ...pageQuery, status: z.string().max(40).optional() })

/** What came of a charge that was made at once. */
export const paymentOutcome = z
  .object({
    status: z.enum(['succeeded', 'processing', 'requires_action', 'declined']),
    reason: z.string().nullable().openapi({ description: 'Why it was declined.' }),
    message: z.string().nullable(),
    url: z
      .string()
      .nullable()
      .openapi({ description: 'Where the customer goes on, while something is asked of them.' }),
  })
  .openapi('PaymentOutcome')

/** Of S3. */
export const submitManualRequest = z
  .strictObject({
    invoice_id: z.string().min(1).max(255),
    payment_method: z.string().min(1).max(50),
    transaction_reference: z.string().min(1).max(200),
  })
  .openapi('SubmitManualPaymentRequest')
