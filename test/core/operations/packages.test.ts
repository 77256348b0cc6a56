import { formatSparks, parseSparks } from 'billfold'
import { afterEach, describe, expect, it } from 'vitest'
import { badIds, badInputs } from './bad-values.js'
import { openSandboxed } from './sandboxed.js'
import { expectAllRefused, expectRefused, sharedWith } from './setting.js'
import { stores } from './stores.js'
import { accountId, openStripeWorld, payOn } from './stripe-world.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const bought = { accountId, package: 'starter', idempotencyKey: 'p1' } as const
const stored = { ...bought, payWith: 'stored_method' } as const
const paged = { ...bought, successUrl: '/ok', cancelUrl: '/no' } as const

describe.each(stores)('credit packages on $name', (tested) => {
  const start = async (card?: string) => {
    const world = await openStripeWorld(closing)
    const app = await world.open(await tested.open({ now: world.now }))
    if (card) await app.billing.paymentMethods.attach({ accountId, id: card, setAsDefault: true })
    const charged = async () => (await world.client.charges.list()).data.filter(({ paid }) => paid).length
    return { world, app, ...app.billing.credits.packages, charged }
  }

  it('S3.6 are listed with their price', async () => {
    const { list } = await start()
    expect(await list()).toEqual([
      { name: 'starter', title: 'Starter', currency: 'USD', price: '20', sparks: parseSparks('500000') },
    ])
  })

  it('S3.6 are bought on a page, which is the next action', async () => {
    const { app, purchase } = await start()
    const purchased = await purchase(paged)
    expect(purchased).toMatchObject({ status: 'open', payment: null, nextAction: { kind: 'redirect' } })
    expect(await purchase(paged)).toEqual(purchased)
    await payOn(purchased.nextAction?.url ?? '')
    const { status } = await app.billing.verifyCheckout({ accountId, checkoutId: purchased.id })
    expect([status, formatSparks(await app.sparks())]).toEqual(['paid', '500000'])
    await expect(purchase(stored)).rejects.toMatchObject({ code: 'idempotency_conflict' })
  })

  it('S3.6 G1 are bought at once with a stored method, once under a key', async () => {
    const { world, app, purchase, charged } = await start('pm_card_visa')
    const twice = await Promise.allSettled([purchase({ ...stored, quantity: 2 }), purchase({ ...stored, quantity: 2 })])
    expect(twice.some(({ status }) => status === 'fulfilled')).toBe(true)
    const purchased = await purchase({ ...stored, quantity: 2 })
    expect(purchased).toMatchObject({ status: 'paid', payment: { status: 'succeeded' }, nextAction: null })
    await app.relay()
    expect(formatSparks(await app.sparks())).toBe('1000000')
    expect(await charged()).toBe(1)
    await expect(purchase(stored)).rejects.toMatchObject({ code: 'idempotency_conflict' })
    expect(await app.billing.verifyCheckout({ accountId, checkoutId: purchased.id })).toMatchObject({ status: 'paid' })
    expect(world.now()).toBeGreaterThan(0)
  })

  it('S3.6 G1 are charged once after an answer that was lost', async () => {
    const { world, app, purchase, charged } = await start('pm_card_visa')
    const match = { method: 'POST', pathIncludes: '/confirm' }
    world.box.faults.inject({ match, kind: 'status_after', status: 500 })
    await expect(purchase(stored)).rejects.toMatchObject({ code: 'outcome_unknown' })
    const [finding] = (await app.billing.reconcile({ repair: true })).differences
    expect(finding).toMatchObject({ kind: 'missing', subject: 'payment' })
    expect(formatSparks(await app.sparks())).toBe('500000')
    expect((await app.billing.reconcile()).differences).toEqual([])
    expect((await purchase(stored)).status).toBe('paid')
    expect([await charged(), formatSparks(await app.sparks())]).toEqual([1, '500000'])
  })

  it('S3.6 that are declined give nothing, and the same key answers the same', async () => {
    const { app, purchase } = await start('pm_card_chargeCustomerFail')
    const declined = await purchase(stored)
    expect(declined).toMatchObject({ status: 'failed', payment: { status: 'declined', reason: 'declined' } })
    expect(await purchase(stored)).toEqual(declined)
    const { id } = await app.billing.paymentMethods.attach({ accountId, id: 'pm_card_visa', setAsDefault: false })
    const named = { ...stored, paymentMethodId: id, idempotencyKey: 'p2' }
    expect((await purchase(named)).status).toBe('paid')
    expect(formatSparks(await app.sparks())).toBe('500000')
    const bare = await start()
    expect((await bare.purchase(stored)).payment).toMatchObject({ reason: 'no_payment_method' })
  })

  it('S3.6 that the bank wants confirmed say on which page, and are paid once when they are', async () => {
    const { world, app, purchase, charged } = await start('pm_card_authenticationRequired')
    const asked = { ...stored, returnUrl: '/thanks?to=you' }
    const purchased = await purchase(asked)
    const url = purchased.nextAction?.url ?? ''
    expect(purchased).toMatchObject({ status: 'open', payment: { status: 'requires_action', url } })
    expect(purchased.nextAction).toEqual({ kind: 'redirect', url, expiresAt: null })
    await app.relay()
    expect(await purchase(asked)).toEqual(purchased)
    const verify = async () => (await app.billing.verifyCheckout({ accountId, checkoutId: purchased.id })).status
    expect([await verify(), await charged(), await app.sparks()]).toEqual(['open', 0, 0n])
    expect((await app.billing.reconcile()).differences).toEqual([])
    const back = await fetch(`${url}/complete`, { method: 'POST', redirect: 'manual' })
    expect(back.headers.get('location')).toMatch(/^https:\/\/app\.example\.com\/thanks\?to=you&/)
    expect(await verify()).toBe('paid')
    await app.relay()
    const after = { status: 'paid', payment: { status: 'succeeded' }, nextAction: null }
    expect(await purchase(asked)).toMatchObject(after)
    await fetch(`${url}/complete`, { method: 'POST', redirect: 'manual' })
    world.advance(48 * 3_600_000)
    expect(await purchase(asked)).toMatchObject(after)
    await app.relay()
    expect([await charged(), formatSparks(await app.sparks())]).toEqual([1, '500000'])
    expect((await app.billing.reconcile()).differences).toEqual([])
  })

  it('S3.6 that the customer does not confirm have failed, cost nothing, and are bought under another key', async () => {
    const { app, purchase, charged } = await start('pm_card_authenticationRequired')
    const purchased = await purchase(stored)
    expect(purchased.status).toBe('open')
    const back = await fetch(`${purchased.nextAction?.url}/fail`, { method: 'POST', redirect: 'manual' })
    expect(back.headers.get('location')).toMatch(/^https:\/\/app\.example\.com\/\?/)
    await app.relay()
    const failed = { status: 'failed', payment: { status: 'declined', reason: 'authentication_required' } }
    expect(await purchase(stored)).toMatchObject({ ...failed, nextAction: null })
    const { status } = await app.billing.verifyCheckout({ accountId, checkoutId: purchased.id })
    expect([status, await charged(), await app.sparks()]).toEqual(['failed', 0, 0n])
    const page = await purchase({ ...paged, idempotencyKey: 'p2' })
    await payOn(page.nextAction?.url ?? '')
    await app.relay()
    expect([await charged(), formatSparks(await app.sparks())]).toEqual([1, '500000'])
  })

  it('S3.6 that are bought while nobody is there have failed where the bank wants them confirmed', async () => {
    const { app, purchase, charged } = await start('pm_card_authenticationRequired')
    const purchased = await purchase({ ...stored, returnUrl: null })
    expect(purchased).toMatchObject({
      status: 'failed',
      payment: { status: 'declined', reason: 'authentication_required' },
      nextAction: null,
    })
    await app.relay()
    expect(await purchase({ ...stored, returnUrl: null })).toEqual(purchased)
    expect([await charged(), await app.sparks()]).toEqual([0, 0n])
  })
})

for (const tested of stores) {
  describe(`credits.packages.purchase on ${tested.name}`, () => {
    const openCase = sharedWith((afterwards) => openSandboxed(tested, afterwards))

    it('S3.6 S3.10 refuses what is malformed, and writes nothing', async () => {
      const setting = await openCase()
      const { purchase } = setting.billing.credits.packages
      const good = { ...stored, accountId: setting.accountId }
      for (const [, input] of badInputs) await expectRefused(setting, 'invalid_request', () => purchase(input as never))
      for (const [, id] of badIds)
        await expectRefused(setting, 'invalid_id', () => purchase({ ...good, accountId: id as never }))
      await expectAllRefused(setting, purchase, good, [
        ['another account', { accountId: 'acct_missing' }, 'not_found'],
        ['no package', { package: undefined }, 'invalid_request'],
        ['a package that is none', { package: 'none' }, 'not_found'],
        ['half a package', { quantity: 0.5 }, 'invalid_quantity'],
        ['too many', { quantity: 1_001 }, 'amount_out_of_range'],
        ['no key', { idempotencyKey: undefined }, 'idempotency_key_required'],
        ['a key that is none', { idempotencyKey: 'a b' }, 'invalid_idempotency_key'],
        ['another way to pay', { payWith: 'cash' }, 'invalid_request'],
        ['a method that is none', { paymentMethodId: 'a b' }, 'invalid_id'],
        ['addresses for no page', { successUrl: '/ok' }, 'unknown_field'],
        ['a way back to elsewhere', { returnUrl: 'https://evil.example/' }, 'redirect_not_allowed'],
        ['a way back that is none', { returnUrl: 5 }, 'invalid_url'],
        ['a page without addresses', { payWith: 'page' }, 'invalid_request'],
      ])
    })
  })
}
