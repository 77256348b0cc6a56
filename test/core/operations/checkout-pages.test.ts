import { parseSparks } from 'billfold'
import { stripeProvider } from 'billfold/providers/stripe'
import { afterEach, describe, expect, it } from 'vitest'
import { accountId, openAcme, subscription, toSubscribe, toTopUp } from './acme-checkout.js'
import { openSandboxed, pay } from './sandboxed.js'
import { expectRefused, openWith } from './setting.js'
import { stores } from './stores.js'

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
