import * as z from 'zod'
import { BillingError } from '../../core/errors.js'
import type {
  Subscription,
  SubscriptionStatus,
  SubscriptionsCapability,
} from '../../core/ports/capabilities/subscriptions.js'
import { parseAnswer, type StripeCall } from './call.js'
import { everyRow } from './every-row.js'
import { reference } from './reference.js'

const itemSchema = z.object({ current_period_start: z.number(), current_period_end: z.number() })

const subscriptionSchema = z.object({
  id: z.string().min(1),
  created: z.number(),
  customer: reference,
  status: z.string(),
  pause_collection: z.unknown().optional(),
  metadata: z.record(z.string(), z.string()).nullish(),
  cancel_at_period_end: z.boolean(),
  cancel_at: z.number().nullish(),
  billing_cycle_anchor: z.number().nullish(),
  items: z.object({ data: z.array(itemSchema) }),
})

type StripeSubscription = z.output<typeof subscriptionSchema>

const statuses: ReadonlyMap<string, SubscriptionStatus> = new Map([
  ['incomplete', 'pending'],
  ['trialing', 'trialing'],
  ['active', 'active'],
  ['past_due', 'past_due'],
  // All retries have failed; Stripe goes on making invoices and collects none of them.
  // https://docs.stripe.com/billing/subscriptions/overview#subscription-statuses
  ['unpaid', 'unpaid'],
  ['paused', 'paused'],
  ['canceled', 'canceled'],
  ['incomplete_expired', 'canceled'],
])

/**
 * Subscriptions as Stripe has them now.
 *
 * @see https://docs.stripe.com/api/subscriptions/object
 */
export function stripeSubscriptions(call: StripeCall): SubscriptionsCapability {
  return {
    async get(externalId, options) {
      if (externalId === '') throw new BillingError('not_found', 'A subscription has an id.')
      return fromStripeSubscription(
        await call.read(options, (client, request) => client.subscriptions.retrieve(externalId, {}, request)),
      )
    },
    async list(customerId, options) {
      const found = await everyRow(subscriptionSchema, (start) =>
        call.read(options, (client, request) =>
          client.subscriptions.list({ customer: customerId, status: 'all', ...start }, request),
        ),
      )
      return [...found].sort((left, right) => right.created - left.created).map(toSubscription)
    },
  }
}

/** A subscription in our words. @throws BillingError `provider_response_invalid` */
export function fromStripeSubscription(answer: unknown): Subscription {
  return toSubscription(parseAnswer(subscriptionSchema, answer))
}

function toSubscription(subscription: StripeSubscription): Subscription {
  const period = currentPeriod(subscription)
  const cancelAt = subscription.cancel_at ?? null
  return {
    externalId: subscription.id,
    customerId: subscription.customer,
    status: statusOf(subscription),
    plan: subscription.metadata?.billfold_plan ?? null,
    anchor: typeof subscription.billing_cycle_anchor === 'number' ? subscription.billing_cycle_anchor * 1000 : null,
    currentPeriodStartsAt: period === undefined ? null : period.current_period_start * 1000,
    currentPeriodEndsAt: period === undefined ? null : period.current_period_end * 1000,
    // Newer billing modes name the moment instead of the period: cancelling at its end is then a `cancel_at` that equals it.
    cancelsAtPeriodEnd:
      subscription.cancel_at_period_end ||
      (cancelAt !== null && period !== undefined && cancelAt <= period.current_period_end),
  }
}

/** Periods live on the items since the API of 2025-03-31. Ours have one item; of several, the one that renews first counts. */
function currentPeriod({ items }: StripeSubscription) {
  return [...items.data].sort((left, right) => left.current_period_end - right.current_period_end)[0]
}

/** A subscription whose collection is paused stays `active` at Stripe, and earns nothing. */
function statusOf({ status, pause_collection: paused }: StripeSubscription): SubscriptionStatus {
  const mapped = statuses.get(status) ?? 'unknown'
  return mapped === 'active' && paused !== null && paused !== undefined ? 'paused' : mapped
}
