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
      const claims = [await claim(world, 1), await claim(world, 1), await claim(world, 9), await claim(world, 9)]
      expectEqual(
        claims.map(bundles),
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
      expectEqual(bundles(await claim(world, 9)), ['01: 01', '02: 02'], 'the bundles')
    },
  },
  {
    name: 'G4 bundles: members stay the same when a lease ends unsettled, and what comes later makes a bundle of its own',
    async run(world) {
      await world.accounts('credits', 'a')
      await used(world, 'a', '01', minute)
      await used(world, 'a', '02', minute)
      expectEqual(bundles(await claim(world, 9, 40)), ['01: 01 02'], 'the bundle that nobody settled')
      await used(world, 'a', '03', minute)
      await used(world, 'a', '04', minute)
      await world.pass(100)
      const again = await claim(world, 1)
      expectEqual(bundles(again), ['01: 01 02'], 'the bundle, claimed again')
      expectEqual(
        again.map(({ attempts }) => attempts),
        [2, 2],
        'their attempts',
      )
      expectEqual(new Set(again.map(({ firstAttemptAt }) => firstAttemptAt)).size, 1, 'times of a first attempt')
      expectEqual(bundles(await claim(world, 9)), ['03: 03 04'], 'what came later')
    },
  },
  {
    name: 'G4 bundles: a bundle that is tried again has the members it had, also where their times differ',
    async run(world) {
      await world.accounts('credits', 'a')
      await used(world, 'a', '01', minute)
      await used(world, 'a', '02', minute)
      const [first, second] = await claim(world, 9)
      await world.store.outbox.settle([retry(first, 10), retry(second, long)])
      await used(world, 'a', '03', minute)
      await world.pass(50)
      expectEqual(bundles(await claim(world, 9)), ['01: 01 02', '03: 03'], 'what is handed out')
    },
  },
  {
    name: 'G4 bundles: workers that claim at once never share one out',
    async run(world) {
      await world.accounts('credits', 'a', 'b', 'c')
      for (let key = 10; key < 40; key += 1)
        await used(world, required(['a', 'b', 'c'][key % 3], 'an account'), String(key), minute)
      const claims = await Promise.all(Array.from({ length: 8 }, () => claim(world, 2)))
      const found = [...claims, await claim(world, 9)].flatMap(bundles).sort()
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
      expectEqual([...settled].sort(), claimed.map(({ id }) => id).sort(), 'what was settled')
      await used(world, 'a', '04', minute)
      expectEqual(bundles(await claim(world, 9)), ['04: 04'], 'what is left')
      const stand = await world.store.outbox.statuses('a', claimed.map(idOf))
      expectEqual([...stand.values()], ['delivered', 'delivered', 'delivered'], 'how the members stand')
      const kept = await world.store.outbox.delivery('a', required(claimed[1], 'a member').id)
      expectEqual(kept?.bundle, 'dlv_meters_usage_01', 'the bundle a member names afterwards')
    },
  },
  {
    name: 'G4 bundles: a bundle has at most five hundred members',
    async run(world) {
      await world.accounts('credits', 'a')
      await Promise.all(Array.from({ length: 501 }, (_, key) => used(world, 'a', String(key), minute)))
      const first = await claim(world, 1)
      const second = await claim(world, 1)
      expectEqual([first.length, second.length], [500, 1], 'how many members the bundles have')
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
      expectEqual(bundles(atOnce), ['02: 02'], 'what is due at once')
      await world.store.outbox.settle(atOnce.map((each) => ended(each, 'delivered')))
      await world.pass(68_999)
      expectEqual(bundles(await claim(world, 9, long, false)), [], 'what is due before the ten seconds are over')
      await world.pass(1)
      expectEqual(bundles(await claim(world, 9, long, false)), ['01: 01'], 'what is due then')
      await used(world, 'a', '03', null)
      const [early] = await claim(world, 9)
      expectEqual(early?.id, 'dlv_meters_usage_03', 'what is handed out early')
      await world.store.outbox.settle([retry(early, 2 * long)])
      expectEqual(bundles(await claim(world, 9)), [], 'what is early of what is to be tried later')
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
  expectApplied(await world.commit([usage(accountId, key, million, { occurredAt, rated: { meter } })], telling))
}

function claim({ store }: World, limit: number, leaseMs = long, early = true): Promise<readonly Delivery[]> {
  return store.outbox.claim('meters', { limit, leaseMs, early })
}

/** Each bundle with its members, by the keys of their usage. */
function bundles(claimed: readonly Delivery[]): readonly string[] {
  const keyOf = (id: string | null) => id?.replace('dlv_meters_usage_', '') ?? 'none'
  const members = new Map<string, string[]>()
  for (const { id, bundle } of claimed) {
    const own = members.get(keyOf(bundle)) ?? []
    members.set(keyOf(bundle), [...own, keyOf(id)])
  }
  return [...members].map(([bundle, own]) => `${bundle}: ${own.join(' ')}`)
}

function idOf({ id }: Delivery): string {
  return id
}

function ended({ id, fence }: Delivery, status: DeliveryStatus): Settlement {
  return { id, fence, status, retryInMs: null, mayHaveArrived: true, error: null, event: null }
}

function retry(delivery: Delivery | undefined, retryInMs: number): Settlement {
  return { ...ended(required(delivery, 'a delivery'), 'pending'), retryInMs, mayHaveArrived: false }
}
