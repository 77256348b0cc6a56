import { afterEach, describe, expect, it } from 'vitest'
import { accountId, openAcme, subscription, toSubscribe, toTopUp } from './acme-checkout.js'
import { openSandboxed, pay } from './sandboxed.js'
import { stores } from './stores.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

describe.each(stores)('the plan of an account on $name', (tested) => {
  /** A service whose account Acme knows as a customer. */
  const openKnown = async () => {
    const setting = await openAcme(tested, closing)
    await setting.billing.createCheckout(toTopUp)
    return setting
  }

  it('S1.5 is that of the best subscription, and of equals that of the newest', async () => {
    const { acme, send, plan } = await openKnown()
    const pro = subscription({ externalId: 'sub_1', plan: 'pro' })
    const team = subscription({ externalId: 'sub_2', plan: 'team' })
    const cases = [
      [[{ ...team, status: 'past_due' }, pro], 'pro'],
      [
        [
          { ...team, status: 'past_due' },
          { ...pro, status: 'trialing' },
        ],
        'pro',
      ],
      [[team, pro], 'team'],
      [[{ ...team, status: 'trialing' }, pro], 'team'],
      [[{ ...team, status: 'past_due' }], 'team'],
      [
        [
          { ...team, plan: 'gone' },
          { ...pro, status: 'past_due' },
        ],
        'pro',
      ],
    ] as const
    for (const [subscriptions, expected] of cases) {
      acme.subscriptions = subscriptions
      await (await send('subscription', 'sub_1')).applied
      expect(await plan()).toBe(expected)
    }
  })

  for (const status of ['unpaid', 'paused', 'pending', 'canceled', 'unknown'] as const) {
    it(`S1.5 is the default one when the subscription is ${status}`, async () => {
      const { acme, send, plan } = await openKnown()
      acme.subscriptions = [subscription()]
      await (await send('subscription', 'sub_1')).applied
      expect(await plan()).toBe('pro')
      acme.subscriptions = [subscription({ status })]
      await (await send('subscription', 'sub_1')).applied
      expect(await plan()).toBe('free')
    })
  }

  it('S1.5 keeps its plan while a payment that failed is tried again', async () => {
    const setting = await openSandboxed(tested, closing)
    const { billing } = setting
    const { url } = await billing.createCheckout(toSubscribe)
    await pay(setting, url, '000111111116')
    await setting.deliver('customer.subscription.created')
    expect(await billing.accounts.get({ accountId })).toMatchObject({ plan: 'pro' })
    setting.advance(61_000)
    await setting.deliver('customer.subscription.updated')
    expect(await billing.accounts.get({ accountId })).toMatchObject({ plan: 'pro' })
  })

  it('S1.5 is what the provider says now, also when an old reading is written last', async () => {
    const { acme, send, plan } = await openKnown()
    acme.subscriptions = [subscription()]
    let letGo = () => {}
    const stall = new Promise<void>((resolve) => {
      letGo = resolve
    })
    let isFirst = true
    acme.list = async () => {
      const seen = acme.subscriptions
      if (isFirst) {
        isFirst = false
        await stall
      }
      return seen
    }
    const updated = await send('subscription', 'sub_1')
    await expect.poll(() => isFirst).toBe(false)
    acme.subscriptions = []
    const deleted = await send('subscription', 'sub_1')
    await new Promise((resolve) => setTimeout(resolve, 20))
    letGo()
    await Promise.all([updated.applied, deleted.applied])
    expect(await plan()).toBe('free')
  })

  it('S1.5 is looked at again later when the provider says something else at every reading', async () => {
    const { billing, acme, send, plan, advance } = await openKnown()
    let readings = 0
    acme.list = async () => {
      readings += 1
      return [subscription({ plan: readings % 2 === 0 ? 'pro' : 'team' })]
    }
    await (await send('subscription', 'sub_1')).applied
    expect(readings).toBeLessThan(10)
    expect((await billing.sync.status()).webhooks).toEqual([{ status: 'pending', count: 1 }])
    acme.list = async () => [subscription()]
    advance(900_000)
    await billing.sync.flush()
    expect(await plan()).toBe('pro')
  })

  it('S1.5 counts periods from the day of the subscription, also after a month that is too short for it', async () => {
    const { billing, acme, send, advance } = await openKnown()
    const anchor = Date.parse('2026-10-31T09:00:00Z')
    const renewed = Date.parse('2026-11-30T09:00:00Z')
    const resetsAt = async () => (await billing.getQuota({ accountId, meter: 'ai_tokens' })).resetsAt.toISOString()
    acme.subscriptions = [subscription({ anchor, currentPeriodStartsAt: anchor })]
    await (await send('subscription', 'sub_1')).applied
    expect(await resetsAt()).toBe('2026-11-30T09:00:00.000Z')
    advance(renewed + 3_600_000 - Date.parse('2026-11-21T12:00:00Z'))
    acme.subscriptions = [subscription({ anchor, currentPeriodStartsAt: renewed })]
    await (await send('subscription', 'sub_1')).applied
    expect(await resetsAt()).toBe('2026-12-31T09:00:00.000Z')
  })

  it('S1.5 is written once however many look at the same time', async () => {
    const { billing, acme, store } = await openKnown()
    const { id } = await billing.createCheckout(toSubscribe)
    acme.set({ status: 'paid', subscriptionId: 'sub_1' })
    acme.subscriptions = [subscription({ currentPeriodStartsAt: Date.parse('2026-11-21T11:00:00Z') })]
    const verify = () => billing.verifyCheckout({ accountId, checkoutId: id })
    await verify()
    const before = (await store.ledger.entries(accountId, { limit: 100 })).length
    for (const _ of [1, 2, 3]) expect(await verify()).toMatchObject({ status: 'paid' })
    expect((await store.ledger.entries(accountId, { limit: 100 })).length).toBe(before)
  })
})

describe.each(stores)('the customer of an account on $name', (tested) => {
  it('C4 is one, though its name and e-mail are refused', async () => {
    const setting = await openSandboxed(tested, closing)
    const { billing, client, box, store } = setting
    await billing.accounts.ensure({ accountId, email: 'ada@example.com' })
    const match = { method: 'POST', pathIncludes: '/v1/customers/cus' }
    box.faults.inject({ match, kind: 'status', status: 400, times: 9 })
    for (const key of ['1', '2', '3']) {
      expect((await billing.createCheckout({ ...toTopUp, idempotencyKey: key })).url).toMatch(/^http/)
      setting.advance(25 * 3_600_000)
    }
    const customers = (await client.customers.list({ limit: 100 })).data
    expect(customers.map(({ id }) => id)).toEqual([await store.accounts.externalId(accountId, 'stripe')])
  })

  it('C4 has the name and e-mail of the account', async () => {
    const { billing, client } = await openSandboxed(tested, closing)
    await billing.accounts.ensure({ accountId, email: 'ada@example.com', name: 'Ada' })
    await billing.createCheckout(toTopUp)
    const [customer] = (await client.customers.list()).data
    expect(customer).toMatchObject({ email: 'ada@example.com', name: 'Ada' })
  })
})
