import { periodAt, sameInterval } from './billing-cycle.js'
import { schedule } from './due.js'
import { cardError, invalidRequest } from './errors.js'
import { emit } from './events.js'
import { finalizeInvoice, type Invoice, type InvoiceLine, invoices, voidInvoice } from './invoices.js'
import { wholeList } from './route.js'
import { addPending, collect, draftFor, finalizeAndCollect, methodOf } from './subscription-billing.js'
import { changeItems, type ItemChange } from './subscription-item-changes.js'
import { creditLine, periodLine, prorationLines } from './subscription-lines.js'
import { isMetered, type Subscription, type SubscriptionItem, subscriptions } from './subscription-object.js'
import { updateSubscription } from './subscriptions.js'
import { declinedByIssuer } from './test-cards.js'
import { type StripeWorld, seconds } from './world.js'

export type ProrationBehavior = 'always_invoice' | 'create_prorations' | 'none'
export type PaymentBehavior =
  | 'allow_incomplete'
  | 'default_incomplete'
  | 'error_if_incomplete'
  | 'pending_if_incomplete'

export interface ItemsChange {
  readonly items?: readonly ItemChange[] | undefined
  readonly prorationBehavior?: ProrationBehavior | undefined
  readonly prorationDate?: number | undefined
  readonly billingCycleAnchor?: 'now' | 'unchanged' | undefined
  readonly trialEnd?: 'now' | number | undefined
}

/** What a change makes of a subscription, and what it bills. Nothing has happened yet. */
export interface ChangePlan {
  readonly change: Partial<Subscription>
  readonly lines: readonly InvoiceLine[]
  /** A new period begins or the caller asked for it: otherwise the lines wait for the next invoice. */
  readonly invoicesNow: boolean
}

const pendingHours = 23

export function planChange(world: StripeWorld, before: Subscription, wanted: ItemsChange): ChangePlan {
  const now = seconds(world)
  const behavior = wanted.prorationBehavior ?? 'create_prorations'
  const at = prorationInstant(before, wanted.prorationDate, now)
  const items = changeItems(world, before, wanted.items ?? [])
  if (wanted.trialEnd !== undefined && wanted.trialEnd !== 'now') {
    return trialPlan(world, before, items, wanted.trialEnd, behavior, at)
  }
  const trialing = before.status === 'trialing' && wanted.trialEnd !== 'now'
  if (trialing) return { change: { items: wholeList(before.items.url, items) }, lines: [], invoicesNow: false }
  const restarts =
    wanted.billingCycleAnchor === 'now' || before.status === 'trialing' || changesInterval(before.items.data, items)
  if (restarts) return restartPlan(world, before, items, behavior, at)
  const lines = behavior === 'none' ? [] : prorationLines(world, before, items, at)
  return {
    change: { items: wholeList(before.items.url, items) },
    lines,
    invoicesNow: behavior === 'always_invoice' && lines.length > 0,
  }
}

/** Makes a change and bills it as the payment behavior says. */
export function applyChange(
  world: StripeWorld,
  before: Subscription,
  plan: ChangePlan,
  paymentBehavior: PaymentBehavior,
  also: Partial<Subscription>,
): Subscription {
  if (!plan.invoicesNow) {
    addPending(world, before, plan.lines)
    return updateSubscription(world, before, { ...plan.change, ...also })
  }
  const draft = draftFor(world, before, 'subscription_update', plan.lines)
  if (draft === undefined) return updateSubscription(world, before, { ...plan.change, ...also })
  const latest = { latest_invoice: draft.id }
  if (paymentBehavior === 'pending_if_incomplete') return applyWhenPaid(world, before, plan, draft)
  const changed = updateSubscription(world, before, { ...plan.change, ...also, ...latest })
  if (paymentBehavior === 'default_incomplete' && draft.total > 0) {
    const open = finalizeInvoice(world, draft)
    if (open.amount_due === 0) {
      collect(world, open)
      return subscriptions(world).get(before.id) ?? changed
    }
    return updateSubscription(world, changed, { status: 'past_due' })
  }
  const settled = finalizeAndCollect(world, draft, changed)
  if (paymentBehavior === 'error_if_incomplete' && settled.status !== 'paid') throw declined()
  return subscriptions(world).get(before.id) ?? changed
}

/** A pending update whose invoice was paid becomes the subscription. */
export function applyPendingUpdate(world: StripeWorld, before: Subscription): Subscription {
  const { pending_update: pending } = before
  if (pending === null) return before
  const after = updateSubscription(world, before, {
    pending_update: null,
    billing_cycle_anchor: pending.billing_cycle_anchor ?? before.billing_cycle_anchor,
    ...(pending.subscription_items === null ? {} : { items: wholeList(before.items.url, pending.subscription_items) }),
  })
  emit(world, 'customer.subscription.pending_update_applied', after)
  return after
}

export function declined(): Error {
  return cardError(declinedByIssuer)
}

/** Stripe starts nothing it could never charge. */
export function requireMethod(world: StripeWorld, subscription: Subscription, due: number): void {
  if (due === 0 || subscription.collection_method === 'send_invoice' || methodOf(world, subscription) !== null) return
  throw invalidRequest(
    'This customer has no attached payment source or default payment method. Please consider adding a default payment method. For more information, visit https://stripe.com/docs/billing/subscriptions/payment-methods-setting#payment-method-priority.',
    { code: 'resource_missing' },
  )
}

function applyWhenPaid(world: StripeWorld, before: Subscription, plan: ChangePlan, draft: Invoice): Subscription {
  const expires = world.now() + pendingHours * 3_600_000
  const waiting = updateSubscription(world, before, {
    latest_invoice: draft.id,
    pending_update: {
      billing_cycle_anchor: plan.change.billing_cycle_anchor ?? null,
      cancel_at_period_end: null,
      discount: null,
      discounts: null,
      expires_at: Math.floor(expires / 1000),
      metadata: null,
      subscription_items: plan.change.items?.data ?? null,
      trial_end: null,
      trial_from_plan: null,
    },
  })
  schedule(world, { kind: 'expire_pending_update', target: before.id, dueAtMs: expires })
  collect(world, finalizeInvoice(world, draft))
  return subscriptions(world).get(before.id) ?? waiting
}

/** Everything begins anew now: what was paid is credited, usage so far is billed, a whole period is charged. */
function restartPlan(
  world: StripeWorld,
  before: Subscription,
  items: readonly SubscriptionItem[],
  behavior: ProrationBehavior,
  at: number,
): ChangePlan {
  const now = seconds(world)
  const wasTrial = before.status === 'trialing'
  const credits =
    behavior === 'none' || wasTrial
      ? []
      : before.items.data.filter(({ price }) => !isMetered(price)).map((item) => creditLine(world, before, item, at))
  const usage = wasTrial
    ? []
    : before.items.data
        .filter(({ price }) => isMetered(price))
        .map((item) => periodLine(world, before.customer, item, { start: item.current_period_start, end: now }))
  const fresh = items.map((item) => ({ ...item, ...periodAt(now, item.price, now) }))
  const charges = fresh
    .filter(({ price }) => !isMetered(price))
    .map((item) =>
      periodLine(world, before.customer, item, { start: now, end: periodAt(now, item.price, now).current_period_end }),
    )
  return {
    change: {
      billing_cycle_anchor: now,
      items: wholeList(before.items.url, fresh),
      ...(wasTrial ? { status: 'active', trial_end: now } : {}),
    },
    lines: [...credits, ...usage, ...charges],
    invoicesNow: true,
  }
}

/** A trial begins or moves: nothing is charged until it ends, and what was paid is credited. */
function trialPlan(
  world: StripeWorld,
  before: Subscription,
  items: readonly SubscriptionItem[],
  trialEnd: number,
  behavior: ProrationBehavior,
  at: number,
): ChangePlan {
  const now = seconds(world)
  if (trialEnd <= now) throw invalidRequest('trial_end must be in the future.', { param: 'trial_end' })
  const credits =
    behavior === 'none' || before.status === 'trialing'
      ? []
      : before.items.data.filter(({ price }) => !isMetered(price)).map((item) => creditLine(world, before, item, at))
  return {
    change: {
      status: 'trialing',
      trial_end: trialEnd,
      trial_start: before.trial_start ?? now,
      billing_cycle_anchor: trialEnd,
      items: wholeList(
        before.items.url,
        items.map((item) => ({ ...item, current_period_end: trialEnd, billed_until: trialEnd })),
      ),
    },
    lines: credits,
    invoicesNow: behavior === 'always_invoice' && credits.length > 0,
  }
}

export function changesInterval(before: readonly SubscriptionItem[], after: readonly SubscriptionItem[]): boolean {
  return before.some((item) => {
    const now = after.find(({ id }) => id === item.id)
    return now !== undefined && !sameInterval(item.price, now.price)
  })
}

function prorationInstant({ items }: Subscription, given: number | undefined, now: number): number {
  if (given === undefined) return now
  const inside = items.data.some(
    ({ current_period_start: start, current_period_end: end }) => given >= start && given <= end,
  )
  if (inside) return given
  throw invalidRequest('Invalid proration_date: it must be within the current billing period.', {
    param: 'proration_date',
  })
}

export function expirePendingUpdate(world: StripeWorld, id: string): void {
  const before = subscriptions(world).get(id)
  if (before === undefined || before.pending_update === null) return
  const invoice = invoices(world).get(before.latest_invoice ?? '')
  const after = updateSubscription(world, before, { pending_update: null })
  emit(world, 'customer.subscription.pending_update_expired', after)
  if (invoice?.status === 'open') voidInvoice(world, invoice)
}
