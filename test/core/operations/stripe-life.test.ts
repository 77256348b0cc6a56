import { createBilling, formatSparks } from 'billfold'
import { stripeProvider } from 'billfold/providers/stripe'
import type Stripe from 'stripe'
import { afterEach, describe, expect, it } from 'vitest'
import { stores } from './stores.js'
import { accountId, dayMs, openStripeWorld, payOn, returns, stripeCatalog } from './stripe-world.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

type World = Awaited<ReturnType<typeof openStripeWorld>>
type App = Awaited<ReturnType<World['open']>>

async function buy(app: App, sale: Parameters<App['billing']['createCheckout']>[0], card?: string) {
  const checkout = await app.billing.createCheckout(sale)
  await payOn(checkout.url, card ? { card } : {})
  const { status } = await app.billing.verifyCheckout({ accountId, checkoutId: checkout.id })
  return { ...checkout, status }
}

const starter = { ...returns, kind: 'package', package: 'starter' } as const
const pro = { ...returns, kind: 'subscription', plan: 'pro' } as const
const lifetime = { ...returns, kind: 'lifetime', plan: 'lifetime' } as const
const key = () => ({ idempotencyKey: crypto.randomUUID() })

async function paymentOf({ billing }: App): Promise<string> {
  const { items } = await billing.payments.list({ accountId })
  return items[0]?.id ?? ''
}

async function useCard(world: World, app: App, card: string): Promise<void> {
  const { id } = await app.billing.paymentMethods.attach({ accountId, id: card, setAsDefault: true })
  expect((await world.client.paymentMethods.retrieve(id)).customer).toBe(await app.customerId())
}

describe.each(stores)('Stripe on $name', (tested) => {
  const start = async (
    options?: Parameters<typeof openStripeWorld>[1],
    given?: { readonly suspendOn?: 'past_due' },
  ) => {
    const world = await openStripeWorld(closing, options)
    const app = await world.open(await tested.open({ now: world.now }), given)
    return { world, app }
  }

  it('S4.3 a plan for life is bought once, outlasts subscriptions, and goes back with its money', async () => {
    const { world, app } = await start()
    expect((await buy(app, lifetime)).status).toBe('paid')
    expect(await app.plan()).toBe('lifetime')
    await expect(app.billing.createCheckout(lifetime)).rejects.toMatchObject({ code: 'invalid_state' })
    await buy(app, pro)
    expect(await app.plan()).toBe('pro')
    await app.billing.subscriptions.cancel({ accountId, when: 'now' })
    expect(await app.plan()).toBe('lifetime')
    await app.relay()
    expect(await app.plan()).toBe('lifetime')
    const sold = (await app.billing.payments.list({ accountId })).items.find(({ amount }) => amount === '499')
    const paymentId = sold?.id ?? ''
    await app.billing.payments.refund({ accountId, paymentId, amount: '100', reason: 'goodwill', ...key() })
    expect(await app.plan()).toBe('lifetime')
    await app.billing.payments.refund({ accountId, paymentId, reason: 'withdrawn', ...key() })
    expect(await app.plan()).toBe('free')
    await app.relay()
    expect(await app.plan()).toBe('free')
    expect(world.now()).toBeGreaterThan(0)
    expect((await buy(app, lifetime)).status).toBe('paid')
    expect(await app.plan()).toBe('lifetime')
  })

  it('G11 S3.11 refunds take back their share of the credits, and what is spent becomes debt', async () => {
    const { app } = await start()
    await buy(app, starter)
    await app.billing.recordUsage({ accountId, meter: 'ai_tokens', quantity: 4_000_000, idempotencyKey: 'u1' })
    expect(formatSparks(await app.sparks())).toBe('100000')
    const paymentId = await paymentOf(app)
    const asked = { accountId, paymentId, amount: '5', reason: 'asked', idempotencyKey: 'r1' }
    const refund = await app.billing.payments.refund(asked)
    expect(await app.billing.payments.refund(asked)).toEqual(refund)
    expect(formatSparks(await app.sparks())).toBe('-25000')
    await expect(app.billing.payments.refund({ ...asked, amount: '6' })).rejects.toMatchObject({
      code: 'idempotency_conflict',
    })
    const rest = { accountId, paymentId, reason: 'asked', idempotencyKey: 'r2' }
    await app.billing.payments.refund(rest)
    expect(formatSparks(await app.sparks())).toBe('-400000')
    await app.relay()
    expect(formatSparks(await app.sparks())).toBe('-400000')
    expect((await app.billing.payments.get({ accountId, id: paymentId })).status).toBe('refunded')
    expect((await app.billing.verifyLedger()).findings).toEqual([])
  })

  it('G11 a dispute takes the credits while it is open, and a won one gives them back', async () => {
    const { world, app } = await start()
    await buy(app, starter, '4000000000000259')
    const paymentId = await paymentOf(app)
    const [dispute] = (await world.client.disputes.list({ payment_intent: paymentId })).data
    await app.relay()
    expect(formatSparks(await app.sparks())).toBe('0')
    const evidence = { uncategorized_text: 'winning_evidence' }
    await world.client.disputes.update(dispute?.id ?? '', { evidence, submit: true })
    world.advance(dayMs)
    await app.relay()
    expect(formatSparks(await app.sparks())).toBe('500000')
  })

  it('G12 credit is granted in full for a discounted sale, and a refund is measured by what was paid', async () => {
    const { world, app } = await start()
    const coupon = await world.client.coupons.create({ percent_off: 50, duration: 'once' })
    await world.client.promotionCodes.create({ promotion: { type: 'coupon', coupon: coupon.id }, code: 'HALF' })
    const checkout = await app.billing.createCheckout({ ...starter, promotionCodes: true })
    await fetch(`${checkout.url}/promotion`, {
      method: 'POST',
      body: new URLSearchParams({ code: 'HALF' }),
      redirect: 'manual',
    })
    await payOn(checkout.url)
    const verified = await app.billing.verifyCheckout({ accountId, checkoutId: checkout.id })
    expect(verified.status).toBe('paid')
    expect(formatSparks(await app.sparks())).toBe('500000')
    const paid = await app.billing.payments.get({ accountId, id: await paymentOf(app) })
    expect(paid.amount).toBe('10')
    await app.billing.payments.refund({ accountId, paymentId: paid.id, amount: '5', reason: 'asked', ...key() })
    expect(formatSparks(await app.sparks())).toBe('250000')
  })

  it('S1.5 a trial is given once', async () => {
    const { world, app } = await start()
    const trial = { ...returns, kind: 'subscription', plan: 'trial' } as const
    expect((await buy(app, trial)).status).toBe('paid')
    expect(await app.plan()).toBe('trial')
    expect((await app.billing.subscriptions.get({ accountId }))?.status).toBe('trialing')
    await app.billing.subscriptions.cancel({ accountId, when: 'now' })
    world.advance(dayMs)
    const lists: string[] = []
    world.client.on('request', ({ method, path }: Stripe.RequestEvent) => {
      if (method === 'GET' && path.startsWith('/v1/subscriptions')) lists.push(path)
    })
    await app.billing.createCheckout({ ...trial, successUrl: '/other' })
    expect(lists).toHaveLength(1)
    const again = await app.billing.createCheckout(trial)
    expect((await world.client.checkout.sessions.retrieve(again.externalId)).amount_total).toBe(1000)
    await payOn(again.url)
    await app.billing.verifyCheckout({ accountId, checkoutId: again.id })
    expect((await app.billing.subscriptions.get({ accountId }))?.status).toBe('active')
  })

  it('S1.5 a change of plan is followed at once, seats and prices as previewed', async () => {
    const { world, app } = await start()
    await buy(app, pro)
    world.advance(10 * dayMs)
    const preview = await app.billing.subscriptions.previewChange({ accountId, plan: 'team', seats: 3 })
    const changed = await app.billing.subscriptions.change({
      accountId,
      plan: 'team',
      seats: 3,
      previewedAt: preview.at,
      idempotencyKey: 'c1',
    })
    expect(changed).toMatchObject({ subscription: { plan: 'team', seats: 3 }, payment: { status: 'succeeded' } })
    expect(await app.plan()).toBe('team')
    const [invoice] = (await app.billing.listInvoices({ accountId })).items
    expect(invoice).toMatchObject({ total: preview.total, status: 'paid', actions: ['download'] })
    const down = { accountId, plan: 'pro', when: 'period_end', idempotencyKey: 'c2' } as const
    expect((await app.billing.subscriptions.change(down)).subscription.scheduled?.plan).toBe('pro')
    expect(await app.plan()).toBe('team')
    world.advance(32 * dayMs)
    await app.relay()
    expect(await app.plan()).toBe('pro')
    await expect(
      app.billing.subscriptions.change({ accountId, plan: 'pro', seats: 2, idempotencyKey: 'c3' }),
    ).rejects.toMatchObject({ code: 'invalid_request' })
    expect((await app.billing.subscriptions.pause({ accountId })).status).toBe('paused')
    expect(await app.plan()).toBe('free')
    const { id } = (await app.billing.subscriptions.list({ accountId }))[0] ?? { id: '' }
    expect((await app.billing.subscriptions.resume({ accountId, id })).subscription.status).toBe('active')
    expect(await app.plan()).toBe('pro')
  })

  it('S1.5 no other moment than that of a preview makes a change cheaper', async () => {
    const { world, app } = await start()
    await buy(app, pro)
    world.advance(10 * dayMs)
    const subscription = await app.billing.subscriptions.get({ accountId })
    const preview = await app.billing.subscriptions.previewChange({ accountId, plan: 'team' })
    world.advance(2 * 3_600_000)
    const moments = [
      new Date((subscription?.currentPeriodEndsAt?.getTime() ?? 0) - 1_000),
      new Date((subscription?.currentPeriodStartsAt?.getTime() ?? 0) + 1_000),
      new Date((subscription?.currentPeriodStartsAt?.getTime() ?? 0) - 1_000),
      new Date(world.now() + 60_000),
      preview.at,
    ]
    for (const [index, previewedAt] of moments.entries())
      await expect(
        app.billing.subscriptions.change({ accountId, plan: 'team', previewedAt, idempotencyKey: `at-${index}` }),
      ).rejects.toMatchObject({ code: 'timestamp_out_of_range', details: { field: 'previewedAt' } })
    expect(await app.plan()).toBe('pro')
    expect((await app.billing.listInvoices({ accountId })).items).toHaveLength(1)
  })

  it('S0.7 a failed renewal is past due, then unpaid and suspended, and paying restores', async () => {
    const { world, app } = await start({ afterwards: 'unpaid' })
    await buy(app, pro)
    await useCard(world, app, 'pm_card_chargeCustomerFail')
    world.advance(31 * dayMs + 2 * 3_600_000)
    await app.relay()
    expect((await app.billing.subscriptions.get({ accountId }))?.status).toBe('past_due')
    expect([await app.plan(), await app.suspendedFor()]).toEqual(['pro', null])
    world.advance(10 * dayMs)
    await app.relay()
    expect((await app.billing.subscriptions.get({ accountId }))?.status).toBe('unpaid')
    expect([await app.plan(), await app.suspendedFor()]).toEqual(['free', 'payment overdue'])
    const [owed] = (await app.billing.listInvoices({ accountId, status: 'payment_failed' })).items
    expect(owed?.actions).toContain('update_payment_method')
    await useCard(world, app, 'pm_card_visa')
    const paid = await app.billing.invoices.pay({ accountId, id: owed?.id ?? '' })
    expect(paid.payment).toEqual({ status: 'succeeded' })
    await app.relay()
    expect([await app.plan(), await app.suspendedFor()]).toEqual(['pro', null])
  })

  it('S0.7 an account that a person suspended stays so, whatever is paid', async () => {
    const { world, app } = await start({ afterwards: 'unpaid' }, { suspendOn: 'past_due' })
    await buy(app, pro)
    await useCard(world, app, 'pm_card_chargeCustomerFail')
    world.advance(31 * dayMs + 2 * 3_600_000)
    await app.relay()
    expect(await app.suspendedFor()).toBe('payment overdue')
    await app.billing.accounts.suspend({ accountId, reason: 'abuse', ...key() })
    await useCard(world, app, 'pm_card_visa')
    const [owed] = (await app.billing.listInvoices({ accountId, status: 'past_due' })).items
    await app.billing.invoices.pay({ accountId, id: owed?.id ?? '' })
    await app.relay()
    expect(await app.suspendedFor()).toBe('abuse')
  })

  it('S3.5 S1.4 a page for a payment method alone leaves it as the default', async () => {
    const { app } = await start()
    const set = await buy(app, { ...returns, kind: 'setup' })
    expect(set.status).toBe('paid')
    const methods = await app.billing.paymentMethods.list({ accountId })
    expect(methods).toMatchObject([{ type: 'card', last4: '4242', isDefault: true }])
    expect(formatSparks(await app.sparks())).toBe('0')
  })

  it('S3.10 what belongs to another account is not there', async () => {
    const { app } = await start()
    await buy(app, starter)
    await buy(app, pro)
    const other = 'acct_b'
    await app.billing.accounts.ensure({ accountId: other })
    const paymentId = await paymentOf(app)
    const [invoice] = (await app.billing.listInvoices({ accountId })).items
    const [method] = await app.billing.paymentMethods.list({ accountId })
    const subscription = await app.billing.subscriptions.get({ accountId })
    const { billing } = app
    const attempts = [
      () => billing.payments.get({ accountId: other, id: paymentId }),
      () => billing.payments.refund({ accountId: other, paymentId, reason: 'theft', ...key() }),
      () => billing.invoices.get({ accountId: other, id: invoice?.id ?? '' }),
      () => billing.invoices.pay({ accountId: other, id: invoice?.id ?? '' }),
      () => billing.invoices.void({ accountId: other, id: invoice?.id ?? '' }),
      () => billing.invoices.pdf({ accountId: other, id: invoice?.id ?? '' }),
      () => billing.subscriptions.cancel({ accountId: other, id: subscription?.id ?? '' }),
      () => billing.paymentMethods.remove({ accountId: other, id: method?.id ?? 'pm_x' }),
    ]
    for (const attempt of attempts) await expect(attempt()).rejects.toMatchObject({ code: 'not_found' })
    expect((await billing.listInvoices({ accountId: other })).items).toEqual([])
    // The same when the provider knows it, too.
    await billing.createCheckout({ ...starter, accountId: other })
    for (const attempt of attempts) await expect(attempt()).rejects.toMatchObject({ code: 'not_found' })
  })

  it('S3.1 a list of payments says of each what reading it says: its invoice and its checkout', async () => {
    const { world, app } = await start()
    const { billing } = app
    const { id: package_ } = await buy(app, starter)
    await buy(app, pro)
    await useCard(world, app, 'pm_card_visa')
    const stored = { accountId, package: 'starter', payWith: 'stored_method', idempotencyKey: 's' } as const
    const { id: charged } = await billing.credits.packages.purchase(stored)
    const { items } = await billing.payments.list({ accountId })
    expect(items).toHaveLength(3)
    for (const item of items) expect(item).toEqual(await billing.payments.get({ accountId, id: item.id }))
    const [byCard, ofPlan, ofPackage] = items
    expect(byCard).toMatchObject({ checkoutId: charged, invoiceId: null })
    expect(ofPlan).toMatchObject({ invoiceId: expect.stringMatching(/^in_/) })
    expect(ofPackage).toMatchObject({ checkoutId: package_, invoiceId: expect.stringMatching(/^in_/) })
    const paid = { accountId, status: 'succeeded' } as const
    const pages = [await billing.payments.list({ ...paid, limit: 1 })]
    pages.push(await billing.payments.list({ ...paid, limit: 2, cursor: pages[0]?.nextCursor ?? '' }))
    expect(pages.flatMap((page) => page.items)).toEqual(items)
  })

  it('S3.1 invoices and payments come a page at a time', async () => {
    const { app } = await start()
    for (let index = 0; index < 5; index += 1) await buy(app, starter)
    const pages: Stripe.Invoice['id'][] = []
    let cursor: string | undefined
    do {
      const page = await app.billing.listInvoices({ accountId, limit: 2, ...(cursor ? { cursor } : {}) })
      pages.push(...page.items.map(({ id }) => id))
      cursor = page.nextCursor ?? undefined
    } while (cursor)
    expect(new Set(pages).size).toBe(5)
    const first = await app.billing.payments.list({ accountId, limit: 2 })
    await app.billing.accounts.ensure({ accountId: 'acct_b' })
    await app.billing.createCheckout({ ...starter, accountId: 'acct_b' })
    const foreign = app.billing.payments.list({ accountId: 'acct_b', cursor: first.nextCursor ?? '' })
    await expect(foreign).rejects.toMatchObject({ code: 'invalid_cursor' })
  })

  it('G12 fifty double clicks make a page each, and each page gives once, whoever tells of it first', {
    timeout: 120_000,
  }, async () => {
    const { world, app } = await start()
    const { billing } = app
    const ids = Array.from({ length: 50 }, (_, index) => `acct_${index}`)
    for (const id of ids) await billing.accounts.ensure({ accountId: id })
    const buyers = ids.map(async (id) => {
      const sale = { ...starter, accountId: id }
      const [first, second] = await Promise.all([billing.createCheckout(sale), billing.createCheckout(sale)])
      expect(second.externalId).toBe(first.externalId)
      await payOn(first.url)
      const verify = () => billing.verifyCheckout({ accountId: id, checkoutId: first.id })
      await Promise.all([verify(), verify()])
    })
    const paid = 'checkout.session.completed'
    await Promise.all([...buyers, app.relay(paid)])
    for (let time = 0; time < 3; time += 1) await app.relay(paid)
    const sessions = await world.client.checkout.sessions.list({ limit: 100 }).autoPagingToArray({ limit: 200 })
    expect(sessions).toHaveLength(50)
    for (const id of ids) {
      const { items } = await billing.credits.transactions({ accountId: id })
      expect(items.map(({ amount }) => formatSparks(amount))).toEqual(['500000'])
    }
  })

  it('C4 customers and subscriptions that were there before are taken over', async () => {
    const { world, app } = await start()
    const { client } = world
    const product = await client.products.create({ name: 'Old Pro' })
    const recurring = { interval: 'month' } as const
    const price = await client.prices.create({ product: product.id, currency: 'usd', unit_amount: 1500, recurring })
    for (const name of ['ada', 'bob', 'nobody']) {
      const customer = await client.customers.create({ name, metadata: { user: name } })
      if (name !== 'ada') continue
      const { id } = await client.paymentMethods.attach('pm_card_visa', { customer: customer.id })
      await client.subscriptions.create({
        customer: customer.id,
        items: [{ price: price.id }],
        default_payment_method: id,
      })
    }
    const stripe = stripeProvider({ client, plans: { [price.id]: 'pro' }, now: world.now })
    const billing = createBilling({
      catalog: stripeCatalog,
      store: app.store,
      providers: { default: stripe },
      environment: { now: world.now },
    })
    const accountOf = ({ name }: { readonly name: string | null }) => (name === 'nobody' ? null : `user_${name}`)
    expect(await billing.importCustomers({ accountOf })).toEqual({ linked: 2, skipped: 1, conflicts: [] })
    expect(await billing.importCustomers({ accountOf })).toMatchObject({ linked: 2, conflicts: [] })
    expect(await billing.accounts.get({ accountId: 'user_ada' })).toMatchObject({ plan: 'pro', name: 'ada' })
    expect(await billing.accounts.get({ accountId: 'user_bob' })).toMatchObject({ plan: 'free' })
    expect(await billing.subscriptions.get({ accountId: 'user_ada' })).toMatchObject({ plan: 'pro', status: 'active' })
    const both = await billing.importCustomers({ accountOf: () => 'user_ada' })
    expect([both.linked, both.conflicts.length]).toEqual([1, 2])
  })
})
