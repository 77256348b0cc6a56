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
