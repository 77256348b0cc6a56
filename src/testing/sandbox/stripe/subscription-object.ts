import type { Customer } from './customers.js'
import { type Price, planOf } from './prices.js'
import { products } from './products.js'
import { wholeList } from './route.js'
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
/** What a price is called on pages and invoices. */
export function titleOf(world: StripeWorld, price: Price): string {
  return products(world).get(price.product)?.name ?? price.nickname ?? price.id
}

export function isMetered(price: Price): boolean {
  return price.recurring?.usage_type === 'metered'
}

export function plusInterval(anchor: number, interval: 'day' | 'week' | 'month' | 'year', steps: number): number {
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

export const noCancellation: CancellationDetails = {
  comment: null,
  feedback: null,
  feedback_option: null,
  reason: null,
}

export function newSubscription(world: StripeWorld, request: SubscriptionRequest) {
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
