import { invariant } from '../../core/errors.js'
import type { Delivery, DeliveryState, DeliveryStatus, OutboxStore } from '../../core/ports/store.js'
import { firstAttemptOf } from '../kit/waiting.js'
import { entryOf } from './account-book.js'
import { addEvents, allDeliveries, deliveryOf } from './deliveries.js'
import type { Parcel } from './delivery-queue.js'
import { memoryReports } from './reports.js'
import type { StoredDelivery } from './stored-delivery.js'
import type { Tables } from './tables.js'
import { under } from './under.js'

export function memoryOutbox(tables: Tables, now: () => number): OutboxStore {
  return {
    ...memoryReports(tables, now),
    async subscribe(consumer, types) {
      const known = under(tables.subscriptions, consumer, () => new Set())
      for (const type of types) known.add(type)
    },
    async claim(destination, { limit, leaseMs, types, early = false, accountId, inTurn = false }) {
      const at = now()
      const queue = tables.queues.get(destination)
      const isWanted = ({ rows: [first] }: Parcel) =>
        types === undefined || (first?.event != null && types.includes(first.event.type))
      const taken = queue?.take({ at, limit, early, accountId, isWanted, inTurn }) ?? []
      return taken.map((parcel) => {
        queue?.putBack(parcel, at + leaseMs)
        for (const row of parcel.rows) claimRow(row, parcel, at, leaseMs)
        return asOne(tables, parcel)
      })
    },
    async settle(settlements) {
      return settlements.flatMap(({ id, fence, status, retryInMs, mayHaveArrived, error, event }) => {
        const queue = tables.queues.get(deliveryOf(tables, id)?.told.destination ?? '')
        const parcel = queue?.find(id)
        const first = parcel?.rows[0]?.waiting
        if (!queue || !parcel || first?.fence !== fence || first.leasedUntil === 0) return []
        const nextAttemptAt = now() + (retryInMs ?? 0)
        for (const row of parcel.rows) {
          const firstAttemptAt = row.waiting.firstAttemptAt ?? (mayHaveArrived ? row.waiting.claimedAt : null)
          row.waiting = { ...row.waiting, status, firstAttemptAt, nextAttemptAt, leasedUntil: 0, error }
        }
        if (status === 'pending') queue.putBack(parcel, nextAttemptAt)
        else queue.remove(parcel)
        if (event) addEvents(tables, [event], now())
        return [id]
      })
    },
    async publish(event) {
      addEvents(tables, [event], now())
    },
    async delivery(accountId, deliveryId) {
      const row = deliveryOf(tables, deliveryId)
      return row?.told.accountId === accountId ? asDelivery(tables, row) : null
    },
    async event(accountId, eventId) {
      const event = tables.events.get(eventId)
      return event?.accountId === accountId ? event : null
    },
    async news(accountIds, { types, after, limit }) {
      const events = accountIds.flatMap((accountId) => {
        const own = tables.eventsOf.get(accountId) ?? []
        // From the end: what is asked for is new.
        const from = own.findLastIndex(({ storedAt }) => storedAt < after.storedAt) + 1
        return own.slice(from).filter(({ event, storedAt }) => {
          const isLater = storedAt > after.storedAt || event.id > after.id
          return isLater && types.includes(event.type)
        })
      })
      const order = (left: (typeof events)[0], right: (typeof events)[0]) =>
        left.storedAt - right.storedAt || (left.event.id < right.event.id ? -1 : 1)
      return { events: events.sort(order).slice(0, limit), asOf: now() }
    },
    async statuses(accountId, deliveryIds) {
      const rows = deliveryIds
        .flatMap((id) => deliveryOf(tables, id) ?? [])
        .filter(({ told }) => told.accountId === accountId)
      return new Map(rows.map(({ told, waiting }) => [told.id, waiting.status]))
    },
    async backlog(accountId) {
      const counts = new Map<string, { destination: string; status: DeliveryStatus; count: number }>()
      for (const { told, waiting } of allDeliveries(tables)) {
        const { destination } = told
        const { status } = waiting
        if (status !== 'delivered' && (accountId === undefined || told.accountId === accountId))
          under(counts, `${destination}|${status}`, () => ({ destination, status, count: 0 })).count += 1
      }
      return [...counts.values()]
    },
  }
}

/** A row as it is handed out; for metering as part of a bundle. */
function claimRow(row: StoredDelivery, { id }: Parcel, at: number, leaseMs: number): void {
  const { waiting, told } = row
  row.waiting = {
    ...waiting,
    bundle: told.kind === 'metering' ? id : null,
    attempts: waiting.attempts + 1,
    fence: waiting.fence + 1,
    firstAttemptAt: firstAttemptOf(waiting),
    claimedAt: at,
    leasedUntil: at + leaseMs,
  }
}

/** What is handed out, a bundle as one. */
function asOne(tables: Tables, { id, rows }: Parcel): Delivery {
  const [first] = rows
  invariant(first !== undefined, 'a bundle has no members')
  if (first.told.kind !== 'metering') return asDelivery(tables, first)
  let sparks = 0n
  let { occurredAt } = first.told
  for (const { told } of rows) {
    sparks += told.sparks
    occurredAt = Math.max(occurredAt, told.occurredAt)
  }
  const { told, waiting } = first
  return { ...told, ...waiting, id, sparks, occurredAt, members: rows.length, entryIds: [], entries: [], event: null }
}

function asDelivery({ books }: Tables, { told, event, waiting }: StoredDelivery): DeliveryState {
  const book = books.get(told.accountId)
  const entries = told.entryIds.flatMap((id) => (book && entryOf(book, id)) ?? [])
  return { ...told, ...waiting, members: 1, event, entries }
}
