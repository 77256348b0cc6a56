import type { z } from '@hono/zod-openapi'
import type { PaymentMethodView } from '../../index.js'
import type { paymentMethod } from '../contract/payment-method.js'

export function paymentMethodJson(view: PaymentMethodView): z.output<typeof paymentMethod> {
  const { id, type, brand, last4, isDefault, provider, expiryMonth, expiryYear, name, email, country } = view
  return {
    id,
    type,
    card_brand: brand,
    card_last4: last4,
    is_default: isDefault,
    provider,
    expiry_month: expiryMonth,
    expiry_year: expiryYear,
    name,
    email,
    country,
    created_at: view.createdAt.toISOString(),
  }
}
