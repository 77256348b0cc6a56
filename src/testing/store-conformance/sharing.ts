import type { LedgerOutcome } from '../../core/domain/ledger/outcome.js'
import type { Store } from '../../core/ports/store.js'
import { expectEqual } from '../conformance.js'
import { quiet, telling } from './catalog.js'
import { applied, capture, expectApplied, grant, hold, million, release, strict, usage } from './commands.js'
import type { StoreCase, World } from './world.js'

/** Many at once, on one connection and on two: each command counts once, and nobody spends what is not there. */
export const sharingCases: readonly StoreCase[] = [
  {
    name: 'S2.3 at once: hundreds of commits of one account lose nothing',
    async run(world) {
      await world.accounts('credits', 'a')
      await expectSum(world, [world.store])
    },
  },
  {
    name: 'S2.3 at once: hundreds of commits of one account through two connections lose nothing',
    needs: 'second',
    async run(world) {
      await world.accounts('credits', 'a')
      await expectSum(world, [world.store, await world.second()])
    },
  },
  {
    name: 'S2.3 at once: strict usage never spends more than there is',
    async run(world) {
      await expectNoOverspend(world, [world.store])
    },
  },
  {
    name: 'S2.3 at once: strict usage through two connections never spends more than there is',
    needs: 'second',
    async run(world) {
      await expectNoOverspend(world, [world.store, await world.second()])
    },
  },
  {
    name: 'at once: a key that several send has one effect, and all get the same answer',
    async run(world) {
      await expectOneEffect(world, [world.store])
    },
  },
  {
    name: 'at once: a key that is sent through two connections has one effect, and all get the same answer',
    needs: 'second',
    async run(world) {
      await expectOneEffect(world, [world.store, await world.second()])
    },
  },
  {
    name: 'at once: a hold that several settle is settled once',
    async run(world) {
      await expectOneSettlement(world, [world.store])
    },
  },
  {
    name: 'at once: a hold that is settled through two connections is settled once',
    needs: 'second',
    async run(world) {
      await expectOneSettlement(world, [world.store, await world.second()])
    },
  },
  {
    name: 'at once: batches that name the same accounts in different orders do not block each other',
    async run(world) {
      await expectNoDeadlock(world, [world.store])
    },
  },
  {
    name: 'at once: batches on two connections that name the same accounts in different orders do not block each other',
    needs: 'second',
    async run(world) {
      await expectNoDeadlock(world, [world.store, await world.second()])
    },
  },
  {
    name: 'at once: what one connection wrote the other reads, and repeats',
    needs: 'second',
    async run(world) {
      const second = await world.second()
      await world.accounts('credits', 'a')
      const commands = [grant('a', 'g', 2n ** 62n), usage('a', 'u', 1n), hold('a', 'h', million)]
      const outcomes = await world.commit(commands)
      expectApplied(outcomes)
      expectEqual((await second.ledger.snapshot('a'))?.account, await world.state('a'), 'the account')
      expectEqual(await second.ledger.hold('a', 'hold_h'), await world.store.ledger.hold('a', 'hold_h'), 'the hold')
      const repeats = await second.ledger.commit(commands, quiet)
      expectEqual(
        repeats,
        outcomes.map((outcome) => ({ status: 'duplicate', result: applied(outcome) })),
        'the outcomes of the repeats',
      )
      await second.ledger.commit([usage('a', 'v', 1n)], quiet)
      expectEqual((await world.rows('a')).length, 3, 'the rows the first connection reads')
    },
  },
  {
    name: 'at once: workers on two connections never get the same delivery or event',
    needs: 'second',
    async run(world) {
      const second = await world.second()
      await world.accounts('credits', 'a')
      for (let index = 0; index < 20; index += 1) {
        await world.one(usage('a', String(index), million), telling)
        await world.store.inbox.accept({ provider: 'stripe', eventId: String(index), type: 't', payload: '{}' })
      }
      const lease = { limit: 3, leaseMs: 60_000 }
      const stores = Array.from({ length: 10 }, (_, index) => (index % 2 ? second : world.store))
      const deliveries = (await Promise.all(stores.map((store) => store.outbox.claim('traces', lease)))).flat()
      const events = (await Promise.all(stores.map((store) => store.inbox.claim(lease)))).flat()
      const rest = { limit: 20, leaseMs: 60_000 }
      const ids = [...deliveries, ...(await second.outbox.claim('traces', rest))].map((each) => each.id)
      const eventIds = [...events, ...(await second.inbox.claim(rest))].map((each) => each.eventId)
      expectEqual([ids.length, new Set(ids).size], [20, 20], 'how many deliveries, and how many different ones')
      expectEqual([eventIds.length, new Set(eventIds).size], [20, 20], 'how many events, and how many different ones')
    },
  },
]

async function expectSum(world: World, stores: readonly Store[]): Promise<void> {
  const commits = Array.from({ length: 200 }, (_, index) => {
    const store = storeAt(stores, index)
    const commands = [grant('a', `${index}`, 5n), usage('a', `${index}`, 2n), usage('a', `also${index}`, 1n)]
    return store.ledger.commit(commands, telling)
  })
  expectApplied((await Promise.all(commits)).flat())
  const { account, grants, counters } = await world.snapshot('a')
  expectEqual(account.balance, 400n, 'the balance')
  expectEqual(sum(grants.map((each) => each.remaining)), 400n, 'what is left of the grants')
  expectEqual(sum(counters.map((each) => each.used)), 600n, 'the use')
  const rollups = await world.store.ledger.rollups('a', { from: '2000-01-01', to: '2200-01-01' })
  expectEqual(
    [sum(rollups.map((each) => each.sparks)), sum(rollups.map((each) => BigInt(each.events)))],
    [600n, 400n],
    'the sums of the day',
  )
  const rows = await world.rows('a')
  expectEqual(rows.length, 600, 'the number of rows')
  let balance = 0n
  for (const row of rows) {
    balance += row.amount
    expectEqual(row.balanceAfter, balance, `the balance after ${row.id}`)
  }
}

async function expectNoOverspend(world: World, stores: readonly Store[]): Promise<void> {
  await world.accounts('credits', 'a')
  await world.one(grant('a', 'g', 10n * million))
  const attempts = Array.from({ length: 60 }, (_, index) => {
    const command = index % 3 ? strict('a', `${index}`, million) : hold('a', `${index}`, million)
    return storeAt(stores, index).ledger.commit([command], quiet)
  })
  const outcomes = (await Promise.all(attempts)).flat()
  expectEqual(outcomes.filter((outcome) => outcome.status === 'applied').length, 10, 'how many were let through')
  const { balance, held } = await world.state('a')
  expectEqual(balance - held, 0n, 'what is left')
}

async function expectOneEffect(world: World, stores: readonly Store[]): Promise<void> {
  await world.accounts('credits', 'a')
  for (const command of [grant('a', 'g', 5n), usage('a', 'u', 2n), hold('a', 'h', 1n), release('a', 'r', 'hold_h')]) {
    const attempts = Array.from({ length: 8 }, (_, index) => storeAt(stores, index).ledger.commit([command], quiet))
    const outcomes = (await Promise.all(attempts)).flat()
    expectEqual(statuses(outcomes), [...Array(1).fill('applied'), ...Array(7).fill('duplicate')], 'the outcomes')
    const answers = outcomes.map((outcome) => outcome.status !== 'refused' && outcome.result)
    expectEqual(answers, Array(8).fill(answers[0]), 'the answers')
  }
  const { balance, held } = await world.state('a')
  expectEqual([balance, held], [3n, 0n], 'balance and held')
}

async function expectOneSettlement(world: World, stores: readonly Store[]): Promise<void> {
  await world.accounts('credits', 'a')
  await world.commit([grant('a', 'g', 9n * million), hold('a', 'h', million)])
  const attempts = Array.from({ length: 12 }, (_, index) => {
    const command = index % 2 ? capture('a', `${index}`, 'hold_h', null) : release('a', `${index}`, 'hold_h')
    return storeAt(stores, index >> 1).ledger.commit([command], quiet)
  })
  const outcomes = (await Promise.all(attempts)).flat()
  expectEqual(statuses(outcomes), ['applied', ...Array(11).fill('refused')], 'the outcomes')
  const found = await world.store.ledger.hold('a', 'hold_h')
  const { balance, held } = await world.state('a')
  expectEqual([balance, held], [9n * million - (found?.captured ?? 0n), 0n], 'balance and held')
}

async function expectNoDeadlock(world: World, stores: readonly Store[]): Promise<void> {
  const ids = ['a', 'b', 'c', 'd']
  await world.accounts('credits', ...ids)
  const commits = Array.from({ length: 40 }, (_, index) => {
    const order = index % 2 ? ids : [...ids].reverse()
    const commands = order.map((id) => grant(id, `${index}`, 1n))
    return storeAt(stores, index >> 1).ledger.commit(commands, quiet)
  })
  expectApplied((await Promise.all(commits)).flat())
  const balances = await Promise.all(ids.map(async (id) => (await world.state(id)).balance))
  expectEqual(balances, [40n, 40n, 40n, 40n], 'the balances')
}

function storeAt(stores: readonly Store[], index: number): Store {
  return stores[index % stores.length] as Store
}

function statuses(outcomes: readonly LedgerOutcome[]): readonly string[] {
  return outcomes.map((outcome) => outcome.status).sort()
}

function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((total, amount) => total + amount, 0n)
}
