import type { LedgerCommand } from '../../core/domain/ledger/command.js'
import { expectEqual } from '../conformance.js'
import {
  altered,
  applied,
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

/** Idempotency keys: an effect once, the same answer every time. */
export const keyCases: readonly StoreCase[] = [
  {
    name: 'keys: a key that is repeated within a batch has one effect and one answer',
    async run(world) {
      await world.accounts('credits', 'a')
      const [first, second, third] = await world.commit([
        grant('a', 'g', 5n * million),
        grant('a', 'g', 5n * million),
        usage('a', 'u', million),
      ])
      expectRepeat(second, first)
      applied(third)
      expectEqual((await world.state('a')).balance, 4n * million, 'the balance')
      expectEqual((await world.rows('a')).length, 2, 'the number of rows')
    },
  },
  {
    name: 'keys: every command that is repeated later changes nothing and answers as the first time',
    async run(world) {
      await expectRepeats(world, async () => {})
    },
  },
  {
    name: 'keys: every command that is repeated after the store was opened again answers as the first time',
    needs: 'reopen',
    async run(world) {
      await expectRepeats(world, () => world.reopen())
    },
  },
  {
    name: 'S3.9 keys: what speaks against a command by now refuses it and leaves nothing, and says nothing of a repeat',
    async run(world) {
      await world.accounts('credits', 'a')
      const refusal = { status: 'refused', code: 'model_not_priced', message: 'No price.', details: {} } as const
      const first = await world.one(usage('a', 'u', million))
      expectRepeat(await world.one({ ...usage('a', 'u', million), refusal }), first)
      expectRefused(await world.one({ ...usage('a', 'v', million), refusal }), 'model_not_priced')
      expectRefused(await world.one({ ...altered(usage('a', 'u', million)), refusal }), 'idempotency_conflict')
      expectRefused(await world.one({ ...hold('a', 'h', million), refusal }), 'model_not_priced')
      expectEqual((await world.rows('a')).length, 1, 'the number of rows')
      expectApplied([await world.one(usage('a', 'v', million))])
    },
  },
  {
    name: 'keys: a repeat answers what was true then, also when the account has changed since',
    async run(world) {
      await world.accounts('allowance', 'a')
      const first = await world.one(usage('a', 'u', 2n * million))
      await world.commit([grant('a', 'g', 9n * million), usage('a', 'v', million), changePlan('a', 'p', 'credits')])
      expectRepeat(await world.one(usage('a', 'u', 2n * million)), first)
      const result = applied(first)
      expectEqual(
        result.kind === 'usage' && [result.balance.debt, result.quota.used, result.settledBy],
        [million, 2n * million, { allowance: million, debt: million }],
        'debt, use and split of the first answer',
      )
    },
  },
  {
    name: 'keys: a key that is used again for something else is refused, in the same batch and later',
    async run(world) {
      await world.accounts('credits', 'a')
      const other = altered(grant('a', 'g', 9n * million))
      const [first, conflict] = await world.commit([grant('a', 'g', million), other])
      applied(first)
      expectRefused(conflict, 'idempotency_conflict')
      expectRefused(await world.one(other), 'idempotency_conflict')
      await world.commit([hold('a', 'h', million), release('a', 'r', 'hold_h')])
      expectRefused(await world.one(altered(hold('a', 'h', 1n))), 'idempotency_conflict')
      expectRefused(await world.one(altered(release('a', 'r', 'hold_h'))), 'idempotency_conflict')
      expectEqual((await world.state('a')).balance, million, 'the balance')
      expectEqual((await world.rows('a')).length, 1, 'the number of rows')
    },
  },
  {
    name: 'keys: one key names another thing in every operation',
    async run(world) {
      await world.accounts('credits', 'a')
      expectApplied(
        await world.commit([grant('a', 'k', 5n * million), usage('a', 'k', million), hold('a', 'k', million)]),
      )
      expectApplied(await world.commit([capture('a', 'k', 'hold_k', null), suspension('suspend', 'a', 'k')]))
      expectEqual((await world.state('a')).balance, 3n * million, 'the balance')
    },
  },
  {
    name: 'S3.10 keys: equal keys and ids of two accounts are two commands, in one batch and in two',
    async run(world) {
      await world.accounts('credits', 'a', 'b')
      const commands = (accountId: string) => [
        grant(accountId, 'k', 5n * million),
        usage(accountId, 'k', million),
        hold(accountId, 'k', million),
        hold(accountId, 'l', million),
      ]
      expectApplied(await world.commit([...commands('a'), ...commands('b')]))
      expectApplied(await world.commit([release('a', 'k', 'hold_k'), release('b', 'k', 'hold_k')]))
      expectApplied(await world.commit([grant('a', 'm', million)]))
      expectApplied(await world.commit([grant('b', 'm', million)]))
      for (const accountId of ['a', 'b']) {
        const { account, grants } = await world.snapshot(accountId)
        expectEqual([account.balance, account.held], [5n * million, million], `balance and held of ${accountId}`)
        expectEqual(
          grants.map((each) => [each.accountId, each.id, each.remaining]),
          [
            [accountId, 'grant_k', 4n * million],
            [accountId, 'grant_m', million],
          ],
          `the grants of ${accountId}`,
        )
        expectEqual((await world.rows(accountId)).length, 3, `the number of rows of ${accountId}`)
        expectEqual(
          (await world.store.ledger.entry(accountId, 'usage_k'))?.accountId,
          accountId,
          'the account of a row',
        )
      }
      const statuses = ['a', 'b'].flatMap((accountId) => [
        world.store.ledger.hold(accountId, 'hold_k'),
        world.store.ledger.hold(accountId, 'hold_l'),
      ])
      expectEqual(
        (await Promise.all(statuses)).map((each) => each?.status),
        ['released', 'open', 'released', 'open'],
        'how the holds of a and b stand',
      )
    },
  },
  {
    name: 'S3.9 keys: the key of a refused command is free',
    async run(world) {
      await world.accounts('credits', 'a')
      expectRefused(await world.one(strict('a', 'u', million)), 'insufficient_credits')
      await world.one(grant('a', 'g', million))
      applied(await world.one(altered(strict('a', 'u', million))))
      expectEqual((await world.state('a')).balance, 0n, 'the balance')
    },
  },
  {
    name: 'keys: usage keys that are UUIDs in order of time are kept like any other',
    async run(world) {
      await world.accounts('credits', 'a', 'b')
      const key = '019a9f3c-7d2e-7c41-9b1e-0123456789ab'
      const [first, other] = await world.commit([usage('a', key, 3n), usage('b', key, 4n)])
      expectRepeat(await world.one(usage('a', key, 3n)), first)
      expectRepeat(await world.one(usage('b', key, 4n)), other)
      expectEqual(
        (await world.rows('a')).map((row) => [row.key, row.dedupe]),
        [[key, key.replaceAll('-', '')]],
        'the key',
      )
    },
  },
  {
    name: 'keys: a key may have 255 characters of every kind it may be made of, and case tells keys apart',
    async run(world) {
      await world.accounts('credits', 'a')
      const long = 'aZ09._:-'.repeat(32).slice(1)
      expectApplied(await world.commit([usage('a', long, 1n), usage('a', 'case', 1n), usage('a', 'CASE', 1n)]))
      expectEqual(
        (await world.rows('a')).map((row) => row.key),
        [long, 'case', 'CASE'],
        'the keys',
      )
    },
  },
]

/** Commits one command of every kind that has a key, and the same ones again after `between`, each alone and all at once. */
async function expectRepeats(world: World, between: () => Promise<void>): Promise<void> {
  await world.accounts('allowance', 'a')
  const commands: readonly LedgerCommand[] = [
    grant('a', 'g', 2n ** 53n + 1n),
    usage('a', 'u', 3n * million, { rated: { costUsd: '0.1', tokens: { input: 1 }, dimensions: { 'a "b"': 'ö' } } }),
    hold('a', 'h', million),
    hold('a', 'i', million, { meter: 'ai_tokens' }),
    hold('a', 'j', million, { meter: 'storage' }),
    hold('a', 'k', million),
    capture('a', 'c', 'hold_h', 500_000n),
    usage('a', 'v', 900_000n, { holdId: 'hold_i' }),
    release('a', 'r', 'hold_j'),
    changePlan('a', 'p', 'credits', Date.UTC(2026, 0, 31)),
    suspension('suspend', 'a', 's'),
    suspension('resume', 'a', 's'),
  ]
  const outcomes = await world.commit(commands)
  expectApplied(outcomes)
  const seen = async () => [await world.rows('a'), await world.state('a'), await world.store.ledger.hold('a', 'hold_k')]
  const before = await seen()
  await between()
  for (const [index, command] of commands.entries()) expectRepeat(await world.one(command), outcomes[index])
  for (const [index, outcome] of (await world.commit(commands)).entries()) expectRepeat(outcome, outcomes[index])
  expectEqual(await seen(), before, 'rows, account and open hold after all was repeated')
}
