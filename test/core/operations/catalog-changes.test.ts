import { type BillingService, type Catalog, createBilling, defineCatalog, parseSparks, type Store } from 'billfold'
import { afterEach, describe, expect, it } from 'vitest'
import { createClock } from './setting.js'
import { stores, type TestedStore } from './stores.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

type Service = BillingService<Record<never, never>, typeof full>

const calls = { rate: { mode: 'per_unit', sparks: '2', per: '1' } } as const
const tokens = { rate: { mode: 'by_cost' } } as const
const full = defineCatalog({
  meters: { calls, tokens, other: calls },
  models: { gpt: { input: '1' } },
})
/** The same catalog after a deploy that took a meter and a model out of it, and changed the price of another. */
const less = defineCatalog({
  meters: { tokens, other: { rate: { mode: 'per_unit', sparks: '9', per: '1' } } },
})

const accountId = 'acct_a'

async function open(tested: TestedStore) {
  const { now, advance } = createClock()
  const store: Store = await tested.open({ now })
  closing.push(() => store.close())
  const deploy = (catalog: Catalog): Service =>
    createBilling({ catalog: catalog as typeof full, store, environment: { now } })
  const before = deploy(full)
  await before.accounts.ensure({ accountId })
  await before.credits.grant({ accountId, amount: 10_000, reason: 'welcome', idempotencyKey: 'g-1' })
  return { store, deploy, before, after: deploy(less), advance }
}

const balanceOf = async (billing: Service) => (await billing.credits.balance({ accountId })).balance
const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => 'done',
    (error: { readonly code: string }) => error.code,
  )

for (const tested of stores) {
  describe(`a catalog that changes, on ${tested.name}`, () => {
    it.each([
      ['a meter that is gone', { meter: 'calls', quantity: 10 }],
      ['a model that is gone', { meter: 'tokens', model: 'gpt', tokens: { input: 1_000_000 } }],
      ['a meter of another price', { meter: 'other', quantity: 10 }],
    ] as const)('S3.7 S3.9 a repeat of usage of %s is answered as the first was', async (_, use) => {
      const { before, after } = await open(tested)
      const request = { accountId, ...use, idempotencyKey: 'u-1' } as const
      const first = await before.recordUsage(request)
      const left = await balanceOf(before)
      expect(await after.recordUsage(request)).toMatchObject({
        id: first.id,
        status: 'duplicate',
        sparks: first.sparks,
      })
      const fresh = { accountId, meter: 'other', quantity: 1, idempotencyKey: 'u-2' } as const
      const [repeat, recorded] = await after.recordUsageBatch({ events: [request, fresh] })
      expect(repeat).toMatchObject({ id: first.id, status: 'duplicate' })
      expect(recorded).toMatchObject({ status: 'recorded', sparks: parseSparks('9') })
      expect(await balanceOf(after)).toBe(left - parseSparks('9'))
      expect(await codeOf(after.recordUsage({ ...request, userId: 'another' }))).toBe('idempotency_conflict')
    })

    it('S3.9 new usage of what is gone is refused as before, and leaves nothing, also beside others', async () => {
      const { after } = await open(tested)
      const gone = { accountId, meter: 'calls', quantity: 1, idempotencyKey: 'u-1' } as const
      const model = { accountId, meter: 'tokens', model: 'gpt', tokens: { input: 1 }, idempotencyKey: 'u-2' } as const
      const fresh = { accountId, meter: 'other', quantity: 1, idempotencyKey: 'u-3' } as const
      expect(await codeOf(after.recordUsage(gone))).toBe('invalid_request')
      expect(await codeOf(after.recordUsage(model))).toBe('model_not_priced')
      expect(await codeOf(after.hold({ ...gone, idempotencyKey: 'h-1' }))).toBe('invalid_request')
      await expect(after.recordUsageBatch({ events: [fresh, model] })).rejects.toMatchObject({
        code: 'model_not_priced',
        details: { index: 1, model: 'gpt' },
      })
      expect((await after.usage.list({ accountId })).items).toEqual([])
      expect(await balanceOf(after)).toBe(parseSparks('10000'))
    })

    it('S2.3 S3.9 holds, extensions and captures of a meter that is gone repeat their answers', async () => {
      const { before, after } = await open(tested)
      const held = { accountId, meter: 'calls', quantity: 10, idempotencyKey: 'h-1' } as const
      const hold = await before.hold(held)
      const more = { accountId, holdId: hold.id, quantity: 5, idempotencyKey: 'x-1' }
      const longer = await before.extend(more)
      expect(await after.hold(held)).toEqual(hold)
      expect(await after.extend(more)).toEqual(longer)
      const taken = { accountId, holdId: hold.id, quantity: 4, idempotencyKey: 'c-1' }
      const captured = await before.capture(taken)
      expect(await after.capture(taken)).toMatchObject({
        status: 'duplicate',
        captured: captured.captured,
        usage: { id: captured.usage?.id },
      })
      expect(await balanceOf(after)).toBe(parseSparks('9992'))
    })

    it('S2.3 S3.9 a hold of a meter that is gone is not captured at a guess: it stays, and is captured where the meter is', async () => {
      const { before, after } = await open(tested)
      const hold = await before.hold({ accountId, meter: 'calls', quantity: 10, idempotencyKey: 'h-1' })
      const taken = { accountId, holdId: hold.id, quantity: 4, idempotencyKey: 'c-1' }
      await expect(after.capture(taken)).rejects.toMatchObject({
        code: 'invalid_state',
        details: { holdId: hold.id, meter: 'calls' },
      })
      const kept = await after.credits.balance({ accountId })
      expect(kept).toMatchObject({ balance: parseSparks('10000'), held: parseSparks('20') })
      expect(await after.extend({ accountId, holdId: hold.id, ttlMs: 3_600_000, idempotencyKey: 'x-1' })).toMatchObject(
        {
          status: 'open',
        },
      )
      expect(await before.capture(taken)).toMatchObject({ status: 'recorded', captured: parseSparks('8') })
      expect((await after.verifyLedger()).findings).toEqual([])
    })

    it('S3.11 a correction of usage of a model that is gone repeats its answer', async () => {
      const { before, after } = await open(tested)
      const { id } = await before.recordUsage({ accountId, meter: 'other', quantity: 1, idempotencyKey: 'u-1' })
      const { id: priced } = await before.recordUsage({
        ...{ accountId, meter: 'tokens', model: 'gpt', tokens: { input: 10 }, idempotencyKey: 'u-2' },
      })
      const amend = { accountId, reason: 'twice', idempotencyKey: 'a-1' }
      const first = await before.usage.amend({ ...amend, id: priced, tokens: { input: 20 } })
      expect(await after.usage.amend({ ...amend, id: priced, tokens: { input: 20 } })).toMatchObject({
        id: first.id,
        status: 'duplicate',
      })
      expect(await codeOf(after.usage.amend({ ...amend, id, quantity: 3 }))).toBe('idempotency_conflict')
    })

    it('S3.9 a meter that would count in another way than it did is refused at start-up, and nothing is counted by it', async () => {
      const { store, before, deploy } = await open(tested)
      const rate = { mode: 'per_unit', sparks: '1', per: '1' } as const
      const seats = (meter: object) =>
        deploy(defineCatalog({ meters: { calls, seats: { rate, ...meter } as never } }) as never)
      await seats({ aggregation: 'unique', countedBy: 'user' }).credits.balance({ accountId })
      for (const [meter, after] of [
        [{ aggregation: 'max' }, 'max'],
        [{ aggregation: 'unique', countedBy: 'team' }, 'unique of team'],
        [{}, 'sum'],
      ] as const) {
        const changed = seats(meter)
        await expect(changed.credits.balance({ accountId })).rejects.toMatchObject({
          code: 'config_invalid',
          details: { path: 'meters.seats.aggregation', before: 'unique of user', after },
        })
        const use = { accountId, meter: 'calls', quantity: 1, idempotencyKey: 'u-1' } as const
        expect(await codeOf(changed.recordUsage(use))).toBe('config_invalid')
      }
      expect(await store.ledger.entries(accountId, { limit: 10, operation: 'usage' })).toEqual([])
      expect(await balanceOf(before)).toBe(parseSparks('10000'))
      await seats({ aggregation: 'unique', countedBy: 'user', unit: 'seat' }).credits.balance({ accountId })
    })
  })
}
