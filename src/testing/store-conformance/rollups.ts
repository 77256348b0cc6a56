import type { Rollup } from '../../core/domain/ledger/state.js'
import { expectEqual } from '../conformance.js'
import { quiet } from './catalog.js'
import { amend, capture, expectApplied, grant, hold, million, strict, usage } from './commands.js'
import type { StoreCase, World } from './world.js'

const day = (date: number, hour = 12) => ({ occurredAt: Date.UTC(2020, 2, date, hour) })

/** Rollups: usage summed by UTC day, meter and model. */
export const rollupCases: readonly StoreCase[] = [
  {
    name: 'S3.8 rollups: usage adds up by day, meter and model, within a batch and over batches',
    async run(world) {
      await world.accounts('credits', 'a')
      const model = (name: string) => ({ rated: { model: name } })
      expectApplied(
        await world.commit([
          usage('a', '1', 10n, day(1)),
          usage('a', '2', 20n, { ...day(1, 23), rated: { quantity: 7n, sparks: 20n } }),
          usage('a', '3', 40n, { ...day(1), ...model('m') }),
          usage('a', '4', 80n, { ...day(2, 0), rated: { meter: 'storage' } }),
        ]),
      )
      expectApplied(
        await world.commit([
          usage('a', '5', 100n, day(1, 0)),
          usage('a', '6', 200n, { ...day(1), ...model('m') }),
          usage('a', '7', 400n, { ...day(1), ...model('n "quoted" 模型') }),
          usage('a', '8', 800n, day(2)),
        ]),
      )
      await expectRollups(world, 'a', '2020-03-01', '2020-03-03', [
        ['2020-03-01', 'ai_tokens', '', 3, 117n, 130n],
        ['2020-03-01', 'ai_tokens', 'm', 2, 240n, 240n],
        ['2020-03-01', 'ai_tokens', 'n "quoted" 模型', 1, 400n, 400n],
        ['2020-03-02', 'ai_tokens', '', 1, 800n, 800n],
        ['2020-03-02', 'storage', '', 1, 80n, 80n],
      ])
    },
  },
  {
    name: 'S3.8 rollups: the first day asked for is in the answer, the last is not',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.commit([1, 2, 3, 4].map((date) => usage('a', String(date), BigInt(date), day(date))))
      const row = (date: number) => [`2020-03-0${date}`, 'ai_tokens', '', 1, BigInt(date), BigInt(date)] as const
      await expectRollups(world, 'a', '2020-03-02', '2020-03-04', [row(2), row(3)])
      await expectRollups(world, 'a', '2020-03-04', '2020-04-01', [row(4)])
      await expectRollups(world, 'a', '2020-03-02', '2020-03-02', [])
    },
  },
  {
    name: 'S3.10 rollups: sums are of one account, without what was refused or repeated',
    async run(world) {
      await world.accounts('credits', 'a', 'b')
      const twice = usage('a', '1', 10n, day(1))
      await world.commit([twice, twice, usage('b', '2', 500n, day(1)), { ...strict('a', '3', 70n), ...day(1) }])
      await world.one(twice)
      await expectRollups(world, 'a', '2020-01-01', '2021-01-01', [['2020-03-01', 'ai_tokens', '', 1, 10n, 10n]])
      await expectRollups(world, 'b', '2020-01-01', '2021-01-01', [['2020-03-01', 'ai_tokens', '', 1, 500n, 500n]])
      await expectRollups(world, 'none', '2020-01-01', '2021-01-01', [])
    },
  },
  {
    name: 'rollups: a captured hold without a meter is summed under no meter',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.commit([grant('a', 'g', 9n), hold('a', 'h', 9n), capture('a', 'c', 'hold_h', 4n)])
      const [row, ...others] = await world.store.ledger.rollups('a', { from: '2000-01-01', to: '2200-01-01' })
      expectEqual([row?.meter, row?.events, row?.quantity, row?.sparks, others], ['', 1, 0n, 4n, []], 'the sum')
    },
  },
  {
    name: 'S3.8 S3.11 rollups: what corrects usage is summed by what that was summed by, whatever the catalog sums by now',
    async run(world) {
      await world.accounts('credits', 'a')
      const by = (...rollupDimensions: readonly string[]) => ({
        ...quiet,
        catalog: { ...quiet.catalog, rollupDimensions },
      })
      const use = (key: string) =>
        usage('a', key, 4n * million, { ...day(5), rated: { dimensions: { feature: 'chat', team: 'red' } } })
      const sums = async (dimension: string) => {
        const { findings } = await world.store.ledger.verify({ limit: 10 })
        expectEqual(findings, [], `what does not add up, by ${dimension}`)
        const span = { from: '2020-01-01', to: '2021-01-01', dimension }
        const rows = await world.store.ledger.rollups('a', span)
        return rows.map(({ events, quantity, sparks, charged }) => [events, quantity, sparks, charged])
      }
      const one = [1, 4n * million, 4n * million, 4n * million]
      const none = [0, 0n, 0n, 0n]
      await world.commit([grant('a', 'g', 20n * million), use('1'), use('2')], by('feature'))
      await world.one(use('3'), by('team'))
      expectEqual(
        [await sums('feature'), await sums('team')],
        [[[2, 8n * million, 8n * million, 8n * million]], [one]],
        'the sums',
      )
      expectApplied([await world.one(amend('a', 'v1', 'usage_1', null), by('team'))])
      expectEqual([await sums('feature'), await sums('team')], [[one], [one]], 'the sums after one was voided')
      expectApplied([await world.one(amend('a', 'v3', 'usage_3', null), by('feature', 'team'))])
      expectEqual([await sums('feature'), await sums('team')], [[one], [none]], 'the sums after another')
      expectApplied([await world.one(amend('a', 'a2', 'usage_2', million), by())])
      const less = [1, million, million, million]
      expectEqual(await sums('feature'), [less], 'the sums after an amendment')
      expectApplied([await world.one(use('4'), by())])
      expectEqual([await sums('feature'), await sums('team')], [[less], [none]], 'the sums when nothing is summed by')
    },
  },
]

type Sum = readonly [string, string, string, number, bigint, bigint]

async function expectRollups({ store }: World, accountId: string, from: string, to: string, sums: readonly Sum[]) {
  const rows = await store.ledger.rollups(accountId, { from, to })
  const place = (row: Rollup) => `${row.day} ${row.meter} ${row.model}`
  const sorted = [...rows].sort((left, right) => (place(left) < place(right) ? -1 : 1))
  const expected = sums.map(([on, meter, model, events, quantity, sparks]) => {
    const place = { accountId, day: on, meter, provider: '', model, dimension: '', value: '' }
    return { ...place, events, quantity, sparks, charged: sparks, costPicos: 0n }
  })
  expectEqual(sorted, expected, `the sums of ${accountId} from ${from} to ${to}`)
}
