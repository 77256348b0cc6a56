import { createBilling, defineCatalog } from 'billfold'
import { afterEach, describe, expect, it } from 'vitest'
import { createClock } from './setting.js'
import { stores } from './stores.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const accountId = 'acct_a'
const tiers = [
  { upTo: '10', sparks: '5' },
  { upTo: null, sparks: '1' },
]
const catalog = defineCatalog({
  meters: {
    other: { rate: { mode: 'per_unit', sparks: '1', per: '1' } },
    graduated: { rate: { mode: 'graduated', tiers } },
    volume: { rate: { mode: 'volume', tiers } },
    packs: { rate: { mode: 'package', sparks: '50', per: '100' } },
  },
  plans: { free: {} },
})

for (const tested of stores) {
  describe(`holds on a meter whose price falls with its total, on ${tested.name}`, () => {
    it.each(['graduated', 'volume', 'packs'] as const)(
      'S2.3 reserve enough on %s, also when another one is given back',
      async (meter) => {
        const { now } = createClock()
        const store = await tested.open({ now })
        closing.push(() => store.close())
        const billing = createBilling({ catalog, store, environment: { now } })
        await billing.accounts.ensure({ accountId })
        await billing.credits.grant({ accountId, amount: 120, reason: 'gift', idempotencyKey: 'g' })
        const first = await billing.hold({ accountId, meter, quantity: 10, idempotencyKey: 'h-1' })
        const second = await billing.hold({ accountId, meter, quantity: 10, idempotencyKey: 'h-2' })
        await billing.release({ accountId, holdId: first.id, idempotencyKey: 'r-1' })
        const { available } = await billing.credits.balance({ accountId })
        const quantity = Number(available / 1_000_000n)
        const rest = { accountId, meter: 'other', quantity, onInsufficient: 'refuse', idempotencyKey: 'u-1' } as const
        await billing.recordUsage(rest)
        const taken = { accountId, holdId: second.id, quantity: 10, onExcess: 'refuse', idempotencyKey: 'c-1' } as const
        const { usage } = await billing.capture(taken)
        expect(usage).toMatchObject({ settledBy: { credits: 50_000_000n }, balance: { debt: 0n } })
      },
    )

    it('S2.3 a hold that the plan covers is captured out of that, also in the next period', async () => {
      const { now, advance } = createClock()
      const store = await tested.open({ now })
      closing.push(() => store.close())
      const plan = { free: { meters: { other: { included: '10' } } } }
      const billing = createBilling({
        catalog: defineCatalog({
          meters: { other: { rate: { mode: 'per_unit', sparks: '1', per: '1' } } },
          plans: plan,
        }),
        store,
        environment: { now },
      })
      await billing.accounts.ensure({ accountId })
      const use = { accountId, meter: 'other', quantity: 10 } as const
      const { id } = await billing.hold({ ...use, ttlMs: 20 * 86_400_000, idempotencyKey: 'h-1' })
      advance(10 * 86_400_000)
      await billing.recordUsage({ ...use, onInsufficient: 'refuse', idempotencyKey: 'u-1' })
      const { usage } = await billing.capture({ accountId, holdId: id, idempotencyKey: 'c-1' })
      expect(usage).toMatchObject({ settledBy: { allowance: 10_000_000n }, balance: { balance: 0n, debt: 0n } })
      expect(await billing.getQuota({ accountId, meter: 'other' })).toMatchObject({ used: '10', held: '0' })
      expect((await billing.verifyLedger()).findings).toEqual([])
    })

    it('S2.3 one hold of many units reserves what fewer of them may cost', async () => {
      const { now } = createClock()
      const store = await tested.open({ now })
      closing.push(() => store.close())
      const billing = createBilling({ catalog, store, environment: { now } })
      await billing.accounts.ensure({ accountId })
      await billing.credits.grant({ accountId, amount: 120, reason: 'gift', idempotencyKey: 'g' })
      // 12 units cost 12 Sparks, 10 of them 50.
      const held = await billing.hold({ accountId, meter: 'volume', quantity: 12, idempotencyKey: 'h-1' })
      expect(held.sparks).toBe(50_000_000n)
    })
  })
}
