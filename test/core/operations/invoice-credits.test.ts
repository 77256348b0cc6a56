import { memoryStore } from 'billfold/adapters/memory'
import { afterEach, expect, it } from 'vitest'
import { accountId, dayMs, openStripeWorld } from './stripe-world.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const gift = { accountId, amount: '12.50', name: 'Sorry for the outage', idempotencyKey: 'gift-1' } as const

async function start() {
  const world = await openStripeWorld(closing)
  const app = await world.open(memoryStore({ now: world.now }))
  return { world, app, credits: app.billing.invoiceCredits }
}

it('S3.1 money for invoices is given once for a key, however late, and no Spark comes of it', async () => {
  const { world, app, credits } = await start()
  const given = await credits.grant(gift)
  expect(given).toMatchObject({
    provider: 'stripe',
    currency: 'USD',
    amount: '12.5',
    kind: 'promotional',
    isVoid: false,
  })
  expect(await credits.grant(gift)).toEqual(given)
  world.advance(2 * dayMs)
  expect(await credits.grant(gift)).toEqual(given)
  expect(await credits.list({ accountId })).toEqual([given])
  expect(await credits.balance({ accountId })).toEqual([{ currency: 'USD', amount: '12.5' }])
  expect(await app.sparks()).toBe(0n)
  await expect(credits.grant({ ...gift, amount: '13' })).rejects.toMatchObject({ code: 'idempotency_conflict' })
})

it('S3.1 an answer that was lost is no second gift', async () => {
  const { world, credits } = await start()
  await credits.list({ accountId })
  const match = { method: 'POST', pathIncludes: '/v1/billing/credit_grants' }
  world.box.faults.inject({ match, kind: 'status_after', status: 500 })
  const given = await credits.grant(gift)
  expect(await credits.grant(gift)).toEqual(given)
  expect(await credits.balance({ accountId })).toEqual([{ currency: 'USD', amount: '12.5' }])
})

it('S3.1 what is left can be taken back, and ends by itself on its day', async () => {
  const { world, credits } = await start()
  const first = await credits.grant(gift)
  const expiresAt = new Date(world.now() + dayMs)
  await credits.grant({ ...gift, amount: '3', kind: 'paid', expiresAt, idempotencyKey: 'gift-2' })
  expect(await credits.balance({ accountId })).toEqual([{ currency: 'USD', amount: '15.5' }])
  await credits.end({ accountId, id: first.id })
  await credits.end({ accountId, id: first.id })
  expect(await credits.balance({ accountId })).toEqual([{ currency: 'USD', amount: '3' }])
  world.advance(2 * dayMs)
  expect((await credits.balance({ accountId })).filter(({ amount }) => amount !== '0')).toEqual([])
})

it('S3.10 S3.1 refuses what is malformed, or another account’s', async () => {
  const { world, app, credits } = await start()
  await app.billing.accounts.ensure({ accountId: 'acct_b' })
  const { id } = await credits.grant(gift)
  await expect(credits.end({ accountId: 'acct_b', id })).rejects.toMatchObject({ code: 'not_found' })
  expect(await credits.list({ accountId: 'acct_b' })).toEqual([])
  const table = [
    [{ amount: '0' }, 'invalid_amount'],
    [{ amount: '-1' }, 'invalid_amount'],
    [{ amount: '1e3' }, 'invalid_amount'],
    [{ amount: 5 as unknown as string }, 'invalid_amount'],
    [{ amount: '0.001' }, 'invalid_amount'],
    [{ name: '' }, 'invalid_request'],
    [{ accountId: 'acct_none' }, 'not_found'],
    [{ expiresAt: new Date(world.now() - 1) }, 'timestamp_out_of_range'],
    [{ extra: 1 } as object, 'unknown_field'],
  ] as const
  for (const [change, code] of table)
    await expect(
      credits.grant({ ...gift, idempotencyKey: 'bad', ...change }),
      JSON.stringify(change),
    ).rejects.toMatchObject({ code })
  expect(await credits.balance({ accountId })).toEqual([{ currency: 'USD', amount: '12.5' }])
})
