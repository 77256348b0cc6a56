import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type StripeProvider, stripeProvider } from '../../src/providers/stripe/index.js'
import { toMinorDecimal } from '../../src/providers/stripe/prices.js'
import type { Sandbox } from '../../src/testing/sandbox/sandbox.js'
import { stripeClient, timedSandbox } from './sandboxed.js'
import { customerWithCard, planPrice, subscribe } from './stripe-customer.js'

let box: Sandbox & { now(): number }
let stripe: StripeProvider

beforeEach(async () => {
  box = await timedSandbox()
  stripe = stripeProvider({ client: stripeClient(box) })
})
afterEach(() => box.close())

const overage = [{ meter: 'tokens', sparkPrice: '0.00004' }]
const catalog = (amount: string) => ({
  meters: [{ name: 'tokens', unit: 'token' }],
  prices: [planPrice('pro', amount, { overage }), planPrice('team', '50', { interval: 'year' })],
})
const words = (changes: readonly { readonly action: string; readonly object: string }[]) =>
  changes.map(({ action, object }) => `${action} ${object}`).sort()

describe('the catalog at Stripe', () => {
  it('C4 is planned, made, and then fits', async () => {
    const wanted = ['create meter', 'create price', 'create price', 'create price']
    expect(words(await stripe.catalog.plan(catalog('20'), {}))).toEqual(wanted)
    const done = await stripe.catalog.apply(catalog('20'), {})
    expect(words(done)).toEqual(wanted)
    expect(done.every(({ externalId }) => externalId !== null)).toBe(true)
    expect(await stripe.catalog.plan(catalog('20'), {})).toEqual([])
    expect(await stripe.catalog.apply(catalog('20'), {})).toEqual([])
    const { data } = await stripe.client.prices.list({ limit: 100 })
    expect(data.map(({ unit_amount_decimal: amount }) => amount?.toString()).sort()).toEqual(['0.004', '2000', '5000'])
  })

  it('C4 is made once by several processes', async () => {
    const others = [1, 2, 3].map(() => stripeProvider({ client: stripeClient(box) }))
    await Promise.all(others.map((other) => other.catalog.apply(catalog('20'), {})))
    expect((await stripe.client.prices.list({ limit: 100 })).data).toHaveLength(3)
    expect((await stripe.client.products.list({ limit: 100 })).data).toHaveLength(3)
    expect(await stripe.catalog.plan(catalog('20'), {})).toEqual([])
  })

  it('C4 gives a new price to new customers, and whoever has the old one keeps it', async () => {
    await stripe.catalog.apply(catalog('20'), {})
    const customerId = await customerWithCard(stripe)
    const id = await subscribe(stripe, customerId, planPrice('pro', '20', { overage }))
    expect(words(await stripe.catalog.apply(catalog('25'), {}))).toEqual(['archive price', 'create price'])
    const kept = await stripe.client.subscriptions.retrieve(id)
    expect(kept.items.data.map(({ price }) => price.unit_amount).sort()).toContain(2000)
    expect(await stripe.subscriptions.get(id, {})).toMatchObject({ plan: 'pro', status: 'active' })
    const other = await customerWithCard(stripe)
    const newer = await subscribe(stripe, other, planPrice('pro', '25', { overage }))
    const sold = await stripe.client.subscriptions.retrieve(newer)
    expect(sold.items.data.map(({ price }) => price.unit_amount)).toContain(2500)
  })

  it('C4 sells at an earlier price again, also where another process archived it', async () => {
    const other = stripeProvider({ client: stripeClient(box) })
    await stripe.catalog.apply(catalog('20'), {})
    const customerId = await customerWithCard(stripe)
    await subscribe(stripe, customerId, planPrice('pro', '20', { overage }))
    await other.catalog.apply(catalog('25'), {})
    const next = await customerWithCard(stripe)
    const id = await subscribe(stripe, next, planPrice('pro', '20', { overage }))
    expect(await stripe.subscriptions.get(id, {})).toMatchObject({ plan: 'pro', status: 'active' })
    const { data } = await stripe.client.prices.list({ product: 'billfold_plan_pro', limit: 100 })
    expect(data.map(({ unit_amount: amount }) => amount).sort()).toEqual([2000, 2500])
  })

  it('C4 goes back to an earlier price on the same day', async () => {
    for (const amount of ['20', '25', '20', '25']) {
      await stripe.catalog.apply(catalog(amount), {})
      expect(await stripe.catalog.plan(catalog(amount), {})).toEqual([])
    }
    expect((await stripe.client.prices.list({ product: 'billfold_plan_pro', limit: 100 })).data).toHaveLength(2)
  })

  it('C4 archives a plan that was taken out of the catalog, whose subscribers keep it, and sells it again', async () => {
    const full = { ...catalog('20'), retires: true }
    const [, team] = full.prices
    const less = { ...full, prices: team ? [team] : [] }
    await stripe.catalog.apply(full, {})
    const customerId = await customerWithCard(stripe)
    const id = await subscribe(stripe, customerId, planPrice('pro', '20', { overage }))
    const gone = ['archive price', 'archive price', 'archive product', 'archive product']
    expect(words(await stripe.catalog.plan(less, {}))).toEqual(gone)
    expect(words(await stripe.catalog.apply(less, {}))).toEqual(gone)
    expect(await stripe.catalog.plan(less, {})).toEqual([])
    expect((await stripe.client.products.retrieve('billfold_plan_pro')).active).toBe(false)
    box.advance(32 * 86_400_000)
    expect(await stripe.subscriptions.get(id, {})).toMatchObject({ plan: 'pro', status: 'active' })

    // A provider that sells nothing retires nothing, and neither do other products of the account.
    await stripe.client.products.create({ name: 'T-shirt' })
    expect(await stripe.catalog.plan({ meters: less.meters, prices: [] }, {})).toEqual([])
    expect(words(await stripe.catalog.apply(full, {})).length).toBeGreaterThan(0)
    expect(await stripe.catalog.plan(full, {})).toEqual([])
    expect((await stripe.client.products.retrieve('billfold_plan_pro')).active).toBe(true)

    await stripe.catalog.apply(less, {})
    const next = await customerWithCard(stripe)
    const other = stripeProvider({ client: stripeClient(box) })
    const sold = await subscribe(other, next, planPrice('pro', '20', { overage }))
    expect(await other.subscriptions.get(sold, {})).toMatchObject({ plan: 'pro', status: 'active' })
    expect((await stripe.client.products.retrieve('billfold_plan_pro')).active).toBe(true)
  })

  it('S1.5 C4 the portal is made by the catalog where that is asked for, follows it, and opens pages', async () => {
    const own = stripeProvider({ client: stripeClient(box), portal: 'catalog' })
    const plans = ['basic', 'pro', 'team'].map((plan, place) => planPrice(plan, String(10 * (place + 1))))
    const selling = { meters: [], prices: plans, retires: true }
    const customerId = await customerWithCard(own)
    expect((await own.portal.create({ customerId, returnUrl: 'https://a.test', flow: null }, {})).url).toMatch(/^http/)
    expect(words(await own.catalog.plan(selling, {}))).toContain('create portal')
    await own.catalog.apply(selling, {})
    expect(await own.catalog.plan(selling, {})).toEqual([])
    const portals = async () =>
      (await own.client.billingPortal.configurations.list()).data.filter(({ is_default: isDefault }) => !isDefault)
    const [made] = await portals()
    expect(made?.features.subscription_update.products?.map(({ product }) => product)).toEqual(
      ['basic', 'pro', 'team'].map((plan) => `billfold_plan_${plan}`),
    )
    const subscriptionId = await subscribe(own, customerId, planPrice('basic', '10'))
    const flow = { kind: 'change_subscription', subscriptionId } as const
    const page = { customerId, returnUrl: 'https://a.test', flow }
    expect((await own.portal.create(page, {})).url).toMatch(/^http/)
    await expect(stripe.portal.create(page, {})).rejects.toMatchObject({ code: 'option_unsupported' })

    const less = { ...selling, prices: plans.slice(1) }
    expect(words(await own.catalog.apply(less, {}))).toContain('update portal')
    const after = await portals()
    expect(after.map(({ id }) => id)).toEqual([made?.id])
    expect(after[0]?.features.subscription_update.products).toHaveLength(2)
    expect(words(await stripe.catalog.apply(selling, {}))).not.toContain('update portal')
    expect(() => stripeProvider({ client: stripeClient(box), portal: 'none' as never })).toThrow()
  })

  it('C4 counts by a meter again that was deactivated, also on the day it was made', async () => {
    await stripe.catalog.apply(catalog('20'), {})
    const meters = async () => (await stripe.client.billing.meters.list()).data
    for (const waitMs of [0, 3 * 86_400_000]) {
      box.advance(waitMs)
      const [meter] = await meters()
      await stripe.client.billing.meters.deactivate(meter?.id ?? '')
      const expected = { action: 'update', object: 'meter', name: 'tokens', externalId: meter?.id }
      expect(await stripe.catalog.plan(catalog('20'), {})).toEqual([expect.objectContaining(expected)])
      const others = [1, 2].map(() => stripeProvider({ client: stripeClient(box) }))
      const done = await Promise.all([stripe, ...others].map((each) => each.catalog.apply(catalog('20'), {})))
      expect(done).toContainEqual([expect.objectContaining(expected)])
      expect(await stripe.catalog.plan(catalog('20'), {})).toEqual([])
      // The same one: what is sold by it goes on being counted.
      expect((await meters()).map(({ id, status }) => [id, status])).toEqual([[meter?.id, 'active']])
    }
  })

  it('C4 makes a meter anew beside a deactivated one that counts in another way', async () => {
    const other = await stripe.client.billing.meters.create({
      display_name: 'tokens',
      event_name: 'billfold_tokens',
      default_aggregation: { formula: 'count' },
    })
    await expect(stripe.catalog.plan(catalog('20'), {})).rejects.toMatchObject({ code: 'config_invalid' })
    await stripe.client.billing.meters.deactivate(other.id)
    expect(words(await stripe.catalog.apply(catalog('20'), {}))).toContain('create meter')
    expect(await stripe.catalog.plan(catalog('20'), {})).toEqual([])
  })

  it('C4 sells again what was archived in the Dashboard, price, product or both, on the day it was made', async () => {
    const { client } = stripe
    await stripe.catalog.apply(catalog('20'), {})
    const { data } = await client.prices.list({ limit: 100 })
    const archived = async (prices: boolean, products: boolean) => {
      for (const { id, product } of data) {
        if (prices) await client.prices.update(id, { active: false })
        if (products) await client.products.update(String(product), { active: false })
      }
    }
    for (const [prices, products] of [
      [true, false],
      [false, true],
      [true, true],
    ] as const) {
      await archived(prices, products)
      expect(await stripe.catalog.plan(catalog('20'), {})).not.toEqual([])
      await stripe.catalog.apply(catalog('20'), {})
      expect(await stripe.catalog.plan(catalog('20'), {})).toEqual([])
      const after = (await client.prices.list({ limit: 100, active: true })).data
      expect(after.map(({ id }) => id).sort()).toEqual(data.map(({ id }) => id).sort())
      await subscribe(stripe, await customerWithCard(stripe), planPrice('pro', '20', { overage }))
    }
  })

  it('C4 renames a product', async () => {
    const prices = [planPrice('pro', '20')]
    await stripe.catalog.apply({ meters: [], prices }, {})
    const renamed = [planPrice('pro', '20', { title: 'Professional' })]
    expect(words(await stripe.catalog.apply({ meters: [], prices: renamed }, {}))).toEqual(['update product'])
    expect((await stripe.client.products.retrieve('billfold_plan_pro')).name).toBe('Professional')
  })

  it('C4 is whole though answers are lost on the way', async () => {
    for (const path of ['/v1/billing/meters', '/v1/products', '/v1/prices'])
      box.faults.inject({ match: { method: 'POST', pathIncludes: path }, kind: 'reset_after', times: 2 })
    await stripe.catalog.apply(catalog('20'), {}).catch(() => {})
    await stripe.catalog.apply(catalog('20'), {})
    expect(await stripe.catalog.plan(catalog('20'), {})).toEqual([])
    expect((await stripe.client.prices.list({ limit: 100 })).data).toHaveLength(3)
  })

  it('C3 writes prices in minor units, exactly', () => {
    const table = [
      ['0.00004', 2, '0.004'],
      ['1', 2, '100'],
      ['0.125', 2, '12.5'],
      ['12.34', 2, '1234'],
      ['80', 0, '80'],
      ['0.5', 0, '0.5'],
      ['0', 2, '0'],
    ] as const
    for (const [units, digits, minor] of table) expect(toMinorDecimal(units, digits)).toBe(minor)
  })
})
