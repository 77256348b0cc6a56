import type { z } from '@hono/zod-openapi'
import {
  type Account,
  BillingError,
  type FeatureView,
  type LifetimePurchase,
  type PreviewedChange,
  type PriceList,
  type SubscriptionStatus,
  type SubscriptionView,
  type UsageLimits,
} from '../../index.js'
import type { previewedChange, subscription } from '../contract/subscription.js'
import { lineItemJson } from './invoice.js'
import { limitJson, meterLimit, remainingJson } from './limit.js'
import { isoOrNull, type Wire } from './wire.js'

/** What an account is subscribed to, and what it may use by it. */
export interface SubscriptionFacts {
  readonly account: Account
  readonly prices: PriceList
  readonly limits: UsageLimits
  readonly features: readonly FeatureView[]
  /** The newest plan it owns for life. */
  readonly purchase: LifetimePurchase | undefined
  /** What the provider has; `null` for a plan that nobody subscribes to. */
  readonly view: SubscriptionView | null
}

export function subscriptionJson(facts: SubscriptionFacts, { meters }: Wire): z.output<typeof subscription> {
  const { account, prices, limits, features, view } = facts
  const tier = view?.plan ?? account.plan
  const plan = prices.plans.find(({ name }) => name === tier)
  const isLifetime = plan?.price?.interval === 'once'
  const purchase = isLifetime ? facts.purchase : undefined
  const workflows = meterLimit(limits, meters.workflows)
  const storage = meterLimit(limits, meters.storage)
  const period = workflows ?? limits.meters[0]
  const createdAt = view?.createdAt ?? purchase?.purchasedAt ?? account.createdAt
  return {
    id: view?.id ?? purchase?.checkoutId ?? account.id,
    organization_id: account.id,
    billing_account_id: account.id,
    tier,
    status: view ? statusWord(view.status) : 'active',
    current_period_start: isoOrNull(view ? view.currentPeriodStartsAt : (period?.periodStartsAt ?? null)),
    current_period_end: isoOrNull(view ? view.currentPeriodEndsAt : (period?.resetsAt ?? null)),
    cancel_at_period_end: view?.cancelsAtPeriodEnd ?? false,
    canceled_at: isoOrNull(view?.canceledAt ?? null),
    trial_start: isoOrNull(view?.trialStartsAt ?? null),
    trial_end: isoOrNull(view?.trialEndsAt ?? null),
    workflows_limit: limitJson(workflows),
    workflows_used: Number(workflows?.used ?? '0'),
    workflows_remaining: remainingJson(workflows),
    agents_limit: limitJson(meterLimit(limits, meters.agents)),
    storage_limit_gb: limitJson(storage),
    storage_used_gb: Number(storage?.used ?? '0'),
    is_lifetime: isLifetime,
    lifetime_purchase_date: isoOrNull(purchase?.purchasedAt ?? null),
    lifetime_purchase_amount: purchase ? Number(purchase.amount) : null,
    is_byo: plan?.byo ?? false,
    byo_providers_configured: byoProviders(features),
    created_at: createdAt.toISOString(),
    updated_at: newestOf([createdAt, view?.currentPeriodStartsAt, view?.canceledAt, view?.endedAt]).toISOString(),
  }
}

export function previewedChangeJson(preview: PreviewedChange): z.output<typeof previewedChange> {
  return {
    at: preview.at.toISOString(),
    currency: preview.currency,
    subtotal: Number(preview.subtotal),
    discount_amount: Number(preview.discount),
    tax_amount: Number(preview.tax),
    total: Number(preview.total),
    credits_applied: Number(preview.creditsApplied),
    amount_due: Number(preview.amountDue),
    line_items: preview.lines.map(lineItemJson),
  }
}

const words = {
  pending: 'incomplete',
  trialing: 'trialing',
  active: 'active',
  past_due: 'past_due',
  unpaid: 'past_due',
  paused: 'paused',
  canceled: 'canceled',
} as const satisfies Record<Exclude<SubscriptionStatus, 'unknown'>, string>

function statusWord(status: SubscriptionStatus): (typeof words)[keyof typeof words] {
  if (status !== 'unknown') return words[status]
  const message = 'The provider has a subscription in a state that is not known here.'
  throw new BillingError('provider_response_invalid', message)
}

/** The feature `byo_providers`: names with commas between them. */
function byoProviders(features: readonly FeatureView[]): string[] | null {
  const found = features.find(({ name }) => name === 'byo_providers')
  if (found?.type !== 'static') return null
  return found.value.split(',').flatMap((name) => (name.trim() === '' ? [] : [name.trim()]))
}

function newestOf(moments: readonly (Date | null | undefined)[]): Date {
  return new Date(Math.max(...moments.map((moment) => moment?.getTime() ?? 0)))
}
