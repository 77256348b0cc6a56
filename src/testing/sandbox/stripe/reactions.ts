import { expireSession } from './checkout.js'
import { checkoutSessions } from './checkout-session.js'
import { expirePromotionCode } from './coupons.js'
import { expireDueGrant, restoreCredits } from './credit-grants.js'
import type { DueKind, DueWork } from './due.js'
import { reportMeterErrors } from './meter-errors.js'
import { paymentDuties } from './payment-duties.js'
import { paymentFollowers } from './payment-followers.js'
import { invoiceFollowers } from './subscription-dunning.js'
import { subscriptionDuties } from './subscription-duties.js'
import { hasEnded, subscriptions } from './subscription-object.js'
import { endSubscription } from './subscriptions.js'
import { testClockDuties } from './test-clock-routes.js'
import type { Follower, StripeWorld } from './world.js'

/** What happens by itself, when its time has come. */
export const duties: Readonly<Record<DueKind, (world: StripeWorld, work: DueWork) => void>> = {
  expire_session: (world, { target }) => {
    const session = checkoutSessions(world).get(target)
    if (session?.status === 'open') expireSession(world, session)
  },
  ...paymentDuties,
  ...subscriptionDuties,
  report_meter_errors: (world) => reportMeterErrors(world),
  ...testClockDuties,
  expire_credit: (world, { target }) => expireDueGrant(world, target),
  expire_promotion_code: (world, { target }) => expirePromotionCode(world, target),
}

/** What follows within the twin from an event. */
export const followers = joinFollowers(paymentFollowers, invoiceFollowers, {
  // Stripe cancels what a customer who is deleted is subscribed to.
  'customer.deleted': (world, customer) => {
    const { id } = customer as { readonly id: string }
    for (const subscription of [...subscriptions(world).values()])
      if (subscription.customer === id && !hasEnded(subscription)) endSubscription(world, subscription)
  },
  'invoice.voided': (world, invoice) => restoreCredits(world, (invoice as { readonly id: string }).id),
})

function joinFollowers(...sets: readonly StripeWorld['followers'][]): StripeWorld['followers'] {
  const joined = new Map<string, Follower[]>()
  for (const [type, follower] of sets.flatMap((set) => Object.entries(set))) {
    joined.set(type, [...(joined.get(type) ?? []), follower])
  }
  const each = (all: readonly Follower[]): Follower => {
    return (world, object) => {
      for (const follower of all) follower(world, object)
    }
  }
  return Object.fromEntries([...joined].map(([type, all]) => [type, each(all)]))
}
