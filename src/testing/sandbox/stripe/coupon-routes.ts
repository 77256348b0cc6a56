import * as z from 'zod'
import {
  type Coupon,
  couponRequest,
  coupons,
  createCoupon,
  createPromotionCode,
  deletedCoupons,
  type PromotionCode,
  promotionCodeRequest,
  promotionCodes,
} from './coupons.js'
import { requireCustomer } from './customers.js'
import { invalidRequest, notFound } from './errors.js'
import { emit } from './events.js'
import { clearable, flag, isWithin, mergeMetadata, metadata, paging, text, timeRange, tolerated } from './form.js'
import { listPage, noParameters, route } from './route.js'
import { type StripeWorld, seconds } from './world.js'

export const couponRoutes = [
  route('POST /v1/coupons', couponRequest, ({ world, params }) => createCoupon(world, params)),
  route('GET /v1/coupons', z.strictObject({ ...paging, created: timeRange.optional() }), ({ world, params }) =>
    listPage(
      '/v1/coupons',
      [...coupons(world).values()].filter(({ created }) => isWithin(params.created, created)),
      params,
    ),
  ),
  route('GET /v1/coupons/:id', noParameters, ({ world, path }) => requireCoupon(world, path.id)),
  route(
    'POST /v1/coupons/:id',
    z.strictObject({ name: clearable(text.max(40)).optional(), metadata, ...tolerated('currency_options') }),
    ({ world, path, params }) => {
      const before = requireCoupon(world, path.id)
      const after: Coupon = {
        ...before,
        name: params.name === undefined ? before.name : params.name,
        metadata: mergeMetadata(before.metadata, params.metadata),
      }
      coupons(world).put(after.id, after)
      emit(world, 'coupon.updated', after)
      return after
    },
  ),
  route('DELETE /v1/coupons/:id', noParameters, ({ world, path }) => {
    const coupon = requireCoupon(world, path.id)
    // Discounts that were given stay: only new ones are refused.
    coupons(world).delete(coupon.id)
    deletedCoupons(world).put(coupon.id, coupon)
    emit(world, 'coupon.deleted', coupon)
    return { id: coupon.id, object: 'coupon', deleted: true }
  }),
  route('POST /v1/promotion_codes', promotionCodeRequest, ({ world, params }) => {
    if (params.customer !== undefined) requireCustomer(world, params.customer)
    return createPromotionCode(world, params)
  }),
  route(
    'GET /v1/promotion_codes',
    z.strictObject({
      ...paging,
      active: flag.optional(),
      code: text.optional(),
      coupon: text.optional(),
      customer: text.optional(),
      created: timeRange.optional(),
    }),
    ({ world, params }) =>
      listPage(
        '/v1/promotion_codes',
        [...promotionCodes(world).values()].filter(
          (each) =>
            (params.active === undefined || params.active === each.active) &&
            (params.code === undefined || params.code.toUpperCase() === each.code.toUpperCase()) &&
            (params.coupon === undefined || params.coupon === each.promotion.coupon) &&
            (params.customer === undefined || params.customer === each.customer) &&
            isWithin(params.created, each.created),
        ),
        params,
      ),
  ),
  route('GET /v1/promotion_codes/:id', noParameters, ({ world, path }) => requireCode(world, path.id)),
  route(
    'POST /v1/promotion_codes/:id',
    z.strictObject({ active: flag.optional(), metadata }),
    ({ world, path, params }) => {
      const before = requireCode(world, path.id)
      if (params.active === true && before.expires_at !== null && before.expires_at <= seconds(world)) {
        throw invalidRequest('This promotion code is expired and cannot be made active.', {
          code: 'promotion_code_expired',
          param: 'active',
        })
      }
      const after: PromotionCode = {
        ...before,
        active: params.active ?? before.active,
        metadata: mergeMetadata(before.metadata, params.metadata),
      }
      promotionCodes(world).put(after.id, after)
      emit(world, 'promotion_code.updated', after)
      return after
    },
  ),
]

function requireCoupon(world: StripeWorld, id = ''): Coupon {
  const coupon = coupons(world).get(id)
  if (coupon === undefined) throw notFound('coupon', id, 'coupon')
  return coupon
}

function requireCode(world: StripeWorld, id = ''): PromotionCode {
  const code = promotionCodes(world).get(id)
  if (code === undefined) throw notFound('promotion code', id, 'promotion_code')
  return code
}
