import { type CheckoutSession, checkoutSessions, details } from './checkout-session.js'
import { customers } from './customers.js'
import { unschedule } from './due.js'
import { emit } from './events.js'
import { invoiceOfIntent } from './invoice-payments.js'
import type { PaymentIntent } from './payment-intents.js'
import type { StripeWorld } from './world.js'

/** Ends an open session. `paid` is false while a bank has not answered. */
export function completeSession(
  world: StripeWorld,
  session: CheckoutSession,
  bought: Partial<CheckoutSession>,
  paid: boolean,
): CheckoutSession {
  const customer = customers(world).get(bought.customer ?? session.customer ?? '')
  const email = customer?.email ?? session.customer_email ?? bought.customer_email ?? null
  const free = session.payment_status === 'no_payment_required'
  const complete: CheckoutSession = {
    ...session,
    ...bought,
    customer: customer?.id ?? session.customer,
    customer_email: session.customer_email,
    customer_details: details(email, customer?.name ?? null),
    payment_status: free ? 'no_payment_required' : paid ? 'paid' : 'unpaid',
    status: 'complete',
    url: null,
  }
  checkoutSessions(world).put(complete.id, complete)
  unschedule(world, 'expire_session', complete.id)
  emit(world, 'checkout.session.completed', complete)
  return complete
}

/** A delayed payment of a complete session arrives, or does not. */
export function followSessionPayment(world: StripeWorld, intent: PaymentIntent, succeeds: boolean): void {
  const invoice = invoiceOfIntent(world, intent.id)?.invoice.id
  for (const session of checkoutSessions(world).values()) {
    const mine = session.payment_intent === intent.id || (invoice !== undefined && session.invoice === invoice)
    if (!mine || session.status !== 'complete' || session.payment_status !== 'unpaid') continue
    if (!succeeds) {
      emit(world, 'checkout.session.async_payment_failed', session)
      return
    }
    const paid: CheckoutSession = { ...session, payment_status: 'paid' }
    checkoutSessions(world).put(session.id, paid)
    emit(world, 'checkout.session.async_payment_succeeded', paid)
    return
  }
}
