import { z } from '@hono/zod-openapi'
import { checkedByOperation, money } from './fields.js'
import { paymentOutcome } from './payment.js'

const address = checkedByOperation<string>({ type: 'string', format: 'uri-reference' })
const returnAddresses = { success_url: address.optional(), cancel_url: address.optional() }

/** Of S4. */
export const creditPurchaseRequest = z
  .strictObject({
    amount_usd: z.number().gt(0).max(1_000),
    ...returnAddresses,
  })
  .openapi('CreditPurchaseRequest')

/** Of S4; `plan` where more than one is sold for life. */
export const lifetimePurchaseRequest = z
  .strictObject({
    ...returnAddresses,
    plan: z.string().max(200).optional(),
  })
  .openapi('LifetimePurchaseRequest')

/** A page for anything that is sold, or for a payment method. */
export const checkoutRequest = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('credits'),
      amount: checkedByOperation<string>({ type: 'string', example: '25' }),
      ...returnAddresses,
    }),
    z.strictObject({
      kind: z.literal('package'),
      package: z.string(),
      quantity: checkedByOperation<number>({ type: 'integer' }).optional(),
      ...returnAddresses,
    }),
    z.strictObject({
      kind: z.literal('subscription'),
      plan: z.string(),
      seats: checkedByOperation<number>({ type: 'integer' }).optional(),
      ...returnAddresses,
    }),
    z.strictObject({ kind: z.literal('lifetime'), plan: z.string(), ...returnAddresses }),
    z.strictObject({ kind: z.literal('setup'), ...returnAddresses }),
  ])
  .openapi('CheckoutRequest')

/** How a checkout stands: `processing` is done by the customer, and the money or the subscription is not there yet. */
export const verifiedCheckout = z
  .object({
    checkout_id: z.string(),
    kind: z.enum(['credits', 'package', 'subscription', 'lifetime', 'setup']),
    status: z.enum(['open', 'processing', 'paid', 'failed', 'expired']),
    amount: money,
    currency: z.string(),
    credits: z.string(),
    plan: z.string().nullable(),
  })
  .openapi('VerifiedCheckout')

export const checkoutPath = z.strictObject({
  checkout_id: z
    .string()
    .openapi({ param: { name: 'checkout_id', in: 'path' }, description: 'Our id, or the provider’s of its session.' }),
})

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
    ...returnAddresses,
  })
  .openapi('PurchaseCreditPackageRequest')

/** What the customer has to do next; null for nothing. */
export const purchase = z
  .object({
    checkout_id: z.string(),
    provider: z.string(),
    status: z.string(),
    payment: paymentOutcome.nullable(),
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
