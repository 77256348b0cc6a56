import type { BillingEvent, BillingEventType } from '../../core/domain/event.js'
import type { News } from '../../core/ports/store.js'
import { expectEqual } from '../conformance.js'
import { grant } from './commands.js'
import type { StoreCase } from './world.js'

const event = (id: string, accountId: string, type: BillingEventType = 'invoice.paid'): BillingEvent => ({
  ...{ id, accountId, type, occurredAt: 1_700_000_000_000 },
  data: { invoiceId: `it's ${id} 北京`, amount: '1.5', count: 3, none: null },
})
const types = ['invoice.paid', 'quota.near']
const beginning = { storedAt: 0, id: '' }
const idsOf = ({ events }: News) => events.map(({ event: { id } }) => id)

/** What is read of accounts while somebody looks: events from a place on, and balances. */
export const newsCases: readonly StoreCase[] = [
  {
    name: 'S4.7 news: events of the accounts and types that are asked for come in order, page by page, as they were published',
    async run({ store: { outbox }, now, pass, accounts }) {
      await accounts('credits', 'a', 'b', 'c')
      const from = now()
      for (const [id, account] of [
        ['evt_3', 'a'],
        ['evt_1', 'b'],
        ['evt_2', 'a'],
        ['evt_4', 'c'],
      ] as const) {
        await outbox.publish(event(id, account))
        await pass(5)
      }
      await outbox.publish(event('evt_5', 'a', 'quota.near'))
      await outbox.publish(event('evt_6', 'a', 'invoice.voided'))
      // One that is there already is not news again.
      await outbox.publish(event('evt_3', 'a'))
      const first = await outbox.news(['a', 'b', 'nobody'], { types, after: beginning, limit: 2 })
      expectEqual(
        first.events.map((each) => each.event),
        [event('evt_3', 'a'), event('evt_1', 'b')],
        'the first page',
      )
      const times = [from, ...first.events.map(({ storedAt }) => storedAt), first.asOf]
      expectEqual(
        times,
        times.toSorted((left, right) => left - right),
        'the times',
      )
      const last = first.events.at(-1)
      const after = { storedAt: last?.storedAt ?? 0, id: last?.event.id ?? '' }
      const second = await outbox.news(['a', 'b'], { types, after, limit: 2 })
      expectEqual(idsOf(second), ['evt_2', 'evt_5'], 'the second page')
      expectEqual(idsOf(await outbox.news(['c'], { types, after: beginning, limit: 9 })), ['evt_4'], 'another’s')
      const nothing = await outbox.news(['a'], {
        types,
        after: { storedAt: Number.MAX_SAFE_INTEGER, id: '' },
        limit: 9,
      })
      expectEqual(nothing.events, [], 'what is to come')
      const moment = { storedAt: last?.storedAt ?? 0, id: '' }
      expectEqual(
        idsOf(await outbox.news(['b'], { types, after: moment, limit: 9 })),
        ['evt_1'],
        'from the moment of one on',
      )
    },
  },
  {
    name: 'S4.7 news: what the ledger tells is among it, under the time at which it was stored',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.one(grant('a', 'g', 5n))
      const { events, asOf } = await world.store.outbox.news(['a'], {
        types: ['credit.granted'],
        after: beginning,
        limit: 9,
      })
      expectEqual(
        events.map((each) => each.event.type),
        ['credit.granted'],
        'the event',
      )
      expectEqual(
        events.every(({ storedAt }) => storedAt > 0 && storedAt <= asOf),
        true,
        'its time',
      )
    },
  },
  {
    name: 'S4.7 news: balances are those of the accounts that are there',
    async run(world) {
      await world.accounts('credits', 'a', 'b')
      await world.one(grant('a', 'g', 2n ** 62n))
      const balances = await world.store.ledger.balances(['a', 'b', 'nobody'])
      expectEqual(
        [...balances].toSorted(),
        [
          ['a', { balance: 2n ** 62n, held: 0n }],
          ['b', { balance: 0n, held: 0n }],
        ],
        'the balances',
      )
      expectEqual([...(await world.store.ledger.balances([]))], [], 'of nobody')
    },
  },
]
