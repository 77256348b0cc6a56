import { type CheckoutIntent, parseSparks, type Store } from 'billfold'
import { afterEach, describe, expect, it } from 'vitest'
import { accountId, openAcme, subscription, toSubscribe, toTopUp } from './acme-checkout.js'
import { openSandboxed, pay } from './sandboxed.js'
import { stores } from './stores.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

describe.each(stores)('a paid subscription on $name', (tested) => {
  it('S1.5 is completed when its plan is in force, and not while the subscription is pending', async () => {
    const { billing, acme, plan, heard } = await openAcme(tested, closing)
    const { id } = await billing.createCheckout(toSubscribe)
    const verify = () => billing.verifyCheckout({ accountId, checkoutId: id })
    acme.set({ status: 'paid', subscriptionId: 'sub_1' })
    for (const status of ['pending', 'unknown'] as const) {
      acme.subscriptions = [subscription({ status })]
      expect(await verify()).toMatchObject({ status: 'processing' })
    }
    acme.subscriptions = []
    expect(await verify()).toMatchObject({ status: 'processing' })
    expect([await plan(), await heard()]).toEqual(['free', []])
    acme.subscriptions = [subscription()]
    expect(await verify()).toMatchObject({ status: 'paid' })
    expect([await plan(), await heard()]).toEqual(['pro', ['pro']])
  })

  it('S1.5 whose webhook comes before the subscription is active is looked at again', async () => {
    const { billing, acme, plan, heard, send, advance } = await openAcme(tested, closing)
    const { externalId } = await billing.createCheckout(toSubscribe)
    acme.set({ status: 'paid', subscriptionId: 'sub_1' })
    acme.subscriptions = [subscription({ status: 'pending' })]
    await (await send('checkout', externalId)).applied
    expect((await billing.sync.status()).webhooks).toEqual([{ status: 'pending', count: 1 }])
    acme.subscriptions = [subscription()]
    advance(900_000)
    expect([await heard(), await plan()]).toEqual([['pro'], 'pro'])
  })

  it('S1.5 that was cancelled before anybody looked is completed: there is nothing left to wait for', async () => {
    const { billing, acme, plan } = await openAcme(tested, closing)
    const { id } = await billing.createCheckout(toSubscribe)
    acme.set({ status: 'paid', subscriptionId: 'sub_1' })
    acme.subscriptions = [subscription({ status: 'canceled' })]
    expect(await billing.verifyCheckout({ accountId, checkoutId: id })).toMatchObject({ status: 'paid' })
    expect(await plan()).toBe('free')
  })

  it('S1.5 gives its plan where the provider makes no customers, or names none on its session', async () => {
    for (const customerId of [accountId, null]) {
      const { billing, acme, plan, send } = await openAcme(tested, closing, { lacks: ['customers'] })
      const { id } = await billing.createCheckout(toSubscribe)
      acme.set({ status: 'paid', subscriptionId: 'sub_1', customerId })
      acme.subscriptions = [subscription()]
      expect(await billing.verifyCheckout({ accountId, checkoutId: id })).toMatchObject({ status: 'paid' })
      expect(await plan()).toBe('pro')
      acme.subscriptions = []
      await (await send('subscription', 'sub_1')).applied
      expect(await plan()).toBe('free')
    }
  })

  it('S1.5 of another customer is a mismatch, also where the provider makes no customers', async () => {
    const { billing, acme } = await openAcme(tested, closing, { lacks: ['customers'] })
    const { id } = await billing.createCheckout(toSubscribe)
    acme.set({ status: 'paid', subscriptionId: 'sub_1', customerId: 'somebody' })
    const verify = () => billing.verifyCheckout({ accountId, checkoutId: id })
    await expect(verify()).rejects.toMatchObject({ code: 'checkout_mismatch' })
  })

  it('S1.5 is not sold by a provider that cannot say how subscriptions stand', async () => {
    const { billing, acme, store } = await openAcme(tested, closing, { lacks: ['subscriptions'] })
    await expect(billing.createCheckout(toSubscribe)).rejects.toMatchObject({ code: 'capability_missing' })
    expect(acme.sessions.size).toBe(0)
    expect(await store.intents.waiting(9)).toEqual([])
    expect((await billing.createCheckout(toTopUp)).url).toMatch(/^https/)
  })
})

describe.each(stores)('a purchase of credits on $name', (tested) => {
  it('S1.4 arrives whatever keys the app gives its own grants', async () => {
    const setting = await openSandboxed(tested, closing)
    const { billing } = setting
    const { id, url } = await billing.createCheckout(toTopUp)
    await billing.credits.grant({ accountId, amount: '1', reason: 'bonus', idempotencyKey: `checkout:${id}` })
    await billing.credits.grant({ accountId, amount: '1', reason: 'bonus', idempotencyKey: id })
    await pay(setting, url)
    expect(await billing.verifyCheckout({ accountId, checkoutId: id })).toMatchObject({ status: 'paid' })
    expect((await billing.credits.balance({ accountId })).balance).toBe(parseSparks('500002'))
  })

  const crashes: readonly (readonly [when: string, around: (store: Store) => Store])[] = [
    [
      'before it is told',
      (store) => ({ ...store, outbox: { ...store.outbox, publish: failingOnce(store.outbox.publish) } }),
    ],
    [
      'before the sale is marked',
      (store) => {
        const fail = failingOnce(store.intents.update)
        const update: Store['intents']['update'] = (account, intent, change) =>
          (change.status === 'completed' ? fail : store.intents.update)(account, intent, change)
        return { ...store, intents: { ...store.intents, update } }
      },
    ],
  ]
  for (const [when, around] of crashes) {
    it(`S1.4 is given and told once when the process dies ${when}`, async () => {
      const { billing, acme, store, heard } = await openAcme(tested, closing, { around })
      const { id } = await billing.createCheckout(toTopUp)
      acme.set({ status: 'paid' })
      const verify = () => billing.verifyCheckout({ accountId, checkoutId: id })
      await expect(verify()).rejects.toThrow('the process died')
      expect(await verify()).toMatchObject({ status: 'paid' })
      expect(await verify()).toMatchObject({ status: 'paid' })
      expect(await heard()).toEqual(['500000'])
      const intent: CheckoutIntent | null = await store.intents.get(accountId, id)
      expect(intent?.status).toBe('completed')
      expect((await billing.credits.balance({ accountId })).balance).toBe(parseSparks('500000'))
    })
  }
})

function failingOnce<Given extends unknown[], Answer>(work: (...given: Given) => Promise<Answer>) {
  let hasFailed = false
  return async (...given: Given): Promise<Answer> => {
    if (hasFailed) return work(...given)
    hasFailed = true
    throw new Error('the process died')
  }
}
