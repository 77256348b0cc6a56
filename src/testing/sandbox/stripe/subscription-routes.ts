import * as z from 'zod'
import { requireCustomer } from './customers.js'
import { notFound } from './errors.js'
import { isWithin, paging, text, timeRange, tolerated } from './form.js'
import { listPage, noParameters, route } from './route.js'
import { cancelSubscription } from './subscription-cancel.js'
import { startSubscription } from './subscription-create.js'
import { hasEnded, type Subscription, subscriptions } from './subscription-object.js'
import { cancelable, changeable, creatable, pausable, resumable } from './subscription-parameters.js'
import { pauseSubscription, resumeSubscription } from './subscription-pause.js'
import { reviseSubscription } from './subscription-update.js'
import { clockOf } from './test-clocks.js'
import type { StripeWorld } from './world.js'

const statuses = [
  'active',
  'all',
  'canceled',
  'ended',
  'incomplete',
  'incomplete_expired',
  'past_due',
  'paused',
  'trialing',
  'unpaid',
] as const

export const subscriptionRoutes = [
  route('POST /v1/subscriptions', creatable, ({ world, params }) => {
    const customer = requireCustomer(world, params.customer)
    return startSubscription(clockOf(world, customer), customer, params)
  }),
  route(
    'GET /v1/subscriptions',
    z.strictObject({
      ...paging,
      customer: text.optional(),
      price: text.optional(),
      status: z.enum(statuses, 'Invalid status').optional(),
      collection_method: z.enum(['charge_automatically', 'send_invoice']).optional(),
      created: timeRange.optional(),
      current_period_end: timeRange.optional(),
      test_clock: text.optional(),
      ...tolerated('customer_account'),
    }),
    ({ world, params }) =>
      listPage(
        '/v1/subscriptions',
        [...subscriptions(world).values()].filter(
          (subscription) =>
            (params.customer === undefined || params.customer === subscription.customer) &&
            (params.price === undefined || subscription.items.data.some(({ price }) => price.id === params.price)) &&
            (params.collection_method === undefined || params.collection_method === subscription.collection_method) &&
            isOnClock(subscription, params.test_clock, params.customer) &&
            subscription.items.data.some((item) => isWithin(params.current_period_end, item.current_period_end)) &&
            hasStatus(subscription, params.status) &&
            isWithin(params.created, subscription.created),
        ),
        params,
      ),
  ),
  route('GET /v1/subscriptions/:id', noParameters, ({ world, path }) => requireSubscription(world, path.id)),
  route('POST /v1/subscriptions/:id', changeable, ({ world, path, params }) => {
    const before = requireSubscription(world, path.id)
    return reviseSubscription(clockOf(world, before), before, params)
  }),
  route('DELETE /v1/subscriptions/:id', cancelable, ({ world, path, params }) => {
    const before = requireSubscription(world, path.id)
    if (hasEnded(before)) throw notFound('subscription', before.id)
    return cancelSubscription(clockOf(world, before), before, {
      invoiceNow: params.invoice_now ?? false,
      prorate: params.prorate ?? false,
      details: params.cancellation_details,
    })
  }),
  route('POST /v1/subscriptions/:id/pause', pausable, ({ world, path, params }) => {
    const before = requireSubscription(world, path.id)
    return pauseSubscription(clockOf(world, before), before, {
      bills: params.bill_for?.outstanding_usage_through?.type ?? 'now',
      creditsFrom: params.bill_for?.unused_time_from?.type ?? 'now',
      invoicing: params.invoicing_behavior ?? 'pending_invoice_item',
    })
  }),
  route('POST /v1/subscriptions/:id/resume', resumable, ({ world, path, params }) => {
    const before = requireSubscription(world, path.id)
    return resumeSubscription(clockOf(world, before), before, {
      anchor: params.billing_cycle_anchor?.type ?? 'now',
      prorates: params.proration_behavior !== 'none',
      paysFirst: params.payment_behavior === 'resume_on_payment_success',
    })
  }),
]

export function requireSubscription(world: StripeWorld, id = ''): Subscription {
  const subscription = subscriptions(world).get(id)
  if (subscription === undefined) throw notFound('subscription', id)
  return subscription
}

function hasStatus(subscription: Subscription, status: (typeof statuses)[number] | undefined): boolean {
  if (status === undefined) return subscription.status !== 'canceled'
  if (status === 'all') return true
  if (status === 'ended') return hasEnded(subscription)
  return subscription.status === status
}

/** Those on a test clock are listed by it, or by their customer. */
function isOnClock(
  { test_clock: clock }: Subscription,
  wanted: string | undefined,
  customer: string | undefined,
): boolean {
  return wanted === undefined ? clock === null || customer !== undefined : clock === wanted
}
