import { formatSparks } from 'billfold'
import { afterEach, describe, expect, it } from 'vitest'
import { stores } from './stores.js'
import { accountId, openStripeWorld, payOn, returns } from './stripe-world.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const starter = { ...returns, kind: 'package', package: 'starter' } as const
const pro = { ...returns, kind: 'subscription', plan: 'pro' } as const

describe.each(stores)('a customer that was deleted in the Dashboard, on $name', (tested) => {
  const start = async () => {
    const world = await openStripeWorld(closing)
    const store = await tested.open({ now: world.now })
    const app = await world.open(store)
    const { billing } = app
    const buy = async (sale: Parameters<typeof billing.createCheckout>[0]) => {
      const { id, url, externalId } = await billing.createCheckout(sale)
      await payOn(url)
      const { status } = await billing.verifyCheckout({ accountId, checkoutId: id })
      return { id, externalId, status }
    }
    const remove = async () => {
      const id = await app.customerId()
      await world.client.customers.del(id)
      return id
    }
    return { world, store, app, billing, buy, remove, balance: async () => formatSparks(await app.sparks()) }
  }

  it('C4 by webhook: the account falls back, pays again as another customer, and the old one still leads to it', async () => {
    const { world, store, app, billing, buy, remove, balance } = await start()
    await buy(starter)
    await buy(pro)
    const open = await billing.createCheckout(starter)
    const old = await remove()
    await app.relay('customer.deleted')
    expect([await app.plan(), await balance(), await app.customerId()]).toEqual(['free', '500000', ''])
    expect((await world.client.checkout.sessions.retrieve(open.externalId)).status).toBe('expired')
    expect(await store.directory.accountByExternalId('stripe', old)).toBe(accountId)
    expect((await buy(pro)).status).toBe('paid')
    const next = await app.customerId()
    expect(next).not.toBe(old)
    expect((await world.client.customers.retrieve(next)).id).toBe(next)
    // Everything that was told of either of them, the deletion again among it.
    await app.relay()
    expect([await app.plan(), await app.customerId(), await balance()]).toEqual(['pro', next, '500000'])
    expect(await store.inbox.backlog()).toEqual([])
    const { differences, failures } = await billing.reconcile()
    expect([differences, failures]).toEqual([[], []])
  })

  it('C4 G11 what was paid before can be looked at and refunded, here and there', async () => {
    const { world, app, billing, buy, remove, balance } = await start()
    await buy(starter)
    await buy(starter)
    const [second, first] = (await billing.payments.list({ accountId })).items
    const [invoice] = (await billing.listInvoices({ accountId })).items
    await remove()
    await app.relay()
    await buy(pro)
    expect(await billing.payments.get({ accountId, id: first?.id ?? '' })).toEqual(first)
    expect(await billing.invoices.get({ accountId, id: invoice?.id ?? '' })).toEqual(invoice)
    const asked = { accountId, paymentId: first?.id ?? '', reason: 'asked', idempotencyKey: 'r' }
    expect((await billing.payments.refund(asked)).status).toBe('succeeded')
    expect(await balance()).toBe('500000')
    await world.client.refunds.create({ payment_intent: second?.id ?? '' })
    await app.relay()
    expect(await balance()).toBe('0')
  })

  it('G12 what was paid on a page before, and is told of afterwards, is given', async () => {
    const { app, billing, buy, remove, balance } = await start()
    const page = await billing.createCheckout(starter)
    await payOn(page.url)
    await remove()
    await app.relay('customer.deleted')
    expect((await buy(starter)).status).toBe('paid')
    await app.relay()
    expect(await billing.verifyCheckout({ accountId, checkoutId: page.id })).toMatchObject({ status: 'paid' })
    expect(await balance()).toBe('1000000')
    expect(app.failures).toEqual([])
  })

  for (const [what, call] of [
    ['a checkout', ({ billing }: App) => billing.createCheckout(starter)],
    ['a package on a page', ({ billing }: App) => billing.credits.packages.purchase({ ...paged })],
    ['a payment method', ({ billing }: App) => billing.paymentMethods.attach({ accountId, id: 'pm_card_visa' })],
  ] as const)
    it(`C4 without a webhook: ${what} finds out, and is of another customer`, async () => {
      const { app, billing, buy, remove } = await start()
      await buy(pro)
      const old = await remove()
      await call(app)
      expect(['', old]).not.toContain(await app.customerId())
      expect(await app.plan()).toBe('free')
      expect((await buy(pro)).status).toBe('paid')
      expect(await billing.accounts.get({ accountId })).toMatchObject({ plan: 'pro' })
    })

  it('C4 without a webhook: what needs no customer says that there is none', async () => {
    const { app, billing, buy, remove } = await start()
    for (const [call, answer] of [
      [() => billing.createPortal({ accountId, returnUrl: '/' }), { code: 'invalid_state' }],
      [() => billing.paymentMethods.list({ accountId }), []],
      [
        () => billing.credits.packages.purchase({ ...stored, idempotencyKey: crypto.randomUUID() }),
        { status: 'failed', payment: { status: 'declined', reason: 'no_payment_method' } },
      ],
    ] as const) {
      await buy(starter)
      const old = await remove()
      expect(await call().catch((error: unknown) => error)).toMatchObject(answer)
      expect(await app.customerId()).not.toBe(old)
    }
    await buy(starter)
    await remove()
    for (let time = 0; time < 2; time += 1) expect((await billing.reconcile()).failures).toEqual([])
  })

  it('C4 one that Stripe does not find for another reason is not forgotten', async () => {
    const { store, app, billing } = await start()
    await store.accounts.link(accountId, 'stripe', 'cus_of_another_account')
    await expect(billing.createCheckout(starter)).rejects.toMatchObject({ outcome: 'not_applied' })
    expect(await app.customerId()).toBe('cus_of_another_account')
  })
})

type App = Awaited<ReturnType<Awaited<ReturnType<typeof openStripeWorld>>['open']>>
const paged = { accountId, package: 'starter', successUrl: '/ok', cancelUrl: '/no', idempotencyKey: 'p' } as const
const stored = { accountId, package: 'starter', payWith: 'stored_method' } as const
