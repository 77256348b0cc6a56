import * as z from 'zod'
import { count, currency, decimal, email, flag, list, metadata, text, tolerated, webUrl } from './form.js'

export const lineItemData = z.strictObject({
  price: text.optional(),
  price_data: z
    .strictObject({
      currency,
      unit_amount: count.optional(),
      unit_amount_decimal: decimal.optional(),
      product: text.optional(),
      product_data: z
        .strictObject({
          name: text,
          description: text.optional(),
          images: list(text).optional(),
          unit_label: text.optional(),
          metadata,
          ...tolerated('tax_code', 'tax_details'),
        })
        .optional(),
      recurring: z
        .strictObject({ interval: z.enum(['day', 'week', 'month', 'year']), interval_count: count.optional() })
        .optional(),
      tax_behavior: z.enum(['unspecified', 'exclusive', 'inclusive']).optional(),
    })
    .optional(),
  quantity: count.optional(),
  metadata,
  tax_rates: list(text).optional(),
  ...tolerated('adjustable_quantity'),
})

export const sessionRequest = z.strictObject({
  mode: z.enum(['payment', 'subscription', 'setup'], 'Invalid mode'),
  line_items: list(lineItemData).optional(),
  success_url: webUrl.optional(),
  cancel_url: webUrl.optional(),
  return_url: webUrl.optional(),
  ui_mode: z.enum(['hosted_page', 'embedded_page', 'elements', 'form'], 'Invalid ui_mode').optional(),
  customer: text.optional(),
  customer_email: email.optional(),
  customer_creation: z.enum(['always', 'if_required']).optional(),
  client_reference_id: text.max(200).optional(),
  currency: currency.optional(),
  expires_at: count.optional(),
  locale: text.optional(),
  submit_type: z.enum(['auto', 'book', 'donate', 'pay', 'subscribe']).optional(),
  payment_intent_data: z
    .strictObject({
      metadata,
      description: text.optional(),
      receipt_email: email.optional(),
      setup_future_usage: z.enum(['off_session', 'on_session']).optional(),
      ...tolerated('statement_descriptor', 'statement_descriptor_suffix', 'shipping'),
    })
    .optional(),
  subscription_data: z
    .strictObject({
      metadata,
      description: text.optional(),
      trial_period_days: count.optional(),
      trial_end: count.optional(),
      trial_settings: z
        .strictObject({
          end_behavior: z.strictObject({ missing_payment_method: z.enum(['cancel', 'create_invoice', 'pause']) }),
        })
        .optional(),
      default_tax_rates: list(text).optional(),
      ...tolerated('billing_mode', 'invoice_settings', 'proration_behavior'),
    })
    .optional(),
  allow_promotion_codes: flag.optional(),
  automatic_tax: z.strictObject({ enabled: flag, ...tolerated('liability') }).optional(),
  discounts: list(z.strictObject({ coupon: text.optional(), promotion_code: text.optional() })).optional(),
  invoice_creation: z
    .strictObject({
      enabled: flag,
      invoice_data: z
        .strictObject({
          description: text.optional(),
          footer: text.optional(),
          metadata,
          ...tolerated('custom_fields', 'rendering_options'),
        })
        .optional(),
    })
    .optional(),
  payment_method_collection: z.enum(['always', 'if_required']).optional(),
  setup_intent_data: z
    .strictObject({ metadata, description: text.optional(), ...tolerated('on_behalf_of') })
    .optional(),
  metadata,
  ...tolerated(
    'adaptive_pricing',
    'after_expiration',
    'allowed_payment_method_types',
    'billing_address_collection',
    'branding_settings',
    'consent_collection',
    'custom_fields',
    'custom_text',
    'customer_update',
    'excluded_payment_method_types',
    'integration_identifier',
    'name_collection',
    'origin_context',
    'payment_method_configuration',
    'payment_method_options',
    'phone_number_collection',
    'redirect_on_completion',
    'saved_payment_method_options',
    'tax_id_collection',
    'wallet_options',
  ),
})

export type SessionRequest = z.output<typeof sessionRequest>

export function hasTrial({ subscription_data: terms }: SessionRequest): boolean {
  return (terms?.trial_period_days ?? 0) > 0 || terms?.trial_end !== undefined
}
