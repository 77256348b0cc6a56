import { type BillingPeriod, periodAt } from './billing-cycle.js'
import type { Customer } from './customers.js'
import { applyDiscounts, type DiscountChoice } from './discounts.js'
import { type Price, planOf } from './prices.js'
import { products } from './products.js'
import { wholeList } from './route.js'
import { taxRates } from './tax-rates.js'
import { newId, type StripeWorld, seconds, tableOf } from './world.js'

export type Subscription = ReturnType<typeof newSubscription>
export type SubscriptionItem = ReturnType<typeof newItem>
export type SubscriptionStatus =
  | 'incomplete'
  | 'incomplete_expired'
  | 'trialing'
  | 'active'
  | 'past_due'
  | 'unpaid'
  | 'paused'
  | 'canceled'

export const subscriptions = tableOf<Subscription>('subscriptions')

export interface ItemRequest {
  readonly price: Price
  readonly quantity: number
  readonly metadata?: Readonly<Record<string, string>>
}

export interface SubscriptionRequest {
  readonly customer: Customer
  readonly items: readonly ItemRequest[]
  readonly metadata: Readonly<Record<string, string>>
  readonly description: string | null
  readonly trialDays?: number
  /** Instead of `trialDays`, in seconds. */
  readonly trialEnd?: number | null
  /** The first whole period begins here; default now or the end of the trial. */
  readonly billingCycleAnchor?: number | null
  readonly billingMode?: 'classic' | 'flexible'
  readonly cancelAt?: number | null
  readonly cancelAtPeriodEnd?: boolean
  readonly collectionMethod?: CollectionMethod
  readonly daysUntilDue?: number | null
  readonly defaultPaymentMethod?: string | null
  readonly missingPaymentMethod?: MissingPaymentMethod
  readonly saveDefaultPaymentMethod?: 'off' | 'on_subscription'
  /** Redeemed when the subscription is made. */
  readonly discounts?: readonly DiscountChoice[]
  readonly automaticTax?: boolean
  /** Ids of tax rates. */
  readonly defaultTaxRates?: readonly string[]
}

export type CollectionMethod = 'charge_automatically' | 'send_invoice'
export type MissingPaymentMethod = 'cancel' | 'create_invoice' | 'pause'

/** What a price is called on pages and invoices. */
export function titleOf(world: StripeWorld, price: Price): string {
  return products(world).get(price.product)?.name ?? price.nickname ?? price.id
}

export function isMetered(price: Price): boolean {
  return price.recurring?.usage_type === 'metered'
}

/** Over for good: nothing but its metadata can change. */
export function hasEnded({ status }: Subscription): boolean {
  return status === 'canceled' || status === 'incomplete_expired'
}

export function periodEnd({ items }: Subscription): number {
  return Math.min(...items.data.map((item) => item.current_period_end))
}

interface CancellationDetails {
  readonly comment: string | null
  readonly feedback: string | null
  readonly feedback_option: null
  readonly reason: 'cancellation_requested' | 'payment_failed' | null
}

export const noCancellation: CancellationDetails = {
  comment: null,
  feedback: null,
  feedback_option: null,
  reason: null,
}

/** A change that waits for its invoice to be paid. */
export interface PendingUpdate {
  readonly billing_cycle_anchor: number | null
  readonly cancel_at_period_end: boolean | null
  readonly discount: null
  readonly discounts: null
  readonly expires_at: number
  readonly metadata: Readonly<Record<string, string>> | null
  readonly subscription_items: readonly SubscriptionItem[] | null
  readonly trial_end: number | null
  readonly trial_from_plan: boolean | null
}

type PauseReason = 'pause_requested' | 'trial_end_without_payment_method' | 'final_payment_failure'

export interface StatusDetails {
  readonly paused: {
    readonly subscription: { readonly type: PauseReason }
    readonly transitioned_at: number
    readonly type: 'subscription'
  }
}

export interface PauseCollection {
  readonly behavior: 'keep_as_draft' | 'mark_uncollectible' | 'void'
  readonly resumes_at: number | null
}

export function newSubscription(world: StripeWorld, request: SubscriptionRequest) {
  const now = seconds(world)
  const id = newId('sub_1', 23)
  const days = request.trialDays ?? 0
  const trialEnd = request.trialEnd ?? (days > 0 ? now + days * 86_400 : null)
  const anchor = request.billingCycleAnchor ?? trialEnd ?? now
  const items = request.items.map((item) => newItem(world, id, item, firstPeriod(item.price, now, trialEnd, anchor)))
  const endsWithPeriod = request.cancelAtPeriodEnd === true
  const cancelAt = endsWithPeriod
    ? Math.min(...items.map((item) => item.current_period_end))
    : (request.cancelAt ?? null)
  return {
    id,
    object: 'subscription' as const,
    application: null,
    application_fee_percent: null,
    automatic_tax: {
      disabled_reason: null,
      enabled: request.automaticTax ?? false,
      liability: request.automaticTax === true ? { type: 'self' as const } : null,
    },
    billing_cycle_anchor: anchor,
    billing_cycle_anchor_config: null,
    billing_mode: billingMode(request.billingMode ?? 'flexible', now),
    billing_schedules: [],
    billing_thresholds: null,
    cancel_at: cancelAt,
    cancel_at_period_end: endsWithPeriod,
    canceled_at: (cancelAt === null ? null : now) as number | null,
    cancellation_details: (cancelAt === null
      ? noCancellation
      : { ...noCancellation, reason: 'cancellation_requested' }) as CancellationDetails,
    collection_method: request.collectionMethod ?? 'charge_automatically',
    created: now,
    currency: request.items[0]?.price.currency ?? 'usd',
    customer: request.customer.id,
    customer_account: null,
    days_until_due: request.daysUntilDue ?? null,
    default_payment_method: request.defaultPaymentMethod ?? null,
    default_source: null,
    default_tax_rates: (request.defaultTaxRates ?? []).flatMap((rate) => taxRates(world).get(rate) ?? []),
    description: request.description,
    discounts: applyDiscounts(world, request.discounts ?? [], { customer: request.customer.id, subscription: id }),
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
    pause_collection: null as PauseCollection | null,
    payment_settings: {
      payment_method_options: null,
      payment_method_types: null,
      save_default_payment_method: request.saveDefaultPaymentMethod ?? 'off',
    },
    pending_invoice_item_interval: null,
    pending_setup_intent: null as string | null,
    pending_update: null as PendingUpdate | null,
    schedule: null as string | null,
    start_date: now,
    status: (trialEnd === null ? 'active' : 'trialing') as SubscriptionStatus,
    // Left out unless there is something to say.
    status_details: undefined as StatusDetails | undefined,
    test_clock: world.clock,
    transfer_data: null,
    trial_end: trialEnd as number | null,
    trial_settings: {
      end_behavior: {
        billing_cycle_anchor: null,
        missing_payment_method: request.missingPaymentMethod ?? ('create_invoice' as MissingPaymentMethod),
      },
    },
    trial_start: trialEnd === null ? null : now,
  }
}

export function newItem(world: StripeWorld, subscription: string, request: ItemRequest, period: BillingPeriod) {
  const { price, quantity, metadata = {} } = request
  const base = {
    id: newId('si_', 14),
    object: 'subscription_item' as const,
    billed_until: period.current_period_end,
    billing_thresholds: null,
    created: seconds(world),
    ...period,
    current_trial: null,
    discounts: [],
    metadata,
    plan: planOf(price),
    price,
    subscription,
    tax_rates: [],
  }
  // Metered items have no quantity: it is counted.
  const item: typeof base & { readonly quantity?: number } = isMetered(price) ? base : { ...base, quantity }
  return item
}

/** Until the trial ends, until the anchor comes, or a whole one. */
function firstPeriod(price: Price, now: number, trialEnd: number | null, anchor: number): BillingPeriod {
  if (trialEnd !== null) return { current_period_start: now, current_period_end: trialEnd }
  return { current_period_start: now, current_period_end: periodAt(anchor, price, now).current_period_end }
}

function billingMode(type: 'classic' | 'flexible', now: number) {
  return type === 'classic'
    ? { flexible: null, type, updated_at: now }
    : { flexible: { proration_discounts: 'included' as const }, type, updated_at: now }
}
