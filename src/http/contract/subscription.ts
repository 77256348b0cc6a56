import { z } from '@hono/zod-openapi'
import { money, time, timeOrNull } from './fields.js'

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
