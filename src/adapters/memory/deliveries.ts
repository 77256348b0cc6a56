import { type BillingEvent, eventDeliveries } from '../../core/domain/event.js'
import type { NewDelivery } from '../../core/domain/ledger/state.js'
import { eventDeliveryFields } from '../kit/event.js'
import { firstDueAt, newlyWaiting } from '../kit/waiting.js'
import { createDeliveryQueue } from './delivery-queue.js'
import type { StoredDelivery } from './stored-delivery.js'
import type { Tables } from './tables.js'
import { under } from './under.js'

export function addDeliveries(tables: Tables, deliveries: readonly NewDelivery[], now: number): void {
  for (const told of deliveries) add(tables, { told, event: null, waiting: newlyWaiting(now, firstDueAt(told, now)) })
}

export function addEvents(tables: Tables, events: readonly BillingEvent[], now: number): void {
  const added = events.filter((event) => !tables.events.has(event.id))
  for (const event of added) {
    tables.events.set(event.id, event)
    under(tables.eventsOf, event.accountId, () => []).push({ event, storedAt: now })
  }
  for (const delivery of eventDeliveries(added, tables.subscriptions))
    add(tables, { told: eventDeliveryFields(delivery), event: delivery.event, waiting: newlyWaiting(now) })
}

export function allDeliveries({ deliveries }: Tables): Iterable<StoredDelivery> {
  return deliveries.values()
}

function add(tables: Tables, row: StoredDelivery): void {
  tables.deliveries.set(row.told.id, row)
  enqueue(tables, row)
}

/** Lets a delivery wait for its time. */
export function enqueue(tables: Tables, row: StoredDelivery): void {
  under(tables.queues, row.told.destination, createDeliveryQueue).add(row)
}

/** A delivery, whoever it is for. */
export function deliveryOf({ deliveries }: Tables, id: string): StoredDelivery | undefined {
  return deliveries.get(id)
}
