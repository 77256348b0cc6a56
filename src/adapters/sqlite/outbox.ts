import { type BillingEvent, eventDeliveries } from '../../core/domain/event.js'
import type { LedgerEntry, NewDelivery } from '../../core/domain/ledger/state.js'
import type { DeliveryState, DeliveryStatus, OutboxStore, Settlement } from '../../core/ports/store.js'
import { typesByConsumer } from '../kit/event.js'
import { firstAttemptOf, maximumBundle, minuteOf } from '../kit/waiting.js'
import { type DeliveryRow, eventDeliveryRow, newDeliveryRow } from '../sql/delivery-rows.js'
import type { Connection, Sql } from './connection.js'
import { sqliteReports } from './reports.js'
import { deliveries, entries, events as eventTable, newDeliveries } from './tables.js'

export function sqliteOutbox(connection: Connection, now: () => number): OutboxStore {
  return {
    ...sqliteReports(connection, now),
    subscribe(consumer, types) {
      const insert = 'INSERT INTO billfold_subscriptions (consumer, type) VALUES (?, ?) ON CONFLICT DO NOTHING'
      return connection.write((sql) => {
        for (const type of types) sql.run(insert, consumer, type)
      })
    },
    claim(destination, { limit, leaseMs, types, early = false }) {
      const wanted = types === undefined ? '' : `AND event_type IN (${types.map(() => '?').join(', ')})`
      const due = `WHERE destination = ? AND status = 'pending' AND status <> 'delivered'
        AND (next_attempt_at <= ? ${early ? 'OR attempts = 0' : ''}) AND leased_until <= ? ${wanted} ORDER BY seq LIMIT ?`
      return connection.write((sql) => {
        const at = BigInt(now())
        const rows = deliveries.select(sql, due, destination, at, at, ...(types ?? []), BigInt(limit))
        return bundled(sql, rows).map((row) => {
          const firstAttemptAt = firstAttemptOf(row)
          sql.run(
            `UPDATE billfold_deliveries SET bundle = ?, attempts = attempts + 1, fence = fence + 1, leased_until = ?,
               claimed_at = ?, first_attempt_at = ? WHERE id = ?`,
            row.bundle,
            at + BigInt(leaseMs),
            at,
            firstAttemptAt === null ? null : BigInt(firstAttemptAt),
            row.id,
          )
          const claimed = { ...row, firstAttemptAt, attempts: row.attempts + 1, fence: row.fence + 1 }
          return row.kind === 'metering' ? told(claimed, [], null) : asDelivery(sql, claimed)
        })
      })
    },
    settle(settlements) {
      return connection.write((sql) =>
        settlements.filter((settlement) => settle(sql, settlement, now())).map(({ id }) => id),
      )
    },
    publish: (event) => connection.write((sql) => addEvents(sql, [event], now())),
    delivery(accountId, deliveryId) {
      return connection.read((sql) => {
        const row = deliveries.first(sql, 'WHERE id = ? AND account_id = ?', deliveryId, accountId)
        return row ? asDelivery(sql, row) : null
      })
    },
    event(accountId, eventId) {
      const clause = 'WHERE id = ? AND account_id = ?'
      return connection.read((sql) => eventTable.first(sql, clause, eventId, accountId) ?? null)
    },
    statuses(accountId, deliveryIds) {
      return connection.read((sql) => {
        const find = (id: string) =>
          sql.first('SELECT status FROM billfold_deliveries WHERE id = ? AND account_id = ?', id, accountId)
        return new Map(
          deliveryIds.flatMap((id) => {
            const row = find(id)
            return row ? [[id, row[0] as DeliveryStatus] as const] : []
          }),
        )
      })
    },
    backlog() {
      return connection.read((sql) =>
        sql
          .all(
            `SELECT destination, status, count(*) FROM billfold_deliveries WHERE status <> 'delivered'
             GROUP BY destination, status`,
          )
          .map(([destination, status, count]) => ({
            destination: destination as string,
            status: status as DeliveryStatus,
            count: Number(count),
          })),
      )
    },
  }
}

/** Due rows with the bundles they belong to, whole, in the order of the first row of each. */
function bundled(sql: Sql, due: readonly DeliveryRow[]): readonly DeliveryRow[] {
  const taken = new Set<string>()
  return due.flatMap((row) => {
    if (row.kind !== 'metering') return row
    const { destination, accountId, meter, periodStartsAt, occurredAt, bundle } = row
    const place = [destination, accountId, meter, BigInt(periodStartsAt ?? 0), BigInt(minuteOf(occurredAt))]
    const key = bundle ?? place.join(' ')
    if (taken.has(key)) return []
    taken.add(key)
    const together = `WHERE destination = ? AND account_id = ? AND meter = ? AND period_starts_at = ? AND occurred_at / 60000 = ?
      AND status = 'pending' AND kind = 'metering' AND bundle IS ? ORDER BY seq LIMIT ${maximumBundle}`
    const members = deliveries.select(sql, together, ...place, bundle)
    const first = members[0]?.id ?? null
    return members.map((member) => ({ ...member, bundle: bundle ?? first }))
  })
}

export function addDeliveries(sql: Sql, added: readonly NewDelivery[], now: number): void {
  newDeliveries.insert(
    sql,
    added.map((delivery) => newDeliveryRow(delivery, now)),
  )
}

/** Writes events, and a delivery of each to everyone who listens; an event that is there already is left alone. */
export function addEvents(sql: Sql, published: readonly BillingEvent[], now: number): void {
  const added = published.filter(({ id }) => !sql.first('SELECT 1 FROM billfold_events WHERE id = ?', id))
  if (added.length === 0) return
  eventTable.upsert(sql, added)
  deliveries.insert(
    sql,
    eventDeliveries(added, subscriptions(sql)).map((delivery) => eventDeliveryRow(delivery, now)),
  )
}

function subscriptions(sql: Sql): ReadonlyMap<string, ReadonlySet<string>> {
  return typesByConsumer(sql.all('SELECT consumer, type FROM billfold_subscriptions') as [string, string][])
}

function settle(sql: Sql, settlement: Settlement, now: number): boolean {
  const { id, fence, status, retryInMs, mayHaveArrived, error, event } = settlement
  const row = deliveries.first(sql, 'WHERE id = ?', id)
  if (!row || row.fence !== fence || row.status !== 'pending' || row.leasedUntil === 0) return false
  const firstAttemptAt = row.firstAttemptAt ?? (mayHaveArrived ? row.claimedAt : null)
  sql.run(
    `UPDATE billfold_deliveries SET status = ?, next_attempt_at = ?, first_attempt_at = ?, leased_until = 0, error = ?
     WHERE id = ?`,
    status,
    BigInt(now + (retryInMs ?? 0)),
    firstAttemptAt === null ? null : BigInt(firstAttemptAt),
    error,
    id,
  )
  if (event) addEvents(sql, [event], now)
  return true
}

function asDelivery(sql: Sql, row: DeliveryRow): DeliveryState {
  const { eventId } = row
  const listed = row.entryIds.flatMap((id) => {
    const entry = entries.first(sql, 'WHERE id = ? AND account_id = ?', id, row.accountId)
    return entry ? [entry] : []
  })
  const event = eventId === null ? null : (eventTable.first(sql, 'WHERE id = ?', eventId) ?? null)
  return told(row, listed, event)
}

function told(
  { eventId: _, eventType: __, claimedAt: ___, ...row }: DeliveryRow,
  listed: readonly LedgerEntry[],
  event: BillingEvent | null,
): DeliveryState {
  return { ...row, entries: listed, event }
}
