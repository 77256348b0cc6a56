import { type BillingService, type Catalog, createBilling, defineCatalog, parseSparks, type Store } from 'billfold'
import { afterEach, describe, expect, it } from 'vitest'
import { createClock } from './setting.js'
import { stores, type TestedStore } from './stores.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

type Service = BillingService<Record<never, never>, Catalog>

/** A catalog whose prices are so many Sparks: for a call, a unit of a period's total, and a token of a model in millionths. */
function priced(sparks: string): Catalog {
  const tiers = [
    { upTo: '10', sparks: '1' },
    { upTo: null, sparks: '5' },
  ]
  return defineCatalog({
    meters: {
      calls: { rate: { mode: 'per_unit', sparks, per: '1' } },
      flow: { rate: { mode: 'graduated', tiers: [{ upTo: null, sparks }] } },
      tiered: { rate: { mode: 'graduated', tiers } },
      packs: { rate: { mode: 'package', sparks: '50', per: '100' } },
      model_calls: { unit: 'token', rate: { mode: 'by_cost' } },
    },
    models: { gpt: { input: sparks } },
    plans: { free: {}, own_keys: { byo: true } },
  })
}

const accountId = 'acct_a'

/** The same store under the prices before and after a deploy. */
async function open(tested: TestedStore) {
  const { now } = createClock()
  const store: Store = await tested.open({ now })
  closing.push(() => store.close())
  const at = (sparks: string): Service => createBilling({ catalog: priced(sparks), store, environment: { now } })
  const [before, after] = [at('2'), at('7')]
  await before.accounts.ensure({ accountId })
  await before.credits.grant({ accountId, amount: 10_000, reason: 'welcome', idempotencyKey: 'g-1' })
  return { store, before, after }
}

const correction = (id: string, key: string) => ({ accountId, id, reason: 'by mistake', idempotencyKey: key })
const record = (billing: Service, use: object, key: string) =>
  billing.recordUsage({ accountId, ...use, idempotencyKey: key } as never)
const balanceOf = async (billing: Service) => (await billing.credits.balance({ accountId })).balance

/** Every row of usage explains itself, and the books add up. */
async function expectSound(billing: Service): Promise<void> {
  const { items } = await billing.usage.list({ accountId })
  for (const { id } of items) {
    const explained = await billing.explain({ accountId, id })
    expect(explained).toMatchObject({ id, agrees: true, problems: [] })
  }
  expect((await billing.verifyLedger()).findings).toEqual([])
}

for (const tested of stores) {
  describe(`prices that have changed, on ${tested.name}`, () => {
    it.each([
      ['by unit', { meter: 'calls', quantity: 10 }],
      ['by the total of its period', { meter: 'flow', quantity: 10 }],
      ['by cost', { meter: 'model_calls', model: 'gpt', tokens: { input: 1_000_000 } }],
    ])('S3.11 a void gives back what usage rated %s was charged, whatever prices are now', async (_, use) => {
      const { before, after } = await open(tested)
      const { id } = await record(before, { ...use }, 'u-1')
      expect(await after.usage.void(correction(id, 'v-1'))).toMatchObject({ sparks: 0n, settledBy: {} })
      expect(await balanceOf(after)).toBe(parseSparks('10000'))
      expect(await after.usage.get({ accountId, id })).toMatchObject({ voided: true, sparks: 0n, quantity: '0' })
      await expectSound(after)
    })

    it('S3.11 an amendment to another model takes what that cost at the time of use, and none that is not known', async () => {
      const { now, advance } = createClock()
      const store: Store = await tested.open({ now })
      closing.push(() => store.close())
      const start = (models: NonNullable<Parameters<typeof defineCatalog>[0]['models']>): Service => {
        const catalog = defineCatalog({ meters: { model_calls: { rate: { mode: 'by_cost' } } }, models })
        return createBilling({ catalog: catalog as never, store, environment: { now } })
      }
      const prices = { gpt: { input: '1' }, other: { input: '2' } } as const
      const before = start({ ...prices, dropped: { input: '3' } })
      await before.accounts.ensure({ accountId })
      const used = { model: 'gpt', tokens: { input: 1_000_000 } }
      const { id } = await record(before, { meter: 'model_calls', ...used }, 'u-1')
      const usedAt = now()
      advance(86_400_000)
      const since = (at: number) => new Date(at).toISOString()
      const after = start({
        gpt: { input: '5' },
        other: { input: '70' },
        late: { input: '80' },
        dated: { prices: { input: '9' }, from: since(usedAt - 1_000) },
        too_late: { prices: { input: '90' }, from: since(usedAt + 1_000) },
      })
      const cost = async (model: string, key: string) =>
        (await after.usage.amend({ ...correction(id, key), model, tokens: used.tokens })).costUsd
      expect(await cost('other', 'a-1')).toBe('2')
      expect(await cost('dropped', 'a-2')).toBe('3')
      expect(await cost('dated', 'a-3')).toBe('9')
      await expect(cost('late', 'a-4')).rejects.toMatchObject({ code: 'model_not_priced', details: { model: 'late' } })
      await expect(cost('too_late', 'a-5')).rejects.toMatchObject({ code: 'model_not_priced' })
      expect(await cost('gpt', 'a-6')).toBe('1')
      const reported = { ...correction(id, 'a-7'), model: 'late', costUsd: '4' }
      expect((await after.usage.amend(reported)).costUsd).toBe('4')
      await expectSound(after)
    })

    it.each([
      ['by unit', { meter: 'calls' }, { quantity: 10 }, { quantity: 20 }],
      ['by the total of its period', { meter: 'flow' }, { quantity: 10 }, { quantity: 20 }],
      ['by cost', { meter: 'model_calls', model: 'gpt' }, { tokens: { input: 100 } }, { tokens: { input: 200 } }],
    ])('S3.11 an amendment of usage rated %s is rated at the prices of its use', async (_, use, same, twice) => {
      const { before, after } = await open(tested)
      const { id, sparks } = await record(before, { ...use, ...same }, 'u-1')
      // Usage at today's prices beside it has nothing to do with it.
      const other = await record(after, { ...use, ...same }, 'u-2')
      expect(await after.usage.amend({ ...correction(id, 'a-1'), ...same })).toMatchObject({ sparks })
      expect(await after.usage.amend({ ...correction(id, 'a-2'), ...twice })).toMatchObject({ sparks: 2n * sparks })
      expect(await balanceOf(after)).toBe(parseSparks('10000') - 2n * sparks - other.sparks)
      await expectSound(after)
    })

    it.each([
      ['unit', 'calls', { mode: 'per_unit', sparks: '1', per: '1' }],
      ['the total of its period', 'flow', { mode: 'graduated', tiers: [{ upTo: null, sparks: '1' }] }],
    ] as const)('S3.11 a rate by %s that is agreed later is not applied to what was used', async (_, meter, rate) => {
      const { before: billing } = await open(tested)
      const use = { meter, quantity: 10 }
      const one = await record(billing, use, 'u-1')
      const two = await record(billing, use, 'u-2')
      // In the same millisecond: the order of the rows decides.
      await billing.accounts.update({ accountId, terms: { meters: { [meter]: { rate } } }, idempotencyKey: 't-1' })
      const three = await record(billing, use, 'u-3')
      await billing.accounts.update({ accountId, terms: null, idempotencyKey: 't-2' })
      expect([one.sparks, two.sparks, three.sparks].map(Number)).toEqual([20e6, 20e6, 10e6])
      await expectSound(billing)
      const amended = await billing.usage.amend({ ...correction(three.id, 'a-1'), quantity: 5 })
      expect(amended).toMatchObject({ sparks: parseSparks('5') })
      await billing.usage.void(correction(one.id, 'v-1'))
      expect(await balanceOf(billing)).toBe(parseSparks('9975'))
      await billing.usage.void(correction(three.id, 'v-2'))
      expect(await balanceOf(billing)).toBe(parseSparks('9980'))
      await expectSound(billing)
    })

    it('S3.11 what is void of a total of a period is void, and the other events cost what they would without it', async () => {
      const { before: billing } = await open(tested)
      const use = { meter: 'tiered', quantity: 8 }
      const ids: string[] = []
      for (const key of ['u-1', 'u-2', 'u-3']) ids.push((await record(billing, use, key)).id)
      // 8 + (2 + 30) + 40; of 16 units 40; of 8 units 8.
      expect(await balanceOf(billing)).toBe(parseSparks('9920'))
      const left = ['9960', '9992', '10000']
      for (const [index, id] of ids.entries()) {
        const { sparks, settledBy, balance } = await billing.usage.void(correction(id, `v-${index}`))
        expect({ sparks, settledBy, balance: balance.balance }).toEqual({
          sparks: 0n,
          settledBy: {},
          balance: parseSparks(left[index] ?? ''),
        })
        expect(await billing.usage.get({ accountId, id })).toMatchObject({ voided: true, sparks: 0n, quantity: '0' })
        for (const again of [
          () => billing.usage.void(correction(id, `w-${index}`)),
          () => billing.usage.amend({ ...correction(id, `a-${index}`), quantity: 3 }),
        ])
          await expect(again()).rejects.toMatchObject({ code: 'invalid_state' })
        expect(await billing.usage.summary({ accountId })).toMatchObject({ events: 2 - index })
      }
      expect(await billing.usage.summary({ accountId })).toMatchObject({ events: 0, sparks: 0n })
      await expectSound(billing)
    })

    it('S3.11 a void of the event that began a package leaves it to the others', async () => {
      const { before: billing } = await open(tested)
      const { id } = await record(billing, { meter: 'packs', quantity: 60 }, 'u-1')
      await record(billing, { meter: 'packs', quantity: 30 }, 'u-2')
      expect(await billing.usage.void(correction(id, 'v-1'))).toMatchObject({ sparks: 0n })
      expect(await balanceOf(billing)).toBe(parseSparks('9950'))
      await expectSound(billing)
    })

    it('S3.11 a void gives each payer what it paid, also under a plan with own keys', async () => {
      const { before: billing, store } = await open(tested)
      const { id } = await record(billing, { meter: 'calls', quantity: 25 }, 'u-1')
      const change = { kind: 'change_plan', accountId, id: 'ent_plan', key: 'p', plan: 'own_keys' } as const
      const rules = { catalog: priced('2'), metering: [], tracing: [], collecting: null }
      const keys = { dedupe: 'a'.repeat(32), fingerprint: 'b'.repeat(32), anchor: undefined, reason: 'subscription' }
      await store.ledger.commit([{ ...change, ...keys }], rules)
      expect(await billing.usage.amend({ ...correction(id, 'a-1'), quantity: 26 })).toMatchObject({
        settledBy: { credits: parseSparks('50'), byo: parseSparks('2') },
      })
      expect(await billing.usage.void(correction(id, 'v-1'))).toMatchObject({ sparks: 0n, settledBy: {} })
      expect(await balanceOf(billing)).toBe(parseSparks('10000'))
      await expectSound(billing)
    })
  })
}
