import { z } from '@hono/zod-openapi'

const address = z.string().max(2_048)

/** Of S4. */
export const creditPurchaseRequest = z
  .strictObject({
    amount_usd: z.number().gt(0).max(1_000),
    success_url: address.optional(),
    cancel_url: address.optional(),
  })
  .openapi('CreditPurchaseRequest')

/** Of S4; `plan` where more than one is sold for life. */
export const lifetimePurchaseRequest = z
  .strictObject({
    success_url: address.optional(),
    cancel_url: address.optional(),
    plan: z.string().max(200).optional(),
  })
  .openapi('LifetimePurchaseRequest')

/** Of S4; `checkout_id` is ours, to verify it by. */
export const checkout = z
  .object({ checkout_url: z.string(), session_id: z.string(), checkout_id: z.string() })
  .openapi('Checkout')

export const portalRequest = z.strictObject({ return_url: address.optional() }).openapi('PortalRequest')
export const portalQuery = z.strictObject({
  return_url: address.optional(),
  redirect: z.enum(['true', 'false']).optional().openapi({ description: 'Whether to answer 302 to the page.' }),
})

/** Of S4. */
export const portal = z.object({ portal_url: z.string() }).openapi('Portal')

export const purchaseRequest = z
  .strictObject({
    quantity: z.int().min(1).max(1_000).optional(),
    payment_method_id: z.string().min(1).max(255).optional().openapi({ description: 'Charged at once, with no page.' }),
    success_url: address.optional(),
    cancel_url: address.optional(),
  })
  .openapi('PurchaseCreditPackageRequest')

/** What the customer has to do next; null for nothing. */
export const purchase = z
  .object({
    checkout_id: z.string(),
    provider: z.string(),
    status: z.string(),
    payment: z.object({ status: z.string(), reason: z.string().nullable(), message: z.string().nullable() }).nullable(),
    next_action: z
      .discriminatedUnion('type', [
        z.object({ type: z.literal('redirect'), url: z.string(), expires_at: z.iso.datetime().nullable() }),
        z.object({
          type: z.literal('manual'),
          invoice_id: z.string(),
          instructions: z.string(),
          url: z.string(),
        }),
      ])
      .nullable(),
  })
  .openapi('Purchase')
