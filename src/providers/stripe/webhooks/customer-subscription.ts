import type { EventObject, Handlers } from './handler.js'

/** Events of a subscription. They come in any order, so none of them is believed: the subscription is read again. */
export const customerSubscriptionHandlers: Handlers = {
  'customer.subscription.created': subscription,
  /** Renewals, changes of plan, failed payments, and a cancellation asked for or taken back. */
  'customer.subscription.updated': subscription,
  /** Over: cancelled now, or the last period has ended. */
  'customer.subscription.deleted': subscription,
  'customer.subscription.paused': subscription,
  'customer.subscription.resumed': subscription,
  'customer.subscription.trial_will_end': subscription,
  /** A change that had to be paid first. */
  'customer.subscription.pending_update_applied': subscription,
  'customer.subscription.pending_update_expired': subscription,
}

function subscription({ id }: EventObject) {
  return { kind: 'subscription', externalId: id } as const
}
