import * as z from 'zod'
import { notFound } from './errors.js'
import { count, flag, metadata, paging, text, tolerated } from './form.js'
import { listPage, noParameters, route } from './route.js'
import { applyChange, type ItemsChange, type PaymentBehavior, planChange } from './subscription-change.js'
import { type Subscription, type SubscriptionItem, subscriptions } from './subscription-object.js'
import { paymentBehavior, prorationBehavior } from './subscription-parameters.js'
import { requireSubscription } from './subscription-routes.js'
import { clockOf } from './test-clocks.js'
import type { StripeWorld } from './world.js'

const changing = {
  payment_behavior: paymentBehavior.optional(),
  proration_behavior: prorationBehavior.optional(),
  proration_date: count.optional(),
}

interface Changing {
  readonly payment_behavior?: PaymentBehavior | undefined
  readonly proration_behavior?: ItemsChange['prorationBehavior']
  readonly proration_date?: number | undefined
}

/** Items by themselves; each change is a change of their subscription. */
export const subscriptionItemRoutes = [
  route(
    'POST /v1/subscription_items',
    z.strictObject({ ...changing, subscription: text, price: text, quantity: count.optional(), metadata }),
    ({ world, params }) => {
      const before = requireSubscription(world, params.subscription)
      const { price, quantity, metadata: given } = params
      const after = change(world, before, { price, quantity, metadata: given }, params)
      return after.items.data.find(({ id }) => before.items.data.every((item) => item.id !== id))
    },
  ),
  route('GET /v1/subscription_items', z.strictObject({ ...paging, subscription: text }), ({ world, params }) => {
    const { items } = requireSubscription(world, params.subscription)
    return listPage('/v1/subscription_items', items.data, params)
  }),
  route('GET /v1/subscription_items/:id', noParameters, ({ world, path }) => requireItem(world, path.id).item),
  route(
    'POST /v1/subscription_items/:id',
    z.strictObject({
      ...changing,
      price: text.optional(),
      quantity: count.optional(),
      metadata,
      ...tolerated('off_session'),
    }),
    ({ world, path, params }) => {
      const { subscription, item } = requireItem(world, path.id)
      const { price, quantity, metadata: given } = params
      const after = change(world, subscription, { id: item.id, price, quantity, metadata: given }, params)
      return after.items.data.find(({ id }) => id === item.id)
    },
  ),
  route(
    'DELETE /v1/subscription_items/:id',
    z.strictObject({ ...changing, clear_usage: flag.optional() }),
    ({ world, path, params }) => {
      const { subscription, item } = requireItem(world, path.id)
      change(world, subscription, { id: item.id, deleted: true }, params)
      return { id: item.id, object: 'subscription_item', deleted: true }
    },
  ),
]

function change(
  world: StripeWorld,
  before: Subscription,
  item: NonNullable<ItemsChange['items']>[number],
  how: Changing,
): Subscription {
  const own = clockOf(world, before)
  const plan = planChange(own, before, {
    items: [item],
    prorationBehavior: how.proration_behavior,
    prorationDate: how.proration_date,
  })
  return applyChange(own, before, plan, how.payment_behavior ?? 'allow_incomplete', {})
}

function requireItem(
  world: StripeWorld,
  id = '',
): { readonly subscription: Subscription; readonly item: SubscriptionItem } {
  for (const subscription of subscriptions(world).values()) {
    const item = subscription.items.data.find((each) => each.id === id)
    if (item !== undefined) return { subscription, item }
  }
  throw notFound('subscription_item', id)
}
