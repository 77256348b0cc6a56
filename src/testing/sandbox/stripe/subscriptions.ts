import { changed, customers } from './customers.js'
import { schedule, unschedule } from './due.js'
import { usageBetween } from './event-summaries.js'
import { emit } from './events.js'
import { createInvoice, type Invoice, type InvoiceLine, payInvoice } from './invoices.js'
import { meters } from './meters.js'
import { amountFor } from './prices.js'
import { wholeList } from './route.js'
import { type StripeWorld, seconds } from './world.js'

export function createSubscription(
  world: StripeWorld,
  request: SubscriptionRequest,
): { subscription: Subscription; invoice: Invoice } {
  const bare = newSubscription(world, request)
  const open = createInvoice(world, {
    customer: request.customer,
    currency: bare.currency,
    subscription: bare.id,
    billingReason: 'subscription_create',
    // Metered items are billed at the end of the period, from what was counted.
    lines: bare.items.data
      .filter(({ price }) => !isMetered(price))
      .map((item) => firstLine(world, item, bare.status === 'trialing')),
    metadata: bare.metadata,
  })
  const subscription: Subscription = { ...bare, latest_invoice: open.id }
  subscriptions(world).put(subscription.id, subscription)
  emit(world, 'customer.subscription.created', subscription)
  scheduleRenewal(world, subscription)
  return { subscription, invoice: request.paid ? payInvoice(world, open) : open }
}

export function updateSubscription(
  world: StripeWorld,
  before: Subscription,
  change: Partial<Subscription>,
): Subscription {
  const after: Subscription = { ...before, ...change }
  subscriptions(world).put(after.id, after)
  emit(world, 'customer.subscription.updated', after, changed(before, after))
  return after
}

/** Cancels at the end of the period, or takes that back. */
export function cancelAtPeriodEnd(world: StripeWorld, before: Subscription, cancels: boolean): Subscription {
  if (before.cancel_at_period_end === cancels) return before
  const end = Math.min(...before.items.data.map((item) => item.current_period_end))
  return updateSubscription(world, before, {
    cancel_at_period_end: cancels,
    cancel_at: cancels ? end : null,
    canceled_at: cancels ? seconds(world) : null,
    cancellation_details: { ...noCancellation, reason: cancels ? 'cancellation_requested' : null },
  })
}

export function endSubscription(world: StripeWorld, before: Subscription): Subscription {
  const now = seconds(world)
  const after: Subscription = {
    ...before,
    status: 'canceled',
    canceled_at: before.canceled_at ?? now,
    ended_at: now,
    cancellation_details: { ...noCancellation, reason: 'cancellation_requested' },
  }
  subscriptions(world).put(after.id, after)
  unschedule(world, 'renew_subscription', after.id)
  emit(world, 'customer.subscription.deleted', after)
  return after
}

/** Begins the next period, and bills it and the metered usage of the last one; or ends what was to end. */
export function renewSubscription(world: StripeWorld, id: string): void {
  const before = subscriptions(world).get(id)
  if (before === undefined || before.status === 'canceled') return
  if (before.cancel_at_period_end) {
    endSubscription(world, before)
    return
  }
  const customer = customers(world).get(before.customer)
  if (customer === undefined) return
  const now = seconds(world)
  const lines: InvoiceLine[] = []
  const data = before.items.data.map((item) => {
    if (item.current_period_end > now) return item
    const next = nextPeriod(before.billing_cycle_anchor, item)
    lines.push(
      isMetered(item.price)
        ? usageLine(world, before.customer, item)
        : { ...itemLine(world, item), period: { start: next.current_period_start, end: next.current_period_end } },
    )
    return { ...item, ...next }
  })
  const invoice = createInvoice(world, {
    customer,
    currency: before.currency,
    subscription: id,
    billingReason: 'subscription_cycle',
    lines,
    metadata: before.metadata,
  })
  const status = before.status === 'trialing' ? 'active' : before.status
  const after = updateSubscription(world, before, {
    items: wholeList(before.items.url, data),
    latest_invoice: invoice.id,
    status,
  })
  payInvoice(world, invoice)
  scheduleRenewal(world, after)
}

function scheduleRenewal(world: StripeWorld, { id, items }: Subscription): void {
  const end = Math.min(...items.data.map((item) => item.current_period_end))
  schedule(world, { kind: 'renew_subscription', target: id, dueAtMs: end * 1000 })
}

function firstLine(world: StripeWorld, item: SubscriptionItem, trial: boolean): InvoiceLine {
  const line = itemLine(world, item)
  return trial ? { ...line, amount: 0, description: `Trial period for ${titleOf(world, item.price)}` } : line
}

function itemLine(world: StripeWorld, item: SubscriptionItem): InvoiceLine {
  const { price, quantity } = item
  return {
    description: `${quantity ?? 0} × ${titleOf(world, price)}`,
    amount: quantity === undefined ? 0 : amountFor(price, String(quantity)),
    quantity: quantity ?? null,
    price,
    period: { start: item.current_period_start, end: item.current_period_end },
    subscriptionItem: item.id,
  }
}

function usageLine(world: StripeWorld, customer: string, item: SubscriptionItem): InvoiceLine {
  const meter = meters(world).get(item.price.recurring?.meter ?? '')
  const { current_period_start: start, current_period_end: end } = item
  const used = meter === undefined ? '0' : usageBetween(world, meter, customer, start, end)
  return {
    ...itemLine(world, item),
    description: `${used} × ${titleOf(world, item.price)}`,
    amount: amountFor(item.price, used),
    quantity: Number.isSafeInteger(Number(used)) ? Number(used) : null,
  }
}

function nextPeriod(anchor: number, item: SubscriptionItem) {
  const { interval = 'month', interval_count: step = 1 } = item.price.recurring ?? {}
  let end = item.current_period_end
  for (let index = 1; end <= item.current_period_end; index += 1) end = plusInterval(anchor, interval, step * index)
  return { current_period_start: item.current_period_end, current_period_end: end }
}

/** Counted from the anchor each time, so the 31st comes back after February. */
import {
  isMetered,
  newSubscription,
  noCancellation,
  plusInterval,
  type Subscription,
  type SubscriptionItem,
  type SubscriptionRequest,
  subscriptions,
  titleOf,
} from './subscription-object.js'
