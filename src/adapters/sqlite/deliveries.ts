import { type BillingEvent, eventDeliveries } from '../../core/domain/event.js'
import type { NewDelivery } from '../../core/domain/ledger/state.js'
import { typesByConsumer } from '../kit/event.js'
import { eventDeliveryRow, newDeliveryRow } from '../sql/delivery-rows.js'
import type { Sql } from './connection.js'
import { deliveries, newDeliveries, storedEvents } from './tables.js'

export function addDeliveries(sql: Sql, added: readonly NewDelivery[], now: number): void {
  newDeliveries.insert(
    sql,
    added.map((delivery) => newDeliveryRow(delivery, now)),
  )
}

/** Writes events, and a delivery of each to everyone who listens; an event that is there already is left alone. */
export function addEvents(sql: Sql, published: readonly BillingEvent[], now: number): void {
  const known = 'SELECT 1 FROM billfold_events WHERE id = ?'
  const fresh = published.filter(({ id }) => !sql.first(known, id))
  const added = [...new Map(fresh.map((event) => [event.id, event])).values()]
  if (added.length === 0) return
  storedEvents.insert(
    sql,
    added.map((event) => ({ ...event, storedAt: now })),
  )
  deliveries.insert(
    sql,
    eventDeliveries(added, subscriptions(sql)).map((delivery) => eventDeliveryRow(delivery, now)),
  )
}

function subscriptions(sql: Sql): ReadonlyMap<string, ReadonlySet<string>> {
  return typesByConsumer(sql.all('SELECT consumer, type FROM billfold_subscriptions') as [string, string][])
}
