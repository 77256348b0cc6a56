import { type BillingEvent, eventDeliveries } from '../../../core/domain/event.js'
import { typesByConsumer } from '../../kit/event.js'
import { deliveryRows, eventDeliveryRow, storedEventRows } from '../../sql/delivery-rows.js'
import type { Sql } from '../client.js'
import type { Tables } from '../tables.js'
import { valueTable } from './values.js'

/** Writes events of one account, and a delivery of each to everyone who listens; an event that is there already is left alone. */
export function createAccountEvents({ schema }: Tables) {
  const events = valueTable(schema, storedEventRows)
  const deliveries = valueTable(schema, deliveryRows)
  return async (sql: Sql, published: readonly BillingEvent[], now: number): Promise<void> => {
    if (published.length === 0) return
    const ids = new Set(
      (
        await events.insertNew(
          sql,
          published.map((event) => ({ ...event, storedAt: now })),
        )
      ).map(([id]) => id),
    )
    const added = published.filter(({ id }) => ids.has(id))
    if (added.length === 0) return
    const listening = await sql.query(`SELECT consumer, type FROM ${schema}.subscriptions`)
    const types = typesByConsumer(listening as unknown as [string, string][])
    await deliveries.insert(
      sql,
      eventDeliveries(added, types).map((delivery) => eventDeliveryRow(delivery, now)),
    )
  }
}
