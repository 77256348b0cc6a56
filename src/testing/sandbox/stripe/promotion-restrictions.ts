import { charges } from './charges.js'
import type { PromotionCode } from './coupons.js'
import { invalidRequest } from './errors.js'
import { invoices } from './invoices.js'
import type { StripeWorld } from './world.js'

/** What a code is to be redeemed for. */
export interface Redemption {
  readonly customer: string | null
  readonly currency: string
  /** Before discounts and tax, in minor units. */
  readonly subtotal: number
}

/** Refuses a code whose restrictions do not hold. @see https://docs.stripe.com/api/promotion_codes/object */
export function checkRestrictions(world: StripeWorld, { restrictions }: PromotionCode, redemption: Redemption): void {
  const { first_time_transaction: isFirst, minimum_amount: least, minimum_amount_currency: currency } = restrictions
  const param = 'discounts[0][promotion_code]'
  if (isFirst && redemption.customer !== null && hasPaid(world, redemption.customer)) {
    const message = 'This promotion code cannot be redeemed because the associated customer has prior transactions.'
    throw invalidRequest(message, { param })
  }
  if (least === null || (currency === redemption.currency && redemption.subtotal >= least)) return
  const message = 'This promotion code cannot be redeemed because the minimum amount is not met.'
  throw invalidRequest(message, { param })
}

/** A payment or an invoice that succeeded. */
function hasPaid(world: StripeWorld, customer: string): boolean {
  const isOwn = (other: { readonly customer: string | null }) => other.customer === customer
  return (
    [...charges(world).values()].some((charge) => isOwn(charge) && charge.paid) ||
    [...invoices(world).values()].some((invoice) => isOwn(invoice) && invoice.status === 'paid')
  )
}
