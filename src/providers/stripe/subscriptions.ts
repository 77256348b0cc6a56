import type Stripe from 'stripe'
import type { CallOptions } from '../../core/ports/call-options.js'
import type { Subscription, SubscriptionsCapability } from '../../core/ports/capabilities/subscriptions.js'
import type { MeterNames } from '../door/meter-names.js'
import type { StripeCall } from './call.js'
import { everyRow } from './every-row.js'
import { collected } from './payment-outcome.js'
import type { StripePriceList } from './prices.js'
import { hasEnded, readSubscription, releaseSchedule, running } from './read-subscription.js'
import {
  invoiceId,
  type PlanNames,
  type StripeSubscription,
  subscriptionSchema,
  toSubscription,
} from './subscription.js'
import { subscriptionChanges } from './subscription-change.js'

/** What begins again is paid for first; what was paid before and not used was credited with the pause. */
const goingOn = {
  billing_cycle_anchor: { type: 'now' },
  payment_behavior: 'resume_on_payment_success',
} as const satisfies Stripe.SubscriptionResumeParams

/**
 * Subscriptions as Stripe has them now, and changes of them.
 *
 * @see https://docs.stripe.com/api/subscriptions
 */
export function stripeSubscriptions(
  call: StripeCall,
  prices: StripePriceList,
  eventName: MeterNames,
  planOf: PlanNames,
): Required<SubscriptionsCapability> {
  const view = (subscription: StripeSubscription) => toSubscription(subscription, planOf)
  const read = (externalId: string, options: CallOptions) => readSubscription(call, externalId, options)

  /** Sets what may be set again and again. A subscription that has ended cannot be changed. */
  const update = async (
    externalId: string,
    options: CallOptions,
    change: { readonly cancel_at_period_end: boolean },
  ): Promise<Subscription> => {
    await call.write(options, (client, request) => client.subscriptions.update(externalId, change, request))
    return view(await read(externalId, options))
  }

  return {
    async get(externalId, options) {
      return view(await read(externalId, options))
    },
    async list(customerId, options) {
      const found = await everyRow(subscriptionSchema, (start) =>
        call.read(options, (client, request) =>
          client.subscriptions.list(
            { customer: customerId, status: 'all', expand: ['data.schedule', 'data.latest_invoice'], ...start },
            request,
          ),
        ),
      )
      return [...found].sort((left, right) => right.created - left.created).map(view)
    },
    ...subscriptionChanges(call, prices, eventName, planOf),
    async cancel(externalId, when, options) {
      const found = await read(externalId, options)
      // A repeat of what has ended it already.
      if (when === 'now' && hasEnded(found)) return view(found)
      const before = running(found)
      await releaseSchedule(call, before, options)
      if (when === 'period_end') return update(externalId, options, { cancel_at_period_end: true })
      // Otherwise nobody would ever be charged for what was used since the last invoice.
      const isMetered = before.items.data.some(({ price }) => price.recurring?.usage_type === 'metered')
      const how = isMetered ? { invoice_now: true } : {}
      await call.write(options, (client, request) => client.subscriptions.cancel(externalId, how, request))
      return view(await read(externalId, options))
    },
    async reactivate(externalId, options) {
      const before = running(await read(externalId, options))
      await releaseSchedule(call, before, options)
      return update(externalId, options, { cancel_at_period_end: false })
    },
    async pause(externalId, options) {
      const before = running(await read(externalId, options))
      if (before.status === 'paused') return view(before)
      // A schedule would go on by itself, so Stripe refuses to pause one.
      await releaseSchedule(call, before, options)
      await call.write(options, (client, request) =>
        client.subscriptions.pause(externalId, { type: 'subscription' }, request),
      )
      return view(await read(externalId, options))
    },
    async resume(externalId, options) {
      const before = running(await read(externalId, options))
      if (before.pause_collection != null)
        await call.write(options, (client, request) =>
          client.subscriptions.update(externalId, { pause_collection: '' }, request),
        )
      else if (before.status === 'paused')
        await call.write(options, (client, request) => client.subscriptions.resume(externalId, goingOn, request))
      const after = await read(externalId, options)
      const [billed, known] = [invoiceId(after), invoiceId(before)]
      const payment = billed !== null && billed !== known ? await collected(call, billed, options) : null
      return { subscription: view(after), payment }
    },
  }
}
