import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { formatMoney } from '../../src/core/domain/money.js'
import type { SubscriptionChange } from '../../src/core/ports/capabilities/subscriptions.js'
import { type StripeProvider, stripeProvider } from '../../src/providers/stripe/index.js'
import type { Sandbox } from '../../src/testing/sandbox/sandbox.js'
import { makeMeters, stripeClient, timedSandbox } from './sandboxed.js'
import { customerWithCard, planPrice, subscribe, useCard } from './stripe-customer.js'

const dayMs = 86_400_000
const pro = planPrice('pro', '20')
const team = planPrice('team', '50')
let box: Sandbox & { now(): number }
let stripe: StripeProvider

beforeEach(async () => {
  box = await timedSandbox()
  stripe = stripeProvider({ client: stripeClient(box), now: box.now })
})
afterEach(() => box.close())

const key = (idempotencyKey = crypto.randomUUID()) => ({ idempotencyKey })
const change = (externalId: string, given: Partial<SubscriptionChange> = {}): SubscriptionChange => ({
  externalId,
  price: team,
  seats: 1,
  when: 'now',
  proration: 'invoice_now',
  at: null,
  ...given,
})

describe('a subscription with a price of usage', () => {
  it('G4 that is cancelled at once is charged for what was used since its last invoice, and one without is charged for nothing', async () => {
    await makeMeters(stripe, ['tokens'])
    const overage = [{ meter: 'tokens', sparkPrice: '0.01' }]
    for (const [price, cents] of [
      [{ ...pro, overage }, 700],
      [pro, 0],
    ] as const) {
      const customerId = await customerWithCard(stripe)
      const id = await subscribe(stripe, customerId, price)
      box.advance(dayMs)
      const usage = { customerId, meter: 'tokens', occurredAt: box.now() - 60_000 }
      await stripe.metering.report([{ ...usage, identifier: customerId, sparks: 700n }], {})
      for (let repeats = 0; repeats < 2; repeats += 1)
        expect(await stripe.subscriptions.cancel(id, 'now', key())).toMatchObject({ status: 'canceled' })
      const { data } = await stripe.client.invoices.list({ customer: customerId })
      expect(data.reduce((sum, { total }) => sum + total, 0)).toBe(2_000 + cents)
    }
  })
})

describe('a change of plan', () => {
  it('S1.5 now is charged at once for the rest of the period, as its preview said', async () => {
    const customerId = await customerWithCard(stripe)
    const id = await subscribe(stripe, customerId, pro)
    box.advance(10 * dayMs)
    const at = Math.floor(box.now() / 1000) * 1000
    const preview = await stripe.subscriptions.previewChange(change(id, { at }), {})
    const { subscription, payment } = await stripe.subscriptions.change(change(id, { at }), key())
    expect(subscription).toMatchObject({ plan: 'team', status: 'active', seats: 1, scheduled: null })
    expect(payment).toEqual({ status: 'succeeded' })
    const { items } = await stripe.invoices.list({ customerId, limit: 10 }, {})
    const prorated = items[0]
    expect(prorated?.lines.every(({ isProration }) => isProration)).toBe(true)
    expect(formatMoney(prorated?.total ?? pro.amount)).toBe(formatMoney(preview.total))
    expect(prorated?.status).toBe('paid')
  })

  it('S1.5 that is not paid takes no effect until it is', async () => {
    const customerId = await customerWithCard(stripe)
    const id = await subscribe(stripe, customerId, pro)
    await useCard(stripe, customerId, 'pm_card_chargeCustomerFail')
    const { subscription, payment } = await stripe.subscriptions.change(change(id), key())
    expect(subscription).toMatchObject({ plan: 'pro', status: 'active' })
    expect(payment).toMatchObject({ status: 'declined' })
    const [open] = (await stripe.invoices.list({ customerId, limit: 10 }, {})).items
    await useCard(stripe, customerId, 'pm_card_visa')
    const paid = await stripe.invoices.pay({ externalId: open?.externalId ?? '', paymentMethodId: null }, key())
    expect(paid.payment).toEqual({ status: 'succeeded' })
    expect(await stripe.subscriptions.get(id, {})).toMatchObject({ plan: 'team' })
  })

  it('S1.5 may wait for the next invoice, or cost nothing', async () => {
    const customerId = await customerWithCard(stripe)
    const id = await subscribe(stripe, customerId, pro)
    box.advance(15 * dayMs)
    const later = await stripe.subscriptions.change(change(id, { proration: 'next_invoice' }), key())
    expect(later).toMatchObject({ subscription: { plan: 'team' }, payment: null })
    const upcoming = await stripe.invoices.upcoming({ customerId, subscriptionId: id }, {})
    expect(upcoming?.lines.filter(({ isProration }) => isProration)).toHaveLength(2)
    const back = await stripe.subscriptions.change(change(id, { price: pro, proration: 'none' }), key())
    expect(back).toMatchObject({ subscription: { plan: 'pro' }, payment: null })
  })

  it('S1.5 at the end of the period leaves what is paid for until then, and can be taken back', async () => {
    const customerId = await customerWithCard(stripe)
    const id = await subscribe(stripe, customerId, team)
    const before = await stripe.subscriptions.get(id, {})
    const downgrade = change(id, { price: pro, when: 'period_end' })
    const { subscription, payment } = await stripe.subscriptions.change(downgrade, key())
    expect(payment).toBeNull()
    expect(subscription).toMatchObject({
      plan: 'team',
      scheduled: { plan: 'pro', seats: 1, at: before.currentPeriodEndsAt },
    })
    expect(await stripe.subscriptions.list(customerId, {})).toEqual([subscription])
    expect((await stripe.subscriptions.reactivate(id, {})).scheduled).toBeNull()
    await stripe.subscriptions.change(downgrade, key())
    box.advance(32 * dayMs)
    expect(await stripe.subscriptions.get(id, {})).toMatchObject({ plan: 'pro', status: 'active', scheduled: null })
  })

  it('S1.5 of seats is charged by the seat', async () => {
    const customerId = await customerWithCard(stripe)
    const id = await subscribe(stripe, customerId, pro, { seats: 2 })
    expect(await stripe.subscriptions.get(id, {})).toMatchObject({ plan: 'pro', seats: 2 })
    const { subscription } = await stripe.subscriptions.change(change(id, { price: pro, seats: 5 }), key())
    expect(subscription.seats).toBe(5)
    box.advance(32 * dayMs)
    await stripe.subscriptions.get(id, {})
    const renewal = (await stripe.invoices.list({ customerId, limit: 1 }, {})).items[0]
    expect(formatMoney(renewal?.total ?? pro.amount)).toBe('100')
  })

  it('S1.5 with overage counts usage under the new plan’s prices, and not twice', async () => {
    await makeMeters(stripe, ['tokens'])
    const overage = [{ meter: 'tokens', sparkPrice: '0.00004' }]
    const customerId = await customerWithCard(stripe)
    const id = await subscribe(stripe, customerId, planPrice('pro', '20', { overage }))
    const items = async () => (await stripe.client.subscriptions.retrieve(id)).items.data.map(({ price }) => price)
    expect((await items()).filter(({ recurring }) => recurring?.usage_type === 'metered')).toHaveLength(1)
    await stripe.subscriptions.change(change(id, { price: planPrice('team', '50', { overage }) }), key())
    const metered = (await items()).filter(({ recurring }) => recurring?.usage_type === 'metered')
    expect(metered.map((price) => price.unit_amount_decimal?.toString())).toEqual(['0.004'])
    await stripe.subscriptions.change(change(id, { price: team, proration: 'none' }), key())
    expect((await items()).map(({ metadata }) => metadata.billfold_plan)).toEqual(['team'])
  })
})

describe('the end of a subscription', () => {
  it('S1.5 comes with the period, or now, or not, and is harmless to repeat', async () => {
    const customerId = await customerWithCard(stripe)
    const id = await subscribe(stripe, customerId, pro)
    for (let time = 0; time < 2; time += 1)
      expect(await stripe.subscriptions.cancel(id, 'period_end', {})).toMatchObject({
        status: 'active',
        cancelsAtPeriodEnd: true,
      })
    for (let time = 0; time < 2; time += 1)
      expect(await stripe.subscriptions.reactivate(id, {})).toMatchObject({ cancelsAtPeriodEnd: false })
    for (let time = 0; time < 2; time += 1)
      expect(await stripe.subscriptions.cancel(id, 'now', {})).toMatchObject({ status: 'canceled' })
    const ended = { code: 'invalid_state' }
    await expect(stripe.subscriptions.cancel(id, 'period_end', {})).rejects.toMatchObject(ended)
    await expect(stripe.subscriptions.reactivate(id, {})).rejects.toMatchObject(ended)
    await expect(stripe.subscriptions.change(change(id), key())).rejects.toMatchObject(ended)
    await expect(stripe.subscriptions.pause(id, {})).rejects.toMatchObject(ended)
  })
})

describe('a pause', () => {
  it('S1.5 stops the periods, and going on begins them anew', async () => {
    const customerId = await customerWithCard(stripe)
    const id = await subscribe(stripe, customerId, pro)
    for (let time = 0; time < 2; time += 1) expect((await stripe.subscriptions.pause(id, {})).status).toBe('paused')
    box.advance(40 * dayMs)
    expect((await stripe.subscriptions.get(id, {})).status).toBe('paused')
    const { subscription, payment } = await stripe.subscriptions.resume(id, {})
    expect(subscription.status).toBe('active')
    expect(payment).toEqual({ status: 'succeeded' })
    expect((await stripe.subscriptions.resume(id, {})).payment).toBeNull()
  })
})

describe('a trial', () => {
  it('S1.5 is free, has its dates, and is paid for when it is over', async () => {
    const customerId = await customerWithCard(stripe)
    const id = await subscribe(stripe, customerId, pro, { trialDays: 14 })
    const trial = await stripe.subscriptions.get(id, {})
    expect(trial).toMatchObject({ status: 'trialing', plan: 'pro' })
    expect((trial.trialEndsAt ?? 0) - (trial.trialStartsAt ?? 0)).toBe(14 * dayMs)
    box.advance(15 * dayMs)
    expect((await stripe.subscriptions.get(id, {})).status).toBe('active')
    const paid = (await stripe.invoices.list({ customerId, status: 'paid', limit: 10 }, {})).items
    expect(paid.map(({ total }) => formatMoney(total)).sort()).toEqual(['0', '20'])
  })
})

describe('a subscription that is not there', () => {
  it('S1.5 is not_found for every verb', async () => {
    const none = { code: 'not_found' }
    for (const id of ['', 'sub_none']) {
      await expect(stripe.subscriptions.get(id, {})).rejects.toMatchObject(none)
      await expect(stripe.subscriptions.cancel(id, 'now', {})).rejects.toMatchObject(none)
      await expect(stripe.subscriptions.reactivate(id, {})).rejects.toMatchObject(none)
      await expect(stripe.subscriptions.change(change(id), key())).rejects.toMatchObject(none)
    }
  })
})
