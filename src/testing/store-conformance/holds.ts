import type { Hold } from '../../core/domain/ledger/state.js'
import { expectEqual } from '../conformance.js'
import { telling } from './catalog.js'
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
import { required, type StoreCase, type World } from './world.js'

/** Long enough to be given before it is over on a store whose clock cannot be moved, and short enough to wait for. */
const soonMs = 1_500

/** Holds: what is reserved, taken, given back, and over by the store's clock. */
export const holdCases: readonly StoreCase[] = [
  {
    name: 'holds: a hold is read back with everything it was taken with',
    async run(world) {
      await world.accounts('allowance', 'a')
      const command = hold('a', 'h', 3n * million, { meter: 'ai_tokens', ttlMs: 90_000, reason: `"it's" 中文 👩‍🚀` })
      const result = applied((await world.commit([grant('a', 'g', 9n * million), command]))[1])
      const found = required(await world.store.ledger.hold('a', 'hold_h'), 'the hold')
      const [counter] = (await world.snapshot('a')).counters
      const expected: Hold = {
        id: 'hold_h',
        accountId: 'a',
        meter: 'ai_tokens',
        quantity: 3n * million,
        sparks: 2n * million,
        allowance: million,
        rated: 3n * million,
        dimensions: {},
        budgets: [],
        budgeted: 2n * million,
        status: 'open',
        captured: 0n,
        periodStartsAt: required(counter, 'the counter').startsAt,
        createdAt: found.createdAt,
        expiresAt: found.createdAt + 90_000,
        reason: command.reason,
        key: 'h',
        dedupe: command.dedupe,
        fingerprint: command.fingerprint,
        result: found.result,
        release: null,
      }
      expectEqual(found, expected, 'the hold')
      expectEqual(found.result, result, 'the answer kept with the hold')
      expectEqual([counter?.used, counter?.held], [0n, 3n * million], 'used and held units')
      const { balance, held } = await world.state('a')
      expectEqual([balance, held], [9n * million, 2n * million], 'balance and held')
      expectEqual((await world.rows('a')).length, 1, 'the number of rows: a hold moves nothing')
    },
  },
  {
    name: 'holds: a hold without a meter has no period and counts no units',
    async run(world) {
      await world.accounts('credits', 'a')
      expectApplied(await world.commit([grant('a', 'g', million), hold('a', 'h', million)]))
      const found = await world.store.ledger.hold('a', 'hold_h')
      expectEqual(
        [found?.meter, found?.periodStartsAt, found?.quantity],
        [null, null, 0n],
        'meter, period and quantity',
      )
      expectEqual((await world.snapshot('a')).counters, [], 'the counters')
    },
  },
  {
    name: 'S2.3 holds: what a hold reserved of what the plan gives is its own over batches, and free again when it ends',
    async run(world) {
      await world.accounts('allowance', 'a')
      const meter = { meter: 'ai_tokens' }
      const counted = async () => {
        const [counter] = (await world.snapshot('a')).counters
        return [counter?.used, counter?.held, counter?.allowance, counter?.heldAllowance]
      }
      await world.one(grant('a', 'g', 9n * million))
      for (const key of ['1', '2', '3']) await world.one(hold('a', key, 600_000n, meter))
      expectEqual(await counted(), [0n, 1_800_000n, 0n, million], 'used, held and given units')
      expectEqual((await world.store.ledger.hold('a', 'hold_2'))?.allowance, 400_000n, 'what is left for the second')
      await world.one(usage('a', 'u', 500_000n))
      await world.one(usage('a', 'c', 600_000n, { holdId: 'hold_1', onExcess: 'refuse' }))
      expectEqual(await counted(), [1_100_000n, 1_200_000n, 600_000n, 400_000n], 'the same after a capture')
      await world.one(release('a', 'r', 'hold_2'))
      await world.one(usage('a', 'd', 600_000n, { holdId: 'hold_3', onExcess: 'refuse' }))
      expectEqual(await counted(), [1_700_000n, 0n, million, 0n], 'the same when all holds have ended')
      expectEqual(
        (await world.rows('a')).slice(1).map((row) => row.usage?.settledBy),
        [{ credits: 500_000n }, { allowance: 600_000n }, { allowance: 400_000n, credits: 200_000n }],
        'who paid',
      )
    },
  },
  {
    name: 'S2.3 holds: when a hold is over, what it reserved of what the plan gives is free, swept or not',
    async run(world) {
      await world.accounts('allowance', 'a')
      await world.one(hold('a', 'h', million, { meter: 'ai_tokens', ttlMs: 20 }))
      await world.pass(60)
      expectEqual((await world.snapshot('a')).counters[0]?.heldAllowance, 0n, 'what is reserved, unswept')
      await world.one(usage('a', 'u', million))
      const [counter] = (await world.snapshot('a')).counters
      expectEqual([counter?.allowance, counter?.heldAllowance], [million, 0n], 'what was given, and is reserved')
    },
  },
  {
    name: 'S2.3 holds: more than was held is refused where nothing of it would cost credits',
    async run(world) {
      await world.accounts('unlimited', 'a')
      await world.one(hold('a', 'h', million, { meter: 'ai_tokens' }))
      const taking = (key: string, units: bigint) =>
        usage('a', key, units, { holdId: 'hold_h', onExcess: 'refuse' as const })
      expectRefused(await world.one(taking('c', million + 1n)), 'amount_out_of_range')
      applied(await world.one(taking('d', million)))
    },
  },
  {
    name: 'S3.10 holds: the hold of another account is not there, to read, release, capture or use',
    async run(world) {
      await world.accounts('credits', 'a', 'b')
      await world.commit([grant('a', '1', million), grant('b', '2', million), hold('a', 'h', million)])
      expectEqual(await world.store.ledger.hold('b', 'hold_h'), null, 'the hold, asked for by another account')
      expectEqual(await world.store.ledger.hold('a', 'hold_none'), null, 'a hold that is not there')
      expectRefused(await world.one(release('b', 'r', 'hold_h')), 'not_found')
      expectRefused(await world.one(capture('b', 'c', 'hold_h', null)), 'not_found')
      expectRefused(await world.one(usage('b', 'u', 1n, { holdId: 'hold_h' })), 'not_found')
      expectEqual((await world.store.ledger.hold('a', 'hold_h'))?.status, 'open', 'how the hold stands')
    },
  },
  {
    name: 'holds: a release gives back Sparks and units, and is kept with its key',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.commit([grant('a', 'g', 2n * million), hold('a', 'h', 2n * million, { meter: 'ai_tokens' })])
      expectRefused(await world.one(strict('a', 'u', 1n)), 'insufficient_credits')
      const command = release('a', 'r', 'hold_h')
      const result = applied(await world.one(command))
      const found = await world.store.ledger.hold('a', 'hold_h')
      expectEqual([found?.status, found?.captured], ['released', 0n], 'status and captured Sparks')
      const { dedupe, fingerprint } = command
      expectEqual(found?.release, { dedupe, fingerprint, result }, 'the key of the release and its answer')
      const { account, counters } = await world.snapshot('a')
      expectEqual([account.held, counters[0]?.held], [0n, 0n], 'held Sparks and units')
      expectRefused(await world.one(release('a', 'again', 'hold_h')), 'invalid_state')
      applied(await world.one(strict('a', 'u', 2n * million)))
    },
  },
  {
    name: 'holds: usage settles the hold it names: units move from held to used, what was not taken is free',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.commit([grant('a', 'g', 10n * million), hold('a', 'h', 6n * million, { meter: 'ai_tokens' })])
      applied(await world.one(usage('a', 'u', 4n * million, { holdId: 'hold_h' }), telling))
      const found = await world.store.ledger.hold('a', 'hold_h')
      expectEqual([found?.status, found?.captured], ['captured', 4n * million], 'status and captured Sparks')
      const { account, counters } = await world.snapshot('a')
      expectEqual([account.balance, account.held], [6n * million, 0n], 'balance and held')
      expectEqual([counters[0]?.used, counters[0]?.held], [4n * million, 0n], 'used and held units')
      expectEqual((await world.rows('a')).at(-1)?.usage?.holdId, 'hold_h', 'the hold named on the row')
      expectRefused(await world.one(usage('a', 'v', 1n, { holdId: 'hold_h' })), 'invalid_state')
    },
  },
  {
    name: 'holds: a capture takes part of a hold, all of it, or more as debt; a hold is captured once',
    async run(world) {
      await world.accounts('credits', 'a')
      const holds = ['1', '2', '3'].map((key) => hold('a', key, million))
      expectApplied(await world.commit([grant('a', 'g', 3n * million), ...holds]))
      const captures = [
        capture('a', '1', 'hold_1', 250_000n),
        capture('a', '2', 'hold_2', null),
        capture('a', '3', 'hold_3', 5n * million),
        capture('a', '4', 'hold_1', 1n),
      ]
      const outcomes = await world.commit(captures)
      expectApplied(outcomes.slice(0, 3))
      expectRefused(outcomes[3], 'invalid_state')
      const found = await Promise.all(['1', '2', '3'].map((key) => world.store.ledger.hold('a', `hold_${key}`)))
      expectEqual(
        found.map((each) => [each?.status, each?.captured]),
        [
          ['captured', 250_000n],
          ['captured', million],
          ['captured', 5n * million],
        ],
        'how the holds stand',
      )
      const { balance, held } = await world.state('a')
      expectEqual([balance, held], [-3_250_000n, 0n], 'balance and held')
    },
  },
  {
    name: 'holds: a hold is over by the store’s clock: the next command of its account frees it and tells of it once',
    async run(world) {
      await world.accounts('credits', 'a', 'b')
      await world.store.outbox.subscribe('app', ['hold.expired'])
      const shortly = hold('a', 'h', 2n * million, { meter: 'ai_tokens', ttlMs: 20 })
      await world.commit([grant('a', 'g', 2n * million), shortly, hold('b', 'i', 0n)])
      await world.pass(60)
      applied(await world.one(strict('a', 'u', 2n * million)))
      await expectExpired(world)
      const { account, counters } = await world.snapshot('a')
      expectEqual([account.balance, account.held], [0n, 0n], 'balance and held')
      expectEqual([counters[0]?.used, counters[0]?.held], [2n * million, 0n], 'used and held units')
      expectRefused(await world.one(release('a', 'r', 'hold_h')), 'invalid_state')
      expectRefused(await world.one(usage('a', 'v', 1n, { holdId: 'hold_h' })), 'invalid_state')
      const told = await world.store.outbox.claim('consumer:app', { limit: 10, leaseMs: 60_000 })
      expectEqual(
        told.map(({ accountId, event }) => [accountId, event?.type, event?.data.holdId]),
        [['a', 'hold.expired', 'hold_h']],
        'the events',
      )
    },
  },
  {
    name: 'holds: accounts with something that is over are due until it is expired; no more are named than asked for',
    async run(world) {
      await world.accounts('credits', 'a', 'b', 'c', 'd', 'e')
      const later = world.now() + 3_600_000
      await world.commit([
        grant('a', '1', million),
        hold('a', 'h', million, { ttlMs: 20 }),
        grant('b', '2', million, { expiresAt: world.now() + soonMs }),
        hold('e', 'h', 0n, { ttlMs: 20 }),
        grant('c', '3', million, { expiresAt: later }),
        hold('c', 'i', million),
        hold('d', 'j', 0n, { ttlMs: 20 }),
        release('d', 'k', 'hold_j'),
      ])
      await world.pass(soonMs + 100)
      expectEqual([...(await world.store.ledger.due(10))].sort(), ['a', 'b', 'e'], 'the accounts that are due')
      expectEqual((await world.store.ledger.due(1)).length, 1, 'how many are named when one is asked for')
      const outcomes = await world.commit(['a', 'b', 'c', 'd', 'e'].map(expire))
      expectEqual(
        outcomes.map((outcome) => applied(outcome)),
        [1, 1, 0, 0, 1].map((expired) => ({ kind: 'expire', expired })),
        'how many holds and grants were ended',
      )
      await expectExpired(world)
      expectEqual(await world.store.ledger.due(10), [], 'the accounts that are due afterwards')
      expectEqual((await world.store.ledger.hold('d', 'hold_j'))?.status, 'released', 'how the released hold stands')
      expectEqual((await world.store.ledger.hold('e', 'hold_h'))?.status, 'expired', 'how a hold of the same id stands')
      const [a, b, c] = await Promise.all(['a', 'b', 'c'].map((id) => world.state(id)))
      expectEqual([a?.balance, b?.balance, c?.balance, c?.held], [million, 0n, million, million], 'balances and held')
    },
  },
]

async function expectExpired(world: World): Promise<void> {
  const found = await world.store.ledger.hold('a', 'hold_h')
  expectEqual([found?.status, found?.captured, found?.release], ['expired', 0n, null], 'how the hold stands')
}
