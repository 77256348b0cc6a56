import * as z from 'zod'
import { type Coupon, coupons, deletedCoupons, type PromotionCode, promotionCodes, redeemCoupon } from './coupons.js'
import { toChargeable } from './currencies.js'
import { invalidRequest, noSuch } from './errors.js'
import { emit } from './events.js'
import { list, text } from './form.js'
import type { InvoiceLine } from './invoice-lines.js'
import { newId, type StripeWorld, seconds, tableOf } from './world.js'

export type Discount = ReturnType<typeof newDiscount>

export const discounts = tableOf<Discount>('discounts')
/** Discounts that count once and have counted. */
const spentDiscounts = tableOf<{ readonly id: string }>('spent_discounts')

/** `discounts[0][coupon]=…`, or empty to have none. */
export const discountList = z.union([
  z.literal('').transform(() => [] as readonly DiscountChoice[]),
  list(z.strictObject({ coupon: text.optional(), promotion_code: text.optional(), discount: text.optional() })),
])

export interface DiscountChoice {
  readonly coupon?: string | undefined
  readonly promotion_code?: string | undefined
  readonly discount?: string | undefined
}

export interface DiscountTarget {
  readonly customer: string | null
  readonly subscription?: string | null
  readonly invoice?: string | null
  readonly checkoutSession?: string | null
}

/** Redeems coupons and codes for something; returns the ids of the discounts. */
export function applyDiscounts(
  world: StripeWorld,
  choices: readonly DiscountChoice[],
  target: DiscountTarget,
  param = 'discounts',
): readonly string[] {
  return choices.map((choice, index) => {
    if (choice.discount !== undefined) {
      const existing = discounts(world).get(choice.discount)
      if (existing === undefined) throw noSuch('discount', choice.discount, `${param}[${index}][discount]`)
      return existing.id
    }
    const { coupon, code } = chosenCoupon(world, choice, target.customer, `${param}[${index}]`)
    redeemCoupon(world, coupon, code)
    const discount = newDiscount(world, coupon, code, target)
    discounts(world).put(discount.id, discount)
    if (discount.customer !== null) emit(world, 'customer.discount.created', discount)
    return discount.id
  })
}

/** The same to count with while a checkout is open: nothing is redeemed before it completes. */
export function applyTentatively(
  world: StripeWorld,
  choices: readonly DiscountChoice[],
  target: DiscountTarget,
): readonly string[] {
  return choices.map((choice) => {
    const { coupon, code } = chosenCoupon(world, choice, target.customer)
    const discount = newDiscount(world, coupon, code, target)
    discounts(world).put(discount.id, discount)
    return discount.id
  })
}

/** The coupon that is meant, checked but not redeemed yet. */
export function chosenCoupon(
  world: StripeWorld,
  choice: DiscountChoice,
  customer: string | null,
  param = 'discounts[0]',
): { readonly coupon: Coupon; readonly code: PromotionCode | undefined } {
  if ((choice.coupon === undefined) === (choice.promotion_code === undefined)) {
    throw invalidRequest('You must provide exactly one of coupon or promotion_code for each discount.', { param })
  }
  const code = choice.promotion_code === undefined ? undefined : promotionCodes(world).get(choice.promotion_code)
  if (choice.promotion_code !== undefined && code === undefined) {
    throw noSuch('promotion code', choice.promotion_code, `${param}[promotion_code]`)
  }
  const id = code?.promotion.coupon ?? choice.coupon ?? ''
  const coupon = coupons(world).get(id)
  if (coupon === undefined) throw noSuch('coupon', id, `${param}[coupon]`)
  if (code !== undefined && !code.active) {
    throw invalidRequest('This promotion code is not active.', {
      code: 'promotion_code_inactive',
      param: `${param}[promotion_code]`,
    })
  }
  if (code?.customer != null && code.customer !== customer) {
    throw invalidRequest('This promotion code cannot be redeemed by this customer.', {
      param: `${param}[promotion_code]`,
    })
  }
  if (code?.expires_at != null && code.expires_at <= seconds(world)) {
    throw invalidRequest('This promotion code has expired.', {
      code: 'promotion_code_expired',
      param: `${param}[promotion_code]`,
    })
  }
  if (!coupon.valid || (coupon.redeem_by !== null && coupon.redeem_by <= seconds(world))) {
    throw invalidRequest(`Coupon expired: ${coupon.id}`, { code: 'coupon_expired', param: `${param}[coupon]` })
  }
  return { coupon, code }
}

/** The discounts among `ids` that still count at `at`. */
export function activeDiscounts(world: StripeWorld, ids: readonly string[], at: number = seconds(world)): string[] {
  return ids.filter((id) => {
    const discount = discounts(world).get(id)
    return discount !== undefined && (discount.end === null || discount.end > at) && !spentDiscounts(world).has(id)
  })
}

/** A discount for once has counted. */
export function spendDiscounts(world: StripeWorld, ids: readonly string[]): void {
  for (const id of ids) {
    const coupon = couponOf(world, discounts(world).get(id))
    if (coupon?.duration === 'once') spentDiscounts(world).put(id, { id })
  }
}

export function removeDiscount(world: StripeWorld, id: string): void {
  const discount = discounts(world).get(id)
  if (discount === undefined) return
  spentDiscounts(world).put(id, { id })
  emit(world, 'customer.discount.deleted', { ...discount, deleted: true })
}

export function couponOf(world: StripeWorld, discount: Discount | undefined): Coupon | undefined {
  if (discount === undefined) return undefined
  const { coupon } = discount.source
  // Deleting a coupon does not take away the discounts that were given.
  return coupons(world).get(coupon) ?? deletedCoupons(world).get(coupon)
}

/** Whether a discount of the whole touches a line. */
export function isApplicable(world: StripeWorld, discount: Discount, line: InvoiceLine): boolean {
  const products = couponOf(world, discount)?.applies_to?.products
  const discountable = line.discountable ?? !(line.proration ?? false)
  return discountable && line.amount > 0 && (products === undefined || products.includes(line.price.product))
}

export function discountedAmount(world: StripeWorld, discount: Discount, amount: number, currency: string): number
export function discountedAmount(
  world: StripeWorld,
  discount: Discount,
  amount: number,
  currency: string,
  only: 'fixed',
): number | undefined
/** What a discount takes from an amount; with `only`, nothing when it is a percentage. */
export function discountedAmount(
  world: StripeWorld,
  discount: Discount,
  amount: number,
  currency: string,
  only?: 'fixed',
): number | undefined {
  const coupon = couponOf(world, discount)
  if (coupon === undefined) return only === undefined ? 0 : undefined
  if (coupon.percent_off !== null)
    return only === undefined ? toChargeable((amount * coupon.percent_off) / 100, currency) : undefined
  // A fixed amount in another currency takes nothing off.
  return coupon.currency === currency ? Math.min(amount, coupon.amount_off ?? 0) : 0
}

function newDiscount(world: StripeWorld, coupon: Coupon, code: PromotionCode | undefined, target: DiscountTarget) {
  const start = seconds(world)
  return {
    id: newId('di_1', 23),
    object: 'discount' as const,
    checkout_session: target.checkoutSession ?? null,
    customer: target.customer,
    customer_account: null,
    end: coupon.duration_in_months === null ? null : monthsAfter(start, coupon.duration_in_months),
    invoice: target.invoice ?? null,
    invoice_item: null,
    promotion_code: code?.id ?? null,
    source: { coupon: coupon.id, type: 'coupon' as const },
    start,
    subscription: target.subscription ?? null,
    subscription_item: null,
  }
}

function monthsAfter(start: number, months: number): number {
  const date = new Date(start * 1000)
  date.setUTCMonth(date.getUTCMonth() + months)
  return Math.floor(date.getTime() / 1000)
}
