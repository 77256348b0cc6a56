import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { periodAt } from '../../../src/core/domain/period.js'
import { changePlan, usage } from '../../../src/testing/store-conformance/commands.js'
import { accountId, million, openWorld } from './world.js'

const at = Date.parse

async function standing(world: Awaited<ReturnType<typeof openWorld>>, key: string, count = 10n) {
  const outcome = await world.one(usage(accountId, key, count * million))
  if (outcome.status !== 'applied' || outcome.result.kind !== 'usage') throw new Error('usage was not applied')
  const { quota } = outcome.result
  const day = (moment: number) => new Date(moment).toISOString().slice(0, 10)
  return [quota.used / million, day(quota.periodStartsAt), day(quota.resetsAt)]
}

it('S0.6 an anchor on the 31st gives one period a month, though renewals name the clamped day', async () => {
  const world = await openWorld('included', { at: '2027-01-31T10:00:05Z' })
  const renewed = async (moment: string, minutes = 1) => {
    world.at(moment)
    world.advance(minutes * 60_000)
    await world.one(changePlan(accountId, moment, 'included', at(moment)))
  }
  await renewed('2027-01-31T10:00:00Z')
  world.at('2027-02-10T00:00:00Z')
  expect(await standing(world, '1')).toEqual([10n, '2027-01-31', '2027-02-28'])
  world.at('2027-02-28T10:01:00Z')
  expect(await standing(world, '2')).toEqual([10n, '2027-02-28', '2027-03-31'])
  await renewed('2027-02-28T10:00:00Z', 5)
  expect(await standing(world, '3')).toEqual([20n, '2027-02-28', '2027-03-31'])
  world.at('2027-03-29T00:00:00Z')
  expect(await standing(world, '4')).toEqual([30n, '2027-02-28', '2027-03-31'])
  await renewed('2027-03-31T10:00:00Z')
  expect(await standing(world, '5')).toEqual([10n, '2027-03-31', '2027-04-30'])
  expect(await world.account()).toMatchObject({ anchor: at('2027-01-31T10:00:00Z') })
})

it('S0.6 an anchor that only moves the end of the period keeps what was counted in it', async () => {
  const world = await openWorld('included', { at: '2027-02-28T10:01:00Z' })
  await world.one(changePlan(accountId, 'p', 'included', at('2027-02-28T10:00:00Z')))
  await standing(world, '1', 900n)
  world.at('2027-03-05T00:00:00Z')
  await world.one(changePlan(accountId, 'q', 'included', at('2027-01-31T10:00:00Z')))
  expect(await standing(world, '2')).toEqual([910n, '2027-02-28', '2027-03-31'])
  world.at('2027-03-30T00:00:00Z')
  expect(await standing(world, '3')).toEqual([920n, '2027-02-28', '2027-03-31'])
})

it('S0.6 whatever the day of the anchor, renewals heard late give as many periods as there are months', async () => {
  const anchors = fc.integer({ min: at('2026-01-28T00:00:00Z'), max: at('2026-02-01T00:00:00Z') - 1 })
  await fc.assert(
    fc.asyncProperty(anchors, fc.array(fc.nat(120), { minLength: 14, maxLength: 14 }), async (anchor, lateness) => {
      const world = await openWorld('included', { at: new Date(anchor).toISOString() })
      await world.one(changePlan(accountId, 'first', 'included', anchor))
      const starts = new Set<unknown>()
      let startsAt = anchor
      for (const [month, minutes] of lateness.entries()) {
        world.at(new Date(startsAt).toISOString())
        starts.add((await standing(world, `a${month}`))[1])
        world.advance(minutes * 60_000)
        await world.one(changePlan(accountId, `r${month}`, 'included', startsAt))
        starts.add((await standing(world, `b${month}`))[1])
        startsAt = periodAt(startsAt, { anchor, zone: 'UTC', interval: 'month' }).endsAt
      }
      expect(starts.size).toBe(14)
    }),
    { numRuns: 50 },
  )
})
