import * as z from 'zod'
import { requireCustomer } from './customers.js'
import { invalidRequest, noSuch, notFound } from './errors.js'
import {
  clearable,
  count,
  flag,
  isWithin,
  list,
  mergeMetadata,
  metadata,
  paging,
  text,
  timeRange,
  tolerated,
} from './form.js'
import { type Price, planOf, prices } from './prices.js'
import { listPage, noParameters, route, wholeList } from './route.js'
import type { StripeWorld } from './world.js'

const changeable = z.strictObject({
  cancel_at_period_end: flag.optional(),
  cancellation_details: z.unknown().optional(),
  description: clearable(text).optional(),
  items: list(
    z.strictObject({ id: text, price: text.optional(), quantity: count.optional(), ...tolerated('metadata') }),
  ).optional(),
  proration_behavior: z.enum(['none', 'create_prorations', 'always_invoice']).optional(),
  metadata,
  ...tolerated('default_payment_method', 'payment_settings', 'payment_behavior', 'off_session', 'trial_settings'),
})

export const subscriptionRoutes = [
  route(
    'POST /v1/subscriptions',
    z.strictObject({
      customer: text,
      items: list(z.strictObject({ price: text, quantity: count.optional(), ...tolerated('metadata') })),
      trial_period_days: count.optional(),
      description: text.optional(),
      metadata,
      ...tolerated(
        'billing_mode',
        'collection_method',
        'default_payment_method',
        'off_session',
        'payment_behavior',
        'payment_settings',
        'proration_behavior',
        'trial_settings',
      ),
    }),
    ({ world, params }) =>
      createSubscription(world, {
        customer: requireCustomer(world, params.customer),
        items: params.items.map((item, index) => ({
          price: requireRecurringPrice(world, item.price, `items[${index}][price]`),
          quantity: item.quantity ?? 1,
        })),
        metadata: params.metadata ?? {},
        description: params.description ?? null,
        trialDays: params.trial_period_days ?? 0,
        paid: true,
      }).subscription,
  ),
  route(
    'GET /v1/subscriptions',
    z.strictObject({
      ...paging,
      customer: text.optional(),
      price: text.optional(),
      status: z
        .enum([
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
        ])
        .optional(),
      created: timeRange.optional(),
      ...tolerated('automatic_tax', 'collection_method', 'customer_account', 'test_clock'),
    }),
    ({ world, params }) =>
      listPage(
        '/v1/subscriptions',
        [...subscriptions(world).values()].filter(
          (subscription) =>
            (params.customer === undefined || params.customer === subscription.customer) &&
            (params.price === undefined || subscription.items.data.some(({ price }) => price.id === params.price)) &&
            hasStatus(subscription, params.status) &&
            isWithin(params.created, subscription.created),
        ),
        params,
      ),
  ),
  route('GET /v1/subscriptions/:id', noParameters, ({ world, path }) => requireSubscription(world, path.id)),
  route('POST /v1/subscriptions/:id', changeable, ({ world, path, params }) => {
    const found = requireSubscription(world, path.id)
    if (found.status === 'canceled') {
      throw invalidRequest('A canceled subscription can only update its cancellation_details and metadata.')
    }
    const before =
      params.cancel_at_period_end === undefined ? found : cancelAtPeriodEnd(world, found, params.cancel_at_period_end)
    if (params.items === undefined && params.metadata === undefined && params.description === undefined) return before
    if (params.items !== undefined && params.proration_behavior !== 'none') {
      throw invalidRequest("The sandbox changes items with proration_behavior 'none' only.", {
        param: 'proration_behavior',
      })
    }
    return updateSubscription(world, before, {
      description: params.description === undefined ? before.description : params.description,
      metadata: mergeMetadata(before.metadata, params.metadata),
      items: wholeList(
        before.items.url,
        before.items.data.map((item) => changeItem(world, item, params.items)),
      ),
    })
  }),
  route(
    'DELETE /v1/subscriptions/:id',
    z.strictObject(tolerated('cancellation_details', 'invoice_now', 'prorate')),
    ({ world, path }) => {
      const before = requireSubscription(world, path.id)
      if (before.status === 'canceled') throw notFound('subscription', before.id)
      return endSubscription(world, before)
    },
  ),
]

function requireSubscription(world: StripeWorld, id = ''): Subscription {
  const subscription = subscriptions(world).get(id)
  if (subscription === undefined) throw notFound('subscription', id)
  return subscription
}

function requireRecurringPrice(world: StripeWorld, id: string, param: string): Price {
  const price = prices(world).get(id)
  if (price === undefined) throw noSuch('price', id, param)
  if (price.recurring === null) {
    throw invalidRequest(
      'The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`.',
      { param },
    )
  }
  return price
}

function hasStatus(subscription: Subscription, status: string | undefined): boolean {
  if (status === undefined) return subscription.status !== 'canceled'
  if (status === 'all') return true
  return subscription.status === (status === 'ended' ? 'canceled' : status)
}

function changeItem(
  world: StripeWorld,
  item: SubscriptionItem,
  changes: readonly { id: string; price?: string | undefined; quantity?: number | undefined }[] = [],
): SubscriptionItem {
  const change = changes.find(({ id }) => id === item.id)
  if (change === undefined) return item
  const price = change.price === undefined ? item.price : requireRecurringPrice(world, change.price, 'items[0][price]')
  const { quantity: _, ...rest } = item
  const quantity = change.quantity ?? item.quantity ?? 1
  return { ...rest, price, plan: planOf(price), ...(isMetered(price) ? {} : { quantity }) }
}

import { isMetered, type Subscription, type SubscriptionItem, subscriptions } from './subscription-object.js'
import { cancelAtPeriodEnd, createSubscription, endSubscription, updateSubscription } from './subscriptions.js'
