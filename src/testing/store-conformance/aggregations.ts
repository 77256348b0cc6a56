import type { RatedUsage } from '../../core/domain/ledger/command.js'
import { expectEqual } from '../conformance.js'
import { graduated } from './catalog.js'
import { amend, applied, expectRefused, expire, grant, hold, million, strict, usage } from './commands.js'
import { expectBooks } from './corrections.js'
import type { StoreCase, World } from './world.js'

const dayMs = 86_400_000

/** What was reported of a meter: so many units. */
const reported = (meter: string, units: bigint, more: Partial<RatedUsage> = {}) => ({
  rated: { meter, quantity: units * million, sparks: 0n, ...more },
})

/** Meters that are no plain sums, and prices that depend on the whole period. */
export const aggregationCases: readonly StoreCase[] = [
  {
    name: 'S1.2 aggregations: tiers of the period’s total are priced as if it had come at once',
    async run(world) {
      await world.accounts('credits', 'a')
      const cost = async (key: string, units: bigint) =>
        sparksOf(await world.one(usage('a', key, 0n, reported('graduated', units))))
      expectEqual([await cost('1', 4n), await cost('2', 4n), await cost('3', 4n)], [8n, 8n, 6n], 'the price of each')
      const batch = await world.commit([
        usage('a', '4', 0n, reported('graduated', 3n)),
        usage('a', '5', 0n, reported('graduated', 5n)),
      ])
      expectEqual(batch.map(sparksOf), [3n, 5n], 'the price of each in a batch')
      expectEqual((await world.state('a')).balance, -30n * million, 'the balance')
      await expectBooks(world)
    },
  },
  {
    name: 'S1.2 aggregations: a cheaper tier for all units gives back what the units before it cost too much',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.one(grant('a', 'g', 50n * million))
      const cost = async (key: string, units: bigint) =>
        sparksOf(await world.one(usage('a', key, 0n, reported('volume', units))))
      expectEqual([await cost('1', 10n), await cost('2', 1n), await cost('3', 2n)], [20n, -9n, 2n], 'the price of each')
      expectEqual((await world.state('a')).balance, 37n * million, 'the balance')
      await expectBooks(world)
    },
  },
  {
    name: 'S1.2 aggregations: amended usage of a tiered meter costs what the total makes of it',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.commit([
        usage('a', '1', 0n, reported('graduated', 8n)),
        usage('a', '2', 0n, reported('graduated', 8n)),
      ])
      expectEqual((await world.state('a')).balance, -26n * million, 'the balance')
      await world.one(amend('a', '1', 'usage_1', null, graduated))
      expectEqual((await world.state('a')).balance, -16n * million, 'the balance after it')
      await expectBooks(world)
    },
  },
  {
    name: 'S1.2 aggregations: the largest value counts, and costs what it is above the one before',
    async run(world) {
      await world.accounts('credits', 'a')
      const values = [3n, 2n, 7n, 7n, 1n]
      const costs: bigint[] = []
      for (const [index, value] of values.entries())
        costs.push(sparksOf(await world.one(usage('a', String(index), 0n, reported('peak', value)))))
      expectEqual(costs, [3n, 0n, 4n, 0n, 0n], 'the price of each')
      expectEqual(await usedOf(world, 'peak'), 7n * million, 'the use')
      expectRefused(await world.one(amend('a', 'x', 'usage_0', null)), 'option_unsupported')
      expectRefused(await world.one(hold('a', 'h', million, { meter: 'peak' })), 'option_unsupported')
    },
  },
  {
    name: 'S1.2 aggregations: different values count once in each period',
    needs: 'clock',
    async run(world) {
      await world.accounts('credits', 'a')
      const seen = (key: string, user: string) => usage('a', key, 0n, reported('people', 1n, { dimensions: { user } }))
      const outcomes = await world.commit([seen('1', 'ada'), seen('2', 'ada'), seen('3', 'bob')])
      expectEqual(outcomes.map(sparksOf), [1n, 0n, 1n], 'the price of each')
      expectEqual(sparksOf(await world.one(seen('4', 'bob'))), 0n, 'the price of one seen in another batch')
      await world.pass(31 * dayMs)
      expectEqual(sparksOf(await world.one(seen('5', 'bob'))), 1n, 'the price of one in another period')
      expectEqual(await usedOf(world, 'people'), million, 'the use of the new period')
    },
  },
  {
    name: 'S0.4 aggregations: a level is what was reported last, and lasts over periods',
    needs: 'clock',
    async run(world) {
      await world.accounts('seated', 'a')
      const set = (key: string, seats: bigint, occurredAt: number | null = null) =>
        usage('a', key, 0n, { ...reported('seats', seats), occurredAt })
      await world.commit([set('1', 3n), set('2', 2n)])
      expectEqual(await usedOf(world, 'seats'), 2n * million, 'the level')
      await world.one(set('3', 4n, world.now() - dayMs))
      expectEqual(await usedOf(world, 'seats'), 2n * million, 'the level after late news')
      await world.pass(31 * dayMs)
      expectEqual(await usedOf(world, 'seats'), 2n * million, 'the level in the next period')
      await world.one(set('4', 5n))
      expectRefused(await world.one({ ...strict('a', '5', 0n), usage: set('5', 6n).usage }), 'quota_exceeded')
      await world.one(set('6', 0n))
      expectEqual(await usedOf(world, 'seats'), 0n, 'the level after everybody left')
    },
  },
  {
    name: 'S1.2 aggregations: a level weighted by time is charged for the part of the period it lasted',
    needs: 'clock',
    async run(world) {
      await world.accounts('credits', 'a')
      const june = Date.UTC(2026, 5, 1)
      await world.pass(june - world.now())
      const set = (key: string, level: bigint, occurredAt: number | null = null) =>
        usage('a', key, 0n, { ...reported('disk', level), occurredAt })
      await world.one(set('1', 30n))
      expectEqual(await usedOf(world, 'disk'), 0n, 'the use at once')
      await world.pass(10 * dayMs)
      expectEqual(await usedOf(world, 'disk'), 10n * million, 'the use after a third of the month, counted or not')
      expectEqual(sparksOf(await world.one(set('2', 60n))), 10n, 'what the first third cost')
      await world.pass(5 * dayMs)
      expectEqual(
        sparksOf(await world.one(set('3', 0n, world.now() - 2 * dayMs))),
        6n,
        'what the three days after it cost',
      )
      await world.pass(20 * dayMs)
      await world.one(set('4', 30n))
      expectEqual((await world.state('a')).balance, -16n * million, 'the balance')
      await expectBooks(world)
    },
  },
  {
    name: 'S1.2 aggregations: a level weighted by time is charged to the end of a period that nobody touches',
    needs: 'clock',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.pass(Date.UTC(2026, 5, 16) - world.now())
      await world.one(usage('a', '1', 0n, reported('disk', 8n)))
      expectEqual(await world.store.ledger.due(9), [], 'what is due in June')
      await world.pass(Date.UTC(2026, 7, 1) - world.now())
      expectEqual(await world.store.ledger.due(9), ['a'], 'what is due in August')
      await world.one(expire('a'))
      expectEqual(await world.store.ledger.due(9), [], 'what is due after it')
      expectEqual((await world.state('a')).balance, -12n * million, 'half of June and all of July')
      const rows = await world.rows('a')
      expectEqual(
        rows.map(({ operation, usage: used }) => [operation, used?.quantity]),
        [
          ['usage', 0n],
          ['accrue', 4n * million],
          ['accrue', 8n * million],
        ],
        'the rows',
      )
      await expectBooks(world)
    },
  },
]

function sparksOf(outcome: Parameters<typeof applied>[0]): bigint {
  const result = applied(outcome)
  return result.kind === 'usage' ? result.sparks / million : -1_000n
}

async function usedOf(world: World, meter: string): Promise<bigint | undefined> {
  return (await world.snapshot('a')).counters.find((counter) => counter.meter === meter)?.used
}
