import { expectEqual } from '../conformance.js'
import { telling } from './catalog.js'
import { amend, changeTerms, million, usage } from './commands.js'
import type { StoreCase, World } from './world.js'

const here = { ...telling, metering: ['meters', 'others'], collecting: 'meters' }
/** The same app after its configuration named them the other way round. */
const swapped = { ...telling, metering: ['others', 'meters'], collecting: 'others' }
const destinations = ['meters', 'shadow:meters', 'others', 'shadow:others']

/** Collectors: which provider charges an account for what it uses beyond what is paid for. */
export const collectorCases: readonly StoreCase[] = [
  {
    name: 'C4 collectors: whoever collected the first usage goes on, whatever is configured later',
    async run(world) {
      await world.accounts('postpaid', 'a', 'b')
      await world.one(usage('a', '1', 2n * million), here)
      await world.one(usage('a', '2', 3n * million), swapped)
      await world.one(usage('b', '3', 5n * million), swapped)
      expectEqual((await world.state('a')).collectors, [{ provider: 'meters', from: 0 }], 'who collects of the first')
      expectEqual((await world.state('b')).collectors, [{ provider: 'others', from: 0 }], 'who collects of a new one')
      expectEqual(
        await told(world),
        { meters: 5n, 'shadow:meters': 5n, others: 5n, 'shadow:others': 5n },
        'what each is told',
      )
    },
  },
  {
    name: 'C4 collectors: another one collects from the next period on, and what happened before stays with the one before',
    async run(world) {
      await world.accounts('postpaid', 'a')
      const begin = world.now()
      await world.one(usage('a', '1', 2n * million), here)
      const promotion = changeTerms('a', 'p', { collector: 'others' })
      await world.one(promotion, here)
      await world.one(promotion, here)
      const next = new Date(begin)
      const from = Date.UTC(next.getUTCFullYear(), next.getUTCMonth() + 1, 1)
      const planned = [
        { provider: 'meters', from: 0 },
        { provider: 'others', from },
      ]
      expectEqual((await world.state('a')).collectors, planned, 'who collects when')
      await world.one(usage('a', '2', 3n * million), here)
      expectEqual(await told(world), { meters: 5n, 'shadow:others': 5n }, 'what is told in this period')
      // Usage may be told of ahead of its time: it is the next period's.
      await world.one(usage('a', '3', 7n * million, { occurredAt: from }), here)
      await world.one(usage('a', '4', million, { occurredAt: from - 1 }), here)
      expectEqual(
        await told(world),
        { meters: 1n, others: 7n, 'shadow:meters': 7n, 'shadow:others': 1n },
        'what is told on both sides of the end of the period',
      )
      const settled = (await world.rows('a')).flatMap((row) => (row.usage ? [row.usage.settledBy] : []))
      expectEqual(
        settled,
        [
          { 'meter:meters': 2n * million },
          { 'meter:meters': 3n * million },
          { 'meter:others': 7n * million },
          { 'meter:meters': million },
        ],
        'who collects each',
      )
    },
  },
  {
    name: 'C4 collectors: a promotion is taken back before it begins, and what is corrected goes back where it was collected',
    async run(world) {
      await world.accounts('postpaid', 'a')
      await world.one(usage('a', '1', 4n * million), here)
      await world.one(changeTerms('a', 'p', { collector: 'others' }), here)
      await world.one(changeTerms('a', 'q', { collector: 'meters' }), here)
      expectEqual((await world.state('a')).collectors, [{ provider: 'meters', from: 0 }], 'who collects')
      await world.one(amend('a', 'v', 'usage_1', null), swapped)
      expectEqual(await told(world), { meters: 0n, 'shadow:others': 0n }, 'what is left of it')
    },
  },
]

async function told(world: World): Promise<Readonly<Record<string, bigint>>> {
  const sums: Record<string, bigint> = {}
  for (const destination of destinations)
    for (const { sparks } of await world.store.outbox.claim(destination, { limit: 100, leaseMs: 60_000, early: true }))
      sums[destination] = (sums[destination] ?? 0n) + sparks
  return sums
}
