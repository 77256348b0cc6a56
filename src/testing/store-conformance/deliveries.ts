import { expectEqual } from '../conformance.js'
import { telling } from './catalog.js'
import { applied, changePlan, grant, million, usage } from './commands.js'
import type { StoreCase, World } from './world.js'

const lease = { limit: 100, leaseMs: 60_000, early: true }

/** Deliveries: what the ledger leaves for metering and tracing providers. */
export const deliveryCases: readonly StoreCase[] = [
  {
    name: 'S1.1 deliveries: usage is handed out to each provider with the rows it stands for, whole',
    async run(world) {
      await world.accounts('credits', 'a')
      const occurredAt = Date.UTC(2020, 2, 4, 5, 6, 7)
      const rated = { model: 'm', costUsd: '0.1', tokens: { input: 3 }, dimensions: { feature: `"it's" 中文` } }
      await world.commit(
        [
          usage('a', '1', 2_500_000n, { occurredAt, rated }),
          usage('a', '2', 700_000n, { occurredAt: occurredAt + 1_000 }),
        ],
        telling,
      )
      const rows = await world.rows('a')
      const [metering, ...more] = await world.store.outbox.claim('meters', lease)
      const [tracing, ...others] = await world.store.outbox.claim('traces', lease)
      expectEqual([more, others], [[], []], 'further deliveries')
      const common = { accountId: 'a', occurredAt: occurredAt + 1_000, members: 1, event: null }
      expectEqual(
        metering,
        {
          ...metering,
          ...common,
          id: 'dlv_meters_usage_1',
          destination: 'meters',
          kind: 'metering',
          meter: 'ai_tokens',
          periodStartsAt: Date.UTC(2020, 2, 1),
          sparks: 3n,
          attempts: 1,
          firstAttemptAt: null,
          bundle: 'dlv_meters_usage_1',
          entryIds: [],
          entries: [],
        },
        'the delivery for metering',
      )
      expectEqual(
        tracing,
        {
          ...tracing,
          ...common,
          id: 'dlv_traces_usage_1',
          destination: 'traces',
          kind: 'tracing',
          meter: null,
          periodStartsAt: null,
          sparks: 0n,
          attempts: 1,
          firstAttemptAt: null,
          bundle: null,
          entryIds: ['usage_1', 'usage_2'],
          entries: rows,
        },
        'the delivery for tracing',
      )
    },
  },
  {
    name: 'S1.1 deliveries: what is below a whole Spark is carried from batch to batch until it is one',
    async run(world) {
      await world.accounts('credits', 'a')
      for (const key of ['1', '2', '3', '4', '5', '6', '7']) await world.one(usage('a', key, 300_000n), telling)
      const named = (await world.rows('a')).map((row) => row.deliveries.meters)
      expectEqual(
        named,
        [null, null, null, 'dlv_meters_usage_4', null, null, 'dlv_meters_usage_7'],
        'the delivery each row names',
      )
      expectEqual(await sparksOf(world), [2n], 'the Sparks to report')
      await world.one(usage('a', '8', 900_000n), telling)
      expectEqual(await sparksOf(world), [1n], 'the Spark the last carry made')
    },
  },
  {
    name: 'S1.1 deliveries: each account, meter and period carries its own fractions',
    async run(world) {
      await world.accounts('credits', 'a', 'b')
      const march = { occurredAt: Date.UTC(2020, 2, 4) }
      const april = { occurredAt: Date.UTC(2020, 3, 4) }
      const storage = { rated: { meter: 'storage' } }
      await world.commit(
        [
          usage('a', '1', 600_000n, march),
          usage('b', '2', 600_000n, march),
          usage('a', '3', 600_000n, { ...march, ...storage }),
          usage('a', '4', 600_000n, april),
        ],
        telling,
      )
      expectEqual(await sparksOf(world), [], 'what is to be reported while all are below one Spark')
      await world.one(usage('a', '5', 400_000n, april), telling)
      await world.one(usage('a', '6', 1_399_999n, march), telling)
      await world.one(usage('b', '7', 399_999n, march), telling)
      expectEqual(await sparksOf(world), [1n, 1n], 'what is to be reported of April, and of March')
      await world.one(usage('a', '8', 1n, march), telling)
      await world.one(usage('b', '9', 1n, march), telling)
      expectEqual(await sparksOf(world), [1n, 1n], 'what the last millionths make whole')
    },
  },
  {
    name: 'S1.1 deliveries: a provider that collects is told of what it has to collect, fractions carried too',
    async run(world) {
      await world.accounts('postpaid', 'a')
      for (const key of ['1', '2', '3']) await world.one(usage('a', key, 1_500_000n), telling)
      expectEqual(
        (await world.rows('a')).map((row) => row.usage?.settledBy),
        ['1', '2', '3'].map(() => ({ 'meter:meters': 1_500_000n })),
        'who pays',
      )
      expectEqual(await sparksOf(world), [4n], 'the Sparks to report')
      expectEqual((await world.state('a')).balance, 0n, 'the balance')
    },
  },
  {
    name: 'S1.1 deliveries: what is to be collected goes by the plan the usage was on, though the batch changes it',
    async run(world) {
      await world.accounts('postpaid', 'a')
      await world.accounts('credits', 'b')
      const change = [
        usage('a', '1', 5n * million),
        changePlan('a', 'p', 'credits'),
        usage('b', '2', 3n * million),
        changePlan('b', 'q', 'postpaid'),
      ]
      await world.commit([grant('a', 'g', 4n * million), grant('b', 'h', 3n * million), ...change], telling)
      expectEqual(await sparksOf(world), [1n, 3n], 'the Sparks to report')
    },
  },
  {
    name: 'deliveries: usage that costs nothing is traced and not metered; a change of the account is neither',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.commit(
        [usage('a', '1', 0n, { rated: { quantity: million } }), changePlan('a', 'p', 'allowance')],
        telling,
      )
      expectEqual(await sparksOf(world), [], 'what is to be reported')
      const traced = await world.store.outbox.claim('traces', lease)
      expectEqual(
        traced.map((each) => each.entryIds),
        [['usage_1']],
        'what is to be traced',
      )
    },
  },
  {
    name: 'deliveries: repeated usage is not delivered again',
    async run(world) {
      await world.accounts('credits', 'a')
      const command = usage('a', '1', 2n * million)
      applied(await world.one(command, telling))
      await world.commit([command, command], telling)
      expectEqual(await sparksOf(world), [2n], 'what is to be reported')
      expectEqual((await world.store.outbox.claim('traces', lease)).length, 1, 'how many deliveries are to be traced')
    },
  },
]

/** Claims and settles what is to be metered. Orders by the usage it begins with: deliveries of one batch have no order. */
async function sparksOf({ store }: World): Promise<readonly bigint[]> {
  const claimed = await store.outbox.claim('meters', lease)
  await store.outbox.settle(
    claimed.map(({ id, fence }) => ({
      id,
      fence,
      status: 'delivered',
      retryInMs: null,
      mayHaveArrived: true,
      error: null,
      event: null,
    })),
  )
  return [...claimed].sort((left, right) => (left.id < right.id ? -1 : 1)).map((delivery) => delivery.sparks)
}
