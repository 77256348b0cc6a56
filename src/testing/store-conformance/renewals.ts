import { expectEqual } from '../conformance.js'
import { applied, changePlan, changeTerms, expire, grant, hold, million, release, usage } from './commands.js'
import { expectBooks } from './corrections.js'
import type { StoreCase, World } from './world.js'

const dayMs = 86_400_000

/** Recurring credits of plans: given at the start of each period, gone at its end, carried over up to a cap. */
export const renewalCases: readonly StoreCase[] = [
  {
    name: 'S3.8 renewals: the first command of an account on a plan with credits finds them there',
    async run(world) {
      await world.accounts('monthly', 'a')
      await world.one(usage('a', 'u', 3n * million))
      expectEqual(await grantsOf(world), [['plan', 7n * million]], 'origin and rest of the grants')
      await world.one(expire('a'))
      expectEqual((await world.state('a')).balance, 7n * million, 'the balance after another command')
      await expectBooks(world)
    },
  },
  {
    name: 'S3.8 renewals: an account is due when a period with credits has begun',
    needs: 'clock',
    async run(world) {
      await world.accounts('monthly', 'a')
      await world.one(expire('a'))
      expectEqual(await world.store.ledger.due(9), [], 'what is due in the same period')
      await world.pass(31 * dayMs)
      expectEqual(await world.store.ledger.due(9), ['a'], 'what is due in the next')
      await world.one(expire('a'))
      expectEqual(await world.store.ledger.due(9), [], 'what is due after it')
    },
  },
  {
    name: 'S3.8 renewals: what is left over is carried on up to the cap, and the rest is gone',
    needs: 'clock',
    async run(world) {
      await world.accounts('monthly', 'a')
      await world.one(usage('a', 'u', 7n * million))
      await world.pass(31 * dayMs)
      await world.one(expire('a'))
      expectEqual(
        await grantsOf(world),
        [
          ['plan', 10n * million],
          ['rollover', 3n * million],
        ],
        'the grants in June',
      )
      await world.pass(30 * dayMs)
      await world.one(expire('a'))
      expectEqual(
        await grantsOf(world),
        [
          ['plan', 10n * million],
          ['rollover', 4n * million],
        ],
        'the grants in July',
      )
      await expectBooks(world)
    },
  },
  {
    name: 'S3.8 renewals: periods in which nothing happened carry over as if they had been lived through',
    needs: 'clock',
    async run(world) {
      await world.accounts('monthly', 'a')
      await world.one(usage('a', 'u', 9n * million))
      await world.pass(92 * dayMs)
      await world.one(expire('a'))
      expectEqual(
        await grantsOf(world),
        [
          ['plan', 10n * million],
          ['rollover', 4n * million],
        ],
        'the grants in August',
      )
      await expectBooks(world)
    },
  },
  {
    name: 'S3.8 renewals: recurring credits pay debt first',
    needs: 'clock',
    async run(world) {
      await world.accounts('monthly', 'a')
      await world.one(usage('a', 'u', 12n * million))
      expectEqual((await world.state('a')).balance, -2n * million, 'the debt')
      await world.pass(31 * dayMs)
      await world.one(expire('a'))
      expectEqual(await grantsOf(world), [['plan', 8n * million]], 'the grants after the renewal')
      await expectBooks(world)
    },
  },
  {
    name: 'S3.8 renewals: what a hold reserves is not taken from under it when its period ends',
    needs: 'clock',
    async run(world) {
      await world.accounts('monthly', 'a')
      await world.one(hold('a', 'h', 8n * million, { ttlMs: 40 * dayMs }))
      await world.pass(31 * dayMs)
      await world.one(expire('a'))
      const { balance, held } = await world.state('a')
      expectEqual([balance, held], [12n * million, 8n * million], 'balance and what is held')
      await world.one(release('a', 'r', 'hold_h'))
      expectEqual((await world.state('a')).balance, 12n * million, 'the balance after the hold')
      await expectBooks(world)
    },
  },
  {
    name: 'S3.8 renewals: a change of plan gives what the new plan has beyond the old one, and never twice',
    async run(world) {
      await world.accounts('monthly', 'a')
      await world.one(expire('a'))
      const plans = ['bigger', 'monthly', 'bigger', 'credits', 'bigger']
      const balances: bigint[] = []
      for (const [index, plan] of plans.entries()) {
        await world.one(changePlan('a', String(index), plan))
        balances.push((await world.state('a')).balance / million)
      }
      expectEqual(balances, [25n, 25n, 25n, 25n, 25n], 'the balances after each change')
      await expectBooks(world)
    },
  },
  {
    name: 'S3.8 renewals: recurring credits burn before what was bought, and what was bought stays when they end',
    needs: 'clock',
    async run(world) {
      await world.accounts('monthly', 'a')
      await world.commit([grant('a', 'g', 5n * million), usage('a', 'u', 11n * million)])
      expectEqual(await grantsOf(world), [['once', 4n * million]], 'the grants')
      await world.pass(31 * dayMs)
      await world.one(expire('a'))
      expectEqual(
        await grantsOf(world),
        [
          ['plan', 10n * million],
          ['once', 4n * million],
        ],
        'the grants in June',
      )
    },
  },
  {
    name: 'S0.6 renewals: periods begin at midnight of the account’s own time zone',
    needs: 'clock',
    async run(world) {
      const zone = 'Asia/Tokyo'
      await world.store.accounts.ensure({ id: 'a', email: null, name: null, plan: 'monthly', zone })
      const startOf = async (key: string, occurredAt: number) => {
        const result = applied(await world.one(usage('a', key, 1n, { occurredAt })))
        return result.kind === 'usage' ? result.quota.periodStartsAt : null
      }
      const may = Date.UTC(2026, 3, 30, 15)
      expectEqual(await startOf('1', may), may, 'the period of the first moment of May in Tokyo')
      expectEqual(await startOf('2', may - 1), Date.UTC(2026, 2, 31, 15), 'the period of the moment before it')
      await world.one(changeTerms('a', 't', { zone: 'UTC' }))
      expectEqual((await world.state('a')).zone, 'UTC', 'the zone after a change')
    },
  },
]

async function grantsOf(world: World) {
  return (await world.snapshot('a')).grants.map(({ origin, remaining }) => [origin, remaining])
}
