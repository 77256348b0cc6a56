import { type BillingEvent, eventDeliveries } from '../../core/domain/event.js'
import type { NewDelivery } from '../../core/domain/ledger/state.js'
import type { DeliveryState, OutboxStore } from '../../core/ports/store.js'
import { eventDeliveryFields } from '../kit/event.js'
import { firstAttemptOf, newlyWaiting } from '../kit/waiting.js'
import type { StoredDelivery, Tables } from './tables.js'
import { under } from './tables.js'

export function memoryOutbox(tables: Tables, now: () => number): OutboxStore {
  return {
    async subscribe(consumer, types) {
      const known = under(tables.subscriptions, consumer, () => new Set())
      for (const type of types) known.add(type)
    },
    async claim(destination, { limit, leaseMs, types }) {
      const at = now()
      const due: StoredDelivery[] = []
      for (const id of tables.pending.get(destination) ?? []) {
        const row = tables.deliveries.get(id)
        const isWanted = types === undefined || (row?.event && types.includes(row.event.type))
        if (row && isWanted && row.nextAttemptAt <= at && row.leasedUntil <= at) due.push(row)
        if (due.length === limit) break
      }
      return due.map((row) => {
        const claimed = {
          ...row,
          attempts: row.attempts + 1,
          fence: row.fence + 1,
          firstAttemptAt: firstAttemptOf(row),
          claimedAt: at,
          leasedUntil: at + leaseMs,
        }
        tables.deliveries.set(row.id, claimed)
        return asDelivery(tables, claimed)
      })
    },
    async settle(settlements) {
      return settlements.flatMap(({ id, fence, status, retryInMs, mayHaveArrived, error, event }) => {
        const row = tables.deliveries.get(id)
        if (!row || row.fence !== fence || row.status !== 'pending' || row.leasedUntil === 0) return []
        tables.deliveries.set(id, {
          ...row,
          status,
          firstAttemptAt: row.firstAttemptAt ?? (mayHaveArrived ? row.claimedAt : null),
          nextAttemptAt: now() + (retryInMs ?? 0),
          leasedUntil: 0,
          error,
        })
        if (status !== 'pending') tables.pending.get(row.destination)?.delete(id)
        if (event) addEvents(tables, [event], now())
        return [id]
      })
    },
    async publish(event) {
      addEvents(tables, [event], now())
    },
    async delivery(accountId, deliveryId) {
      const row = tables.deliveries.get(deliveryId)
      return row?.accountId === accountId ? asDelivery(tables, row) : null
    },
    async event(accountId, eventId) {
      const event = tables.events.get(eventId)
      return event?.accountId === accountId ? event : null
    },
    async statuses(accountId, deliveryIds) {
      const rows = deliveryIds
        .flatMap((id) => tables.deliveries.get(id) ?? [])
        .filter((row) => row.accountId === accountId)
      return new Map(rows.map((row) => [row.id, row.status]))
    },
    async backlog() {
      const counts = new Map<string, { destination: string; status: StoredDelivery['status']; count: number }>()
      for (const { destination, status } of tables.deliveries.values()) {
        if (status !== 'delivered')
          under(counts, `${destination}|${status}`, () => ({ destination, status, count: 0 })).count += 1
      }
      return [...counts.values()]
    },
  }
}

export function addDeliveries(tables: Tables, deliveries: readonly NewDelivery[], now: number): void {
  for (const delivery of deliveries) add(tables, Object.assign(newlyWaiting(now), delivery, { event: null }))
}

export function addEvents(tables: Tables, events: readonly BillingEvent[], now: number): void {
  const added = events.filter((event) => !tables.events.has(event.id))
  for (const event of added) tables.events.set(event.id, event)
  for (const delivery of eventDeliveries(added, tables.subscriptions))
    add(tables, { ...eventDeliveryFields(delivery), event: delivery.event, ...newlyWaiting(now) })
}

function add(tables: Tables, row: StoredDelivery): void {
  tables.deliveries.set(row.id, row)
  under(tables.pending, row.destination, () => new Set()).add(row.id)
}

function asDelivery(tables: Tables, row: StoredDelivery): DeliveryState {
  const entries = row.entryIds.flatMap((id) => tables.entriesById.get(`${row.accountId}|${id}`) ?? [])
  return { ...row, entries }
}
