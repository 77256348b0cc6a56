import * as z from 'zod'
import { type Customer, changed, customers, requireCustomer } from './customers.js'
import { schedule, unschedule } from './due.js'
import { invalidRequest, noSuch, notFound } from './errors.js'
import { usageBetween } from './event-summaries.js'
import { emit } from './events.js'
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
import { createInvoice, type Invoice, type InvoiceLine, invoices, payInvoice } from './invoices.js'
import { meters } from './meters.js'
import { amountFor, type Price, planOf, prices } from './prices.js'
import { products } from './products.js'
import { listPage, noParameters, route, wholeList } from './route.js'
import { newId, type StripeWorld, seconds, tableOf } from './world.js'

export type Subscription = ReturnType<typeof newSubscription>
export type SubscriptionItem = ReturnType<typeof newItem>
type SubscriptionStatus = 'active' | 'trialing' | 'past_due' | 'canceled'

export const subscriptions = tableOf<Subscription>('subscriptions')

export interface SubscriptionRequest {
  readonly customer: Customer
  readonly items: readonly { readonly price: Price; readonly quantity: number }[]
  readonly metadata: Readonly<Record<string, string>>
  readonly description: string | null
  readonly trialDays: number
  /** False while a delayed payment is on its way. */
  readonly paid: boolean
}

/** Starts a subscription with its first invoice. */
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

/** What a price is called on pages and invoices. */
export function titleOf(world: StripeWorld, price: Price): string {
  return products(world).get(price.product)?.name ?? price.nickname ?? price.id
}

export function isMetered(price: Price): boolean {
  return price.recurring?.usage_type === 'metered'
}

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
function plusInterval(anchor: number, interval: 'day' | 'week' | 'month' | 'year', steps: number): number {
  if (interval === 'day') return anchor + steps * 86_400
  if (interval === 'week') return anchor + steps * 604_800
  const start = new Date(anchor * 1000)
  const months = interval === 'year' ? steps * 12 : steps
  const target = new Date(start)
  target.setUTCDate(1)
  target.setUTCMonth(start.getUTCMonth() + months)
  const lastDay = new Date(Date.UTC(target.getUTCFullYear(), target.getUTCMonth() + 1, 0)).getUTCDate()
  target.setUTCDate(Math.min(start.getUTCDate(), lastDay))
  return Math.floor(target.getTime() / 1000)
}

interface CancellationDetails {
  readonly comment: null
  readonly feedback: null
  readonly feedback_option: null
  readonly reason: 'cancellation_requested' | null
}

const noCancellation: CancellationDetails = { comment: null, feedback: null, feedback_option: null, reason: null }

function newSubscription(world: StripeWorld, request: SubscriptionRequest) {
  const now = seconds(world)
  const id = newId('sub_1', 23)
  const trialEnd = request.trialDays > 0 ? now + request.trialDays * 86_400 : null
  const status = (trialEnd === null ? 'active' : 'trialing') as SubscriptionStatus
  const anchor = trialEnd ?? now
  const items = request.items.map(({ price, quantity }) => newItem(id, now, trialEnd, price, quantity))
  return {
    id,
    object: 'subscription' as const,
    application: null,
    application_fee_percent: null,
    automatic_tax: { disabled_reason: null, enabled: false, liability: null },
    billing_cycle_anchor: anchor,
    billing_cycle_anchor_config: null,
    billing_mode: {
      flexible: { proration_discounts: 'included' as const },
      type: 'flexible' as const,
      updated_at: now,
    },
    billing_schedules: [],
    billing_thresholds: null,
    cancel_at: null as number | null,
    cancel_at_period_end: false,
    canceled_at: null as number | null,
    cancellation_details: noCancellation,
    collection_method: 'charge_automatically' as const,
    created: now,
    currency: request.items[0]?.price.currency ?? 'usd',
    customer: request.customer.id,
    customer_account: null,
    days_until_due: null,
    default_payment_method: null as string | null,
    default_source: null,
    default_tax_rates: [],
    description: request.description,
    discounts: [],
    ended_at: null as number | null,
    invoice_settings: {
      account_tax_ids: null,
      custom_fields: null,
      description: null,
      footer: null,
      issuer: { type: 'self' as const },
    },
    items: wholeList(`/v1/subscription_items?subscription=${id}`, items),
    latest_invoice: null as string | null,
    livemode: false as const,
    managed_payments: null,
    metadata: request.metadata,
    next_pending_invoice_item_invoice: null,
    on_behalf_of: null,
    pause_collection: null,
    payment_settings: {
      payment_method_options: null,
      payment_method_types: null,
      save_default_payment_method: 'off' as const,
    },
    pending_invoice_item_interval: null,
    pending_setup_intent: null,
    pending_update: null,
    schedule: null,
    start_date: now,
    status,
    test_clock: null,
    transfer_data: null,
    trial_end: trialEnd,
    trial_settings: { end_behavior: { billing_cycle_anchor: null, missing_payment_method: 'create_invoice' as const } },
    trial_start: trialEnd === null ? null : now,
  }
}

function newItem(subscription: string, now: number, trialEnd: number | null, price: Price, quantity: number) {
  const { interval = 'month', interval_count: step = 1 } = price.recurring ?? {}
  const base = {
    id: newId('si_', 14),
    object: 'subscription_item' as const,
    billing_thresholds: null,
    created: now,
    current_period_end: trialEnd ?? plusInterval(now, interval, step),
    current_period_start: now,
    current_trial: null,
    discounts: [],
    metadata: {},
    plan: planOf(price),
    price,
    subscription,
    tax_rates: [],
  }
  // Metered items have no quantity: it is counted.
  const item: typeof base & { readonly quantity?: number } = isMetered(price) ? base : { ...base, quantity }
  return item
}

export function latestInvoice(world: StripeWorld, { latest_invoice: id }: Subscription): Invoice | undefined {
  return id === null ? undefined : invoices(world).get(id)
}
