import { expectEqual } from '../conformance.js'
import { telling } from './catalog.js'
import {
  adjust,
  amend,
  applied,
  expectApplied,
  expectRefused,
  expectRepeat,
  expireGrant,
  grant,
  million,
  reversePayment,
  usage,
} from './commands.js'
import type { StoreCase, World } from './world.js'

const paid = (id: string, nanos: bigint) => ({ payment: { id, nanos, currency: 'USD' } })

/** What puts right what was recorded before: rows of their own that name what they correct. */
export const correctionCases: readonly StoreCase[] = [
  {
    name: 'S3.11 corrections: an adjustment moves the balance with a row of its own, once',
    async run(world) {
      await world.accounts('credits', 'a')
      const first = await world.one(adjust('a', '1', 5n * million))
      await world.one(adjust('a', '2', -7n * million))
      expectEqual((await world.state('a')).balance, -2n * million, 'the balance')
      expectRepeat(await world.one(adjust('a', '1', 5n * million)), first)
      await expectBooks(world)
      const [added, taken] = await world.rows('a')
      expectEqual([added?.counterAccount, taken?.counterAccount], ['adjustments', 'adjustments'], 'the other sides')
    },
  },
  {
    name: 'S3.11 corrections: a grant is reversed as a whole or in part, and no further',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.commit([grant('a', 'g', 5n * million), usage('a', 'u', 2n * million)])
      expectRefused(await world.one(adjust('a', '0', -6n * million, 'grant_g')), 'refund_exceeds_original')
      expectRefused(await world.one(adjust('a', '0', million, 'grant_g')), 'refund_exceeds_original')
      expectApplied([await world.one(adjust('a', '1', -million, 'grant_g'))])
      expectEqual((await world.state('a')).balance, 2n * million, 'the balance after a part')
      expectApplied([await world.one(adjust('a', '2', null, 'grant_g'))])
      expectEqual((await world.state('a')).balance, -2n * million, 'the balance after the rest')
      expectRefused(await world.one(adjust('a', '3', null, 'grant_g')), 'refund_exceeds_original')
      expectRefused(await world.one(adjust('a', '4', null, 'adjust_1')), 'invalid_state')
      expectRefused(await world.one(adjust('a', '5', null, 'grant_none')), 'not_found')
      await expectBooks(world)
    },
  },
  {
    name: 'S3.10 corrections: a row of another account is not found',
    async run(world) {
      await world.accounts('credits', 'a', 'b')
      await world.commit([grant('a', 'g', 5n * million), usage('a', 'u', million)])
      expectRefused(await world.one(adjust('b', '1', null, 'grant_g')), 'not_found')
      expectRefused(await world.one(amend('b', '1', 'usage_u', 1n)), 'not_found')
      expectRefused(await world.one(expireGrant('b', '1', 'grant_g')), 'not_found')
    },
  },
  {
    name: 'S3.11 corrections: a grant that is ended takes what is left of it out of the balance',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.commit([grant('a', '1', 5n * million), grant('a', '2', 3n * million), usage('a', 'u', 2n * million)])
      expectEqual(
        applied(await world.one(expireGrant('a', 'e', 'grant_1'))),
        {
          kind: 'entry',
          id: 'expire_grant_e',
          amount: -3n * million,
          balance: { balance: 3n * million, held: 0n, available: 3n * million, debt: 0n },
        },
        'the answer',
      )
      expectEqual(
        (await world.snapshot('a')).grants.map(({ id }) => id),
        ['grant_2'],
        'the open grants',
      )
      await expectBooks(world)
    },
  },
  {
    name: 'S3.11 corrections: amended usage is counted and paid as if it had been so, in its own period',
    async run(world) {
      await world.accounts('credits', 'a')
      const occurredAt = Date.UTC(2020, 2, 5)
      await world.commit([grant('a', 'g', 10n * million), usage('a', 'u', 4n * million, { occurredAt })], telling)
      const less = applied(await world.one(amend('a', '1', 'usage_u', million), telling))
      expectEqual(
        less.kind === 'usage' && [less.sparks, less.quota.used, less.balance.balance],
        [million, million, 9n * million],
        'Sparks, use and balance',
      )
      const more = applied(await world.one(amend('a', '2', 'usage_u', 6n * million), telling))
      expectEqual(
        more.kind === 'usage' && [more.sparks, more.quota.used, more.balance.balance],
        [6n * million, 6n * million, 4n * million],
        'Sparks, use and balance',
      )
      const rollups = await world.store.ledger.rollups('a', { from: '2020-03-01', to: '2020-04-01' })
      expectEqual(
        rollups.map(({ events, quantity, sparks, charged }) => [events, quantity, sparks, charged]),
        [[1, 6n * million, 6n * million, 6n * million]],
        'the sums of the day',
      )
      const told = await world.store.outbox.claim('meters', { limit: 10, leaseMs: 60_000, early: true })
      expectEqual(
        told.map(({ sparks, members }) => [sparks, members]),
        [[4n - 3n + 5n, 3]],
        'what the metering provider is told of the minute, in one report',
      )
      const ids = (await world.rows('a')).flatMap(({ deliveries }) => deliveries.meters ?? [])
      const single = await Promise.all(ids.map((id) => world.store.outbox.delivery('a', id)))
      expectEqual(
        single.map((each) => each?.sparks),
        [4n, -3n, 5n],
        'what each of them added to it',
      )
      await expectBooks(world)
    },
  },
  {
    name: 'S3.11 corrections: voided usage gives everything back to where it came from, once',
    async run(world) {
      await world.accounts('allowance', 'a')
      const gift = grant('a', '1', 2n * million, { grantKind: 'promotional' })
      await world.commit([gift, grant('a', '2', 2n * million), usage('a', 'u', 6n * million)])
      expectEqual((await world.state('a')).balance, -million, 'the balance with debt')
      const answer = applied(await world.one(amend('a', 'v', 'usage_u', null)))
      expectEqual(
        answer.kind === 'usage' && [answer.sparks, answer.settledBy, answer.quota.used],
        [0n, {}, 0n],
        'what is left of it',
      )
      const { account, grants, counters } = await world.snapshot('a')
      expectEqual(account.balance, 4n * million, 'the balance')
      expectEqual(
        grants.map(({ id, remaining }) => [id, remaining]),
        [
          ['grant_1', 2n * million],
          ['grant_2', 2n * million],
        ],
        'the grants',
      )
      expectEqual(
        counters.map(({ used, allowance, rated }) => [used, allowance, rated]),
        [[0n, 0n, 0n]],
        'the counter',
      )
      expectRefused(await world.one(amend('a', 'w', 'usage_u', null)), 'invalid_state')
      await expectBooks(world)
    },
  },
  {
    name: 'S3.11 corrections: what was debt and has been paid since comes back as credits',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.commit([grant('a', '1', million), usage('a', 'u', 5n * million), grant('a', '2', 10n * million)])
      expectEqual((await world.state('a')).balance, 6n * million, 'the balance')
      expectApplied([await world.one(amend('a', 'v', 'usage_u', null))])
      expectEqual((await world.state('a')).balance, 11n * million, 'the balance after it')
      await expectBooks(world)
    },
  },
  {
    name: 'S3.11 corrections: refunds take back the share that was paid back, whatever was spent, and a won dispute gives it back',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.commit([grant('a', 'p', 100n * million, paid('chk_1', 20_000n)), usage('a', 'u', 70n * million)])
      const balanceAfter = async (source: string, nanos: bigint, rank: number) => {
        expectApplied([await world.one(reversePayment('a', 'chk_1', source, { nanos, rank }))])
        await expectBooks(world)
        return (await world.state('a')).balance / million
      }
      expectEqual(await balanceAfter('re_1', 5_000n, 1), 5n, 'after a refund of a quarter')
      expectEqual(await balanceAfter('re_1', 5_000n, 1), 5n, 'after the same once more')
      expectEqual(await balanceAfter('dp_1', 15_000n, 1), -70n, 'after a dispute of the rest')
      expectEqual(await balanceAfter('dp_1', 0n, 2), 5n, 'after it was won')
      expectEqual(await balanceAfter('dp_1', 15_000n, 1), 5n, 'after old news of it')
      expectEqual(await balanceAfter('re_2', 99_999n, 1), -70n, 'after more was paid back than was paid')
    },
  },
  {
    name: 'S3.11 corrections: a refund that is told before its grant takes effect when that comes',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.one(reversePayment('a', 'chk_1', 're_1', { nanos: 10_000n, rank: 1 }))
      expectEqual((await world.state('a')).balance, 0n, 'the balance before the grant')
      await world.one(grant('a', 'p', 100n * million, paid('chk_1', 20_000n)))
      expectEqual((await world.state('a')).balance, 50n * million, 'the balance after it')
      await expectBooks(world)
    },
  },
  {
    name: 'S3.11 G11 corrections: a refund takes nothing that a reversal by hand has taken, and gives back only its own',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.commit([grant('a', 'p', 100n * million, paid('chk_1', 20_000n)), grant('a', 'other', 50n * million)])
      const refunded = async (nanos: bigint, rank: number) => {
        expectApplied([await world.one(reversePayment('a', 'chk_1', 'dp_1', { nanos, rank }))])
        await expectBooks(world)
        return (await world.state('a')).balance / million
      }
      expectApplied([await world.one(adjust('a', '1', -40n * million, 'grant_p'))])
      expectEqual(await refunded(10_000n, 1), 60n, 'the balance after a refund of half')
      expectEqual(await refunded(20_000n, 2), 50n, 'the balance after a refund of all')
      expectEqual(await refunded(20_000n, 2), 50n, 'the balance after the same once more')
      expectRefused(await world.one(adjust('a', '2', null, 'grant_p')), 'refund_exceeds_original')
      expectEqual(await refunded(0n, 3), 110n, 'the balance after it was won')
      expectApplied([await world.one(adjust('a', '3', null, 'grant_p'))])
      expectEqual(await refunded(20_000n, 4), 50n, 'the balance after all was reversed by hand, and then refunded')
    },
  },
  {
    name: 'S3.11 G11 corrections: a refund and a reversal by hand come to the same in either order',
    async run(world) {
      await world.accounts('credits', 'a', 'b')
      for (const id of ['a', 'b'])
        await world.commit([grant(id, `p${id}`, 100n * million, paid('chk_1', 20_000n)), grant(id, id, 50n * million)])
      const fact = { nanos: 5_000n, rank: 1 }
      await world.commit([reversePayment('a', 'chk_1', 're_1', fact), adjust('a', '1', -30n * million, 'grant_pa')])
      await world.commit([adjust('b', '1', -30n * million, 'grant_pb'), reversePayment('b', 'chk_1', 're_1', fact)])
      expectEqual((await world.state('a')).balance, 95n * million, 'the balance')
      expectEqual((await world.state('b')).balance, 95n * million, 'the balance in the other order')
    },
  },
  {
    name: 'S3.11 G11 corrections: a refund takes nothing that has expired, from other credits or as debt',
    async run(world) {
      await world.accounts('credits', 'a')
      const over = { expiresAt: world.now() + 2_000, ...paid('chk_1', 20_000n) }
      await world.commit([grant('a', 'p', 100n * million, over), usage('a', 'u', 30n * million)])
      await world.commit([grant('a', 'other', 50n * million)])
      await world.pass(2_100)
      const refunded = async (nanos: bigint, rank: number) => {
        expectApplied([await world.one(reversePayment('a', 'chk_1', 're_1', { nanos, rank }))])
        await expectBooks(world)
        return (await world.state('a')).balance / million
      }
      expectEqual(await refunded(10_000n, 1), 50n, 'the balance after half was refunded, of which 70 % had expired')
      expectEqual(await refunded(18_000n, 2), 30n, 'the balance after 90 % was refunded: 20 % of it was used')
      expectEqual(await refunded(20_000n, 3), 20n, 'the balance after a refund of all: what was used is taken')
      expectEqual(await refunded(18_000n, 4), 30n, 'the balance after a part of it failed')
      expectEqual(await refunded(0n, 5), 50n, 'the balance after it failed')
      expectEqual(await refunded(0n, 5), 50n, 'the balance after the same once more')
    },
  },
  {
    name: 'S3.11 G11 corrections: it makes no difference whether refunds are told before credits expire or after, and in which order',
    needs: 'clock',
    async run(world) {
      const facts = [
        ['re_1', { nanos: 4_000n, rank: 1 }],
        ['re_2', { nanos: 14_000n, rank: 1 }],
        ['re_2', { nanos: 3_000n, rank: 2 }],
        ['re_1', { nanos: 9_000n, rank: 2 }],
      ] as const
      const orders = [
        [0, 1, 2, 3],
        [3, 2, 1, 0],
        [1, 0, 3, 2],
        [2, 3, 0, 1],
        [1, 3, 2, 0],
      ]
      const ids = orders.flatMap((_, order) => [0, 1, 2, 3, 4].map((early) => `a${order}${early}`))
      await world.accounts('credits', ...ids)
      const over = { expiresAt: world.now() + 3_000 }
      const tell = async (id: string, order: readonly number[]) => {
        for (const index of order) {
          const [source, fact] = facts[index] ?? facts[0]
          expectApplied([await world.one(reversePayment(id, `chk_${id}`, source, fact))])
        }
      }
      await world.commit(
        ids.flatMap((id) => [
          grant(id, `p${id}`, 100n * million, { ...over, ...paid(`chk_${id}`, 20_000n) }),
          usage(id, `u${id}`, 70n * million),
          grant(id, `o${id}`, 50n * million),
        ]),
      )
      for (const id of ids) await tell(id, (orders[Number(id[1])] ?? []).slice(0, Number(id[2])))
      await world.pass(3_100)
      for (const id of ids) await tell(id, (orders[Number(id[1])] ?? []).slice(Number(id[2])))
      const balances = await Promise.all(ids.map(async (id) => [id, (await world.state(id)).balance / million]))
      // 60 % is refunded of credits of which 70 % were used: 30 of them were not, the other 30 come out of the other grant.
      expectEqual(
        balances,
        ids.map((id) => [id, 20n]),
        'the balances',
      )
      for (const id of ids) await expectBooks(world, id)
    },
  },
  {
    name: 'S3.11 corrections: what expired and was given back by hand is there to be refunded',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.commit([grant('a', 'p', 100n * million, paid('chk_1', 20_000n)), expireGrant('a', 'e', 'grant_p')])
      expectApplied([await world.one(adjust('a', '1', 60n * million, 'expire_grant_e'))])
      expectEqual((await world.state('a')).balance, 60n * million, 'the balance')
      expectApplied([await world.one(reversePayment('a', 'chk_1', 're_1', { nanos: 20_000n, rank: 1 }))])
      expectEqual((await world.state('a')).balance, 0n, 'the balance after a refund of all')
      await expectBooks(world)
    },
  },
  {
    name: 'S3.11 corrections: an account pays in the currency of its first payment',
    async run(world) {
      await world.accounts('credits', 'a')
      expectApplied([await world.one(grant('a', '1', million, paid('chk_1', 1n)))])
      const other = { payment: { id: 'chk_2', nanos: 1n, currency: 'EUR' } }
      expectRefused(await world.one(grant('a', '2', million, other)), 'currency_mismatch')
      expectApplied([await world.one(grant('a', '3', million))])
      expectEqual((await world.state('a')).currency, 'USD', 'its currency')
    },
  },
]

/** Fails unless rows, balance and grants agree, and each grant holds what its burns leave. */
export async function expectBooks(world: World, accountId = 'a'): Promise<void> {
  const rows = await world.rows(accountId)
  const { account, grants } = await world.snapshot(accountId)
  const sum = (amounts: readonly bigint[]) => amounts.reduce((total, amount) => total + amount, 0n)
  expectEqual(account.balance, sum(rows.map(({ amount }) => amount)), 'the balance and its rows')
  const left = sum(grants.map(({ remaining }) => remaining))
  expectEqual(left, account.balance > 0n ? account.balance : 0n, 'what is left of the grants and the balance')
  const burns = rows.flatMap((row) => row.burns)
  for (const { id, remaining } of grants) {
    const burned = sum(burns.filter(({ grantId }) => grantId === id).map(({ amount }) => amount))
    expectEqual(-burned, remaining, `what the burns leave of ${id}`)
  }
  for (const { id, usage: used } of rows)
    if (used) expectEqual(sum(Object.values(used.settledBy)), used.sparks, `the split of ${id}`)
}
