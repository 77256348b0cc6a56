import { parseSparks } from 'billfold'
import { stripeProvider } from 'billfold/providers/stripe'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { accountId, openAcme, subscription, toSubscribe, toTopUp } from './acme-checkout.js'
import { openSandboxed, pay } from './sandboxed.js'
import { expectRefused, openWith } from './setting.js'
import { stores } from './stores.js'
import { openStripeWorld, payOn } from './stripe-world.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const hourMs = 3_600_000

describe.each(stores)('the page of a checkout on $name', (tested) => {
  it('S1.4 is handed out again while it can be paid on', async () => {
    const setting = await openSandboxed(tested, closing)
    const { billing } = setting
    const page = await billing.createCheckout(toTopUp)
    setting.advance(23 * hourMs)
    expect(await billing.createCheckout(toTopUp)).toEqual(page)
    expect(await setting.sessions()).toBe(1)
  })

  it('S1.4 is another one while a debit is on its way, and what comes of both is given', async () => {
    const setting = await openSandboxed(tested, closing)
    const { billing } = setting
    const first = await billing.createCheckout(toTopUp)
    await pay(setting, first.url, '000123456789')
    const [second, twice] = await Promise.all([billing.createCheckout(toTopUp), billing.createCheckout(toTopUp)])
    expect(second.url).not.toBe(first.url)
    expect([twice, await billing.createCheckout(toTopUp)]).toEqual([second, second])
    await pay(setting, second.url)
    setting.advance(61_000)
    for (const { id } of [first, second]) {
      expect(await billing.verifyCheckout({ accountId, checkoutId: id })).toMatchObject({ status: 'paid' })
    }
    expect((await billing.credits.balance({ accountId })).balance).toBe(parseSparks('1000000'))
  })

  it('S1.4 is another one when it was paid and nobody was told: what it sold is given first', async () => {
    const setting = await openSandboxed(tested, closing)
    const { billing } = setting
    const first = await billing.createCheckout(toTopUp)
    await pay(setting, first.url)
    const second = await billing.createCheckout(toTopUp)
    expect(second.url).not.toBe(first.url)
    expect((await billing.credits.balance({ accountId })).balance).toBe(parseSparks('500000'))
  })

  it('S1.4 is another one when it has expired at the provider', async () => {
    const setting = await openSandboxed(tested, closing)
    const { billing, client } = setting
    const first = await billing.createCheckout(toTopUp)
    await client.checkout.sessions.expire(first.externalId)
    const second = await billing.createCheckout(toTopUp)
    expect(second.url).not.toBe(first.url)
  })

  const ends = {
    paid: (setting: Awaited<ReturnType<typeof openSandboxed>>, url: string) => pay(setting, url),
    processing: (setting: Awaited<ReturnType<typeof openSandboxed>>, url: string) => pay(setting, url, '000123456789'),
    expired: async (setting: Awaited<ReturnType<typeof openSandboxed>>) => setting.advance(25 * hourMs),
  }
  for (const [status, end] of Object.entries(ends)) {
    it(`S1.4 of a key is not replaced: a repeat is refused when it is ${status}, and says so`, async () => {
      const setting = await openSandboxed(tested, closing)
      const { billing } = setting
      const keyed = { ...toTopUp, idempotencyKey: 'k-1' }
      const page = await billing.createCheckout(keyed)
      await end(setting, page.url)
      for (const _ of [1, 2]) {
        await expect(billing.createCheckout(keyed)).rejects.toMatchObject({
          code: 'invalid_state',
          details: { checkoutId: page.id, status },
        })
      }
      expect((await billing.createCheckout({ ...keyed, idempotencyKey: 'k-2' })).url).not.toBe(page.url)
    })
  }

  it('S1.4 of a provider that is not configured any more cannot be verified', async () => {
    const { billing, client, store, ...clock } = await openSandboxed(tested, closing)
    const page = await billing.createCheckout(toTopUp)
    const open = async () => ({ ...store, close: async () => {} })
    const roles = { default: stripeProvider({ client, id: 'other' }) }
    const other = await openWith({ ...tested, open }, closing, roles, clock)
    const call = () => other.billing.verifyCheckout({ accountId, checkoutId: page.id })
    await expectRefused(other, 'capability_missing', call)
  })
})

describe.each(stores)('a checkout after a 500 on $name', (tested) => {
  for (const kind of ['status', 'status_after'] as const) {
    it(`S1.4 is made once, and is not held up for a day (${kind})`, async () => {
      const setting = await openSandboxed(tested, closing)
      const { billing, box, client, store } = setting
      for (const pathIncludes of ['/v1/customers', '/v1/checkout/sessions'])
        box.faults.inject({ match: { method: 'POST', pathIncludes }, kind, status: 500 })
      const page = await billing.createCheckout(toTopUp)
      expect(await billing.createCheckout(toTopUp)).toEqual(page)
      expect(await setting.sessions()).toBe(1)
      const customers = (await client.customers.list()).data
      expect(customers.map(({ id }) => id)).toEqual([await store.accounts.externalId(accountId, 'stripe')])
      await pay(setting, page.url)
      expect(await billing.verifyCheckout({ accountId, checkoutId: page.id })).toMatchObject({ status: 'paid' })
    })
  }
})

describe.each(stores)('a second subscription on $name', (tested) => {
  it('S1.5 whose first debit did not come has failed: the refusal of another says what to do, and what it says helps', async () => {
    const setting = await openSandboxed(tested, closing)
    const { billing } = setting
    const first = await billing.createCheckout(toSubscribe)
    const verify = () => billing.verifyCheckout({ accountId, checkoutId: first.id })
    await pay(setting, first.url, '000111111116')
    expect(await verify()).toMatchObject({ status: 'processing' })
    await expect(billing.createCheckout(toSubscribe)).rejects.toMatchObject({ code: 'subscription_exists' })
    setting.advance(61_000)
    await setting.deliver('checkout.session.async_payment_failed', 2)
    expect(await verify()).toMatchObject({ status: 'failed' })
    const [subscribed] = await billing.subscriptions.list({ accountId })
    const refusal = {
      code: 'subscription_exists',
      message: expect.stringMatching(/pay its open invoice.*or cancel it/),
      details: { plan: 'pro', status: 'past_due', subscriptionId: subscribed?.id },
    }
    await expect(billing.createCheckout(toSubscribe)).rejects.toMatchObject(refusal)
    expect(await setting.store.inbox.backlog()).toEqual([])
    await billing.subscriptions.cancel({ accountId, when: 'now' })
    const again = await billing.createCheckout(toSubscribe)
    expect(again.id).not.toBe(first.id)
    await pay(setting, again.url)
    expect(await billing.verifyCheckout({ accountId, checkoutId: again.id })).toMatchObject({ status: 'paid' })
    expect(await verify()).toMatchObject({ status: 'failed' })
  })

  it('S1.5 whose first debit did not come is paid by paying its invoice', async () => {
    const setting = await openSandboxed(tested, closing)
    const { billing } = setting
    const first = await billing.createCheckout(toSubscribe)
    await pay(setting, first.url, '000111111116')
    setting.advance(61_000)
    const verify = () => billing.verifyCheckout({ accountId, checkoutId: first.id })
    expect(await verify()).toMatchObject({ status: 'failed' })
    const { id } = await billing.paymentMethods.attach({ accountId, id: 'pm_card_visa', setAsDefault: true })
    const [invoice] = (await billing.listInvoices({ accountId })).items
    const paid = await billing.invoices.pay({ accountId, id: invoice?.id ?? '', paymentMethodId: id })
    expect(paid.payment).toEqual({ status: 'succeeded' })
    expect(await verify()).toMatchObject({ status: 'paid' })
    expect(await billing.subscriptions.get({ accountId })).toMatchObject({ status: 'active', plan: 'pro' })
    expect((await setting.store.intents.get(accountId, first.id))?.status).toBe('completed')
    expect((await billing.reconcile()).differences).toEqual([])
  })

  it('S1.5 is not sold beside one that is there', async () => {
    const setting = await openSandboxed(tested, closing)
    const { billing, client } = setting
    const first = await billing.createCheckout(toSubscribe)
    await pay(setting, first.url)
    for (const again of [toSubscribe, { ...toSubscribe, idempotencyKey: 'k' }, { ...toSubscribe, successUrl: '/b' }]) {
      await expect(billing.createCheckout(again)).rejects.toMatchObject({ code: 'subscription_exists' })
    }
    expect(await setting.sessions()).toBe(1)
    expect(await billing.accounts.get({ accountId })).toMatchObject({ plan: 'pro' })
    const [subscribed] = (await client.subscriptions.list({ limit: 1 })).data
    await client.subscriptions.cancel(subscribed?.id ?? '')
    expect((await billing.createCheckout(toSubscribe)).url).not.toBe(first.url)
  })

  it('S1.5 is not sold under the key of the first, whose repeat says how that one stands', async () => {
    const setting = await openSandboxed(tested, closing)
    const { billing } = setting
    const keyed = { ...toSubscribe, idempotencyKey: 'k-1' }
    const { id, url } = await billing.createCheckout(keyed)
    await pay(setting, url)
    await expect(billing.createCheckout(keyed)).rejects.toMatchObject({
      code: 'invalid_state',
      details: { checkoutId: id, status: 'paid' },
    })
    expect(await billing.accounts.get({ accountId })).toMatchObject({ plan: 'pro' })
  })

  it('S1.5 to another plan is not sold, nor beside one that is unpaid or paused', async () => {
    const { billing, acme } = await openAcme(tested, closing)
    await billing.createCheckout(toTopUp)
    for (const status of ['active', 'trialing', 'past_due', 'unpaid', 'paused', 'unknown'] as const) {
      acme.subscriptions = [subscription({ status })]
      const call = () => billing.createCheckout({ ...toSubscribe, plan: 'team' })
      await expect(call()).rejects.toMatchObject({ code: 'subscription_exists', details: { plan: 'pro', status } })
    }
    acme.subscriptions = [subscription({ status: 'canceled' }), subscription({ plan: null })]
    expect((await billing.createCheckout({ ...toSubscribe, plan: 'team' })).url).toMatch(/^https/)
  })

  it('S1.5 is not sold while the first is being paid for, and is when that came to nothing', async () => {
    const { billing, acme } = await openAcme(tested, closing)
    const first = await billing.createCheckout(toSubscribe)
    acme.set({ status: 'processing', subscriptionId: 'sub_1' })
    acme.subscriptions = [subscription({ status: 'pending' })]
    await expect(billing.createCheckout(toSubscribe)).rejects.toMatchObject({ code: 'subscription_exists' })
    acme.subscriptions = [subscription({ status: 'canceled' })]
    expect((await billing.createCheckout(toSubscribe)).url).not.toBe(first.url)
  })
})

const forLife = { accountId, kind: 'lifetime', plan: 'lifetime', successUrl: '/ok', cancelUrl: '/no' } as const

describe.each(stores)('what is sold once, and has two open pages, on $name', (tested) => {
  const start = async () => {
    const world = await openStripeWorld(closing)
    const store = await tested.open({ now: world.now })
    const app = await world.open(store)
    const told: unknown[] = []
    app.billing.on('test', 'purchase.duplicated', ({ data }) => void told.push(data))
    const pages = async (sale: Parameters<typeof app.billing.createCheckout>[0]) => {
      const first = await app.billing.createCheckout({ ...sale, idempotencyKey: 'first' } as typeof sale)
      const second = await app.billing.createCheckout({ ...sale, idempotencyKey: 'second' } as typeof sale)
      expect(first.externalId).not.toBe(second.externalId)
      return [first, second] as const
    }
    const verify = async (id: string) => (await app.billing.verifyCheckout({ accountId, checkoutId: id })).status
    const sessionStatus = async (id: string) => (await world.client.checkout.sessions.retrieve(id)).status
    const heard = async () => {
      await app.billing.sync.flush()
      return told
    }
    return { world, store, app, pages, verify, sessionStatus, heard }
  }

  for (const [what, sale] of [
    ['a subscription', toSubscribe],
    ['a plan for life', forLife],
  ] as const)
    for (const by of ['redirect', 'webhook', 'reconcile'] as const)
      it(`G12 ${what}: the other page is closed once one is paid, by ${by}`, async () => {
        const { world, store, app, pages, verify, sessionStatus, heard } = await start()
        const topUp = await app.billing.createCheckout(toTopUp)
        const [first, second] = await pages(sale)
        await payOn(first.url)
        if (by === 'redirect') expect(await verify(first.id)).toBe('paid')
        else if (by === 'webhook') await app.relay('checkout.session.completed')
        else expect((await app.billing.reconcile()).differences).toHaveLength(1)
        expect(await sessionStatus(second.externalId)).toBe('expired')
        expect(await sessionStatus(topUp.externalId)).toBe('open')
        expect((await store.intents.get(accountId, second.id))?.status).toBe('expired')
        expect(await verify(second.id)).toBe('expired')
        await payOn(second.url)
        expect((await world.client.charges.list()).data).toHaveLength(1)
        await app.relay()
        expect(await heard()).toEqual([])
        expect((await app.billing.reconcile()).differences).toEqual([])
        expect(app.failures).toEqual([])
      })

  it('G12 a page that could not be closed at once is closed later, and not handed out meanwhile', async () => {
    for (const sale of [toSubscribe, forLife]) {
      const { world, app, pages, verify, sessionStatus } = await start()
      const [first, second] = await pages(sale)
      await payOn(first.url)
      world.box.faults.inject({ match: { method: 'POST', pathIncludes: '/expire' }, kind: 'status', status: 500 })
      expect(await verify(first.id)).toBe('paid')
      expect(app.failures).toHaveLength(1)
      expect(await sessionStatus(second.externalId)).toBe('open')
      const again = app.billing.createCheckout({ ...sale, idempotencyKey: 'second' })
      await expect(again).rejects.toMatchObject({ httpStatus: 409 })
      world.box.faults.clear()
      expect((await app.billing.reconcile({ repair: false })).differences).toEqual([])
      expect(await sessionStatus(second.externalId)).toBe('open')
      expect((await app.billing.reconcile()).differences).toEqual([])
      expect(await sessionStatus(second.externalId)).toBe('expired')
    }
  })

  it('G12 a page that is made while another is paid is closed before anybody has it', async () => {
    const { app, verify, sessionStatus, world } = await start()
    const first = await app.billing.createCheckout({ ...toSubscribe, idempotencyKey: 'first' })
    const { sessions } = world.client.checkout
    const create = sessions.create.bind(sessions)
    const between = vi.spyOn(sessions, 'create').mockImplementationOnce(async (...request) => {
      await payOn(first.url)
      expect(await verify(first.id)).toBe('paid')
      return create(...request)
    })
    const second = app.billing.createCheckout({ ...toSubscribe, idempotencyKey: 'second' })
    await expect(second).rejects.toMatchObject({ code: 'subscription_exists' })
    expect(between).toHaveBeenCalledTimes(1)
    const [newest] = (await world.client.checkout.sessions.list({ limit: 1 })).data
    expect(newest?.id).not.toBe(first.externalId)
    expect(await sessionStatus(newest?.id ?? '')).toBe('expired')
  })

  for (const by of ['redirect', 'webhook', 'reconcile'] as const)
    it(`G12 G23 two subscriptions that were paid all the same are told of once, by ${by}, and are a difference until one is cancelled`, async () => {
      const { world, store, app, pages, verify, heard } = await start()
      const [first, second] = await pages(toSubscribe)
      await payOn(first.url)
      world.advance(2_000)
      await payOn(second.url)
      if (by === 'redirect') for (const { id } of [second, first]) expect(await verify(id)).toBe('paid')
      else if (by === 'webhook') await app.relay()
      else await app.billing.reconcile()
      const subscriptions = await app.billing.subscriptions.list({ accountId })
      expect(subscriptions.map(({ status }) => status)).toEqual(['active', 'active'])
      const [extra, kept] = subscriptions
      const event = { provider: 'stripe', kind: 'subscription', plan: 'pro', id: extra?.id, duplicateOf: kept?.id }
      expect(await heard()).toEqual([event])
      const difference = {
        kind: 'duplicate',
        subject: 'subscription',
        accountId,
        id: extra?.id,
        duplicateOf: kept?.id,
        isRepaired: false,
      }
      // Another process, which has seen none of it.
      const restarted = await world.open(store)
      for (const repair of [false, true])
        expect((await restarted.billing.reconcile({ repair })).differences).toEqual([
          expect.objectContaining(difference),
        ])
      await app.relay()
      expect(await heard()).toEqual([event])
      await app.billing.subscriptions.cancel({ accountId, id: extra?.id ?? '', when: 'now' })
      expect((await app.billing.reconcile()).differences).toEqual([])
      expect(await app.plan()).toBe('pro')
      expect(app.failures).toEqual([])
    })

  for (const by of ['redirect', 'webhook', 'reconcile'] as const)
    it(`G12 G23 a plan for life that was paid twice is told of once, by ${by}, and is a difference until one is refunded`, async () => {
      const { world, store, app, pages, verify, heard } = await start()
      const [first, second] = await pages(forLife)
      await payOn(first.url)
      world.advance(2_000)
      await payOn(second.url)
      if (by === 'redirect') for (const { id } of [second, first]) expect(await verify(id)).toBe('paid')
      else if (by === 'webhook') await app.relay()
      else await app.billing.reconcile()
      const event = { provider: 'stripe', kind: 'lifetime', plan: 'lifetime', id: second.id, duplicateOf: first.id }
      expect(await heard()).toEqual([event])
      const difference = {
        kind: 'duplicate',
        subject: 'checkout',
        accountId,
        id: second.id,
        duplicateOf: first.id,
        isRepaired: false,
      }
      const restarted = await world.open(store)
      for (const repair of [false, true])
        expect((await restarted.billing.reconcile({ repair })).differences).toEqual([
          expect.objectContaining(difference),
        ])
      await app.relay()
      expect(await heard()).toEqual([event])
      const { items } = await app.billing.payments.list({ accountId })
      const extra = items.find(({ checkoutId }) => checkoutId === second.id)
      await app.billing.payments.refund({ accountId, paymentId: extra?.id ?? '', reason: 'twice', idempotencyKey: 'r' })
      expect((await app.billing.reconcile()).differences).toEqual([])
      expect(await app.plan()).toBe('lifetime')
      expect(app.failures).toEqual([])
    })
})
