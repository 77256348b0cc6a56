import * as z from 'zod'
import { type Customer, customers, requireCustomer } from './customers.js'
import { invalidRequest, missingParameter, stripeFailure } from './errors.js'
import { emit } from './events.js'
import { count, flag, list, text, tolerated } from './form.js'
import { pendingItems } from './invoice-items.js'
import { draftInvoice, type Invoice, type InvoiceLine } from './invoices.js'
import { route } from './route.js'
import { addPending, draftFor } from './subscription-billing.js'
import { planChange } from './subscription-change.js'
import { readItems } from './subscription-create.js'
import { creditLine, periodLine } from './subscription-lines.js'
import { hasEnded, isMetered, periodEnd, type Subscription, subscriptions } from './subscription-object.js'
import { cycleAnchor, itemChange, prorationBehavior, trialEnd } from './subscription-parameters.js'
import { nextPeriod } from './subscription-renewal.js'
import { requireSubscription } from './subscription-routes.js'
import { itemsAtRenewal } from './subscription-schedules.js'
import { itemsChange } from './subscription-update.js'
import { createDraft, updateSubscription } from './subscriptions.js'
import { clockOf } from './test-clocks.js'
import { newId, type StripeWorld, seconds, worldAt } from './world.js'

const details = z.strictObject({
  billing_cycle_anchor: z.union([cycleAnchor, count]).optional(),
  cancel_at: count.optional(),
  cancel_at_period_end: flag.optional(),
  cancel_now: flag.optional(),
  items: list(itemChange).optional(),
  proration_behavior: prorationBehavior.optional(),
  proration_date: count.optional(),
  trial_end: trialEnd.optional(),
  ...tolerated('billing_mode'),
})

type Details = z.output<typeof details>

/** What an invoice would be. Everything is done as if in earnest, and undone. */
export const subscriptionPreviewRoutes = [
  route(
    'POST /v1/invoices/create_preview',
    z.strictObject({
      customer: text.optional(),
      subscription: text.optional(),
      subscription_details: details.optional(),
      ...tolerated('preview_mode', 'currency'),
    }),
    ({ world, params }) => {
      const given = params.subscription_details ?? {}
      if (params.subscription !== undefined) {
        const subscription = requireSubscription(world, params.subscription)
        const own = clockOf(world, subscription)
        return preview(own, subscription.customer, () => upcoming(own, subscription, given))
      }
      if (params.customer === undefined) throw missingParameter('customer')
      const customer = requireCustomer(world, params.customer)
      const own = clockOf(world, customer)
      if (given.items !== undefined) return preview(own, customer.id, () => first(own, customer.id, given))
      const next = [...subscriptions(world).values()]
        .filter((each) => each.customer === customer.id && !hasEnded(each))
        .sort((a, b) => periodEnd(a) - periodEnd(b))[0]
      return preview(own, customer.id, () =>
        next === undefined ? pendingOnly(own, customer) : upcoming(own, next, {}),
      )
    },
  ),
]

/** Tells of an invoice to come, a week before. */
export function announceRenewal(world: StripeWorld, id: string): void {
  const subscription = subscriptions(world).get(id)
  if (subscription === undefined || hasEnded(subscription) || subscription.cancel_at_period_end) return
  const { customer } = subscription
  emit(
    world,
    'invoice.upcoming',
    preview(world, customer, () => upcoming(world, subscription, {})),
  )
}

/** Without a subscription: what the items that are pending come to. */
function pendingOnly(world: StripeWorld, customer: Customer): Invoice | undefined {
  const currency = customer.currency ?? 'usd'
  if (pendingItems(world, customer.id, currency, null).length === 0) return undefined
  return draftInvoice(world, {
    customer,
    currency,
    subscription: null,
    billingReason: 'upcoming',
    lines: [],
    metadata: {},
    includePending: true,
  })
}

function upcoming(world: StripeWorld, before: Subscription, given: Details): Invoice | undefined {
  if (hasEnded(before)) return undefined
  if (given.cancel_now) return draftFor(world, before, 'upcoming', endLines(world, before, given))
  if (typeof given.billing_cycle_anchor === 'number') {
    throw invalidRequest('billing_cycle_anchor of an existing subscription is `now` or `unchanged`.', {
      param: 'subscription_details[billing_cycle_anchor]',
    })
  }
  const plan = planChange(world, before, itemsChange({ ...given, billing_cycle_anchor: given.billing_cycle_anchor }))
  if (plan.invoicesNow) return draftFor(world, before, 'upcoming', plan.lines)
  addPending(world, before, plan.lines)
  const changed = updateSubscription(world, before, plan.change)
  const ends = given.cancel_at_period_end ?? changed.cancel_at_period_end
  const end = Math.min(periodEnd(changed), given.cancel_at ?? Number.POSITIVE_INFINITY)
  const then = worldAt(world, end * 1000)
  const goingOn = ends || given.cancel_at === end ? [] : itemsAtRenewal(then, changed)
  return draftFor(then, changed, 'upcoming', nextPeriod(then, changed, end, goingOn).lines)
}

function endLines(world: StripeWorld, before: Subscription, given: Details): readonly InvoiceLine[] {
  const now = seconds(world)
  return before.items.data.map((item) =>
    isMetered(item.price)
      ? periodLine(world, before.customer, item, { start: item.current_period_start, end: now })
      : given.proration_behavior === 'none'
        ? { ...creditLine(world, before, item, now), amount: 0 }
        : creditLine(world, before, item, given.proration_date ?? now),
  )
}

/** The first invoice of a subscription that does not exist yet. */
function first(world: StripeWorld, customerId: string, given: Details): Invoice | undefined {
  const customer = customers(world).get(customerId)
  if (customer === undefined) return undefined
  const items = (given.items ?? []).map((item, index) => {
    if (item.price === undefined) throw missingParameter(`subscription_details[items][${index}][price]`)
    return { price: item.price, quantity: item.quantity, metadata: item.metadata }
  })
  return createDraft(world, {
    customer,
    items: readItems(world, { items }),
    metadata: {},
    description: null,
    trialEnd: typeof given.trial_end === 'number' ? given.trial_end : null,
    billingCycleAnchor: typeof given.billing_cycle_anchor === 'number' ? given.billing_cycle_anchor : null,
    prorates: given.proration_behavior !== 'none',
  }).draft
}

function preview(world: StripeWorld, customer: string, work: () => Invoice | undefined): Invoice {
  const undo = new Error('Only a preview.')
  let made: Invoice | undefined
  try {
    world.journal.attempt(() => {
      made = work()
      throw undo
    })
  } catch (error) {
    if (error !== undo) throw error
  }
  if (made === undefined) {
    throw stripeFailure(404, {
      type: 'invalid_request_error',
      code: 'invoice_upcoming_none',
      message: `No upcoming invoices for customer: ${customer}`,
    })
  }
  const startingBalance = customers(world).get(customer)?.balance ?? 0
  const due = Math.max(0, made.total + startingBalance)
  return {
    ...made,
    id: newId('upcoming_in_1', 23),
    amount_due: due,
    amount_remaining: due,
    starting_balance: startingBalance,
    ending_balance: Math.min(0, made.total + startingBalance),
  }
}
