import { defineCatalog } from 'billfold'
import { expect, it } from 'vitest'
import { isPeriodRated } from '../../../src/core/domain/rating/rate.js'
import {
  amend,
  applied,
  changePlan,
  expire,
  extend,
  grant,
  hold,
  million,
  release,
  setBudget,
  usage,
} from '../../../src/testing/store-conformance/commands.js'
import { accountId, openWorld } from './world.js'

const per = { per: '1', flat: '0' }
const tiers = [
  { upTo: '5', sparks: '2', ...per },
  { upTo: null, sparks: '0.5', per: '1', flat: '3' },
]
const catalog = defineCatalog({
  meters: {
    ai_tokens: { rate: { mode: 'per_unit', sparks: '1', per: '1' } },
    disk: { decimals: 6, aggregation: 'time_weighted', rate: { mode: 'per_unit', sparks: '2', per: '1' } },
    graduated: { decimals: 6, rate: { mode: 'graduated', tiers } },
    volume: {
      decimals: 6,
      rate: {
        mode: 'volume',
        tiers: [
          { upTo: '10', sparks: '2', ...per },
          { upTo: null, sparks: '1', ...per },
        ],
      },
    },
  },
  plans: {
    free: {},
    stored: { price: { amount: '1' }, meters: { disk: { included: '1' }, graduated: { included: '10' } } },
    monthly: { credits: { sparks: '10' } },
    bigger: { credits: { sparks: '25' } },
  },
})

const of = (meter: string, units: bigint) => ({ rated: { meter, quantity: units, sparks: 0n } })

const rated = catalog.meters.get('graduated')?.rate
const graduated = rated && isPeriodRated(rated) ? rated : null

it('S3.8 credits come with a new rhythm, and none a second time', async () => {
  const { one, at, account, store } = await openWorld('bigger', { at: '2026-02-09T00:00:00Z', catalog })
  // The 25 of February last until the new rhythm gives them again.
  await one(changePlan(accountId, '1', 'bigger', Date.parse('2025-12-20T10:30:00Z')))
  expect(await account()).toMatchObject({ balance: 25n * million, renewsAt: Date.parse('2026-03-20T10:30:00Z') })
  at('2026-03-21T00:00:00Z')
  const outcome = await one(changePlan(accountId, '2', 'monthly', Date.parse('2025-12-28T12:32:00Z')))
  expect(outcome.status).toBe('applied')
  expect(await account()).toMatchObject({ balance: 25n * million, renewsAt: Date.parse('2026-04-28T12:32:00Z') })
  at('2026-04-28T12:32:00Z')
  await one(expire(accountId))
  expect((await account()).balance).toBe(10n * million)
  await store.close()
})

it('S3.11 usage is voided in the period it was counted in, whatever rhythm the account has since', async () => {
  const { commit, one, store, snapshot } = await openWorld('free', { at: '2026-02-10T00:00:00Z', catalog })
  await commit(
    usage(accountId, 'u', 0n, of('graduated', 551_429n)),
    changePlan(accountId, 'p', 'free', Date.parse('2026-01-20T00:00:00Z')),
  )
  expect((await one(amend(accountId, 'v', 'usage_u', null, graduated))).status).toBe('applied')
  expect((await snapshot()).account.balance).toBe(0n)
  await store.close()
})

it('S3.11 what a void leaves the others of a period to cost is counted in that period, whatever rhythm the account has since', async () => {
  const { one, advance, store, snapshot } = await openWorld('free', { at: '2026-02-10T00:00:00Z', catalog })
  const occurredAt = Date.parse('2026-02-10T00:00:30Z')
  await one(usage(accountId, 'ahead', 0n, { ...of('graduated', 4n * million), occurredAt }))
  await one(usage(accountId, 'other', 0n, of('graduated', 4n * million)))
  advance(10_000)
  await one(changePlan(accountId, 'p', 'free', Date.parse('2026-02-10T00:00:10Z')))
  expect((await one(amend(accountId, 'v', 'usage_ahead', null, graduated))).status).toBe('applied')
  const { account, counters } = await snapshot()
  expect(account.balance).toBe(-8n * million)
  expect(counters.filter(({ rated: sparks }) => sparks !== 0n)).toEqual([])
  await store.close()
})

it('S1.2 an amendment gives back all that the price of the total falls by, also beyond what its event cost', async () => {
  const { one, account, store } = await openWorld('free', { catalog })
  await one(usage(accountId, 'a', 0n, of('graduated', 4n * million)))
  await one(usage(accountId, 'b', 0n, of('graduated', 5n * million)))
  await one(amend(accountId, 'c', 'usage_a', null, graduated))
  const result = applied(await one(amend(accountId, 'd', 'usage_b', 1_025_431n, graduated)))
  expect((await account()).balance).toBe(-2_050_862n)
  if (result.kind !== 'usage') throw new Error('not usage')
  expect(Object.values(result.settledBy).reduce((sum, part) => sum + part, 0n)).toBe(result.sparks)
  await store.close()
})

it('S1.2 an amendment takes nothing back of what its event gave back', async () => {
  const { one, store } = await openWorld('free', { catalog })
  await one(usage(accountId, 'a', 0n, of('volume', 10n * million)))
  await one(usage(accountId, 'b', 0n, of('volume', million)))
  await one(grant(accountId, 'g', 100n * million))
  const rate = catalog.meters.get('volume')?.rate
  const volume = rate && isPeriodRated(rate) ? rate : null
  // Ten cost 20 Sparks and eleven cost 11: the last gave 9 of the debt back. With twelve it gave 8 back, and with eleven 9 again.
  const more = applied(await one(amend(accountId, 'c', 'usage_b', 2n * million, volume)))
  expect(more).toMatchObject({ sparks: -8n * million, settledBy: { debt: -9n * million, credits: million } })
  const less = applied(await one(amend(accountId, 'd', 'usage_b', million, volume)))
  expect(less).toMatchObject({ sparks: -9n * million, settledBy: { debt: -9n * million } })
  await store.close()
})

it('S2.6 a hold frees of a budget only what it reserved of it', async () => {
  const { one, store } = await openWorld('free', { catalog })
  const budgets = ['account']
  await one(grant(accountId, 'g', 100n * million))
  await one(hold(accountId, 'a', 3n * million, { budgets }))
  await one(setBudget(accountId, 's', 'account', 10n * million))
  await one(hold(accountId, 'b', 5n * million, { budgets }))
  await one(release(accountId, 'r', 'hold_a'))
  const tight = await one(hold(accountId, 'c', 6n * million, { budgets }))
  expect(tight).toMatchObject({ status: 'refused', code: 'quota_exceeded' })
  expect((await one(hold(accountId, 'd', 5n * million, { budgets }))).status).toBe('applied')
  await store.close()
})

it('S2.3 usage that lowers the price of its period takes nothing of the hold it settles', async () => {
  const { one, account, store } = await openWorld('free', { catalog })
  await one(grant(accountId, 'g', 100n * million))
  await one(usage(accountId, 'a', 0n, of('volume', 10n * million)))
  await one(hold(accountId, 'h', 8n * million, { meter: 'volume' }))
  const { held } = await account()
  await one(usage(accountId, 'b', 0n, { ...of('volume', million), holdId: 'hold_h', keepsHold: true }))
  expect((await account()).held).toBe(held)
  await store.close()
})

it('S3.11 two commands of a batch that name the same row see its corrections once', async () => {
  const { one, commit, account, store } = await openWorld('free', { catalog })
  await one(usage(accountId, 'u', 4n * million))
  await one(amend(accountId, '1', 'usage_u', 3n * million))
  const [first, repeat] = await commit(
    amend(accountId, '2', 'usage_u', million),
    amend(accountId, '2', 'usage_u', million),
  )
  expect([first?.status, repeat?.status]).toEqual(['applied', 'duplicate'])
  expect((await account()).balance).toBe(-million)
  await store.close()
})

it('S1.2 a level weighted by time is charged for a whole period after its own was cut at the moment it was set', async () => {
  const { one, commit, at, account, store } = await openWorld('free', { at: '2026-06-11T00:00:00Z', catalog })
  await commit(
    usage(accountId, 'u', 0n, of('disk', 30n * million)),
    changePlan(accountId, 'p', 'free', Date.parse('2026-06-11T00:00:00Z')),
  )
  at('2026-07-11T00:00:00Z')
  expect(await store.ledger.due(9)).toEqual([accountId])
  await one(expire(accountId))
  expect((await account()).balance).toBe(-60n * million)
  await store.close()
})

it('S1.2 a period that is cut short is charged for the part of a whole one that it lasted', async () => {
  const { one, at, account, store } = await openWorld('free', { at: '2026-06-01T00:00:00Z', catalog })
  await one(usage(accountId, 'u', 0n, of('disk', 30n * million)))
  at('2026-06-11T00:00:00Z')
  await one(changePlan(accountId, 'p', 'free', Date.parse('2026-06-11T00:00:00Z')))
  expect((await account()).balance).toBe(-20n * million)
  at('2026-07-11T00:00:00Z')
  await one(expire(accountId))
  expect((await account()).balance).toBe(-80n * million)
  await store.close()
})

it('S1.2 a level that was corrected downwards gives back what was paid, and the units of the plan, no more', async () => {
  const { one, at, account, counter, store } = await openWorld('stored', { at: '2026-06-01T00:00:00Z', catalog })
  await one(usage(accountId, '1', 0n, of('disk', 5n * million)))
  at('2026-07-01T00:00:00Z')
  await one(expire(accountId))
  expect((await account()).balance).toBe(-8n * million)
  const fromStart = { ...of('disk', 0n), occurredAt: Date.parse('2026-06-01T00:00:00Z') }
  await one(usage(accountId, '2', 0n, fromStart))
  expect((await account()).balance).toBe(0n)
  expect(await counter('disk')).toMatchObject({ used: 0n, allowance: 0n })
  await store.close()
})

it('S2.6 extending a hold that reserves nothing of its budget yet is stopped by the budget', async () => {
  const { one, store } = await openWorld('free', { catalog })
  await one(grant(accountId, 'g', 100n * million))
  await one(setBudget(accountId, 'b', 'user=ada', million))
  await one(hold(accountId, 'h', 0n, { budgets: ['user=ada'] }))
  expect(await one(extend(accountId, 'x', 'hold_h', 2n * million))).toMatchObject({ code: 'quota_exceeded' })
  await store.close()
})

it('S1.2 a hold on a meter with tiers is captured out of the units of the plan that it reserved', async () => {
  const { one, account, store } = await openWorld('stored', { catalog })
  await one(grant(accountId, 'g', 100n * million))
  await one(hold(accountId, 'h', 10n * million, { meter: 'graduated' }))
  await one(usage(accountId, 'u', 0n, { ...of('graduated', 10n * million), holdId: 'hold_h' }))
  expect((await account()).balance).toBe(100n * million)
  await store.close()
})

it('S3.11 a command that is sent again may end more of a grant than when it was sent first', async () => {
  const { one, at, account, store } = await openWorld('free', { at: '2026-06-01T00:00:00Z', catalog })
  await one(grant(accountId, 'g', 10n * million, { expiresAt: Date.parse('2026-06-02T00:00:00Z') }))
  await one(hold(accountId, 'h', 4n * million, { ttlMs: 30 * 86_400_000 }))
  at('2026-06-03T00:00:00Z')
  const sweep = expire(accountId)
  await one(sweep)
  expect((await account()).balance).toBe(4n * million)
  await one({ ...hold(accountId, 'i', 1n), id: 'other' })
  at('2026-07-03T00:00:00Z')
  await one(sweep)
  expect((await account()).balance).toBe(0n)
  const rows = await store.ledger.entries(accountId, { limit: 9 })
  expect(new Set(rows.map(({ dedupe }) => dedupe)).size).toBe(rows.length)
  await store.close()
})
