import { expect, it } from 'vitest'
import {
  authorize,
  capture,
  expire,
  grant,
  hold,
  release,
  strict,
  suspension,
  usage,
} from '../../../src/testing/store-conformance/commands.js'
import { accountId, million, openWorld } from './world.js'

const meter = { meter: 'ai_tokens' }
const units = (count: number) => BigInt(count) * million
const ask = (count: number) => authorize(accountId, units(count))
const use = (key: string, count: number, more = {}) => usage(accountId, key, units(count), more)

/** The limit is 100 and there is plenty to pay with. */
async function openCapped(at?: string) {
  const world = await openWorld('capped', at === undefined ? {} : { at })
  await world.one(grant(accountId, 'g', units(10_000)))
  return world
}

it.each([
  ['released', () => release(accountId, 'r', 'hold_h')],
  ['captured for less', () => use('c', 10, { holdId: 'hold_h' })],
] as const)('S0.6 what was throttled since a hold took the rest is restored when it is %s', async (_, end) => {
  const { commit, one, counter, told } = await openCapped()
  await commit(hold(accountId, 'h', units(100), meter), ask(1))
  expect(await told()).toEqual([['quota.throttled', 'throttled']])
  const outcome = await one(end())
  expect(await counter()).toMatchObject({ status: 'below_quota', held: 0n })
  expect(await told()).toEqual([['quota.restored', 'below_quota']])
  if (outcome.status === 'applied' && outcome.result.kind === 'usage')
    expect(outcome.result.quota.status).toBe('below_quota')
})

it('S0.6 what was throttled since a hold took the rest is restored when the hold is over', async () => {
  for (const sweep of [expire(accountId), grant(accountId, 'more', 1n), ask(1)]) {
    const { commit, one, counter, told, advance } = await openCapped()
    await commit(hold(accountId, 'h', units(100), { ...meter, ttlMs: 1_000 }), ask(1))
    await told()
    advance(1_000)
    await one(sweep)
    expect(await counter()).toMatchObject({ status: 'below_quota' })
    expect(await told()).toEqual([['quota.restored', 'below_quota']])
  }
})

it('S0.6 what was throttled since credits were held is restored when they are given back', async () => {
  for (const end of [release(accountId, 'r', 'hold_h'), capture(accountId, 'c', 'hold_h', 1n)]) {
    const { commit, one, told } = await openWorld('included')
    await commit(use('u', 1_000), grant(accountId, 'g', units(5)), hold(accountId, 'h', units(5)), ask(1))
    expect((await told()).at(-1)).toEqual(['quota.throttled', 'throttled'])
    await one(end)
    expect(await told()).toEqual([['quota.restored', 'at_quota']])
  }
})

it('S0.6 what became covered while an account was suspended is restored when it is resumed', async () => {
  const { commit, one, told } = await openWorld('included')
  await commit(use('u', 1_000), ask(1), suspension('suspend', accountId, 's'), grant(accountId, 'g', units(5)))
  expect((await told()).at(-1)).toEqual(['quota.throttled', 'throttled'])
  await one(suspension('resume', accountId, 'r'))
  expect(await told()).toEqual([['quota.restored', 'at_quota']])
})

it('S0.6 a period that begins with a hold says that the count began again, once', async () => {
  const { one, told, at } = await openCapped()
  await one(use('u', 100))
  await told()
  at('2026-12-02T00:00:00Z')
  await one(hold(accountId, 'h', units(10), meter))
  await one(use('c', 10, { holdId: 'hold_h' }))
  await one(use('v', 1))
  expect(await told()).toEqual([['quota.reset', 'below_quota']])
})

it('S0.6 a period whose first event comes early says once that the count began again, and a late one says nothing', async () => {
  const { one, told, at } = await openCapped('2026-11-30T23:58:00Z')
  await one(use('u', 100))
  await told()
  await one(use('early', 1, { occurredAt: Date.parse('2026-12-01T00:01:00Z') }))
  at('2026-12-01T00:05:00Z')
  await one(use('v', 1))
  expect(await told()).toEqual([['quota.reset', 'below_quota']])
  await one(use('late', 1, { occurredAt: Date.parse('2026-10-05T00:00:00Z') }))
  expect(await told()).toEqual([])
})

it('S0.6 a refused request throttles, and the thresholds that usage passes are told all the same, once and in order', async () => {
  const { one, counter, told } = await openCapped()
  await one(ask(500))
  expect(await told()).toEqual([['quota.throttled', 'throttled']])
  await one(use('1', 80))
  expect(await told()).toEqual([])
  await one(use('2', 10))
  await one(use('3', 5))
  expect(await told()).toEqual([['quota.near', 'throttled']])
  await one(use('4', 50))
  await one(use('5', 50))
  expect(await told()).toEqual([['quota.reached', 'throttled']])
  expect(await counter()).toMatchObject({ status: 'throttled', throttledAttempts: 1 })
})

it.each([
  ['question', () => ask(5), 'near_quota'],
  ['hold', () => hold(accountId, 'h', units(5), meter), 'near_quota'],
  ['strict usage', () => strict(accountId, 's', units(5)), 'near_quota'],
  ['strict usage up to the limit', () => strict(accountId, 's', units(10)), 'at_quota'],
] as const)('S0.6 a %s that passes lifts the throttle of one that did not', async (_, request, status) => {
  const { one, counter, told } = await openCapped()
  await one(use('1', 90))
  await one(ask(500))
  await told()
  expect(await one(request())).toMatchObject({ status: 'applied' })
  expect(await counter()).toMatchObject({ status })
  const reached = status === 'at_quota' ? [['quota.reached', status]] : []
  expect(await told()).toEqual([['quota.restored', status], ...reached])
  await one(ask(1))
  expect((await told()).map(([type]) => type)).toEqual(status === 'at_quota' ? ['quota.throttled'] : [])
})
