import { afterEach, describe, expect, it } from 'vitest'
import { stores } from './stores.js'
import { accountId, openStripeWorld, payOn, returns } from './stripe-world.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const starter = { ...returns, kind: 'package', package: 'starter' } as const
const pro = { ...returns, kind: 'subscription', plan: 'pro' } as const

describe.each(stores)('an account that is erased, on $name', (tested) => {
  const start = async () => {
    const world = await openStripeWorld(closing)
    const store = await tested.open({ now: world.now })
    const app = await world.open(store)
    const { billing } = app
    await billing.accounts.update({ accountId, email: 'ada@acme.example', name: 'Ada', idempotencyKey: 'named' })
    const buy = async (sale: Parameters<typeof billing.createCheckout>[0]) => {
      const { url, id } = await billing.createCheckout(sale)
      await payOn(url)
      await billing.verifyCheckout({ accountId, checkoutId: id })
    }
    return { world, store, app, billing, buy }
  }

  it('S33 keeps its books; nobody is known by it, its keys open nothing, and its customer is not its own', async () => {
    const { store, app, billing, buy } = await start()
    await buy(starter)
    const { secret } = await billing.apiKeys.issue({ accountId, name: 'Ada’s laptop', idempotencyKey: 'k' })
    const customer = await app.customerId()
    const before = await billing.credits.transactions({ accountId })
    expect((await billing.accounts.find({ email: 'ADA@acme.example' })).map(({ id }) => id)).toEqual([accountId])

    const erased = await billing.accounts.erase({ accountId })
    expect(erased).toMatchObject({ email: null, name: null, suspendedFor: 'erased' })
    expect(erased.customers).toEqual([{ provider: 'stripe', id: customer, result: 'unlinked' }])
    expect(await billing.apiKeys.verify({ key: secret ?? '' })).toEqual({ valid: false })
    expect(await billing.accounts.find({ email: 'ada@acme.example' })).toEqual([])
    expect((await billing.authorize({ accountId, meter: 'ai_tokens', quantity: 1 })).allowed).toBe(false)
    // What is heard of it late still finds it.
    await app.relay()
    expect(await store.directory.accountByExternalId('stripe', customer)).toBe(accountId)
    const after = await billing.credits.transactions({ accountId })
    expect(after.items.filter(({ amount }) => amount !== 0n)).toEqual(before.items)
    expect((await billing.verifyLedger({ accountId })).findings).toEqual([])
    const kept = JSON.stringify(
      [await billing.accounts.get({ accountId }), await billing.apiKeys.list({ accountId })],
      (_, each) => (typeof each === 'bigint' ? String(each) : each),
    )
    expect(kept).not.toMatch(/ada/i)
    expect(await billing.accounts.erase({ accountId })).toMatchObject({ email: null, customers: [] })
  })

  it('S33 with a subscription that goes on it is refused, with nothing done, or deleted at the provider too', async () => {
    const { world, app, billing, buy } = await start()
    await buy(pro)
    const customer = await app.customerId()
    await expect(billing.accounts.erase({ accountId })).rejects.toMatchObject({ code: 'invalid_state' })
    expect(await billing.accounts.get({ accountId })).toMatchObject({ name: 'Ada', suspendedFor: null })
    const { customers } = await billing.accounts.erase({ accountId, customers: 'delete' })
    expect(customers).toEqual([{ provider: 'stripe', id: customer, result: 'deleted' }])
    expect(await world.client.customers.retrieve(customer)).toMatchObject({ deleted: true })
    expect([await app.plan(), await app.customerId()]).toEqual(['free', ''])
  })

  it('S33 what failed half way goes on when it is called again', async () => {
    const { world, store, app, billing, buy } = await start()
    await buy(starter)
    const customer = await app.customerId()
    const broken = await world.open({
      ...store,
      accounts: { ...store.accounts, erase: async () => Promise.reject(new Error('gone')) },
    })
    await expect(broken.billing.accounts.erase({ accountId, customers: 'delete' })).rejects.toThrow('gone')
    expect(await billing.accounts.get({ accountId })).toMatchObject({ name: 'Ada', suspendedFor: 'erased' })
    expect(await billing.accounts.erase({ accountId, customers: 'delete' })).toMatchObject({ name: null, email: null })
    expect(await world.client.customers.retrieve(customer)).toMatchObject({ deleted: true })
    await expect(billing.accounts.erase({ accountId: 'nobody' })).rejects.toMatchObject({ code: 'not_found' })
  })
})
