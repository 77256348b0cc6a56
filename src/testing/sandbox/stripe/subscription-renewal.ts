import { periodAt } from './billing-cycle.js'
import { schedule } from './due.js'
import { emit } from './events.js'
import { invoiceLines } from './invoice-lines.js'
import {
  finalizeInvoice,
  type Invoice,
  type InvoiceLine,
  invoices,
  markUncollectible,
  recountDraft,
  voidInvoice,
} from './invoices.js'
import { wholeList } from './route.js'
import { collect, draftFor, finalizeAndCollect, methodOf } from './subscription-billing.js'
import { changesInterval } from './subscription-change.js'
import { periodLine, usageLine } from './subscription-lines.js'
import { hasEnded, isMetered, type Subscription, type SubscriptionItem, subscriptions } from './subscription-object.js'
import { itemsAtRenewal } from './subscription-schedules.js'
import { endSubscription, updateSubscription } from './subscriptions.js'
import { type StripeWorld, seconds } from './world.js'

const draftMs = 60 * 60 * 1000

/** Begins the next period, and bills it and the metered usage of the last one; or ends what was to end. */
export function renewSubscription(world: StripeWorld, id: string): void {
  const before = subscriptions(world).get(id)
  if (before === undefined || hasEnded(before) || before.status === 'paused' || before.status === 'incomplete') return
  const scheduled = itemsAtRenewal(world, before)
  const current = subscriptions(world).get(id) ?? before
  if (hasEnded(current)) return
  const anchor = changesInterval(before.items.data, scheduled) ? seconds(world) : before.billing_cycle_anchor
  const next = { ...before, billing_cycle_anchor: anchor }
  const { lines, items } = nextPeriod(world, next, seconds(world), scheduled)
  const ends = before.cancel_at_period_end
  const trialEnds = before.status === 'trialing' && (before.trial_end ?? 0) <= seconds(world)
  if (trialEnds && !ends && methodOf(world, before) === null && before.collection_method === 'charge_automatically') {
    const wish = before.trial_settings.end_behavior.missing_payment_method
    if (wish === 'cancel') {
      endSubscription(world, before)
      return
    }
    if (wish === 'pause') {
      pauseAtTrialEnd(world, before)
      return
    }
  }
  // A subscription that ends still owes what it used.
  const draft = draftFor(
    world,
    before,
    'subscription_cycle',
    ends ? lines.filter(({ price }) => price.recurring?.usage_type === 'metered') : lines,
  )
  const latest = draft === undefined ? {} : { latest_invoice: draft.id }
  if (ends) endSubscription(world, { ...current, ...latest })
  else {
    updateSubscription(world, current, {
      items: wholeList(before.items.url, items),
      status: trialEnds ? 'active' : before.status,
      billing_cycle_anchor: anchor,
      ...latest,
    })
  }
  if (draft !== undefined) settleDraft(world, draft, before)
}

/** The usage of the periods that end, the charges of those that begin, and the items in their new periods. */
export function nextPeriod(
  world: StripeWorld,
  { billing_cycle_anchor: anchor, customer, items }: Subscription,
  now: number,
  goingOn: readonly SubscriptionItem[] = items.data,
): { readonly lines: readonly InvoiceLine[]; readonly items: readonly SubscriptionItem[] } {
  const lines: InvoiceLine[] = []
  for (const item of items.data) {
    const { current_period_start: start, current_period_end: end, price } = item
    if (end <= now && isMetered(price)) lines.push(periodLine(world, customer, item, { start, end }))
  }
  const next = goingOn.map((item) => {
    const { current_period_end: end, price } = item
    if (end > now) return item
    const period = { ...periodAt(anchor, price, end), current_period_start: end }
    if (!isMetered(price)) lines.push(periodLine(world, customer, item, { start: end, end: period.current_period_end }))
    return { ...item, ...period, billed_until: period.current_period_end }
  })
  return { lines, items: next }
}

/** A renewal's draft stands for an hour, so that late usage and corrections still reach it. */
function settleDraft(world: StripeWorld, draft: Invoice, subscription: Subscription): void {
  const behavior = subscription.pause_collection?.behavior
  if (subscription.status === 'unpaid' || behavior === 'keep_as_draft') return
  const finalizesAt = world.now() + draftMs
  invoices(world).put(draft.id, {
    ...draft,
    auto_advance: true,
    automatically_finalizes_at: Math.floor(finalizesAt / 1000),
  })
  schedule(world, { kind: 'finalize_renewal', target: draft.id, dueAtMs: finalizesAt })
}

export function finalizeRenewal(world: StripeWorld, invoiceId: string): void {
  const draft = invoices(world).get(invoiceId)
  const id = draft?.parent?.subscription_details.subscription ?? ''
  const subscription = subscriptions(world).get(id)
  if (draft?.status !== 'draft' || subscription === undefined) return
  const counted = countUsageAnew(world, draft)
  const behavior = subscription.pause_collection?.behavior
  if (behavior === 'void') voidInvoice(world, finalizeInvoice(world, counted))
  else if (behavior === 'mark_uncollectible') markUncollectible(world, finalizeInvoice(world, counted))
  else finalizeAndCollect(world, counted, subscription)
}

/** Usage that was reported while the invoice was a draft. */
function countUsageAnew(world: StripeWorld, draft: Invoice): Invoice {
  const given = invoiceLines(world).get(draft.id)?.given ?? []
  if (!given.some(({ price }) => isMetered(price))) return draft
  const lines = given.map((line) =>
    line.subscriptionItem === null || !isMetered(line.price)
      ? line
      : {
          ...line,
          ...usageLine(world, draft.customer, { id: line.subscriptionItem, price: line.price }, line.period),
        },
  )
  return recountDraft(world, draft, lines)
}

export function retryInvoice(world: StripeWorld, invoiceId: string): void {
  const open = invoices(world).get(invoiceId)
  const subscription = subscriptions(world).get(open?.parent?.subscription_details.subscription ?? '')
  if (open?.status !== 'open' || subscription === undefined) return
  collect(world, open)
}

function pauseAtTrialEnd(world: StripeWorld, before: Subscription): void {
  const after = updateSubscription(world, before, {
    status: 'paused',
    status_details: {
      paused: {
        subscription: { type: 'trial_end_without_payment_method' },
        transitioned_at: seconds(world),
        type: 'subscription',
      },
    },
  })
  emit(world, 'customer.subscription.paused', after)
}
