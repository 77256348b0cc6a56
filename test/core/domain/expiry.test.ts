import { expect, it } from 'vitest'
import { capture, expire, grant, hold, release, usage } from '../../../src/testing/store-conformance/commands.js'
import { accountId, million, openWorld } from './world.js'

const units = (count: number) => BigInt(count) * million
const soon = { expiresAt: Date.parse('2026-11-21T00:01:00Z') }

/** 100 Sparks that end in a minute, all of them held for an hour; now two minutes later. */
async function openHeld(meter?: string) {
  const world = await openWorld('free')
  const held = hold(accountId, 'h', units(100), meter === undefined ? {} : { meter })
  await world.commit(grant(accountId, 'g', units(100), soon), held)
  world.at('2026-11-21T00:02:00Z')
  return world
}

it.each([
  ['credits', undefined, capture(accountId, 'c', 'hold_h', null, { onExcess: 'refuse' })],
  ['a meter', 'ai_tokens', usage(accountId, 'c', units(100), { holdId: 'hold_h', onExcess: 'refuse' })],
] as const)(
  'S2.3 a hold of %s is covered to its end, though the credits it reserved are over before',
  async (_, meter, end) => {
    const { one, account } = await openHeld(meter)
    expect(await account()).toMatchObject({ balance: units(100), held: units(100) })
    expect(await one(expire(accountId))).toMatchObject({ result: { expired: 0 } })
    expect(await one(end)).toMatchObject({ status: 'applied' })
    expect(await account()).toMatchObject({ balance: 0n, held: 0n })
  },
)

it('S2.3 what is over and not held goes at once, and the rest when the hold ends', async () => {
  const rest = [
    [release(accountId, 'r', 'hold_h'), 0n],
    [capture(accountId, 'c', 'hold_h', units(40)), 0n],
    [usage(accountId, 'more', units(10)), units(90)],
  ] as const
  for (const [end, balance] of rest) {
    const { one, commit, account, store, at } = await openWorld('free')
    await commit(grant(accountId, 'g', units(150), soon), hold(accountId, 'h', units(100)))
    at('2026-11-21T00:02:00Z')
    expect(await account()).toMatchObject({ balance: units(100) })
    expect(await one(expire(accountId))).toMatchObject({ result: { expired: 1 } })
    expect(await account()).toMatchObject({ balance: units(100) })
    const outcome = await one(end)
    expect(outcome).toMatchObject({ status: 'applied', result: { balance: { balance } } })
    expect(await account()).toMatchObject({ balance })
    const rows = await store.ledger.entries(accountId, { limit: 10 })
    expect(rows[0]?.balanceAfter).toBe(balance)
    expect(rows.reduce((sum, row) => sum + row.amount, 0n)).toBe(balance)
    expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length)
  }
})

it('S2.3 credits that stay cover a hold before those that are over', async () => {
  const { one, commit, account, at } = await openWorld('free')
  await commit(
    grant(accountId, 'g', units(100), soon),
    grant(accountId, 'stays', units(70)),
    hold(accountId, 'h', units(100)),
  )
  at('2026-11-21T00:02:00Z')
  expect(await account()).toMatchObject({ balance: units(100), held: units(100) })
  expect(await one(usage(accountId, 's', 1n, { onInsufficient: 'refuse' }))).toMatchObject({ status: 'refused' })
  await one(grant(accountId, 'new', units(50)))
  expect(await account()).toMatchObject({ balance: units(120) })
  await one(expire(accountId))
  expect(await account()).toMatchObject({ balance: units(120) })
})
