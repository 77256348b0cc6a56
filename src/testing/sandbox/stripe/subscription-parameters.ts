import * as z from 'zod'
import { discountList } from './discounts.js'
import { clearable, count, flag, list, metadata, text, tolerated } from './form.js'

export const prorationBehavior = z.enum(['always_invoice', 'create_prorations', 'none'], 'Invalid proration_behavior')

export const paymentBehavior = z.enum(
  ['allow_incomplete', 'default_incomplete', 'error_if_incomplete', 'pending_if_incomplete'],
  'Invalid payment_behavior',
)

/** The object of endive; the text it replaced is refused. */
export const cycleAnchor = z.strictObject({ type: z.enum(['now', 'unchanged'], 'Invalid billing_cycle_anchor') })

export const trialEnd = z.union([z.literal('now'), count], 'Invalid trial_end: must be a timestamp or `now`.')

export const itemChange = z.strictObject({
  id: text.optional(),
  price: text.optional(),
  quantity: count.optional(),
  deleted: flag.optional(),
  clear_usage: flag.optional(),
  metadata,
})

export const trialSettings = z.strictObject({
  end_behavior: z.strictObject({
    missing_payment_method: z.enum(['cancel', 'create_invoice', 'pause'], 'Invalid missing_payment_method'),
  }),
})

const paymentSettings = z.strictObject({
  save_default_payment_method: z.enum(['off', 'on_subscription']).optional(),
  ...tolerated('payment_method_options'),
})

export const cancellationDetails = z.strictObject({
  comment: clearable(text).optional(),
  feedback: clearable(
    z.enum([
      'customer_service',
      'low_quality',
      'missing_features',
      'other',
      'switched_service',
      'too_complex',
      'too_expensive',
      'unused',
    ]),
  ).optional(),
})

/** What can be said both when a subscription is created and when it is changed. */
const terms = {
  cancel_at_period_end: flag.optional(),
  collection_method: z.enum(['charge_automatically', 'send_invoice']).optional(),
  days_until_due: count.optional(),
  default_payment_method: text.optional(),
  metadata,
  payment_behavior: paymentBehavior.optional(),
  payment_settings: paymentSettings.optional(),
  proration_behavior: prorationBehavior.optional(),
  trial_end: trialEnd.optional(),
  trial_settings: trialSettings.optional(),
  automatic_tax: z.strictObject({ enabled: flag, ...tolerated('liability') }).optional(),
  default_tax_rates: clearable(list(text)).optional(),
  discounts: discountList.optional(),
  ...tolerated('off_session'),
}

export const creatable = z.strictObject({
  ...terms,
  customer: text,
  items: list(z.strictObject({ price: text, quantity: count.optional(), metadata })),
  billing_cycle_anchor: count.optional(),
  billing_mode: z.strictObject({ type: z.enum(['classic', 'flexible']), ...tolerated('flexible') }).optional(),
  cancel_at: count.optional(),
  currency: text.optional(),
  description: text.optional(),
  trial_period_days: count.optional(),
})

export const changeable = z.strictObject({
  ...terms,
  billing_cycle_anchor: cycleAnchor.optional(),
  cancel_at: clearable(count).optional(),
  cancellation_details: cancellationDetails.optional(),
  description: clearable(text).optional(),
  items: list(itemChange).optional(),
  pause_collection: clearable(
    z.strictObject({
      behavior: z.enum(['keep_as_draft', 'mark_uncollectible', 'void'], 'Invalid behavior'),
      resumes_at: count.optional(),
    }),
  ).optional(),
  proration_date: count.optional(),
})

export const cancelable = z.strictObject({
  cancellation_details: cancellationDetails.optional(),
  invoice_now: flag.optional(),
  prorate: flag.optional(),
})

export const pausable = z.strictObject({
  bill_for: z
    .strictObject({
      outstanding_usage_through: z.strictObject({ type: z.enum(['none', 'now']) }).optional(),
      unused_time_from: z.strictObject({ type: z.enum(['item_current_period_start', 'none', 'now']) }).optional(),
    })
    .optional(),
  invoicing_behavior: z.enum(['invoice', 'pending_invoice_item']).optional(),
  type: z.literal('subscription').optional(),
})

export const resumable = z.strictObject({
  billing_cycle_anchor: cycleAnchor.optional(),
  payment_behavior: z.enum(['resume_on_payment_attempt', 'resume_on_payment_success']).optional(),
  proration_behavior: prorationBehavior.optional(),
  ...tolerated('proration_date'),
})
