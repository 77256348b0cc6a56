import type { BillingEvent } from '../../core/domain/event.js'
import type { Delivery, DeliveryStatus, Settlement } from '../../core/ports/store.js'
import { expectEqual } from '../conformance.js'
import { telling } from './catalog.js'
import { expectApplied, grant, million, suspension, usage } from './commands.js'
import { required, type StoreCase, type World } from './world.js'

const long = 60_000

/** The outbox: deliveries handed out one at a time, settled by who holds the claim, and events for consumers. */
export const outboxCases: readonly StoreCase[] = [
  {
    name: 'outbox: deliveries are handed out oldest first, no more than asked for, and each destination has its own',
    async run(world) {
      await deliveries(world, 5)
      const first = await world.store.outbox.claim('traces', { limit: 2, leaseMs: long })
      const second = await world.store.outbox.claim('traces', { limit: 10, leaseMs: long })
      expectEqual([idsOf(first), idsOf(second)], [named([1, 2]), named([3, 4, 5])], 'the deliveries')
      expectEqual(await claimIds(world), [], 'what is left while others hold their claims')
      const meters = await world.store.outbox.claim('meters', { limit: 10, leaseMs: long, early: true })
      const members = meters.reduce((sum, each) => sum + each.members, 0)
      expectEqual(members, 5, 'how many deliveries the other destination has')
      expectEqual(await world.store.outbox.claim('nobody', { limit: 10, leaseMs: long }), [], 'those of nobody')
    },
  },
  {
    name: 'outbox: when a lease is over the delivery is handed out under a larger fence, and the old one settles nothing',
    async run(world) {
      await deliveries(world, 1)
      const first = await claimOne(world, 50)
      expectEqual([first.attempts, first.firstAttemptAt], [1, null], 'attempts and time of the first, as first claimed')
      expectEqual(
        await world.store.outbox.claim('traces', { limit: 1, leaseMs: long }),
        [],
        'what others get meanwhile',
      )
      await world.pass(100)
      const second = await claimOne(world, long)
      expectEqual([second.id, second.attempts], [first.id, 2], 'the delivery and its attempts, claimed again')
      expectEqual(second.fence > first.fence, true, 'whether the fence has grown')
      expectEqual(second.createdAt, first.createdAt, 'when it was made')
      const sentAt = required(second.firstAttemptAt, 'the time of the first attempt')
      expectEqual(sentAt >= first.createdAt && sentAt <= world.now() + long, true, 'whether that time is in between')
      expectEqual(await world.store.outbox.settle([ended(first, 'delivered')]), [], 'what the old fence settles')
      expectEqual(await statusOf(world, first), 'pending', 'how it stands')
      expectEqual(
        await world.store.outbox.settle([ended(second, 'delivered')]),
        [second.id],
        'what the new one settles',
      )
      expectEqual(await statusOf(world, first), 'delivered', 'how it stands')
    },
  },
  {
    name: 'outbox: the first attempt stays the first, however many follow',
    needs: 'clock',
    async run(world) {
      await deliveries(world, 1)
      const sentAt = world.now()
      const times: (number | null)[] = []
      for (let attempt = 1; attempt <= 4; attempt += 1) {
        const claimed = await claimOne(world, 1_000)
        expectEqual(claimed.attempts, attempt, 'the attempts')
        times.push(claimed.firstAttemptAt)
        const settlement = { ...ended(claimed, 'pending'), retryInMs: 0, mayHaveArrived: true }
        if (attempt % 2) await world.store.outbox.settle([settlement])
        await world.pass(1_000)
      }
      expectEqual(times, [null, sentAt, sentAt, sentAt], 'the time of the first attempt')
    },
  },
  {
    name: 'outbox: an attempt that is known not to have arrived is no first attempt; one that nobody settled may be',
    async run(world) {
      await deliveries(world, 1)
      for (let attempt = 1; attempt <= 3; attempt += 1) {
        const claimed = await claimOne(world, long)
        expectEqual(claimed.firstAttemptAt, null, `the first attempt at attempt ${attempt}`)
        await world.store.outbox.settle([{ ...ended(claimed, 'pending', 'down'), retryInMs: 0 }])
      }
      const lost = await claimOne(world, 20)
      await world.pass(60)
      const found = await claimOne(world, long)
      expectEqual(lost.firstAttemptAt, null, 'the first attempt of the claim that was lost')
      expectEqual((found.firstAttemptAt ?? 0) > found.createdAt - 1, true, 'whether that one counts afterwards')
    },
  },
  {
    name: 'outbox: what is published with a settlement is there if the claim held, and only then',
    async run(world) {
      await deliveries(world, 1)
      await world.store.outbox.subscribe('app', ['checkout.completed'])
      const lost = await claimOne(world, 20)
      await world.pass(60)
      const held = await claimOne(world, long)
      const late = { ...ended(lost, 'parked'), event: event('evt_late') }
      expectEqual(await world.store.outbox.settle([late]), [], 'what the lost claim settles')
      await world.store.outbox.settle([{ ...ended(held, 'parked'), event: event('evt_held') }])
      const told = await world.store.outbox.claim('consumer:app', { limit: 9, leaseMs: long })
      expectEqual(
        told.map((each) => each.event?.id),
        ['evt_held'],
        'the events that were published',
      )
    },
  },
  {
    name: 'outbox: a claim for some types leaves the others where they are',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.store.outbox.subscribe('app', ['checkout.completed', 'credit.granted'])
      await world.store.outbox.publish(event('evt_1'))
      await world.one(grant('a', 'g', million))
      const typesOf = async (...types: string[]) => {
        const claimed = await world.store.outbox.claim('consumer:app', { limit: 9, leaseMs: long, types })
        return claimed.map((each) => each.event?.type)
      }
      expectEqual(await typesOf('plan.changed'), [], 'what there is of another type')
      expectEqual(await typesOf('credit.granted', 'plan.changed'), ['credit.granted'], 'what there is of one type')
      expectEqual(await typesOf('credit.granted', 'checkout.completed'), ['checkout.completed'], 'what is left')
    },
  },
  {
    name: 'outbox: a lease ends at its last moment, not before',
    needs: 'clock',
    async run(world) {
      await deliveries(world, 1)
      const first = await claimOne(world, 1_000)
      await world.pass(999)
      expectEqual(await world.store.outbox.claim('traces', { limit: 1, leaseMs: long }), [], 'what others get before')
      await world.pass(1)
      expectEqual((await claimOne(world, long)).id, first.id, 'what others get then')
    },
  },
  {
    name: 'outbox: what is to be tried later waits for its time, and does not hold up what comes after it',
    async run(world) {
      await deliveries(world, 3)
      const [first, second] = await world.store.outbox.claim('traces', { limit: 2, leaseMs: long })
      const later = (each: Delivery | undefined, ms: number) => {
        return { ...ended(required(each, 'a delivery'), 'pending', 'busy'), retryInMs: ms }
      }
      const settled = await world.store.outbox.settle([later(first, long), later(second, 20)])
      expectEqual([...settled].sort(), named([1, 2]), 'what was settled')
      await world.pass(60)
      expectEqual(await claimIds(world), named([2, 3]), 'what is due')
    },
  },
  {
    name: 'outbox: what is to be tried later is due at its moment, not before',
    needs: 'clock',
    async run(world) {
      await deliveries(world, 1)
      const claimed = await claimOne(world, long)
      await world.store.outbox.settle([{ ...ended(claimed, 'pending'), retryInMs: 1_000 }])
      await world.pass(999)
      expectEqual(await claimIds(world), [], 'what is due before')
      await world.pass(1)
      expectEqual(await claimIds(world), named([1]), 'what is due then')
    },
  },
  {
    name: 'outbox: delivered, parked and uncertain are not handed out again, and the backlog counts all but delivered',
    async run(world) {
      await deliveries(world, 5)
      const statuses: DeliveryStatus[] = ['delivered', 'parked', 'uncertain', 'parked']
      const claimed = await world.store.outbox.claim('traces', { limit: 4, leaseMs: long })
      const settlements = claimed.map((each, index) =>
        ended(each, required(statuses[index], 'a status'), `"it's" ${index}`),
      )
      expectEqual([...(await world.store.outbox.settle(settlements))].sort(), named([1, 2, 3, 4]), 'what was settled')
      expectEqual(await claimIds(world), named([5]), 'what is handed out later')
      const stand = await world.store.outbox.statuses('a', [...named([1, 2, 3, 4, 5]), 'dlv_none'])
      expectEqual(
        named([1, 2, 3, 4, 5]).map((id) => stand.get(id)),
        [...statuses, 'pending'],
        'how they stand',
      )
      expectEqual(stand.size, 5, 'how many are known')
      const backlog = (await world.store.outbox.backlog()).filter((row) => row.destination === 'traces')
      expectEqual(
        backlog.map((row) => `${row.count} ${row.status}`).sort(),
        ['1 pending', '1 uncertain', '2 parked'],
        'the backlog',
      )
    },
  },
  {
    name: 'outbox: a claim is settled once, and what was never claimed not at all',
    async run(world) {
      await deliveries(world, 2)
      const claimed = await claimOne(world, long)
      const waiting = { id: required(named([2])[0], 'an id'), fence: 0 }
      const outcomes = [
        ended(waiting, 'delivered'),
        ended(claimed, 'pending'),
        ended(claimed, 'delivered'),
        ended({ id: 'dlv_none', fence: 1 }, 'delivered'),
      ]
      expectEqual(await world.store.outbox.settle(outcomes.slice(0, 2)), [claimed.id], 'what was settled')
      expectEqual(await world.store.outbox.settle(outcomes.slice(2)), [], 'what was settled afterwards')
      expectEqual(await world.store.outbox.settle([]), [], 'what was settled for nothing')
      const stand = await world.store.outbox.statuses('a', named([1, 2]))
      expectEqual([...stand.values()], ['pending', 'pending'], 'how they stand')
    },
  },
  {
    name: 'outbox: workers that claim at once never get the same delivery',
    async run(world) {
      await deliveries(world, 30)
      const claims = Array.from({ length: 12 }, () => world.store.outbox.claim('traces', { limit: 4, leaseMs: long }))
      const ids = (await Promise.all(claims)).flatMap(idsOf)
      // A worker may go away empty-handed while others hold what it looked at; it comes back.
      ids.push(...(await claimIds(world)))
      expectEqual([ids.length, new Set(ids).size], [30, 30], 'how many were handed out, and how many different ones')
    },
  },
  {
    name: 'S3.10 outbox: how a delivery stands is told to its own account alone',
    async run(world) {
      await deliveries(world, 1)
      await world.accounts('credits', 'other')
      expectEqual([...(await world.store.outbox.statuses('other', named([1])))], [], 'what another account is told')
      expectEqual([...(await world.store.outbox.statuses('a', []))], [], 'what is told of nothing')
    },
  },
  {
    name: 'outbox: in turn, an account has one event handed out at a time, the oldest of the wanted types, and waits while that one waits',
    async run(world) {
      await world.accounts('credits', 'a', 'b')
      await world.store.outbox.subscribe('app', ['checkout.completed', 'checkout.mismatched'])
      await world.store.outbox.publish({ ...event('evt_1'), type: 'checkout.mismatched' })
      for (const id of ['evt_2', 'evt_3']) await world.store.outbox.publish(event(id))
      await world.store.outbox.publish({ ...event('evt_4'), accountId: 'b' })
      const options = { limit: 9, leaseMs: long, types: ['checkout.completed'], inTurn: true }
      const claim = () => world.store.outbox.claim('consumer:app', options)
      const ids = (claimed: readonly Delivery[]) => claimed.map((each) => each.event?.id)
      const first = await claim()
      expectEqual(ids(first), ['evt_2', 'evt_4'], 'the oldest of each account')
      expectEqual(ids(await claim()), [], 'what there is while they are handed out')
      const [of2, of4] = first
      const later = { ...ended(required(of2, 'a delivery'), 'pending'), retryInMs: 1_000 }
      await world.store.outbox.settle([later, ended(required(of4, 'a delivery'), 'delivered')])
      expectEqual(ids(await claim()), [], 'what there is while one waits for its time')
      await world.pass(1_100)
      const again = await claim()
      expectEqual(ids(again), ['evt_2'], 'what is due again')
      await world.store.outbox.settle([ended(required(again[0], 'a delivery'), 'parked', 'no')])
      expectEqual(ids(await claim()), ['evt_3'], 'what follows one that was given up')
    },
  },
  {
    name: 'outbox: a consumer gets the events since it subscribed, whole, and only of the types it asked for',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.commit([grant('a', 'before', million)])
      await world.store.outbox.publish(event('evt_before'))
      await world.store.outbox.subscribe('app', ['credit.granted', 'checkout.completed'])
      await world.commit([grant('a', 'after', million), suspension('suspend', 'a', 's')])
      await world.pass(5)
      const told = event('evt_after')
      await world.store.outbox.publish(told)
      await world.store.outbox.publish({ ...event('evt_other'), type: 'checkout.mismatched' })
      await world.store.outbox.publish(event('evt_before'))
      const [granted, published, ...others] = await world.store.outbox.claim('consumer:app', {
        limit: 9,
        leaseMs: long,
      })
      expectEqual(others, [], 'further events')
      expectEqual([granted?.event?.type, granted?.event?.id], ['credit.granted', 'evt_grant_after'], 'the first event')
      expectEqual(
        published,
        {
          ...published,
          id: 'dlv_app_evt_after',
          accountId: 'a',
          destination: 'consumer:app',
          kind: 'event',
          meter: null,
          periodStartsAt: null,
          sparks: 0n,
          occurredAt: told.occurredAt,
          entryIds: [],
          entries: [],
          event: told,
          attempts: 1,
          firstAttemptAt: null,
          bundle: null,
        },
        'the published event',
      )
    },
  },
  {
    name: 'outbox: every consumer has its own deliveries and types; subscribing again adds types and loses none',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.store.outbox.subscribe('mail', ['credit.granted'])
      await world.store.outbox.subscribe('audit', ['credit.granted', 'account.suspended'])
      await world.store.outbox.subscribe('mail', ['credit.granted'])
      await world.store.outbox.subscribe('mail', ['account.resumed'])
      await world.commit([grant('a', 'g', million), suspension('suspend', 'a', 's'), suspension('resume', 'a', 's')])
      const eventsOf = async (consumer: string) => {
        const claimed = await world.store.outbox.claim(`consumer:${consumer}`, { limit: 9, leaseMs: long })
        await world.store.outbox.settle(claimed.map((each) => ended(each, 'delivered')))
        return claimed.map((each) => each.event?.type).sort()
      }
      expectEqual(await eventsOf('mail'), ['account.resumed', 'credit.granted'], 'what mail is told')
      expectEqual(await eventsOf('audit'), ['account.suspended', 'credit.granted'], 'what audit is told')
      expectEqual(await world.store.outbox.backlog(), [], 'the backlog')
    },
  },
  {
    name: 'outbox: an event that is published again, also at once or after it was delivered, is delivered once',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.store.outbox.subscribe('app', ['checkout.completed'])
      await Promise.all(Array.from({ length: 5 }, () => world.store.outbox.publish(event('evt_1'))))
      const claimed = await world.store.outbox.claim('consumer:app', { limit: 9, leaseMs: long })
      expectEqual(claimed.length, 1, 'how many deliveries there are')
      await world.store.outbox.settle(claimed.map((each) => ended(each, 'delivered')))
      await world.store.outbox.publish({ ...event('evt_1'), data: { changed: 1 } })
      expectEqual(await world.store.outbox.claim('consumer:app', { limit: 9, leaseMs: long }), [], 'what is left')
    },
  },
]

/** Commits usage of account `a`, one delivery to `meters` and one to `traces` each, one after another. */
async function deliveries(world: World, count: number): Promise<void> {
  await world.accounts('credits', 'a')
  for (let number = 1; number <= count; number += 1) {
    expectApplied(await world.commit([usage('a', String(number).padStart(2, '0'), million)], telling))
    await world.pass(2)
  }
}

function named(numbers: readonly number[]): readonly string[] {
  return numbers.map((number) => `dlv_traces_usage_${String(number).padStart(2, '0')}`)
}

function idsOf(claimed: readonly Delivery[]): readonly string[] {
  return claimed.map((delivery) => delivery.id)
}

async function claimIds({ store }: World): Promise<readonly string[]> {
  return idsOf(await store.outbox.claim('traces', { limit: 100, leaseMs: long }))
}

async function claimOne({ store }: World, leaseMs: number): Promise<Delivery> {
  return required((await store.outbox.claim('traces', { limit: 1, leaseMs }))[0], 'a delivery to claim')
}

async function statusOf({ store }: World, { id }: Delivery): Promise<DeliveryStatus | undefined> {
  return (await store.outbox.statuses('a', [id])).get(id)
}

function ended(
  { id, fence }: Pick<Delivery, 'id' | 'fence'>,
  status: DeliveryStatus,
  error: string | null = null,
): Settlement {
  return { id, fence, status, retryInMs: null, mayHaveArrived: false, error, event: null }
}

function event(id: string): BillingEvent {
  return {
    id,
    type: 'checkout.completed',
    accountId: 'a',
    occurredAt: Date.UTC(2020, 2, 4, 5, 6, 7, 8),
    data: { checkoutId: `"it's" 中文 👩‍🚀`, sparks: '0.000001', plan: null, count: -1.5 },
  }
}
