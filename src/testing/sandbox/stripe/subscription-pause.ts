import { periodAt } from './billing-cycle.js'
import { schedule } from './due.js'
import { invalidRequest } from './errors.js'
import { emit } from './events.js'
import { finalizeInvoice, type InvoiceLine } from './invoices.js'
import { wholeList } from './route.js'
import { addPending, collect, draftFor, finalizeAndCollect } from './subscription-billing.js'
import { creditLine, periodLine } from './subscription-lines.js'
import { isMetered, type Subscription, subscriptions } from './subscription-object.js'
import { updateSubscription } from './subscriptions.js'
import { type StripeWorld, seconds, tableOf } from './world.js'

export interface Pause {
  readonly bills: 'now' | 'none'
  readonly creditsFrom: 'now' | 'none' | 'item_current_period_start'
  readonly invoicing: 'invoice' | 'pending_invoice_item'
}

export interface Resumption {
  readonly anchor: 'now' | 'unchanged'
  readonly prorates: boolean
  readonly paysFirst: boolean
}

/** The invoice that has to be paid before a pause is over. */
export const resumptions = tableOf<{ readonly invoice: string; readonly paysFirst: boolean }>('resumptions')

const unpaidHours = 23

/** Stops service and invoices until it is resumed; what was paid and not used is credited. */
export function pauseSubscription(world: StripeWorld, before: Subscription, pause: Pause): Subscription {
  checkPausable(before)
  const now = seconds(world)
  const lines = before.items.data.flatMap((item): readonly InvoiceLine[] => {
    const { current_period_start: start, price } = item
    if (isMetered(price)) {
      return pause.bills === 'none' ? [] : [periodLine(world, before.customer, item, { start, end: now })]
    }
    if (pause.creditsFrom === 'none') return []
    return [creditLine(world, before, item, pause.creditsFrom === 'now' ? now : start)]
  })
  const billed = lines.filter(({ amount }) => amount !== 0)
  const draft = pause.invoicing === 'invoice' ? draftFor(world, before, 'subscription_update', billed) : undefined
  if (draft === undefined) addPending(world, before, billed)
  const after = updateSubscription(world, before, {
    status: 'paused',
    status_details: {
      paused: { subscription: { type: 'pause_requested' }, transitioned_at: now, type: 'subscription' },
    },
    ...(draft === undefined ? {} : { latest_invoice: draft.id }),
  })
  emit(world, 'customer.subscription.paused', after)
  if (draft !== undefined) finalizeAndCollect(world, draft, after)
  return subscriptions(world).get(after.id) ?? after
}

/** Bills what begins now. Until that is paid, or marked uncollectible, the subscription stays paused. */
export function resumeSubscription(world: StripeWorld, before: Subscription, how: Resumption): Subscription {
  if (before.status !== 'paused') {
    throw invalidRequest(
      `You cannot resume a subscription with a status of \`${before.status}\`; it must be \`paused\`.`,
    )
  }
  if (before.collection_method !== 'charge_automatically') {
    throw invalidRequest('Resume is only available for subscriptions that use charge_automatically collection.')
  }
  const now = seconds(world)
  const anchor = how.anchor === 'now' ? now : before.billing_cycle_anchor
  const next = { ...before, billing_cycle_anchor: anchor }
  const lines = before.items.data
    .filter(({ price }) => !isMetered(price))
    .flatMap((item): readonly InvoiceLine[] => {
      const period = periodAt(anchor, item.price, now)
      if (how.anchor === 'now') {
        return [periodLine(world, before.customer, item, { start: now, end: period.current_period_end })]
      }
      if (!how.prorates) return []
      const rest = creditLine(world, next, { ...item, ...period }, now)
      const description = rest.description.replace('Unused', 'Remaining')
      return [{ ...rest, amount: 0 - rest.amount, description }]
    })
  const draft = draftFor(world, before, 'subscription_update', lines)
  const waiting = updateSubscription(world, before, {
    billing_cycle_anchor: anchor,
    ...(draft === undefined ? {} : { latest_invoice: draft.id }),
  })
  if (draft === undefined) return restartPeriods(world, waiting)
  resumptions(world).put(before.id, { invoice: draft.id, paysFirst: how.paysFirst })
  const open = finalizeInvoice(world, draft)
  if (open.amount_due === 0 || how.paysFirst) collect(world, open)
  else
    schedule(world, { kind: 'expire_subscription', target: before.id, dueAtMs: world.now() + unpaidHours * 3_600_000 })
  return subscriptions(world).get(before.id) ?? waiting
}

/** The pause is over: items are in the period that holds this moment. */
export function restartPeriods(world: StripeWorld, before: Subscription): Subscription {
  const now = seconds(world)
  if (resumptions(world).has(before.id)) resumptions(world).delete(before.id)
  const after = updateSubscription(world, before, {
    status: 'active',
    status_details: undefined,
    items: wholeList(
      before.items.url,
      before.items.data.map((item) => {
        const period = periodAt(before.billing_cycle_anchor, item.price, now)
        return { ...item, ...period, billed_until: period.current_period_end }
      }),
    ),
  })
  emit(world, 'customer.subscription.resumed', after)
  return after
}

function checkPausable(subscription: Subscription): void {
  if (subscription.status !== 'active') {
    throw invalidRequest(`You cannot pause a subscription with a status of \`${subscription.status}\`.`)
  }
  if (subscription.billing_mode.type !== 'flexible') {
    throw invalidRequest('Only subscriptions with a flexible billing mode can be paused.')
  }
  if (subscription.collection_method !== 'charge_automatically') {
    throw invalidRequest('Only subscriptions that use charge_automatically collection can be paused.')
  }
  if (subscription.schedule !== null) {
    throw invalidRequest('You cannot pause a subscription that is managed by a subscription schedule.')
  }
}
