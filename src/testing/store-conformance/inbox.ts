import type { ClaimedInboxEvent, InboxEvent } from '../../core/ports/store.js'
import { expectEqual } from '../conformance.js'
import { required, type StoreCase, type World } from './world.js'

const long = 60_000
const dayMs = 86_400_000

/** The inbox: webhook events stored once, handed out until they are applied or given up. */
export const inboxCases: readonly StoreCase[] = [
  {
    name: 'inbox: an event is accepted once by provider and id, also when it comes several times at once',
    async run({ store }) {
      const results = await Promise.all(Array.from({ length: 8 }, () => store.inbox.accept(event('1'))))
      expectEqual(results.filter((result) => result.created).length, 1, 'how many times it was new')
      expectEqual(
        await store.inbox.accept({ ...event('1'), payload: 'other' }),
        { created: false },
        'the same id again',
      )
      expectEqual(
        await store.inbox.accept({ ...event('1'), provider: 'lago' }),
        { created: true },
        'another provider’s',
      )
      expectEqual(await store.inbox.backlog(), [{ status: 'pending', count: 2 }], 'the backlog')
      const claimed = await store.inbox.claim({ limit: 9, leaseMs: long })
      expectEqual(claimed.map((each) => each.provider).sort(), ['lago', 'stripe'], 'whose events are handed out')
      expectEqual(new Set(claimed.map((each) => each.payload)).size, 1, 'how many different payloads there are')
    },
  },
  {
    name: 'inbox: an event is handed out as it was received, to the byte',
    async run({ store }) {
      const given = {
        ...event('1'),
        payload: `{"a":  1.0,\n"b":"\\u0000 it's 中文 👩‍🚀 \\ud83d\\ude80"}  `,
        type: 'a.b "c"',
      }
      await store.inbox.accept(given)
      const { provider, eventId, type, payload, attempts } = required(
        (await store.inbox.claim({ limit: 1, leaseMs: long }))[0],
        'the event',
      )
      expectEqual({ provider, eventId, type, payload, attempts }, { ...given, attempts: 1 }, 'the event')
    },
  },
  {
    name: 'inbox: events are handed out oldest first, no more than asked for, and to one worker at a time',
    async run(world) {
      for (const id of ['1', '2', '3', '4']) {
        await world.store.inbox.accept(event(id))
        await world.pass(2)
      }
      const claim = async (limit: number) => idsOf(await world.store.inbox.claim({ limit, leaseMs: long }))
      expectEqual(
        [await claim(1), await claim(2), await claim(9), await claim(9)],
        [['1'], ['2', '3'], ['4'], []],
        'the events',
      )
    },
  },
  {
    name: 'inbox: workers that claim at once never get the same event',
    async run({ store }) {
      await Promise.all(Array.from({ length: 20 }, (_, index) => store.inbox.accept(event(String(index)))))
      const claims = Array.from({ length: 10 }, () => store.inbox.claim({ limit: 3, leaseMs: long }))
      const ids = (await Promise.all(claims)).flatMap(idsOf)
      ids.push(...idsOf(await store.inbox.claim({ limit: 20, leaseMs: long })))
      expectEqual([ids.length, new Set(ids).size], [20, 20], 'how many were handed out, and how many different ones')
    },
  },
  {
    name: 'inbox: when a lease is over the event is handed out under a larger fence, and the old one settles nothing',
    async run(world) {
      await world.store.inbox.accept(event('1'))
      const first = await claimOne(world, 20)
      await world.pass(60)
      const second = await claimOne(world, long)
      expectEqual(
        [second.eventId, second.attempts, second.fence > first.fence],
        ['1', 2, true],
        'the event claimed again',
      )
      expectEqual(await settle(world, first, 'applied'), false, 'whether the old claim held')
      expectEqual(await settle(world, second, 'applied'), true, 'whether the new claim held')
      expectEqual(await settle(world, second, 'dead'), false, 'whether it held a second time')
      expectEqual(await world.store.inbox.backlog(), [], 'the backlog')
    },
  },
  {
    name: 'inbox: an event that could not be applied waits for its time; one that was applied or given up is not seen again',
    async run(world) {
      for (const id of ['1', '2', '3', '4']) {
        await world.store.inbox.accept(event(id))
        await world.pass(2)
      }
      const [first, second, third, fourth] = await world.store.inbox.claim({ limit: 4, leaseMs: long })
      expectEqual(await settle(world, first, 'pending', long), true, 'whether the first claim held')
      expectEqual(await settle(world, second, 'applied'), true, 'whether the second claim held')
      expectEqual(await settle(world, third, 'dead'), true, 'whether the third claim held')
      expectEqual(await settle(world, fourth, 'pending', 20), true, 'whether the fourth claim held')
      expectEqual(
        (await world.store.inbox.backlog()).map((row) => `${row.count} ${row.status}`).sort(),
        ['1 dead', '2 pending'],
        'the backlog',
      )
      await world.pass(60)
      const again = await world.store.inbox.claim({ limit: 9, leaseMs: long })
      expectEqual(
        again.map((each) => [each.eventId, each.attempts]),
        [['4', 2]],
        'what is due then',
      )
      for (const id of ['1', '2', '3', '4'])
        expectEqual(await world.store.inbox.accept(event(id)), { created: false }, 'whether a known event is new')
    },
  },
  {
    name: 'inbox: what is for later is stored once, waits in nobody’s backlog, and is handed out at its time as received then',
    async run(world) {
      // Of a clock of its own: long enough that a busy machine is here before it.
      const at = world.now() + 1_000
      const later = { ...event('1'), receivedAt: at }
      expectEqual(await world.store.inbox.accept(later), { created: true }, 'whether it was new')
      expectEqual(await world.store.inbox.accept(later), { created: false }, 'whether it was new again')
      expectEqual(
        await world.store.inbox.accept({ ...event('2'), receivedAt: at - dayMs }),
        { created: true },
        'another',
      )
      const early = await world.store.inbox.claim({ limit: 9, leaseMs: long })
      expectEqual(idsOf(early), ['2'], 'what is due before its time')
      expectEqual(required(early[0], 'an event').receivedAt > at - dayMs, true, 'whether no event is from the past')
      expectEqual(await world.store.inbox.backlog(), [{ status: 'pending', count: 1 }], 'the backlog')
      await world.pass(1_080)
      const [due] = await world.store.inbox.claim({ limit: 9, leaseMs: long })
      expectEqual([due?.eventId, due?.receivedAt, due?.attempts], ['1', at, 1], 'what is due at its time')
      expectEqual(await world.store.inbox.backlog(), [{ status: 'pending', count: 2 }], 'the backlog then')
    },
  },
  {
    name: 'inbox: an event that is not there, or was not claimed, cannot be settled',
    async run(world) {
      await world.store.inbox.accept(event('1'))
      expectEqual(await settle(world, { ...event('1'), fence: 0 }, 'applied'), false, 'whether no claim held')
      expectEqual(
        await settle(world, { ...event('none'), fence: 1 }, 'applied'),
        false,
        'whether a claim on nothing held',
      )
      expectEqual((await world.store.inbox.claim({ limit: 9, leaseMs: long })).length, 1, 'what is due')
    },
  },
  {
    name: 'G7 inbox: what was given up is listed oldest first, a page at a time, and begins anew when it is revived',
    async run({ store }) {
      for (const id of ['1', '2', '3', '4']) await store.inbox.accept(event(id))
      for (const { provider, eventId, fence } of await store.inbox.claim({ limit: 9, leaseMs: long })) {
        const status = eventId === '2' ? 'applied' : 'dead'
        await store.inbox.settle({ provider, eventId, fence, status, retryInMs: null, error: `no ${eventId}` })
      }
      const first = await store.inbox.dead({ limit: 2 })
      const second = await store.inbox.dead({ limit: 2, after: required(first.at(-1), 'the last of a page').cursor })
      expectEqual(
        [first, second].map((page) => page.map(({ eventId, attempts, error }) => `${eventId} ${attempts} ${error}`)),
        [['1 1 no 1', '3 1 no 3'], ['4 1 no 4']],
        'the pages',
      )
      const revive = (id: string) => store.inbox.revive('stripe', id)
      expectEqual(
        [await revive('3'), await revive('3'), await revive('2'), await revive('9')],
        [true, false, false, false],
        'which were revived',
      )
      const again = await store.inbox.claim({ limit: 9, leaseMs: long })
      expectEqual(
        again.map(({ eventId, attempts, payload }) => [eventId, attempts, payload]),
        [['3', 1, event('3').payload]],
        'what is handed out',
      )
    },
  },
]

function event(eventId: string): InboxEvent {
  return { provider: 'stripe', eventId, type: 'checkout.session.completed', payload: '{"object":{}}' }
}

function idsOf(events: readonly ClaimedInboxEvent[]): string[] {
  return events.map((each) => each.eventId)
}

async function claimOne({ store }: World, leaseMs: number): Promise<ClaimedInboxEvent> {
  return required((await store.inbox.claim({ limit: 1, leaseMs }))[0], 'an event to claim')
}

function settle(
  { store }: World,
  claimed: Pick<ClaimedInboxEvent, 'provider' | 'eventId' | 'fence'> | undefined,
  status: 'pending' | 'applied' | 'dead',
  retryInMs: number | null = null,
): Promise<boolean> {
  const { provider, eventId, fence } = required(claimed, 'a claimed event')
  return store.inbox.settle({
    provider,
    eventId,
    fence,
    status,
    retryInMs,
    error: status === 'applied' ? null : 'no',
  })
}
