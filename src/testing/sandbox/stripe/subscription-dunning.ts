import { schedule, unschedule } from './due.js'
import { intentOf } from './invoice-payments.js'
import { type Invoice, invoices, updateInvoice, voidInvoice } from './invoices.js'
import { nextAttempt } from './payment-retries.js'
import { applyPendingUpdate } from './subscription-change.js'
import { hasEnded, type Subscription, subscriptions } from './subscription-object.js'
import { restartPeriods, resumptions } from './subscription-pause.js'
import { endSubscription, updateSubscription } from './subscriptions.js'
import { type Follower, type StripeWorld, seconds } from './world.js'

/** What becomes of a subscription when something becomes of its invoice. */
export const invoiceFollowers: Readonly<Record<string, Follower>> = {
  'invoice.paid': (world, invoice) => paid(world, invoice as Invoice),
  'invoice.payment_failed': (world, invoice) => failed(world, invoice as Invoice),
  'invoice.voided': (world, invoice) => voided(world, invoice as Invoice),
  'invoice.marked_uncollectible': (world, invoice) => paid(world, invoice as Invoice),
}

function paid(world: StripeWorld, invoice: Invoice): void {
  unschedule(world, 'retry_invoice', invoice.id)
  const subscription = subscriptionOf(world, invoice)
  // An older debt that is settled does not lift the newer one.
  if (subscription === undefined || subscription.latest_invoice !== invoice.id || hasEnded(subscription)) return
  unschedule(world, 'expire_subscription', subscription.id)
  unschedule(world, 'expire_pending_update', subscription.id)
  const saved = invoice.status === 'paid' ? saveMethod(world, invoice, subscription) : subscription
  const current = invoice.status === 'paid' ? applyPendingUpdate(world, saved) : saved
  if (current.status === 'paused') {
    if (resumptions(world).get(current.id)?.invoice === invoice.id) restartPeriods(world, current)
    return
  }
  const status = (current.trial_end ?? 0) > seconds(world) ? 'trialing' : 'active'
  if (current.status !== status) updateSubscription(world, current, { status })
}

/** What paid the first invoice is what later ones are charged to, where the subscription says so. */
function saveMethod(world: StripeWorld, invoice: Invoice, subscription: Subscription): Subscription {
  const method = intentOf(world, invoice.id)?.payment_method ?? null
  const saves = subscription.payment_settings.save_default_payment_method === 'on_subscription'
  if (!saves || method === null || subscription.default_payment_method === method) return subscription
  return updateSubscription(world, subscription, { default_payment_method: method })
}

function failed(world: StripeWorld, invoice: Invoice): void {
  const subscription = subscriptionOf(world, invoice)
  if (subscription === undefined || hasEnded(subscription)) return
  if (subscription.status === 'incomplete' || subscription.pending_update !== null) return
  if (subscription.status === 'paused') {
    const resumption = resumptions(world).get(subscription.id)
    if (resumption?.invoice !== invoice.id) return
    // Paused until it is paid, which Stripe tries again.
    if (resumption.paysFirst) {
      const next_payment_attempt = nextAttempt(world, invoice.attempt_count)
      retryLater(world, updateInvoice(world, invoice, { ...invoice, next_payment_attempt }))
      return
    }
    // Resumed with the attempt, whatever came of it; Stripe does not try again by itself.
    unschedule(world, 'expire_subscription', subscription.id)
    updateSubscription(world, restartPeriods(world, subscription), { status: 'past_due' })
    return
  }
  if (subscription.status === 'active' || subscription.status === 'trialing') {
    updateSubscription(world, subscription, { status: 'past_due' })
  }
  if (invoice.next_payment_attempt !== null) retryLater(world, invoice)
  else if (invoice.attempt_count > world.recovery.retryDays.length) {
    giveUp(world, subscriptions(world).get(subscription.id) ?? subscription)
  }
}

function retryLater(world: StripeWorld, { id, next_payment_attempt: next }: Invoice): void {
  if (next !== null) schedule(world, { kind: 'retry_invoice', target: id, dueAtMs: next * 1000 })
}

/** After the last attempt the account's setting decides. */
function giveUp(world: StripeWorld, subscription: Subscription): void {
  const { afterwards } = world.recovery
  if (afterwards === 'cancel') endSubscription(world, subscription, { reason: 'payment_failed' })
  else if (afterwards === 'unpaid') updateSubscription(world, subscription, { status: 'unpaid' })
}

function voided(world: StripeWorld, invoice: Invoice): void {
  unschedule(world, 'retry_invoice', invoice.id)
  const subscription = subscriptionOf(world, invoice)
  if (subscription === undefined || subscription.latest_invoice !== invoice.id) return
  if (subscription.status === 'incomplete') endSubscription(world, subscription)
  else if (subscription.status === 'past_due') updateSubscription(world, subscription, { status: 'active' })
}

/** The first payment did not come in time. */
export function expireSubscription(world: StripeWorld, id: string): void {
  const before = subscriptions(world).get(id)
  const invoice = invoices(world).get(before?.latest_invoice ?? '')
  if (before?.status === 'incomplete') {
    endSubscription(world, before, {})
    if (invoice?.status === 'open') voidInvoice(world, invoice)
  }
  // A resumption that nobody paid for is taken back; the subscription stays paused.
  if (before?.status === 'paused' && invoice?.status === 'open') voidInvoice(world, invoice)
}

function subscriptionOf(world: StripeWorld, invoice: Invoice): Subscription | undefined {
  return subscriptions(world).get(invoice.parent?.subscription_details?.subscription ?? '')
}
