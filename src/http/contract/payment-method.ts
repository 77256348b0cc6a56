import { z } from '@hono/zod-openapi'
import { time } from './fields.js'

/** Of S4; the last seven fields are ours. Never a number. */
export const paymentMethod = z
  .object({
    id: z.string(),
    type: z.string(),
    card_brand: z.string().nullable(),
    card_last4: z.string().nullable(),
    is_default: z.boolean(),
    provider: z.string(),
    expiry_month: z.int().nullable(),
    expiry_year: z.int().nullable(),
    name: z.string().nullable(),
    email: z.string().nullable(),
    country: z.string().nullable(),
    created_at: time,
  })
  .openapi('PaymentMethod')

export const paymentMethodPath = z.strictObject({
  payment_method_id: z.string().openapi({ param: { name: 'payment_method_id', in: 'path' }, example: 'pm_1' }),
})

const id = z.string().min(1).max(255)

/** Of S4: what a form of the provider's made. */
export const attachPaymentMethodRequest = z
  .strictObject({ payment_method_id: id, set_as_default: z.boolean().optional() })
  .openapi('AttachPaymentMethodRequest')

export const updatePaymentMethodRequest = z
  .strictObject({
    name: z.string().max(200).optional(),
    email: z.string().max(254).optional(),
    expiry_month: z.int().min(1).max(12).optional(),
    expiry_year: z.int().min(2000).max(2200).optional(),
  })
  .openapi('UpdatePaymentMethodRequest')

export const setDefaultRequest = z.strictObject({}).openapi('SetDefaultPaymentMethodRequest')

/** A kind of payment method on offer. */
export const offeredMethod = z
  .object({
    type: z.string(),
    provider: z.string(),
    uses: z.array(z.string()),
    countries: z.array(z.string()).nullable().openapi({ description: 'Null for everywhere.' }),
  })
  .openapi('OfferedPaymentMethod')
