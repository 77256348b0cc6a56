import type * as z from 'zod'
import { intervalOf, periodAt } from './billing-cycle.js'
import { checkCurrency } from './customer-currency.js'
import type { Customer } from './customers.js'
import { invalidRequest } from './errors.js'
import { invoices } from './invoices.js'
import { checkMethod, collect } from './subscription-billing.js'
import { declined, requireMethod } from './subscription-change.js'
import { checkItems, checkQuantity, requireRecurringPrice } from './subscription-item-changes.js'
import { type ItemRequest, type Subscription, subscriptions } from './subscription-object.js'
import type { creatable } from './subscription-parameters.js'
import { createSubscription } from './subscriptions.js'
import { requireRates } from './tax-rates.js'
import { type StripeWorld, seconds } from './world.js'

/** `POST /v1/subscriptions`: starts one and charges its first invoice as `payment_behavior` says. */
export function startSubscription(
  world: StripeWorld,
  customer: Customer,
  params: z.output<typeof creatable>,
): Subscription {
  const behavior = params.payment_behavior ?? 'allow_incomplete'
  if (behavior === 'pending_if_incomplete') {
    throw invalidRequest(
      '`pending_if_incomplete` is only used with updates and cannot be passed when creating a Subscription.',
      {
        param: 'payment_behavior',
      },
    )
  }
  checkMethod(world, customer.id, params.default_payment_method)
  const items = readItems(world, params)
  checkCurrency(world, customer.id, items[0]?.price.currency ?? 'usd')
  const trialEnd = trialEndOf(world, params)
  checkTerms(world, params, items, trialEnd)
  const { subscription, invoice } = createSubscription(
    world,
    {
      customer,
      items,
      metadata: params.metadata ?? {},
      description: params.description ?? null,
      trialEnd,
      billingCycleAnchor: params.billing_cycle_anchor ?? null,
      billingMode: params.billing_mode?.type ?? 'flexible',
      cancelAt: params.cancel_at ?? null,
      cancelAtPeriodEnd: params.cancel_at_period_end ?? false,
      collectionMethod: params.collection_method ?? 'charge_automatically',
      daysUntilDue: params.days_until_due ?? null,
      defaultPaymentMethod: params.default_payment_method ?? null,
      missingPaymentMethod: params.trial_settings?.end_behavior.missing_payment_method ?? 'create_invoice',
      saveDefaultPaymentMethod: params.payment_settings?.save_default_payment_method ?? 'off',
      prorates: params.proration_behavior !== 'none',
      discounts: params.discounts ?? [],
      automaticTax: params.automatic_tax?.enabled ?? false,
      defaultTaxRates: requireRates(world, params.default_tax_rates ?? []),
    },
    'awaited',
  )
  if (invoice === undefined || subscription.status !== 'incomplete' || behavior === 'default_incomplete')
    return subscription
  requireMethod(world, subscription, invoice.amount_due)
  const settled = collect(world, invoices(world).get(invoice.id) ?? invoice)
  if (behavior === 'error_if_incomplete' && settled.status !== 'paid') throw declined()
  return subscriptions(world).get(subscription.id) ?? subscription
}

export function readItems(
  world: StripeWorld,
  params: Pick<z.output<typeof creatable>, 'items' | 'currency'>,
): readonly ItemRequest[] {
  const currency = params.currency?.toLowerCase()
  const items = params.items.map(({ price: id, quantity, metadata = {} }, index) => {
    const price = requireRecurringPrice(world, id, `items[${index}][price]`, currency)
    checkQuantity(price, quantity, `items[${index}][quantity]`)
    return { price, quantity: quantity ?? 1, metadata }
  })
  if (items.length === 0)
    throw invalidRequest('Missing required param: items.', { code: 'parameter_missing', param: 'items' })
  checkItems(items)
  const first = items[0]?.price.currency
  if (items.some(({ price }) => price.currency !== first)) {
    throw invalidRequest('All prices on a subscription must have the same currency.', { param: 'items' })
  }
  return items
}

function trialEndOf(world: StripeWorld, params: z.output<typeof creatable>): number | null {
  const now = seconds(world)
  if (params.trial_period_days !== undefined && params.trial_end !== undefined) {
    throw invalidRequest('You may only specify one of these parameters: trial_period_days, trial_end.', {
      param: 'trial_period_days',
    })
  }
  if (typeof params.trial_end === 'number') {
    if (params.trial_end > now) return params.trial_end
    throw invalidRequest('Invalid timestamp: must be an integer Unix timestamp in the future.', { param: 'trial_end' })
  }
  const days = params.trial_period_days ?? 0
  if (days > 730) throw invalidRequest('Trials can last at most 730 days.', { param: 'trial_period_days' })
  return days > 0 ? now + days * 86_400 : null
}

function checkTerms(
  world: StripeWorld,
  params: z.output<typeof creatable>,
  items: readonly ItemRequest[],
  trialEnd: number | null,
): void {
  const now = seconds(world)
  checkCollection(params.collection_method ?? 'charge_automatically', params.days_until_due)
  const anchor = params.billing_cycle_anchor
  if (anchor !== undefined) {
    if (anchor < now) {
      throw invalidRequest('billing_cycle_anchor cannot be in the past.', { param: 'billing_cycle_anchor' })
    }
    const shortest = Math.min(
      ...items.map(({ price }) => periodAt(trialEnd ?? now, price, trialEnd ?? now).current_period_end),
    )
    if (anchor > shortest) {
      const { interval } = intervalOf(items[0]?.price ?? never())
      throw invalidRequest(
        `billing_cycle_anchor cannot be later than the next natural billing date (${shortest}) for a ${interval} interval.`,
        { param: 'billing_cycle_anchor' },
      )
    }
  }
  if (params.cancel_at !== undefined && params.cancel_at <= now) {
    throw invalidRequest('cancel_at must be in the future.', { param: 'cancel_at' })
  }
}

export function checkCollection(
  method: 'charge_automatically' | 'send_invoice',
  days: number | undefined | null,
): void {
  if (method === 'send_invoice' && (days ?? null) === null) {
    throw invalidRequest(
      'You must pass `days_until_due` when creating a subscription with `collection_method` set to `send_invoice`.',
      { param: 'days_until_due' },
    )
  }
  if (method === 'charge_automatically' && (days ?? null) !== null) {
    throw invalidRequest('`days_until_due` can only be set with `collection_method` `send_invoice`.', {
      param: 'days_until_due',
    })
  }
}

function never(): never {
  throw new Error('A subscription has items.')
}
