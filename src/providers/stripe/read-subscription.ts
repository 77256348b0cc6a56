import { BillingError } from '../../core/errors.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import { withoutKey } from '../door/door.js'
import { parseAnswer, type StripeCall } from './call.js'
import { type StripeSubscription, subscriptionSchema } from './subscription.js'

/** The subscription with its schedule. @throws BillingError `not_found` */
export async function readSubscription(
  call: StripeCall,
  externalId: string,
  options: CallOptions,
): Promise<StripeSubscription> {
  if (externalId === '') throw new BillingError('not_found', 'A subscription has an id.')
  const answer = await call.read(options, (client, request) =>
    client.subscriptions.retrieve(externalId, { expand: ['schedule', 'latest_invoice'] }, request),
  )
  return parseAnswer(subscriptionSchema, answer)
}

/** Lets the subscription go on as it is. @see https://docs.stripe.com/api/subscription_schedules/release */
export async function releaseSchedule(
  call: StripeCall,
  { schedule }: StripeSubscription,
  options: CallOptions,
): Promise<void> {
  if (typeof schedule !== 'object' || schedule === null || schedule.status !== 'active') return
  await call.write(withoutKey(options), (client, request) =>
    client.subscriptionSchedules.release(schedule.id, {}, request),
  )
}

/** @throws BillingError `invalid_state` for one that has ended */
export function running(subscription: StripeSubscription): StripeSubscription {
  const { id, status } = subscription
  if (!hasEnded(subscription)) return subscription
  throw new BillingError('invalid_state', `Subscription ${id} has ended: it cannot be changed any more.`, {
    details: { subscriptionId: id, status },
  })
}

export function hasEnded({ status }: StripeSubscription): boolean {
  return status === 'canceled' || status === 'incomplete_expired'
}
