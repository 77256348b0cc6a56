import Stripe from 'stripe'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from '../../src/testing/sandbox/sandbox.js'

let box: Sandbox
let stripe: Stripe
let customer: string
let basic: Stripe.Price
let pro: Stripe.Price
let subscription: Stripe.Subscription

beforeEach(async () => {
  box = await sandbox({ merchantName: 'Otter & Sons' })
  const { apiKey, ...address } = box.stripe
  stripe = new Stripe(apiKey, { ...address, telemetry: false, maxNetworkRetries: 0 })
  customer = (await stripe.customers.create({ email: 'ada@example.com' })).id
  const card = await stripe.paymentMethods.attach('pm_card_visa', { customer })
  await stripe.customers.update(customer, { invoice_settings: { default_payment_method: card.id } })
  const product = await stripe.products.create({ name: 'Plan' })
  const monthly = { product: product.id, currency: 'usd', recurring: { interval: 'month' as const } }
  basic = await stripe.prices.create({ ...monthly, unit_amount: 1000 })
  pro = await stripe.prices.create({ ...monthly, unit_amount: 3000 })
  subscription = await stripe.subscriptions.create({ customer, items: [{ price: basic.id }] })
})
afterEach(() => box.close())

describe('the portal’s configurations', () => {
  it('S3.5 are made, changed, listed and checked', async () => {
    const made = await everything({ name: 'All', default_return_url: 'https://shop.test/back' })
    expect(made.features.subscription_update).toMatchObject({
      enabled: true,
      proration_behavior: 'always_invoice',
      products: [{ prices: [basic.id, pro.id], adjustable_quantity: { enabled: false } }],
    })
    const changed = await stripe.billingPortal.configurations.update(made.id, {
      active: false,
      features: { subscription_cancel: { enabled: true, mode: 'immediately' } },
    })
    expect(changed).toMatchObject({
      active: false,
      features: { subscription_cancel: { mode: 'immediately' }, subscription_update: { enabled: true } },
    })
    expect((await stripe.billingPortal.configurations.list({ active: false })).data.map(({ id }) => id)).toEqual([
      made.id,
    ])
    await expect(portal({ configuration: made.id })).rejects.toMatchObject({ param: 'configuration' })
    await expect(
      stripe.billingPortal.configurations.create({ features: { subscription_update: { enabled: true } } }),
    ).rejects.toMatchObject({ param: 'features[subscription_update][products]' })
    const [usual] = (await stripe.billingPortal.configurations.list({ is_default: true })).data
    await expect(stripe.billingPortal.configurations.update(usual?.id ?? '', { active: false })).rejects.toMatchObject({
      param: 'active',
    })
  })
})

describe('the portal', () => {
  it('S3.5 adds a card, makes it the default, and removes the old one', async () => {
    const session = await portal()
    const [first] = (await stripe.customers.listPaymentMethods(customer)).data
    expect((await press(session, 'card', { card: '4000000000000002' })).status).toBe(402)
    const added = await press(session, 'card', { card: '5555555555554444' })
    expect(added.status).toBe(303)
    const methods = (await stripe.customers.listPaymentMethods(customer)).data
    expect(methods).toHaveLength(2)
    expect(await usualMethod()).toBe(methods[0]?.id)
    expect((await press(session, 'remove', { method: methods[0]?.id ?? '' })).status).toBe(402)
    await press(session, 'default', { method: first?.id ?? '' })
    expect(await usualMethod()).toBe(first?.id)
    await press(session, 'remove', { method: methods[0]?.id ?? '' })
    expect((await stripe.customers.listPaymentMethods(customer)).data).toHaveLength(1)
    expect((await press(session, 'default', { method: 'pm_none' })).status).toBe(404)
  })

  it('S3.5 sends to 3-D Secure for a card that asks for it', async () => {
    const session = await portal()
    const sent = await press(session, 'card', { card: '4000002500003155' })
    const step = sent.headers.get('location') ?? ''
    expect(step).toContain('/authenticate/seti_')
    const back = await fetch(`${box.url}${step}/complete`, { method: 'POST', redirect: 'manual' })
    expect(back.headers.get('location')).toContain(`/portal/${session.id}/done`)
    const paid = await stripe.paymentIntents.create({
      amount: 500,
      currency: 'usd',
      customer,
      payment_method: await usualMethod(),
      off_session: true,
      confirm: true,
    })
    expect(paid.status).toBe('succeeded')
  })

  it('S3.5 switches between the plans it is configured for, after showing what it costs', async () => {
    const { id: configuration } = await everything()
    const session = await portal({ configuration })
    const item = subscription.items.data[0]?.id ?? ''
    const plans = await text(`${session.url}/plans?subscription=${subscription.id}`)
    expect(plans).toContain('Your plan')
    expect(plans).toContain('$30.00 monthly')
    const question = await text(`${session.url}/switch?subscription=${subscription.id}&item=${item}&price=${pro.id}`)
    expect(question).toContain('Due today')
    expect(question).toContain('$20.00')
    expect((await stripe.subscriptions.retrieve(subscription.id)).items.data[0]?.price.id).toBe(basic.id)
    await press(session, 'switch', { subscription: subscription.id, item, price: pro.id })
    const after = await stripe.subscriptions.retrieve(subscription.id, { expand: ['latest_invoice'] })
    expect(after.items.data[0]?.price.id).toBe(pro.id)
    expect(after.latest_invoice).toMatchObject({ status: 'paid', total: 2000 })
    const other = await stripe.prices.create({
      product: String(basic.product),
      currency: 'usd',
      unit_amount: 1,
      recurring: { interval: 'month' },
    })
    expect((await press(session, 'switch', { subscription: subscription.id, item, price: other.id })).status).toBe(404)
  })

  it('S3.5 pauses and resumes where that is allowed', async () => {
    const plain = await portal()
    expect((await press(plain, 'pause', { subscription: subscription.id })).status).toBe(404)
    const { id: configuration } = await everything()
    const session = await portal({ configuration })
    await press(session, 'pause', { subscription: subscription.id })
    expect(await stripe.subscriptions.retrieve(subscription.id)).toMatchObject({ status: 'paused' })
    await press(session, 'resume', { subscription: subscription.id })
    expect(await stripe.subscriptions.retrieve(subscription.id)).toMatchObject({ status: 'active' })
  })
})

describe('a flow of the portal', () => {
  it('S3.5 cancels a subscription, asks why, and goes where it was told', async () => {
    const { id: configuration } = await everything()
    const session = await portal({
      configuration,
      return_url: 'https://shop.test/account',
      flow_data: {
        type: 'subscription_cancel',
        subscription_cancel: { subscription: subscription.id },
        after_completion: { type: 'redirect', redirect: { return_url: 'https://shop.test/sorry' } },
      },
    })
    expect(session.flow).toMatchObject({
      type: 'subscription_cancel',
      subscription_cancel: { subscription: subscription.id },
    })
    expect(await text(session.url)).toContain('It is too expensive')
    const left = await press(session, 'cancel', { subscription: subscription.id, reason: 'too_expensive' })
    expect(left.headers.get('location')).toBe('https://shop.test/sorry')
    expect(await stripe.subscriptions.retrieve(subscription.id)).toMatchObject({
      cancel_at_period_end: true,
      cancellation_details: { reason: 'cancellation_requested', feedback: 'too_expensive' },
    })
    await expect(
      portal({ flow_data: { type: 'subscription_cancel', subscription_cancel: { subscription: subscription.id } } }),
    ).rejects.toMatchObject({ param: 'flow_data[subscription_cancel][subscription]' })
  })

  it('S3.5 confirms an update that the app chose', async () => {
    const { id: configuration } = await everything()
    const session = await portal({
      configuration,
      flow_data: {
        type: 'subscription_update_confirm',
        subscription_update_confirm: {
          subscription: subscription.id,
          items: [{ id: subscription.items.data[0]?.id ?? '', price: pro.id, quantity: 2 }],
        },
        after_completion: { type: 'hosted_confirmation', hosted_confirmation: { custom_message: 'Welcome to Pro' } },
      },
    })
    expect(await text(session.url)).toContain('$50.00')
    const done = await press(session, 'confirm', {})
    expect(await text(`${box.url}${done.headers.get('location')}`)).toContain('Welcome to Pro')
    const item = (await stripe.subscriptions.retrieve(subscription.id)).items.data[0]
    expect(item).toMatchObject({ quantity: 2, price: { id: pro.id } })
  })

  it('S3.4 changes the payment method, and needs its feature and its own subscription', async () => {
    const session = await portal({ flow_data: { type: 'payment_method_update' } })
    expect(await text(session.url)).toContain('Add a payment method')
    const done = await press(session, 'card', { card: '5555555555554444' })
    expect(done.headers.get('location')).toContain(`/portal/${session.id}/home`)
    await expect(
      portal({ flow_data: { type: 'subscription_pause', subscription_pause: { subscription: subscription.id } } }),
    ).rejects.toMatchObject({ param: 'flow_data[type]' })
    const stranger = await stripe.customers.create({})
    await expect(
      portal({
        customer: stranger.id,
        flow_data: { type: 'subscription_cancel', subscription_cancel: { subscription: subscription.id } },
      }),
    ).rejects.toMatchObject({ code: 'resource_missing' })
  })
})

function portal(more: Partial<Stripe.BillingPortal.SessionCreateParams> = {}) {
  return stripe.billingPortal.sessions.create({ customer, ...more })
}

function everything(more: Partial<Stripe.BillingPortal.ConfigurationCreateParams> = {}) {
  return stripe.billingPortal.configurations.create({
    features: {
      invoice_history: { enabled: true },
      payment_method_update: { enabled: true },
      subscription_cancel: {
        enabled: true,
        cancellation_reason: { enabled: true, options: ['too_expensive', 'unused'] },
      },
      subscription_pause: { enabled: true },
      subscription_update: {
        enabled: true,
        default_allowed_updates: ['price', 'quantity'],
        proration_behavior: 'always_invoice',
        products: [{ product: String(basic.product), prices: [basic.id, pro.id] }],
      },
    },
    ...more,
  })
}

function press({ id }: { id: string }, deed: string, form: Record<string, string>) {
  return fetch(`${box.url}/portal/${id}/${deed}`, {
    method: 'POST',
    body: new URLSearchParams(form),
    redirect: 'manual',
  })
}

async function text(url: string): Promise<string> {
  return (await fetch(url)).text()
}

async function usualMethod(): Promise<string> {
  const found = (await stripe.customers.retrieve(customer)) as Stripe.Customer
  return String(found.invoice_settings.default_payment_method)
}
