import { expectEqual } from '../conformance.js'
import { failingAt, telling } from './catalog.js'
import {
  amend,
  applied,
  authorize,
  capture,
  changePlan,
  expectApplied,
  expectRefused,
  expectRepeat,
  grant,
  hold,
  million,
  release,
  strict,
  suspension,
  usage,
} from './commands.js'
import type { StoreCase, World } from './world.js'

/** What one commit promises: its commands in order, and all of it or nothing. */
export const batchCases: readonly StoreCase[] = [
  {
    name: 'batches: nothing is committed for no commands',
    async run(world) {
      expectEqual(await world.commit([]), [], 'the outcomes of nothing')
    },
  },
  {
    name: 'batches: commands are decided in order, and each sees what the ones before it did',
    async run(world) {
      await world.accounts('credits', 'a', 'b')
      const outcomes = await world.commit([
        strict('a', '1', million),
        grant('a', '1', 3n * million),
        grant('b', '2', million),
        strict('a', '2', 2n * million),
        strict('a', '3', 2n * million),
        strict('b', '4', million),
        strict('a', '5', million),
      ])
      expectEqual(
        outcomes.map((outcome) => outcome.status),
        ['refused', 'applied', 'applied', 'applied', 'refused', 'applied', 'applied'],
        'the outcomes',
      )
      expectEqual((await world.state('a')).balance, 0n, 'the balance of a')
      expectEqual((await world.state('b')).balance, 0n, 'the balance of b')
    },
  },
  {
    name: 'batches: a hold is taken, captured and gone within one batch',
    async run(world) {
      await world.accounts('credits', 'a')
      const outcomes = await world.commit([
        grant('a', 'g', 5n * million),
        hold('a', 'h', 4n * million),
        strict('a', 'u', 2n * million),
        capture('a', 'c', 'hold_h', 3n * million),
        strict('a', 'v', 2n * million),
        release('a', 'r', 'hold_h'),
      ])
      expectEqual(
        outcomes.map((outcome) => outcome.status),
        ['applied', 'applied', 'refused', 'applied', 'applied', 'refused'],
        'the outcomes',
      )
      const { balance, held } = await world.state('a')
      expectEqual([balance, held], [0n, 0n], 'balance and held')
      expectEqual((await world.store.ledger.hold('a', 'hold_h'))?.status, 'captured', 'the status of the hold')
    },
  },
  {
    name: 'batches: one batch may be as large as the store says',
    async run(world) {
      await world.accounts('credits', 'a', 'b')
      const size = Math.min(world.store.maximumBatch, 1_000)
      const commands = Array.from({ length: size }, (_, index) => usage(index % 2 ? 'a' : 'b', String(index), 1n))
      const outcomes = await world.commit(commands, telling)
      expectEqual(outcomes.length, size, 'the number of outcomes')
      expectApplied(outcomes)
      expectEqual((await world.rows('a')).length + (await world.rows('b')).length, size, 'the number of rows')
    },
  },
  {
    name: 'S3.10 batches: commands of many accounts and of a hot one are answered in their places, each account’s in order',
    async run(world) {
      const cold = Array.from({ length: 40 }, (_, index) => `c${index}`)
      await world.accounts('credits', 'hot', ...cold)
      await world.commit(['hot', ...cold].map((accountId) => grant(accountId, 'g', 150n * million)))
      // Every other command is the hot account's, which can pay for 150 of its 200; the last of each says what came of the first.
      const commands = Array.from({ length: 400 }, (_, index) =>
        strict(index % 2 === 0 ? 'hot' : (cold[((index - 1) / 2) % cold.length] ?? ''), `u${index}`, million),
      )
      commands.push(strict('hot', 'u0', million), strict('c0', 'u1', million))
      const outcomes = await world.commit(commands, telling)
      const spent = new Map<string, bigint>()
      commands.slice(0, 400).forEach(({ accountId }, index) => {
        const before = spent.get(accountId) ?? 0n
        if (before === 150n) {
          expectRefused(outcomes[index], 'insufficient_credits')
          return
        }
        spent.set(accountId, before + 1n)
        const result = applied(outcomes[index])
        const balance = result.kind === 'usage' ? result.balance.balance : null
        expectEqual(balance, (149n - before) * million, `balance ${index}`)
      })
      expectRepeat(outcomes[400], outcomes[0])
      expectRepeat(outcomes[401], outcomes[1])
      for (const [accountId, sparks] of spent) {
        expectEqual((await world.state(accountId)).balance, (150n - sparks) * million, `the balance of ${accountId}`)
        expectEqual((await world.rows(accountId)).length, Number(sparks) + 1, `the rows of ${accountId}`)
      }
    },
  },
  {
    name: 'S3.9 batches: usage is amended in the batch that recorded it, however much came between',
    async run(world) {
      await world.accounts('credits', 'a')
      const before = await world.commit([grant('a', 'g', 1_000n * million)])
      const between = Array.from({ length: 300 }, (_, index) => usage('a', `b${index}`, million))
      const outcomes = await world.commit(
        [usage('a', 'u', 5n * million), ...between, amend('a', 'less', usage('a', 'u', 5n * million).id, 2n * million)],
        telling,
      )
      expectApplied([...before, ...outcomes])
      expectEqual((await world.state('a')).balance, 698n * million, 'the balance')
      const { findings } = await world.store.ledger.verify({ limit: 10 })
      expectEqual(findings, [], 'what is wrong with the books')
    },
  },
  {
    name: 'batches: when the decision fails at the end of a large batch, nothing of it is there',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.store.outbox.subscribe('app', ['credit.granted'])
      const batch = [
        ...Array.from({ length: 300 }, (_, index) => grant('a', `g${index}`, million)),
        changePlan('a', 'p', 'postpaid'),
      ]
      const before = await everything(world)
      const failure = await world.commit(batch, failingAt('postpaid', telling)).catch((error: unknown) => error)
      expectEqual(failure instanceof Error, true, 'whether the batch failed')
      expectEqual(await everything(world), before, 'what is there afterwards')
      expectApplied(await world.commit(batch, telling))
      expectEqual((await world.state('a')).balance, 300n * million, 'the balance when the batch was sent again')
    },
  },
  {
    name: 'batches: an account that is not there is refused, and disturbs no neighbour',
    async run(world) {
      await world.accounts('credits', 'a')
      const outcomes = await world.commit([grant('nobody', '1', million), grant('a', '2', million)])
      expectRefused(outcomes[0], 'not_found')
      applied(outcomes[1])
      expectEqual(await world.store.ledger.snapshot('nobody'), null, 'the snapshot of nobody')
      expectEqual(await world.rows('nobody'), [], 'the rows of nobody')
      expectEqual((await world.rows('a')).length, 1, 'the number of rows of the neighbour')
    },
  },
  {
    name: 'S3.9 batches: a refused command leaves nothing: no row, key, hold, counter, sum, delivery or event',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.store.outbox.subscribe('app', ['quota.throttled', 'credit.granted', 'plan.changed'])
      const commands = [
        strict('a', 'u', million),
        authorize('a', million),
        hold('a', 'h', million),
        hold('a', 'm', million, { meter: 'ai_tokens' }),
        capture('a', 'c', 'hold_none', null),
        release('a', 'r', 'hold_none'),
        usage('a', 'n', million, { holdId: 'hold_none' }),
        grant('a', 'g', million, { expiresAt: world.now() - 60_000 }),
        changePlan('a', 'p', 'no_such_plan'),
      ]
      const before = await everything(world)
      for (const outcome of await world.commit(commands, telling))
        expectEqual(outcome.status, 'refused', 'the status of a command that cannot be done')
      expectEqual(await everything(world), before, 'what is there afterwards')
      for (const key of ['h', 'm']) expectEqual(await world.store.ledger.hold('a', `hold_${key}`), null, 'the hold')
      expectApplied(await world.commit([grant('a', 'g', million), strict('a', 'u', million)], telling))
    },
  },
  {
    name: 'batches: asking whether usage would be let through leaves nothing when it would',
    async run(world) {
      await world.accounts('capped', 'a')
      await world.commit([grant('a', 'g', 9n * million), usage('a', 'u', million)])
      const before = await everything(world)
      const result = applied(await world.one(authorize('a', 8n * million), telling))
      expectEqual(
        result.kind === 'authorize' && [result.source, result.balance.available, result.quota.used],
        ['credits', 8n * million, million],
        'who would pay, what is available and what was used',
      )
      expectEqual(await everything(world), before, 'what is there afterwards')
    },
  },
  {
    name: 'S3.9 batches: a refusal on a meter with a quota leaves its mark there, and tells of it once',
    async run(world) {
      await world.accounts('capped', 'a')
      await world.store.outbox.subscribe('app', ['quota.throttled'])
      const refusals = await world.commit([grant('a', 'g', 20n * million), authorize('a', 11n * million)])
      expectRefused(refusals[1], 'quota_exceeded')
      expectRefused(await world.one(strict('a', 'u', 11n * million)), 'quota_exceeded')
      const { counters } = await world.snapshot('a')
      const [counter] = counters
      expectEqual(
        [counters.length, counter?.used, counter?.status, counter?.throttledAttempts, counter?.transitions],
        [1, 0n, 'throttled', 2, 1],
        'the counter: how many, used, status, attempts and transitions',
      )
      const told = await world.store.outbox.claim('consumer:app', { limit: 10, leaseMs: 60_000 })
      expectEqual(
        told.map(({ event }) => event?.type),
        ['quota.throttled'],
        'the events',
      )
      expectEqual((await world.rows('a')).length, 1, 'the number of rows')
    },
  },
  {
    name: 'batches: when the decision fails midway, nothing of the batch is there, and the batch can be sent again',
    async run(world) {
      await world.accounts('credits', 'a', 'b')
      await world.store.outbox.subscribe('app', ['credit.granted', 'account.suspended'])
      // A store whose transactions hold one account is all or nothing for each.
      const first = world.store.concurrentAccounts === undefined ? 'a' : 'b'
      const batch = [
        grant(first, 'g', 5n * million),
        usage(first, 'u', million),
        hold(first, 'h', million, { meter: 'ai_tokens' }),
        suspension('suspend', 'b', 's'),
        changePlan('b', 'p', 'postpaid'),
        usage(first, 'v', million),
      ]
      const before = [await everything(world), await everything(world, 'b')]
      const failure = await world.commit(batch, failingAt('postpaid', telling)).then(
        () => null,
        (error: unknown) => error,
      )
      expectEqual(failure instanceof Error, true, 'whether the batch failed')
      expectEqual([await everything(world), await everything(world, 'b')], before, 'what is there afterwards')
      expectEqual(await world.store.ledger.hold(first, 'hold_h'), null, 'the hold')
      expectApplied(await world.commit(batch, telling))
      expectEqual((await world.state(first)).balance, 3n * million, 'the balance when the batch was sent again')
      expectEqual((await world.store.accounts.get('b'))?.plan, 'postpaid', 'the plan of the other account')
    },
  },
  {
    name: 'batches: a batch that fails takes no other batch with it',
    async run(world) {
      await world.accounts('credits', 'a')
      const results = await Promise.allSettled(
        Array.from({ length: 20 }, (_, index) =>
          index % 4 === 1
            ? world.commit(
                [grant('a', `${index}`, million), changePlan('a', `${index}`, 'postpaid')],
                failingAt('postpaid'),
              )
            : world.commit([grant('a', `${index}`, million)]),
        ),
      )
      expectEqual(results.filter((result) => result.status === 'rejected').length, 5, 'how many batches failed')
      expectEqual((await world.state('a')).balance, 15n * million, 'the balance')
      expectEqual((await world.rows('a')).length, 15, 'the number of rows')
    },
  },
]

/** All that can be seen of an account and of what others are told, so that a trace would show. */
async function everything({ store, rows, snapshot }: World, accountId = 'a') {
  const { account, grants, counters } = await snapshot(accountId)
  return {
    account,
    grants,
    counters,
    rows: await rows(accountId),
    rollups: await store.ledger.rollups(accountId, { from: '2000-01-01', to: '2200-01-01' }),
    backlog: await store.outbox.backlog(),
  }
}
