import { z } from '@hono/zod-openapi'
import { money, time, timeOrNull } from './fields.js'

/** Of S4. */
export const stripeConfig = z
  .object({ publishable_key: z.string().nullable(), is_configured: z.boolean() })
  .openapi('StripeConfig')

/** Of S4. */
export const billingAccount = z
  .object({
    id: z.string(),
    organization_id: z.string(),
    stripe_customer_id: z.string().nullable(),
    has_payment_method: z.boolean(),
    status: z.enum(['pending', 'active', 'suspended']),
    free_workflows_remaining: z.number().openapi({ description: '-1 for no limit.' }),
    free_workflows_reset_at: timeOrNull,
    credit_balance: money,
    auto_billing_enabled: z.boolean(),
    billing_email: z.string().nullable(),
    tax_exempt: z.boolean(),
    total_workflows_completed: z.number(),
    total_amount_spent: money,
    created_at: time,
    updated_at: time,
  })
  .openapi('BillingAccount')
