import { maximumStored } from '../../core/domain/sparks.js'
import { expectEqual } from '../conformance.js'
import { telling } from './catalog.js'
import { applied, capture, expectApplied, expectRefused, grant, hold, million, usage } from './commands.js'
import type { StoreCase } from './world.js'

const large = 2n ** 62n

/** Amounts: whole numbers of 64 bits, to the last digit. */
export const amountCases: readonly StoreCase[] = [
  {
    name: 'S3.11 amounts: balances, grants and rows of 2^62 are exact to the last digit',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.commit([grant('a', 'g', large), grant('a', 'h', large - 1n)])
      expectEqual((await world.state('a')).balance, maximumStored, 'the largest balance')
      await world.one(usage('a', 'u', large + 1n))
      const { account, grants } = await world.snapshot('a')
      expectEqual(account.balance, large - 2n, 'the balance after use')
      expectEqual(
        grants.map((each) => [each.id, each.amount, each.remaining]),
        [['grant_h', large - 1n, large - 2n]],
        'what is left of the grants',
      )
      const rows = await world.rows('a')
      expectEqual(
        rows.map((row) => [row.amount, row.balanceAfter]),
        [
          [large, large],
          [large - 1n, maximumStored],
          [-large - 1n, large - 2n],
        ],
        'amounts and balances of the rows',
      )
      expectEqual(
        rows[2]?.burns,
        [
          { grantId: 'grant_g', amount: large },
          { grantId: 'grant_h', amount: 1n },
        ],
        'what was burned',
      )
      expectEqual(rows[2]?.usage?.sparks, large + 1n, 'the Sparks of the usage')
    },
  },
  {
    name: 'S3.11 amounts: debt of 2^62 is exact, and paid to the last digit',
    async run(world) {
      await world.accounts('credits', 'a')
      const result = applied(await world.one(usage('a', 'u', large + 1n)))
      expectEqual(result.kind === 'usage' && result.balance.debt, large + 1n, 'the debt that is answered')
      expectEqual((await world.state('a')).balance, -large - 1n, 'the balance')
      await world.one(usage('a', 'v', large - 2n))
      expectEqual((await world.state('a')).balance, -maximumStored, 'the largest debt')
      await world.commit([grant('a', 'g', large), grant('a', 'h', large)])
      const { account, grants } = await world.snapshot('a')
      expectEqual([account.balance, grants.map((each) => each.remaining)], [1n, [1n]], 'the balance and its grants')
    },
  },
  {
    name: 'S3.11 amounts: quantities, counters and daily sums of 2^62 are exact over batches',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.one(grant('a', 'g', large))
      for (const [key, quantity] of [
        ['1', large],
        ['2', large - 2n],
        ['3', 1n],
      ] as const)
        applied(await world.one(usage('a', key, 0n, { rated: { quantity, sparks: quantity / 4n } })))
      const [counter] = (await world.snapshot('a')).counters
      expectEqual(counter?.used, maximumStored, 'the counter')
      const [sum] = await world.store.ledger.rollups('a', { from: '2000-01-01', to: '2200-01-01' })
      expectEqual([sum?.quantity, sum?.sparks], [maximumStored, large / 4n + (large - 2n) / 4n], 'the sums of the day')
    },
  },
  {
    name: 'amounts: holds and captures of 2^62 are exact',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.commit([
        grant('a', 'g', large + 5n),
        hold('a', 'h', large + 1n, { meter: 'storage' }),
        hold('a', 'i', 3n),
      ])
      const { account, counters } = await world.snapshot('a')
      expectEqual([account.held, counters[0]?.held], [large + 4n, large + 1n], 'Sparks and units that are held')
      expectEqual((await world.store.ledger.hold('a', 'hold_h'))?.sparks, large + 1n, 'the Sparks of the hold')
      await world.one(usage('a', 'u', large - 1n, { rated: { meter: 'storage' }, holdId: 'hold_h' }))
      expectEqual((await world.store.ledger.hold('a', 'hold_h'))?.captured, large - 1n, 'the captured Sparks')
      applied(await world.one(capture('a', 'c', 'hold_i', 2n)))
      const after = await world.state('a')
      expectEqual([after.balance, after.held], [4n, 0n], 'balance and held')
    },
  },
  {
    name: 'S1.1 amounts: deliveries of 2^62 Sparks in millionths are exact',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.one(usage('a', 'u', large), telling)
      const [delivery] = await world.store.outbox.claim('meters', { limit: 1, leaseMs: 60_000, early: true })
      expectEqual(delivery?.sparks, large / million, 'the whole Sparks to report')
      const listed = await world.store.outbox.delivery('a', delivery?.id ?? '')
      expectEqual(listed?.entries[0]?.usage?.sparks, large, 'the Sparks of the usage it lists')
      await world.one(usage('a', 'v', million - (large % million)), telling)
      const [rest] = await world.store.outbox.claim('meters', { limit: 1, leaseMs: 60_000, early: true })
      expectEqual(rest?.sparks, 1n, 'the Spark that the rest was carried to')
    },
  },
  {
    name: 'amounts: what no 64-bit column holds is refused and leaves nothing; its neighbours are committed',
    async run(world) {
      await world.accounts('credits', 'a', 'b')
      await world.commit([grant('a', 'g', large), usage('b', 'u', large)])
      const outcomes = await world.commit([
        grant('a', 'over', large),
        usage('b', 'over', large),
        usage('b', 'units', 0n, { rated: { quantity: large } }),
        grant('a', 'fits', large - 1n),
      ])
      for (const outcome of outcomes.slice(0, 3)) expectRefused(outcome, 'amount_out_of_range')
      expectApplied(outcomes.slice(3))
      expectEqual((await world.state('a')).balance, maximumStored, 'the balance of a')
      expectEqual((await world.state('b')).balance, -large, 'the balance of b')
      expectEqual([(await world.rows('a')).length, (await world.rows('b')).length], [2, 1], 'the numbers of rows')
      const [sum] = await world.store.ledger.rollups('b', { from: '2000-01-01', to: '2200-01-01' })
      expectEqual([sum?.events, sum?.quantity], [1, large], 'events and quantity of the day')
      expectEqual((await world.one(usage('b', 'over', 1n))).status, 'applied', 'the outcome of the key that was free')
    },
  },
  {
    name: 'amounts: what is held, captured or summed beyond 64 bits is refused as such, on every plan',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.accounts('unlimited', 'u')
      await world.commit([grant('a', 'g', 5n), hold('a', 'h', 5n), hold('u', 'first', large, { meter: 'ai_tokens' })])
      const outcomes = await world.commit([
        hold('u', 'second', large, { meter: 'ai_tokens' }),
        usage('u', 'rated', 0n, { rated: { quantity: 1n, sparks: 2n * large } }),
        capture('a', 'debt', 'hold_h', 2n * large),
        capture('a', 'lost', 'hold_h', 2n * large, { onExcess: 'write_off' }),
        usage('u', 'one', 0n, { rated: { quantity: 1n, sparks: large } }),
        usage('u', 'two', 0n, { rated: { quantity: 1n, sparks: large } }),
      ])
      for (const outcome of [...outcomes.slice(0, 4), ...outcomes.slice(5)])
        expectRefused(outcome, 'amount_out_of_range')
      expectApplied(outcomes.slice(4, 5))
      expectEqual((await world.store.ledger.hold('a', 'hold_h'))?.status, 'open', 'the hold')
      const [sum] = await world.store.ledger.rollups('u', { from: '2000-01-01', to: '2200-01-01' })
      expectEqual([sum?.events, sum?.sparks], [1, large], 'events and Sparks of the day')
    },
  },
]
