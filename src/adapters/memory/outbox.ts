import { type BillingEvent, eventDeliveries } from '../../core/domain/event.js'
import type { NewDelivery } from '../../core/domain/ledger/state.js'
import type { DeliveryState, DeliveryStatus, OutboxStore } from '../../core/ports/store.js'
import { eventDeliveryFields } from '../kit/event.js'
import { firstAttemptOf, firstDueAt, maximumBundle, minuteOf, newlyWaiting } from '../kit/waiting.js'
import { entryOf } from './account-book.js'
import { memoryReports } from './reports.js'
import type { StoredDelivery, Tables } from './tables.js'
import { under } from './under.js'

export function memoryOutbox(tables: Tables, now: () => number): OutboxStore {
  return {
    ...memoryReports(tables, now),
    async subscribe(consumer, types) {
      const known = under(tables.subscriptions, consumer, () => new Set())
      for (const type of types) known.add(type)
    },
    async claim(destination, { limit, leaseMs, types, early = false }) {
      const at = now()
      const rows = [...(tables.pending.get(destination)?.values() ?? [])]
      const due = rows
        .filter(({ event, waiting }) => {
          if (types !== undefined && !(event && types.includes(event.type))) return false
          return (waiting.nextAttemptAt <= at || (early && waiting.attempts === 0)) && waiting.leasedUntil <= at
        })
        .slice(0, limit)
      return bundled(rows, due).map(({ row, bundle }) => {
        row.waiting = {
          ...row.waiting,
          bundle,
          attempts: row.waiting.attempts + 1,
          fence: row.waiting.fence + 1,
          firstAttemptAt: firstAttemptOf(row.waiting),
          claimedAt: at,
          leasedUntil: at + leaseMs,
        }
        if (row.told.kind === 'metering') return { ...row.told, ...row.waiting, event: null, entries: [] }
        return asDelivery(tables, row)
      })
    },
    async settle(settlements) {
      return settlements.flatMap(({ id, fence, status, retryInMs, mayHaveArrived, error, event }) => {
        const row = deliveryOf(tables, id)
        if (!row || row.waiting.fence !== fence || row.waiting.status !== 'pending' || row.waiting.leasedUntil === 0)
          return []
        row.waiting = {
          ...row.waiting,
          status,
          firstAttemptAt: row.waiting.firstAttemptAt ?? (mayHaveArrived ? row.waiting.claimedAt : null),
          nextAttemptAt: now() + (retryInMs ?? 0),
          leasedUntil: 0,
          error,
        }
        if (status !== 'pending') {
          tables.pending.get(row.told.destination)?.delete(id)
          tables.finished.set(id, row)
        }
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
    async statuses(accountId, deliveryIds) {
      const rows = deliveryIds
        .flatMap((id) => deliveryOf(tables, id) ?? [])
        .filter(({ told }) => told.accountId === accountId)
      return new Map(rows.map(({ told, waiting }) => [told.id, waiting.status]))
    },
    async backlog() {
      const counts = new Map<string, { destination: string; status: DeliveryStatus; count: number }>()
      for (const { told, waiting } of allDeliveries(tables)) {
        const { destination } = told
        const { status } = waiting
        if (status !== 'delivered')
          under(counts, `${destination}|${status}`, () => ({ destination, status, count: 0 })).count += 1
      }
      return [...counts.values()]
    },
  }
}

/** What is due with the bundles it belongs to, whole, oldest first. */
function bundled(
  rows: readonly StoredDelivery[],
  due: readonly StoredDelivery[],
): readonly { readonly row: StoredDelivery; readonly bundle: string | null }[] {
  const wanted = new Set(due.map(bundleKey))
  const bundles = new Map<string, { readonly id: string; size: number }>()
  return rows.flatMap((row) => {
    const key = bundleKey(row)
    if (!wanted.has(key)) return []
    if (row.told.kind !== 'metering') return { row, bundle: null }
    const bundle = under(bundles, key, () => ({ id: row.waiting.bundle ?? row.told.id, size: 0 }))
    bundle.size += 1
    return bundle.size > maximumBundle ? [] : { row, bundle: bundle.id }
  })
}

/** The same for deliveries of one bundle, and for those that are to become one. */
function bundleKey({ told, waiting }: StoredDelivery): string {
  if (told.kind !== 'metering') return told.id
  return waiting.bundle ?? JSON.stringify([told.accountId, told.meter, told.periodStartsAt, minuteOf(told.occurredAt)])
}

export function addDeliveries(tables: Tables, deliveries: readonly NewDelivery[], now: number): void {
  for (const told of deliveries) add(tables, { told, event: null, waiting: newlyWaiting(now, firstDueAt(told, now)) })
}

export function addEvents(tables: Tables, events: readonly BillingEvent[], now: number): void {
  const added = events.filter((event) => !tables.events.has(event.id))
  for (const event of added) tables.events.set(event.id, event)
  for (const delivery of eventDeliveries(added, tables.subscriptions))
    add(tables, { told: eventDeliveryFields(delivery), event: delivery.event, waiting: newlyWaiting(now) })
}

export function* allDeliveries({ pending, finished }: Tables): Iterable<StoredDelivery> {
  for (const rows of pending.values()) yield* rows.values()
  yield* finished.values()
}

function add(tables: Tables, row: StoredDelivery): void {
  under(tables.pending, row.told.destination, () => new Map()).set(row.told.id, row)
}

/** A delivery, whoever it is for: there are few destinations. */
export function deliveryOf({ pending, finished }: Tables, id: string): StoredDelivery | undefined {
  for (const rows of pending.values()) {
    const row = rows.get(id)
    if (row) return row
  }
  return finished.get(id)
}

function asDelivery({ books }: Tables, { told, event, waiting }: StoredDelivery): DeliveryState {
  const book = books.get(told.accountId)
  const entries = told.entryIds.flatMap((id) => (book && entryOf(book, id)) ?? [])
  return { ...told, ...waiting, event, entries }
}
