import type { Customer } from './customers.js'
import { setDefaultMethod } from './customers.js'
import { applyDiscounts } from './discounts.js'
import { isStripeFailure } from './errors.js'
import {
  attachPaymentMethod,
  createPaymentMethod,
  detachPaymentMethod,
  markSetUp,
  mustAuthenticate,
  noBillingDetails,
  paymentMethods,
  testCardOf,
} from './payment-methods.js'
import type { PortalSession } from './portal.js'
import { type PortalFeatures, portalConfigurations } from './portal-configurations.js'
import { attemptSetup, createSetupIntent } from './setup-intents.js'
import { cancelSubscription } from './subscription-cancel.js'
import { hasEnded, type Subscription, subscriptions } from './subscription-object.js'
import { pauseSubscription, resumeSubscription } from './subscription-pause.js'
import { reviseSubscription } from './subscription-update.js'
import { cancelAtPeriodEnd, updateSubscription } from './subscriptions.js'
import { testCardNumbered } from './test-cards.js'
import { clockOf } from './test-clocks.js'
import type { StripeWorld } from './world.js'

/** What a press of a button led to. */
export type Deed =
  | { readonly kind: 'done'; readonly message: string }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'authenticate'; readonly location: string }
  | { readonly kind: 'missing' }

export const portalDeeds: Readonly<
  Record<string, (world: StripeWorld, session: PortalSession, customer: Customer, form: URLSearchParams) => Deed>
> = {
  cancel: withSubscription((world, before, form, { subscription_cancel: feature }) => {
    if (!feature.enabled) return missing
    const feedback = form.get('reason') || undefined
    if (feature.mode === 'immediately') {
      const how = {
        invoiceNow: feature.proration_behavior === 'always_invoice',
        prorate: feature.proration_behavior !== 'none',
      }
      cancelSubscription(world, before, { ...how, details: undefined })
      return done('Your subscription is canceled.')
    }
    const ending = cancelAtPeriodEnd(world, before, true)
    if (feedback !== undefined) {
      updateSubscription(world, ending, { cancellation_details: { ...ending.cancellation_details, feedback } })
    }
    return done('Your subscription ends with its period.')
  }),
  reactivate: withSubscription((world, before) => {
    cancelAtPeriodEnd(world, before, false)
    return done('Your subscription goes on.')
  }),
  switch: withSubscription((world, before, form, { subscription_update: feature }) => {
    const price = form.get('price') ?? ''
    const item = before.items.data.find(({ id }) => id === form.get('item')) ?? before.items.data[0]
    const offered = feature.products.some(({ prices }) => prices.includes(price))
    if (!feature.enabled || item === undefined || !offered) return missing
    const quantity = Number(form.get('quantity') ?? '')
    return revise(world, before, feature, [
      { id: item.id, price, ...(Number.isSafeInteger(quantity) && quantity > 0 ? { quantity } : {}) },
    ])
  }),
  pause: withSubscription((world, before, _form, { subscription_pause: feature }) => {
    if (!feature.enabled) return missing
    pauseSubscription(world, before, { bills: 'now', creditsFrom: 'now', invoicing: 'pending_invoice_item' })
    return done('Your subscription is paused.')
  }),
  resume: withSubscription((world, before) => {
    resumeSubscription(world, before, { anchor: 'now', prorates: true, paysFirst: false })
    return done('Your subscription goes on.')
  }),
  confirm(world, session, _customer, _form) {
    const wanted = session.flow?.subscription_update_confirm
    const before = subscriptions(world).get(wanted?.subscription ?? '')
    if (wanted == null || before === undefined || before.customer !== session.customer) return missing
    const { subscription_update: feature } = featuresOf(world, session)
    const items = wanted.items.map(({ id, price, quantity }) => ({
      id,
      ...(price === null ? {} : { price }),
      ...(quantity === undefined ? {} : { quantity }),
    }))
    if (wanted.discounts !== null) {
      const choices = wanted.discounts.map(({ coupon, promotion_code: code }) => ({
        ...(coupon === null ? {} : { coupon }),
        ...(code === null ? {} : { promotion_code: code }),
      }))
      const discounts = applyDiscounts(world, choices, { customer: before.customer, subscription: before.id })
      return revise(world, updateSubscription(world, before, { discounts }), feature, items)
    }
    return revise(world, before, feature, items)
  },
  card(world, session, customer, form) {
    if (!featuresOf(world, session).payment_method_update.enabled) return missing
    const card = testCardNumbered(form.get('card') ?? '')
    if (card === undefined)
      return { kind: 'refused', message: 'Your card number is incorrect. Pick one of the test cards.' }
    if (card.refusesToBeSaved && card.decline !== undefined) return { kind: 'refused', message: card.decline.message }
    const billing = { ...noBillingDetails, email: customer.email, name: customer.name }
    const method = attachPaymentMethod(world, createPaymentMethod(world, { card, billing }), customer.id)
    setDefaultMethod(world, customer, method.id)
    if (!mustAuthenticate(world, method, false)) {
      markSetUp(world, method)
      return done(`${testCardOf(world, method).label} is your payment method now.`)
    }
    const setup = createSetupIntent(world, {
      customer: customer.id,
      description: null,
      metadata: {},
      usage: 'off_session',
      paymentMethod: method.id,
      allowRedirects: 'always',
    })
    attemptSetup(world, setup, method, { returnUrl: world.pageUrl(`/portal/${session.id}/done`) })
    return { kind: 'authenticate', location: `/authenticate/${setup.id}` }
  },
  default(world, session, customer, form) {
    const method = paymentMethods(world).get(form.get('method') ?? '')
    if (method?.customer !== customer.id || !featuresOf(world, session).payment_method_update.enabled) return missing
    setDefaultMethod(world, customer, method.id)
    return done('Your payment method is changed.')
  },
  remove(world, session, customer, form) {
    const method = paymentMethods(world).get(form.get('method') ?? '')
    if (method?.customer !== customer.id || !featuresOf(world, session).payment_method_update.enabled) return missing
    if (customer.invoice_settings.default_payment_method === method.id) {
      return { kind: 'refused', message: 'This is the method your invoices are charged to. Choose another one first.' }
    }
    detachPaymentMethod(world, method)
    return done('The payment method is removed.')
  },
}

const missing: Deed = { kind: 'missing' }

export function featuresOf(world: StripeWorld, session: PortalSession): PortalFeatures {
  const configuration = portalConfigurations(world).get(session.configuration)
  if (configuration === undefined) throw new Error(`The portal session ${session.id} has no configuration.`)
  return configuration.features
}

function done(message: string): Deed {
  return { kind: 'done', message }
}

/** Nobody touches a subscription of somebody else, nor one that is over. */
function withSubscription(
  work: (world: StripeWorld, before: Subscription, form: URLSearchParams, features: PortalFeatures) => Deed,
) {
  return (world: StripeWorld, session: PortalSession, customer: Customer, form: URLSearchParams): Deed => {
    const before = subscriptions(world).get(form.get('subscription') ?? '')
    if (before === undefined || before.customer !== customer.id) return missing
    if (hasEnded(before)) return { kind: 'refused', message: 'This subscription has ended.' }
    return orRefused(world, () => work(clockOf(world, before), before, form, featuresOf(world, session)))
  }
}

function revise(
  world: StripeWorld,
  before: Subscription,
  feature: PortalFeatures['subscription_update'],
  items: readonly { readonly id: string; readonly price?: string; readonly quantity?: number }[],
): Deed {
  return orRefused(world, () => {
    reviseSubscription(world, before, {
      items: [...items],
      proration_behavior: feature.proration_behavior,
      ...(feature.billing_cycle_anchor === null
        ? {}
        : { billing_cycle_anchor: { type: feature.billing_cycle_anchor } }),
    })
    return done('Your plan is changed.')
  })
}

/** What is refused half-way is undone. */
function orRefused(world: StripeWorld, work: () => Deed): Deed {
  try {
    return world.journal.attempt(work)
  } catch (error) {
    if (!isStripeFailure(error)) throw error
    return { kind: 'refused', message: error.message }
  }
}
