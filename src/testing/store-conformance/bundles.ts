import type { Delivery, DeliveryStatus, Settlement } from '../../core/ports/store.js'
import { expectEqual } from '../conformance.js'
import { telling } from './catalog.js'
import { expectApplied, million, usage } from './commands.js'
import { required, type StoreCase, type World } from './world.js'

const long = 60_000
const minute = Date.UTC(2020, 2, 4, 5, 6)

/** Bundles: deliveries for metering that are reported as one, of which nothing changes once they were handed out. */
export const bundleCases: readonly StoreCase[] = [
  {
    name: 'G4 bundles: what waits of one account, meter, period and minute is handed out as one, whatever the limit',
    async run(world) {
      await world.accounts('credits', 'a', 'b')
      await used(world, 'a', '01', minute)
      await used(world, 'b', '02', minute)
      await used(world, 'a', '03', minute + 59_999)
      await used(world, 'a', '04', minute + 60_000)
      await used(world, 'a', '05', minute, 'storage')
      await used(world, 'a', '06', minute + 1)
      const found: (readonly string[])[] = []
      for (const limit of [1, 1, 9, 9]) found.push(await bundles(world, await claim(world, limit)))
      expectEqual(
        found,
        [['01: 01 03 06'], ['02: 02'], ['04: 04', '05: 05'], []],
        'the bundles of each claim, and their members',
      )
    },
  },
  {
    name: 'G4 bundles: periods that change within a minute are reported apart',
    async run(world) {
      await world.accounts('credits', 'a')
      const at = Date.UTC(2020, 2, 31, 23, 59, 59, 999)
      await used(world, 'a', '01', at)
      await used(world, 'a', '02', at + 1)
      expectEqual(await bundles(world, await claim(world, 9)), ['01: 01', '02: 02'], 'the bundles')
    },
  },
  {
    name: 'G4 bundles: members stay the same when a lease ends unsettled, and what comes later makes a bundle of its own',
    async run(world) {
      await world.accounts('credits', 'a')
      await used(world, 'a', '01', minute)
      await used(world, 'a', '02', minute)
      expectEqual(await bundles(world, await claim(world, 9, 40)), ['01: 01 02'], 'the bundle that nobody settled')
      await used(world, 'a', '03', minute)
      await used(world, 'a', '04', minute)
      await world.pass(100)
      const again = await claim(world, 1)
      expectEqual(await bundles(world, again), ['01: 01 02'], 'the bundle, claimed again')
      expectEqual(
        again.map(({ attempts, firstAttemptAt, occurredAt }) => [attempts, firstAttemptAt === null, occurredAt]),
        [[2, false, minute]],
        'its attempts, whether it has no first one, and its time',
      )
      expectEqual(await bundles(world, await claim(world, 9)), ['03: 03 04'], 'what came later')
    },
  },
  {
    name: 'G4 bundles: a bundle that is tried again has the members it had',
    async run(world) {
      await world.accounts('credits', 'a')
      await used(world, 'a', '01', minute)
      await used(world, 'a', '02', minute)
      const [first] = await claim(world, 9)
      expectEqual(await world.store.outbox.settle([retry(first, 10)]), [first?.id], 'what was settled')
      await used(world, 'a', '03', minute)
      await world.pass(50)
      expectEqual(await bundles(world, await claim(world, 9)), ['01: 01 02', '03: 03'], 'what is handed out')
    },
  },
  {
    name: 'G4 bundles: workers that claim at once never share one out',
    async run(world) {
      await world.accounts('credits', 'a', 'b', 'c')
      for (let key = 10; key < 40; key += 1)
        await used(world, required(['a', 'b', 'c'][key % 3], 'an account'), String(key), minute)
      const claims = await Promise.all(Array.from({ length: 8 }, () => claim(world, 2)))
      const found = [...(await bundles(world, [...claims, await claim(world, 9)].flat()))].sort()
      const members = (first: number) => Array.from({ length: 10 }, (_, index) => first + 3 * index).join(' ')
      expectEqual(
        found,
        [10, 11, 12].map((first) => `${first}: ${members(first)}`),
        'the bundles',
      )
    },
  },
  {
    name: 'G4 bundles: members are settled together, and what is settled is in no other bundle',
    async run(world) {
      await world.accounts('credits', 'a')
      for (const key of ['01', '02', '03']) await used(world, 'a', key, minute)
      const claimed = await claim(world, 9)
      const settled = await world.store.outbox.settle(claimed.map((each) => ended(each, 'delivered')))
      expectEqual(settled, ['dlv_meters_usage_01'], 'what was settled')
      expectEqual(await world.store.outbox.settle(claimed.map((each) => ended(each, 'parked'))), [], 'what is, again')
      await used(world, 'a', '04', minute)
      expectEqual(await bundles(world, await claim(world, 9)), ['04: 04'], 'what is left')
      const stand = await world.store.outbox.statuses(
        'a',
        ['01', '02', '03'].map((key) => `dlv_meters_usage_${key}`),
      )
      expectEqual([...stand.values()], ['delivered', 'delivered', 'delivered'], 'how the members stand')
      const kept = await world.store.outbox.delivery('a', 'dlv_meters_usage_02')
      expectEqual(kept?.bundle, 'dlv_meters_usage_01', 'the bundle a member names afterwards')
    },
  },
  {
    name: 'G4 bundles: a bundle has at most five hundred members',
    async run(world) {
      await world.accounts('credits', 'a')
      // A few at a time: all of them at once would wait for each other, and for longer than a store lets them.
      for (let key = 0; key < 501; key += 10)
        await Promise.all(
          Array.from({ length: Math.min(10, 501 - key) }, (_, index) => used(world, 'a', String(key + index), minute)),
        )
      const first = await claim(world, 1)
      const second = await claim(world, 1)
      expectEqual(
        [...first, ...second].map(({ members }) => members),
        [500, 1],
        'how many members the bundles have',
      )
    },
  },
  {
    name: 'C4 bundles: usage waits ten seconds beyond its minute; who is early gets it at once, and late usage is due at once',
    needs: 'clock',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.pass(1_000)
      await used(world, 'a', '01', null)
      await used(world, 'a', '02', minute)
      const atOnce = await claim(world, 9, long, false)
      expectEqual(await bundles(world, atOnce), ['02: 02'], 'what is due at once')
      await world.store.outbox.settle(atOnce.map((each) => ended(each, 'delivered')))
      await world.pass(68_999)
      expectEqual(
        await bundles(world, await claim(world, 9, long, false)),
        [],
        'what is due before the ten seconds are over',
      )
      await world.pass(1)
      expectEqual(await bundles(world, await claim(world, 9, long, false)), ['01: 01'], 'what is due then')
      await used(world, 'a', '03', null)
      const [early] = await claim(world, 9)
      expectEqual(early?.id, 'dlv_meters_usage_03', 'what is handed out early')
      await world.store.outbox.settle([retry(early, 2 * long)])
      expectEqual(await bundles(world, await claim(world, 9)), [], 'what is early of what is to be tried later')
    },
  },
  {
    name: 'G4 bundles: of one account is handed out what waits for its time too, and nothing of others or that a worker has',
    async run(world) {
      await world.accounts('credits', 'a', 'b')
      await used(world, 'a', '01', minute)
      const [tried] = await claim(world, 9)
      await world.store.outbox.settle([retry(tried, 60 * long)])
      await used(world, 'a', '02', minute, 'storage')
      const [taken] = await claim(world, 9)
      await used(world, 'b', '03', minute)
      await used(world, 'a', '04', null)
      const { outbox } = world.store
      const own = () => outbox.claim('meters', { limit: 9, leaseMs: long, accountId: 'a' })
      expectEqual(await outbox.claim('others', { limit: 9, leaseMs: long, accountId: 'a' }), [], 'what waits elsewhere')
      expectEqual(await bundles(world, await own()), ['01: 01', '04: 04'], 'what is handed out')
      expectEqual(await own(), [], 'what is handed out while it is taken')
      const waiting = async (accountId: string) =>
        (await outbox.backlog(accountId)).filter(({ destination }) => destination === 'meters')
      const pending = { destination: 'meters', status: 'pending' as const }
      expectEqual(await waiting('a'), [{ ...pending, count: 3 }], 'what waits of it')
      await outbox.settle([ended(required(taken, 'what was taken'), 'delivered')])
      expectEqual(await waiting('a'), [{ ...pending, count: 2 }], 'what waits of it then')
      expectEqual(await waiting('b'), [{ ...pending, count: 1 }], 'what waits of another one')
      expectEqual(await waiting('nobody'), [], 'what waits of nobody')
    },
  },
]

async function used(
  world: World,
  accountId: string,
  key: string,
  occurredAt: number | null,
  meter = 'ai_tokens',
): Promise<void> {
  usedIn(world).set(key, accountId)
  expectApplied(await world.commit([usage(accountId, key, million, { occurredAt, rated: { meter } })], telling))
}

function claim({ store }: World, limit: number, leaseMs = long, early = true): Promise<readonly Delivery[]> {
  return store.outbox.claim('meters', { limit, leaseMs, early })
}

/** Each bundle that was handed out with its members, by the keys of their usage, each of which took a Spark. */
async function bundles(world: World, claimed: readonly Delivery[]): Promise<readonly string[]> {
  const members = new Map(claimed.map(({ id }) => [id, [] as string[]]))
  for (const [key, accountId] of usedIn(world)) {
    const member = await world.store.outbox.delivery(accountId, `dlv_meters_usage_${key}`)
    members.get(member?.bundle ?? '')?.push(key)
  }
  return claimed.map((each) => {
    const keys = members.get(each.id) ?? []
    expectEqual([each.bundle, each.members, each.sparks], [each.id, keys.length, BigInt(keys.length)], 'the bundle')
    return `${each.id.replace('dlv_meters_usage_', '')}: ${keys.join(' ')}`
  })
}

const uses = new WeakMap<World, Map<string, string>>()

/** The accounts of what was used, by key. */
function usedIn(world: World): Map<string, string> {
  const own = uses.get(world) ?? new Map<string, string>()
  uses.set(world, own)
  return own
}

function ended({ id, fence }: Delivery, status: DeliveryStatus): Settlement {
  return { id, fence, status, retryInMs: null, mayHaveArrived: true, error: null, event: null }
}

function retry(delivery: Delivery | undefined, retryInMs: number): Settlement {
  return { ...ended(required(delivery, 'a delivery'), 'pending'), retryInMs, mayHaveArrived: false }
}
