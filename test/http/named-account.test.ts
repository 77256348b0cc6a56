import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accountId, openWorld, scopes, type World } from './world.js'

let world: World
beforeAll(async () => {
  world = await openWorld({
    people: {
      owner: { accountId, scopes },
      member: { accountId: 'mine', organizationIds: [accountId], scopes },
      stranger: { accountId: 'other', scopes },
      founder: { accountId: 'hers', organizationIds: ['new-org'], email: 'ada@example.com', name: 'Ada', scopes },
    },
  })
  const { billing } = world
  await billing.credits.grant({ accountId, amount: '500', reason: 'welcome', idempotencyKey: 'w' })
  await billing.credits.grant({
    accountId,
    amount: '40.5',
    kind: 'paid',
    reason: 'bought',
    expiresAt: new Date(world.box.now() + 86_400_000),
    idempotencyKey: 'p',
  })
})
afterAll(() => world.close())

const as = (name: string, named?: string) => ({
  authorization: `Bearer ${name}`,
  ...(named === undefined ? {} : { 'billfold-account': named }),
})

describe('a route that names no account', () => {
  it('S3.10 is about the one that the header names, where it is granted', async () => {
    const own = await world.ask('GET', '/credits/balance', undefined, as('member'))
    expect(own.body.credits).toBe('0')
    const named = await world.ask('GET', '/credits/balance', undefined, as('member', accountId))
    expect(named.body.credits).toBe('540.5')
  })

  it('S3.10 S4.1 makes an organization’s account without the caller’s own e-mail and name', async () => {
    await world.ask('GET', '/account/new-org', undefined, as('founder'))
    await world.ask('GET', '/account', undefined, as('founder'))
    const { accounts } = world.billing
    expect(await accounts.get({ accountId: 'new-org' })).toMatchObject({ email: null, name: null })
    expect(await accounts.get({ accountId: 'hers' })).toMatchObject({ email: 'ada@example.com', name: 'Ada' })
  })

  it('S3.10 answers another’s account as one that is not there, whatever is asked', async () => {
    for (const [method, path] of [
      ['GET', '/account'],
      ['GET', '/credits/balance'],
      ['GET', '/costs/summary'],
      ['GET', '/invoices'],
      ['GET', '/events'],
      ['POST', '/subscription/cancel'],
    ] as const) {
      const { status, body } = await world.ask(
        method,
        path,
        method === 'GET' ? undefined : {},
        as('stranger', accountId),
      )
      expect([status, body.code], path).toEqual([404, 'not_found'])
    }
  })

  it('S4.1 serves what the routes with an account do: the account, costs, invoices that are made', async () => {
    expect((await world.ask('GET', '/account')).body).toEqual((await world.ask('GET', `/account/${accountId}`)).body)
    const costs = await world.ask('GET', '/costs')
    expect(costs.body).toEqual({ results: [], next: null, previous: null })
    const [own, named] = await Promise.all([
      world.ask('GET', '/costs/summary'),
      world.ask('GET', `/account/${accountId}/costs/summary`),
    ])
    expect(own.body).toEqual(named.body)
    expect((await world.ask('GET', '/costs/export')).status).toBe(200)
    const made = await world.ask('POST', '/invoices/generate', {})
    expect([made.status, made.body]).toEqual([200, null])
  })
})

it('S3.8 the balance tells which credits it is made of, in the order they are spent, and when they end', async () => {
  const { body } = await world.ask('GET', '/credits/balance')
  expect(body.grants).toEqual([
    expect.objectContaining({
      kind: 'promotional',
      amount: '500',
      remaining: '500',
      reason: 'welcome',
      expires_at: null,
    }),
    expect.objectContaining({ kind: 'paid', amount: '40.5', remaining: '40.5', expires_at: expect.any(String) }),
  ])
})
