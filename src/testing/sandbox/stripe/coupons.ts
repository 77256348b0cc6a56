import * as z from 'zod'
import { schedule } from './due.js'
import { invalidRequest } from './errors.js'
import { emit } from './events.js'
import { count, currency, flag, list, metadata, text } from './form.js'
import { newId, type StripeWorld, seconds, tableOf } from './world.js'

export type Coupon = ReturnType<typeof newCoupon>
export type PromotionCode = ReturnType<typeof newPromotionCode>

export const coupons = tableOf<Coupon>('coupons')
export const deletedCoupons = tableOf<Coupon>('deleted_coupons')
export const promotionCodes = tableOf<PromotionCode>('promotion_codes')

export const couponRequest = z.strictObject({
  id: text.optional(),
  amount_off: count.optional(),
  currency: currency.optional(),
  percent_off: z
    .string()
    .regex(/^\d{1,3}(\.\d{1,2})?$/, 'Invalid decimal')
    .transform(Number)
    .optional(),
  duration: z
    .enum(['forever', 'once', 'repeating'], 'Invalid duration: must be one of forever, once, or repeating')
    .optional(),
  duration_in_months: count.optional(),
  max_redemptions: count.optional(),
  name: text.max(40).optional(),
  redeem_by: count.optional(),
  applies_to: z.strictObject({ products: list(text).optional() }).optional(),
  metadata,
})

export function createCoupon(world: StripeWorld, given: z.output<typeof couponRequest>): Coupon {
  if ((given.amount_off === undefined) === (given.percent_off === undefined)) {
    throw invalidRequest('You must provide one of `percent_off` or `amount_off` when creating a coupon.', {
      ...(given.amount_off === undefined
        ? { code: 'parameter_missing', param: 'percent_off' }
        : { param: 'percent_off' }),
    })
  }
  if (given.amount_off !== undefined && given.currency === undefined) {
    throw invalidRequest('You must pass currency when passing amount_off', {
      code: 'parameter_missing',
      param: 'currency',
    })
  }
  if (given.percent_off !== undefined && (given.percent_off <= 0 || given.percent_off > 100)) {
    throw invalidRequest('Invalid percent_off: must be between 0 and 100.', { param: 'percent_off' })
  }
  if (given.duration === 'repeating' && given.duration_in_months === undefined) {
    throw invalidRequest('You must pass duration_in_months when passing duration=repeating', {
      code: 'parameter_missing',
      param: 'duration_in_months',
    })
  }
  if (given.duration !== 'repeating' && given.duration_in_months !== undefined) {
    throw invalidRequest('You cannot pass duration_in_months when duration is not repeating', {
      param: 'duration_in_months',
    })
  }
  if (given.id !== undefined && coupons(world).has(given.id)) {
    throw invalidRequest('Coupon already exists.', { code: 'resource_already_exists' })
  }
  const coupon = newCoupon(world, given)
  coupons(world).put(coupon.id, coupon)
  emit(world, 'coupon.created', coupon)
  return coupon
}

/** Counts one use, and ends what has no use left. */
export function redeemCoupon(world: StripeWorld, coupon: Coupon, code: PromotionCode | undefined): void {
  const times = coupon.times_redeemed + 1
  const valid = coupon.valid && (coupon.max_redemptions === null || times < coupon.max_redemptions)
  coupons(world).put(coupon.id, { ...coupon, times_redeemed: times, valid })
  if (code === undefined) return
  const uses = code.times_redeemed + 1
  const active = code.active && (code.max_redemptions === null || uses < code.max_redemptions)
  promotionCodes(world).put(code.id, { ...code, times_redeemed: uses, active })
}

export const promotionCodeRequest = z.strictObject({
  promotion: z.strictObject({ type: z.literal('coupon', 'Invalid promotion[type]'), coupon: text }),
  code: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,500}$/, 'Invalid code: only letters, digits and dashes')
    .optional(),
  active: flag.optional(),
  customer: text.optional(),
  expires_at: count.optional(),
  max_redemptions: count.optional(),
  metadata,
  restrictions: z
    .strictObject({
      first_time_transaction: flag.optional(),
      minimum_amount: count.optional(),
      minimum_amount_currency: currency.optional(),
    })
    .optional(),
})

export function createPromotionCode(world: StripeWorld, given: z.output<typeof promotionCodeRequest>): PromotionCode {
  if (given.expires_at !== undefined && given.expires_at <= seconds(world)) {
    throw invalidRequest('Invalid timestamp: must be an integer Unix timestamp in the future.', { param: 'expires_at' })
  }
  const coupon = coupons(world).get(given.promotion.coupon)
  if (coupon === undefined) {
    throw invalidRequest(`No such coupon: '${given.promotion.coupon}'`, {
      code: 'resource_missing',
      param: 'promotion[coupon]',
    })
  }
  const code = newPromotionCode(world, given)
  if (findCode(world, code.code) !== undefined) {
    throw invalidRequest(`An active promotion code with \`code: ${code.code}\` already exists.`, {
      code: 'resource_already_exists',
    })
  }
  promotionCodes(world).put(code.id, code)
  emit(world, 'promotion_code.created', code)
  if (code.expires_at !== null) {
    schedule(world, { kind: 'expire_promotion_code', target: code.id, dueAtMs: code.expires_at * 1000 })
  }
  return code
}

export function expirePromotionCode(world: StripeWorld, id: string): void {
  const before = promotionCodes(world).get(id)
  if (before?.active !== true) return
  const after: PromotionCode = { ...before, active: false }
  promotionCodes(world).put(id, after)
  emit(world, 'promotion_code.updated', after, { active: true })
}

/** The active code a buyer typed; capitals do not matter. */
export function findCode(world: StripeWorld, typed: string): PromotionCode | undefined {
  const wanted = typed.trim().toUpperCase()
  return [...promotionCodes(world).values()].find(({ code, active }) => active && code.toUpperCase() === wanted)
}

/** What a coupon gives, in words. */
export function couponTitle(coupon: Coupon, money: (amount: number, currency: string) => string): string {
  const off =
    coupon.percent_off === null ? money(coupon.amount_off ?? 0, coupon.currency ?? 'usd') : `${coupon.percent_off}%`
  const months = coupon.duration_in_months
  const how =
    coupon.duration === 'forever'
      ? ''
      : coupon.duration === 'once'
        ? ' once'
        : ` for ${months} month${months === 1 ? '' : 's'}`
  return `${off} off${how}`
}

function newCoupon(world: StripeWorld, given: z.output<typeof couponRequest>) {
  return {
    id: given.id ?? newId('', 8),
    object: 'coupon' as const,
    amount_off: given.amount_off ?? null,
    ...(given.applies_to?.products === undefined ? {} : { applies_to: { products: given.applies_to.products } }),
    created: seconds(world),
    currency: given.amount_off === undefined ? null : (given.currency ?? null),
    duration: given.duration ?? ('once' as const),
    duration_in_months: given.duration_in_months ?? null,
    livemode: false as const,
    max_redemptions: given.max_redemptions ?? null,
    metadata: (given.metadata ?? {}) as Readonly<Record<string, string>>,
    name: (given.name ?? null) as string | null,
    percent_off: given.percent_off ?? null,
    redeem_by: given.redeem_by ?? null,
    times_redeemed: 0,
    valid: true,
  }
}

function newPromotionCode(world: StripeWorld, given: z.output<typeof promotionCodeRequest>) {
  return {
    id: newId('promo_1', 23),
    object: 'promotion_code' as const,
    active: given.active ?? true,
    code: given.code ?? newId('', 8).toUpperCase(),
    created: seconds(world),
    customer: given.customer ?? null,
    customer_account: null,
    expires_at: given.expires_at ?? null,
    livemode: false as const,
    max_redemptions: given.max_redemptions ?? null,
    metadata: (given.metadata ?? {}) as Readonly<Record<string, string>>,
    promotion: { coupon: given.promotion.coupon, type: 'coupon' as const },
    restrictions: {
      first_time_transaction: given.restrictions?.first_time_transaction ?? false,
      minimum_amount: given.restrictions?.minimum_amount ?? null,
      minimum_amount_currency: given.restrictions?.minimum_amount_currency ?? null,
    },
    times_redeemed: 0,
  }
}
