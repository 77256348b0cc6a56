import { expectEqual } from '../conformance.js'
import {
  applied,
  capture,
  expectApplied,
  expectRefused,
  expire,
  grant,
  hold,
  million,
  release,
  strict,
  usage,
} from './commands.js'
import type { StoreCase, World } from './world.js'

/** Long enough to be given before it is over on a store whose clock cannot be moved, and short enough to wait for. */
const soonMs = 1_500

/** Grants: which credits are there, in which order they go, and when they are over. */
export const grantCases: readonly StoreCase[] = [
  {
    name: 'grants: a grant is read back with everything it was given with',
    async run(world) {
      await world.accounts('credits', 'a')
      const expiresAt = world.now() + 86_400_001
      const more = { grantKind: 'promotional', priority: -7, expiresAt, reason: `"it's" 中文 👩‍🚀` } as const
      await world.commit([grant('a', 'g', 5n * million, more), usage('a', 'u', 1n)])
      const { grants, now } = await world.snapshot('a')
      const grantedAt = grants[0]?.grantedAt
      expectEqual(
        grants,
        [
          {
            id: 'grant_g',
            accountId: 'a',
            kind: 'promotional',
            origin: 'once',
            amount: 5n * million,
            remaining: 5n * million - 1n,
            expired: 0n,
            priority: -7,
            expiresAt,
            grantedAt,
            reason: more.reason,
          },
        ],
        'the grants',
      )
      expectEqual(Number.isSafeInteger(grantedAt) && Math.abs((grantedAt ?? 0) - now) < 300_000, true, 'the time of it')
    },
  },
  {
    name: 'grants: open grants are shown in the order in which they burn, and used ones are not',
    async run(world) {
      await world.accounts('credits', 'a')
      const soon = world.now() + 3_600_000
      await world.commit([
        grant('a', '7', million, { priority: 1 }),
        grant('a', '5', million),
        grant('a', '4', million, { expiresAt: soon + 1 }),
        grant('a', '2', million, { grantKind: 'promotional' }),
        grant('a', '6', million),
        grant('a', '3', million, { expiresAt: soon, priority: 9 }),
        grant('a', '1', million, { grantKind: 'promotional', expiresAt: soon + 2 }),
      ])
      const shown = async () => (await world.snapshot('a')).grants.map((each) => [each.id, each.remaining])
      const order = ['1', '2', '3', '4', '5', '6', '7'].map((key) => [`grant_${key}`, million])
      expectEqual(await shown(), order, 'the grants')
      await world.one(usage('a', 'u', 3n * million))
      expectEqual(await shown(), order.slice(3), 'the grants that are left')
      await world.one(usage('a', 'v', 3_500_000n))
      expectEqual(await shown(), [['grant_7', 500_000n]], 'the last grant')
      const burned = (await world.rows('a')).slice(-2).flatMap((row) => row.burns.map((burn) => burn.grantId))
      expectEqual(
        burned,
        ['1', '2', '3', '4', '5', '6', '7'].map((key) => `grant_${key}`),
        'the order of burning',
      )
    },
  },
  {
    name: 'grants: what is owed is paid first, and that part of the grant is gone',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.commit([usage('a', 'u', 5n * million), grant('a', '1', 2n * million), grant('a', '2', 4n * million)])
      const { account, grants } = await world.snapshot('a')
      expectEqual(account.balance, million, 'the balance')
      expectEqual(
        grants.map((each) => [each.id, each.amount, each.remaining]),
        [['grant_2', 4n * million, million]],
        'the grants',
      )
    },
  },
  {
    name: 'S3.11 grants: what is left of a grant whose time is over leaves the balance with a row of its own, once',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.store.outbox.subscribe('app', ['credit.expired'])
      const more = { expiresAt: world.now() + soonMs }
      expectApplied(
        await world.commit([grant('a', '1', 5n * million, more), grant('a', '2', million), usage('a', 'u', million)]),
      )
      await world.pass(soonMs + 100)
      expectEqual(
        (await world.snapshot('a')).grants.map((each) => each.id),
        ['grant_2'],
        'the open grants',
      )
      expectRefused(await world.one(strict('a', 'v', 2n * million)), 'insufficient_credits')
      await expectSwept(world)
      expectEqual(applied(await world.one(expire('a'))), { kind: 'expire', expired: 0 }, 'what is left to expire')
      await expectSwept(world)
      const told = await world.store.outbox.claim('consumer:app', { limit: 10, leaseMs: 60_000 })
      expectEqual(
        told.map(({ event }) => [event?.data.grantId, event?.data.sparks]),
        [['grant_1', '4']],
        'the events',
      )
    },
  },
  {
    name: 'grants: a grant that was used up before its time was over expires without a row',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.commit([grant('a', '1', million, { expiresAt: world.now() + soonMs }), usage('a', 'u', million)])
      await world.pass(soonMs + 100)
      expectEqual(applied(await world.one(expire('a'))), { kind: 'expire', expired: 0 }, 'what expired')
      expectEqual((await world.rows('a')).length, 2, 'the number of rows')
    },
  },
  {
    name: 'S3.8 grants: what is over counts no more from that moment, swept or not, and neither do holds',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.commit([
        grant('a', 'stays', 3n * million),
        grant('a', 'ends', 2n * million, { expiresAt: world.now() + soonMs }),
        hold('a', 'h', million, { meter: 'ai_tokens', ttlMs: soonMs }),
        hold('a', 'i', million),
      ])
      await world.pass(soonMs + 100)
      const unswept = await world.snapshot('a')
      expectEqual([unswept.account.balance, unswept.account.held], [3n * million, million], 'balance and held')
      expectEqual(
        unswept.grants.map((each) => each.id),
        ['grant_stays'],
        'the grants',
      )
      expectEqual(unswept.counters[0]?.held, 0n, 'the units that are held')
      await world.one(expire('a'))
      const { account, grants, counters } = await world.snapshot('a')
      expectEqual([account, grants], [unswept.account, unswept.grants], 'what the sweep changed')
      expectEqual(counters[0]?.held, 0n, 'the units that are held after the sweep')
    },
  },
  {
    name: 'S2.3 grants: what a hold reserved of a grant whose time is over stays until the hold ends, swept or not',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.commit([
        grant('a', 'ends', 5n * million, { expiresAt: world.now() + soonMs }),
        hold('a', 'h', 2n * million),
        hold('a', 'i', million),
      ])
      await world.pass(soonMs + 100)
      const unswept = await world.snapshot('a')
      expectEqual([unswept.account.balance, unswept.account.held], [3n * million, 3n * million], 'balance and held')
      applied(await world.one(expire('a')))
      const { account, grants } = await world.snapshot('a')
      expectEqual([account, grants], [unswept.account, unswept.grants], 'what the sweep changed')
      applied(await world.one(capture('a', 'c', 'hold_h', million, { onExcess: 'refuse' })))
      expectEqual((await world.state('a')).balance, million, 'the balance after a capture of half of the first')
      applied(await world.one(release('a', 'r', 'hold_i')))
      expectEqual((await world.state('a')).balance, 0n, 'the balance when no hold is left')
      expectEqual(
        (await world.rows('a')).slice(1).map(({ operation, amount }) => [operation, amount]),
        [
          ['expire', -2n * million],
          ['expire', -million],
          ['capture', -million],
          ['expire', -million],
        ],
        'the rows',
      )
    },
  },
]

async function expectSwept(world: World): Promise<void> {
  const rows = await world.rows('a')
  const last = rows.at(-1)
  expectEqual(rows.length, 4, 'the number of rows')
  expectEqual(
    [last?.operation, last?.counterAccount, last?.amount, last?.balanceAfter, last?.burns],
    ['expire', 'expired', -4n * million, million, [{ grantId: 'grant_1', amount: 4n * million }]],
    'operation, counter-account, amount, balance after and burns of the last row',
  )
}
