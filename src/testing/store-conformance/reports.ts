import type { Delivery, DeliveryStatus, ReportState, Settlement } from '../../core/ports/store.js'
import { expectEqual } from '../conformance.js'
import { telling } from './catalog.js'
import { expectApplied, million, usage } from './commands.js'
import { required, type StoreCase, type World } from './world.js'

const long = 60_000
const minute = Date.UTC(2020, 2, 4, 5, 6)

/** What was reported to a provider, how that stands, and what whoever looked into it says of it. */
export const reportCases: readonly StoreCase[] = [
  {
    name: 'G23 reports: usage is told as it was reported, by bundle, meter and time, of its own minutes, account and destination',
    async run(world) {
      await world.accounts('credits', 'a', 'b')
      await used(world, 'a', '01', minute)
      await used(world, 'a', '02', minute + 30_000)
      await used(world, 'a', '03', minute + 60_000)
      await used(world, 'a', '04', minute, 'storage')
      await used(world, 'a', '05', minute + 120_000)
      await used(world, 'b', '06', minute)
      const claimed = await claim(world)
      await world.store.outbox.settle(
        claimed.map((each) => ended(each, each.id.endsWith('03') ? 'uncertain' : 'delivered')),
      )
      await used(world, 'a', '07', minute)
      const found = await world.store.outbox.reports('a', 'meters', { from: minute, to: minute + 120_000 })
      expectEqual(
        found.map(brief),
        [
          `07 ai_tokens 1 at ${minute} pending`,
          `01 ai_tokens 2 at ${minute + 30_000} delivered`,
          `03 ai_tokens 1 at ${minute + 60_000} uncertain`,
          `04 storage 1 at ${minute} delivered`,
        ],
        'the reports',
      )
      expectEqual(
        found.map(({ claimedAt }) => claimedAt !== null),
        found.map(({ status }) => status !== 'pending'),
        'which were handed out',
      )
      expectEqual(
        await world.store.outbox.reports('a', 'elsewhere', { from: minute, to: minute + long }),
        [],
        'elsewhere',
      )
    },
  },
  {
    name: 'G4 reports: one that is uncertain can be said to be delivered, or to begin anew, with all of its deliveries',
    async run(world) {
      await world.accounts('credits', 'a')
      for (const key of ['01', '02']) await used(world, 'a', key, minute)
      for (const key of ['03', '04']) await used(world, 'a', key, minute + 60_000)
      await world.store.outbox.settle((await claim(world)).map((each) => ended(each, 'uncertain')))
      const restate = (id: string, to: 'delivered' | 'pending') =>
        world.store.outbox.restate('a', { ids: [id], from: ['uncertain'], to, error: null, event: null })
      expectEqual((await restate('dlv_meters_usage_02', 'delivered')).length, 2, 'how many were delivered')
      expectEqual((await restate('dlv_meters_usage_03', 'pending')).length, 2, 'how many begin anew')
      expectEqual(await restate('dlv_meters_usage_01', 'pending'), [], 'what stands otherwise')
      const again = await claim(world)
      expectEqual(
        again.map(({ id, members, attempts, firstAttemptAt }) => [id, members, attempts, firstAttemptAt]),
        [['dlv_meters_usage_03', 2, 1, null]],
        'what is handed out',
      )
      const delivered = await world.store.outbox.delivery('a', 'dlv_meters_usage_01')
      expectEqual([delivered?.status, delivered?.error], ['delivered', null], 'the one that was delivered')
    },
  },
  {
    name: 'C4 reports: what was delivered can be given up with a reason, and what is claimed or another account’s is left alone',
    async run(world) {
      await world.accounts('credits', 'a', 'b')
      await world.store.outbox.subscribe('app', ['delivery.parked'])
      await used(world, 'a', '01', minute)
      await used(world, 'a', '02', minute + 60_000)
      const [first] = await claim(world, 1)
      await world.store.outbox.settle([ended(required(first, 'a delivery'), 'delivered')])
      await claim(world)
      const event = {
        id: 'evt_parked_01',
        type: 'delivery.parked' as const,
        accountId: 'a',
        occurredAt: world.now(),
        data: { reason: 'no such meter' },
      }
      const change = { from: ['delivered' as const], to: 'parked' as const, error: 'no such meter', event }
      const ids = ['dlv_meters_usage_01', 'dlv_meters_usage_02']
      expectEqual(await world.store.outbox.restate('b', { ...change, ids }), [], 'what changed for another account')
      expectEqual(await world.store.outbox.restate('a', { ...change, ids }), ['dlv_meters_usage_01'], 'what changed')
      expectEqual(await world.store.outbox.restate('a', { ...change, ids }), [], 'what changed the second time')
      const [told, ...others] = await world.store.outbox.claim('consumer:app', { limit: 9, leaseMs: long })
      expectEqual([told?.event?.data, others.length], [event.data, 0], 'what the app is told')
      const parked = await world.store.outbox.delivery('a', 'dlv_meters_usage_01')
      expectEqual([parked?.status, parked?.error], ['parked', 'no such meter'], 'how it stands')
    },
  },
  {
    name: 'C4 reports: what was given up is listed oldest first, a page at a time, and its account is known',
    async run(world) {
      await world.accounts('credits', 'a', 'b')
      for (const [key, account] of [
        ['01', 'a'],
        ['02', 'b'],
        ['03', 'a'],
        ['04', 'a'],
      ] as const) {
        await used(world, account, key, minute + Number(key) * 60_000)
        await world.pass(2)
      }
      const claimed = await claim(world)
      await world.store.outbox.settle(
        claimed.map((each) => ({ ...ended(each, each.id.endsWith('03') ? 'uncertain' : 'parked'), error: 'refused' })),
      )
      const first = await world.store.outbox.stranded('meters', 'parked', { limit: 2 })
      const after = required(first.at(-1), 'the last of a page').cursor
      const second = await world.store.outbox.stranded('meters', 'parked', { limit: 2, after })
      expectEqual(
        [first, second].map((page) => page.map(({ id, accountId, error }) => `${id} ${accountId} ${error}`)),
        [['dlv_meters_usage_01 a refused', 'dlv_meters_usage_02 b refused'], ['dlv_meters_usage_04 a refused']],
        'the pages',
      )
      expectEqual((await world.store.outbox.stranded('meters', 'uncertain', { limit: 9 })).length, 1, 'the uncertain')
      const accountOf = (id: string) => world.store.directory.accountByDelivery(id)
      expectEqual(
        [await accountOf('dlv_meters_usage_02'), await accountOf('dlv_none')],
        ['b', null],
        'the account of a delivery',
      )
    },
  },
]

async function used(world: World, accountId: string, key: string, occurredAt: number, meter = 'ai_tokens') {
  expectApplied(await world.commit([usage(accountId, key, million, { occurredAt, rated: { meter } })], telling))
}

function claim({ store }: World, limit = 9): Promise<readonly Delivery[]> {
  return store.outbox.claim('meters', { limit, leaseMs: long, early: true })
}

function ended({ id, fence }: Delivery, status: DeliveryStatus): Settlement {
  return { id, fence, status, retryInMs: null, mayHaveArrived: true, error: null, event: null }
}

function brief({ id, meter, sparks, occurredAt, status }: ReportState): string {
  return `${id.replace('dlv_meters_usage_', '')} ${meter} ${sparks} at ${occurredAt} ${status}`
}
