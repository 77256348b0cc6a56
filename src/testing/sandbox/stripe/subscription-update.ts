import type * as z from 'zod'
import { applyDiscounts, type DiscountChoice, removeDiscount } from './discounts.js'
import { schedule, unschedule } from './due.js'
import { invalidRequest } from './errors.js'
import { mergeMetadata } from './form.js'
import { checkMethod } from './subscription-billing.js'
import { applyChange, type ItemsChange, planChange } from './subscription-change.js'
import { checkCollection } from './subscription-create.js'
import { hasEnded, noCancellation, type Subscription } from './subscription-object.js'
import type { changeable } from './subscription-parameters.js'
import { cancellationAtPeriodEnd, updateSubscription } from './subscriptions.js'
import { requireRates, taxRates } from './tax-rates.js'
import { type StripeWorld, seconds } from './world.js'

type Revision = z.output<typeof changeable>

/** What an update may do while it waits for payment. */
const pendingAllows = new Set([
  'billing_cycle_anchor',
  'items',
  'payment_behavior',
  'proration_behavior',
  'proration_date',
  'trial_end',
  'off_session',
])

/** `POST /v1/subscriptions/:id` */
export function reviseSubscription(world: StripeWorld, before: Subscription, params: Revision): Subscription {
  if (hasEnded(before)) return reviseEnded(world, before, params)
  checkMethod(world, before.customer, params.default_payment_method)
  const paymentBehavior = params.payment_behavior ?? 'allow_incomplete'
  if (paymentBehavior === 'pending_if_incomplete') checkPending(params)
  if (before.status === 'incomplete' && (params.items !== undefined || params.trial_end !== undefined)) {
    throw invalidRequest(
      'You cannot update a subscription in `incomplete` status in this way. Only the default payment method, metadata and cancellation can be changed until its first invoice is paid.',
    )
  }
  const also = attributes(world, before, params)
  const billed = params.items ?? params.billing_cycle_anchor ?? params.trial_end
  if (billed === undefined) return updateSubscription(world, before, also)

  const plan = planChange(world, before, itemsChange(params))
  return applyChange(world, before, plan, paymentBehavior, also)
}

export function itemsChange(params: {
  readonly items?: ItemsChange['items']
  readonly proration_behavior?: ItemsChange['prorationBehavior']
  readonly proration_date?: number | undefined
  readonly billing_cycle_anchor?: { readonly type: 'now' | 'unchanged' } | undefined
  readonly trial_end?: ItemsChange['trialEnd']
}): ItemsChange {
  return {
    items: params.items,
    prorationBehavior: params.proration_behavior,
    prorationDate: params.proration_date,
    billingCycleAnchor: params.billing_cycle_anchor?.type,
    trialEnd: params.trial_end,
  }
}

/** Everything that bills nothing. */
function attributes(world: StripeWorld, before: Subscription, params: Revision): Partial<Subscription> {
  const method = params.collection_method ?? before.collection_method
  const days = params.days_until_due ?? (method === 'send_invoice' ? before.days_until_due : null)
  if (params.collection_method !== undefined || params.days_until_due !== undefined) checkCollection(method, days)
  return {
    ...(params.metadata === undefined ? {} : { metadata: mergeMetadata(before.metadata, params.metadata) }),
    ...(params.description === undefined ? {} : { description: params.description }),
    ...(params.default_payment_method === undefined ? {} : { default_payment_method: params.default_payment_method }),
    collection_method: method,
    days_until_due: days,
    ...(params.payment_settings?.save_default_payment_method === undefined
      ? {}
      : {
          payment_settings: {
            ...before.payment_settings,
            save_default_payment_method: params.payment_settings.save_default_payment_method,
          },
        }),
    ...(params.trial_settings === undefined
      ? {}
      : {
          trial_settings: {
            end_behavior: { ...before.trial_settings.end_behavior, ...params.trial_settings.end_behavior },
          },
        }),
    ...(params.discounts === undefined ? {} : { discounts: changedDiscounts(world, before, params.discounts) }),
    ...(params.automatic_tax === undefined
      ? {}
      : { automatic_tax: { ...before.automatic_tax, enabled: params.automatic_tax.enabled } }),
    ...(params.default_tax_rates === undefined
      ? {}
      : {
          default_tax_rates: requireRates(world, params.default_tax_rates ?? []).flatMap(
            (id) => taxRates(world).get(id) ?? [],
          ),
        }),
    ...cancellation(world, before, params),
    ...pauseCollection(world, before, params),
  }
}

/** The discounts that are named take the place of those there were. */
function changedDiscounts(world: StripeWorld, before: Subscription, choices: readonly DiscountChoice[]) {
  const after = applyDiscounts(world, choices, { customer: before.customer, subscription: before.id })
  for (const id of before.discounts) if (!after.includes(id)) removeDiscount(world, id)
  return after
}

function cancellation(world: StripeWorld, before: Subscription, params: Revision): Partial<Subscription> {
  const { cancel_at: at, cancel_at_period_end: atEnd, cancellation_details: details } = params
  if ((at !== undefined || atEnd !== undefined) && before.schedule !== null) {
    throw invalidRequest(
      `The subscription is managed by the subscription schedule \`${before.schedule}\`, and updating any cancelation behavior directly is not allowed. Please update the schedule instead.`,
      { param: at === undefined ? 'cancel_at_period_end' : 'cancel_at' },
    )
  }
  if (at !== undefined && at !== null && atEnd === true) {
    throw invalidRequest('You may only specify one of these parameters: cancel_at, cancel_at_period_end.', {
      param: 'cancel_at',
    })
  }
  const said = details === undefined ? {} : { comment: details.comment ?? null, feedback: details.feedback ?? null }
  if (atEnd !== undefined && atEnd !== before.cancel_at_period_end) {
    const change = cancellationAtPeriodEnd(world, before, atEnd)
    return { ...change, cancellation_details: { ...noCancellation, ...change.cancellation_details, ...said } }
  }
  if (at !== undefined) {
    if (at !== null && at <= seconds(world)) {
      throw invalidRequest('cancel_at must be in the future.', { param: 'cancel_at' })
    }
    return {
      cancel_at: at,
      cancel_at_period_end: false,
      canceled_at: at === null ? null : seconds(world),
      cancellation_details: { ...noCancellation, reason: at === null ? null : 'cancellation_requested', ...said },
    }
  }
  return details === undefined ? {} : { cancellation_details: { ...before.cancellation_details, ...said } }
}

function pauseCollection(world: StripeWorld, before: Subscription, params: Revision): Partial<Subscription> {
  const { pause_collection: pause } = params
  if (pause === undefined) return {}
  unschedule(world, 'resume_collection', before.id)
  if (pause === null) return { pause_collection: null }
  const resumesAt = pause.resumes_at ?? null
  if (resumesAt !== null) {
    if (resumesAt <= seconds(world)) {
      throw invalidRequest('resumes_at must be in the future.', { param: 'pause_collection[resumes_at]' })
    }
    schedule(world, { kind: 'resume_collection', target: before.id, dueAtMs: resumesAt * 1000 })
  }
  return { pause_collection: { behavior: pause.behavior, resumes_at: resumesAt } }
}

function reviseEnded(world: StripeWorld, before: Subscription, params: Revision): Subscription {
  const { metadata, cancellation_details: details, ...others } = params
  if (Object.keys(others).length > 0) {
    throw invalidRequest('A canceled subscription can only update its cancellation_details and metadata.')
  }
  return updateSubscription(world, before, {
    metadata: mergeMetadata(before.metadata, metadata),
    cancellation_details: {
      ...before.cancellation_details,
      ...(details === undefined ? {} : { comment: details.comment ?? null, feedback: details.feedback ?? null }),
    },
  })
}

function checkPending(params: Revision): void {
  const other = Object.keys(params).find((name) => !pendingAllows.has(name))
  if (other === undefined) return
  throw invalidRequest(
    `You can only pass items, billing_cycle_anchor, trial_end and proration parameters with payment_behavior=pending_if_incomplete, not ${other}.`,
    { param: other },
  )
}
