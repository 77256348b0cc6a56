import { z } from '@hono/zod-openapi'
import { checkedByOperation, money, time, timeOrNull } from './fields.js'
import { lineItem } from './invoice.js'
import { paymentOutcome } from './payment.js'

/** Of S4. */
export const subscription = z
  .object({
    id: z.string(),
    organization_id: z.string(),
    billing_account_id: z.string(),
    tier: z.string(),
    status: z.enum(['active', 'trialing', 'past_due', 'canceled', 'paused', 'incomplete']),
    current_period_start: timeOrNull,
    current_period_end: timeOrNull,
    cancel_at_period_end: z.boolean(),
    canceled_at: timeOrNull,
    trial_start: timeOrNull,
    trial_end: timeOrNull,
    workflows_limit: z.number().openapi({ description: '-1, like the other limits, for none.' }),
    workflows_used: z.number(),
    workflows_remaining: z.number(),
    agents_limit: z.number(),
    storage_limit_gb: z.number(),
    storage_used_gb: z.number(),
    is_lifetime: z.boolean(),
    lifetime_purchase_date: timeOrNull,
    lifetime_purchase_amount: money.nullable(),
    is_byo: z.boolean(),
    byo_providers_configured: z.array(z.string()).nullable(),
    created_at: time,
    updated_at: time,
  })
  .openapi('Subscription')

export const cancelSubscriptionRequest = z
  .strictObject({ at_period_end: z.boolean().optional().openapi({ description: 'Default true.' }) })
  .openapi('CancelSubscriptionRequest')
export const reactivateSubscriptionRequest = z.strictObject({}).openapi('ReactivateSubscriptionRequest')

const changeFields = {
  plan: z.string().optional(),
  seats: checkedByOperation<number>({ type: 'integer' }).optional(),
  proration: z
    .enum(['invoice_now', 'next_invoice', 'none'])
    .optional()
    .openapi({ description: 'What becomes of the rest of the period that is paid for. Default `invoice_now`.' }),
}

export const previewChangeRequest = z.strictObject(changeFields).openapi('PreviewSubscriptionChangeRequest')

export const changeSubscriptionRequest = z
  .strictObject({
    ...changeFields,
    when: z.enum(['now', 'period_end']).optional().openapi({ description: 'Default `now`.' }),
    previewed_at: checkedByOperation<string>({ type: 'string' })
      .optional()
      .openapi({ description: 'The `at` of a preview, so that the change costs what that said.' }),
  })
  .openapi('ChangeSubscriptionRequest')

/** What a change would charge now, and as of when. */
export const previewedChange = z
  .object({
    at: time,
    currency: z.string(),
    subtotal: money,
    discount_amount: money,
    tax_amount: money,
    total: money,
    credits_applied: money,
    amount_due: money,
    line_items: z.array(lineItem),
  })
  .openapi('PreviewedSubscriptionChange')

/** The subscription afterwards, and what came of what the change charged; `payment` is null where that was nothing. */
export const changedSubscription = z
  .object({ subscription, payment: paymentOutcome.nullable() })
  .openapi('ChangedSubscription')
