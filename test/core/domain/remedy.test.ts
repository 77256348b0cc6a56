import { createBilling, defineCatalog } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import { expect, it } from 'vitest'

const catalog = defineCatalog({ plans: { free: {} } })

it.each([
  ['ai_tokens', 5_000, '12.3456', '123'],
  ['compute_minutes', '10', '12.345678', '0.246913'],
] as const)(
  'a smaller request of %s is one that the meter takes and that passes',
  async (meter, quantity, amount, most) => {
    const billing = createBilling({ catalog, store: memoryStore() })
    const accountId = 'acct_1'
    await billing.accounts.ensure({ accountId })
    await billing.credits.grant({ accountId, amount, kind: 'paid', reason: 'gift', idempotencyKey: 'g-1' })
    const denied = await billing.authorize({ accountId, meter, quantity })
    expect(denied).toMatchObject({ allowed: false })
    const smaller = denied.allowed ? undefined : denied.remedies.find(({ kind }) => kind === 'smaller_request')
    expect(smaller).toEqual({ kind: 'smaller_request', quantity: most })
    expect(await billing.authorize({ accountId, meter, quantity: most })).toMatchObject({ allowed: true })
  },
)

it('there is no smaller request when not one unit is left', async () => {
  const billing = createBilling({ catalog, store: memoryStore() })
  await billing.accounts.ensure({ accountId: 'acct_1' })
  const gift = { accountId: 'acct_1', amount: '0.05', kind: 'paid', reason: 'gift', idempotencyKey: 'g-1' } as const
  await billing.credits.grant(gift)
  const denied = await billing.authorize({ accountId: 'acct_1', meter: 'ai_tokens', quantity: 5 })
  expect(denied.allowed ? [] : denied.remedies.map(({ kind }) => kind)).toEqual(['top_up'])
})
