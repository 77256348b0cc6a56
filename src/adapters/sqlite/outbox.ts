import { invariant } from '../../core/errors.js'
import type { Delivery, DeliveryStatus, OutboxStore, Settlement } from '../../core/ports/store.js'
import { maximumBundle } from '../kit/waiting.js'
import type { Value } from '../sql/column.js'
import { type ClaimedRow, stateOf } from '../sql/delivery-rows.js'
import type { Connection, Sql } from './connection.js'
import { addEvents } from './deliveries.js'
import { sqliteReports } from './reports.js'
import { claimed, deliveries, entries, events as eventTable, storedEvents } from './tables.js'

export function sqliteOutbox(connection: Connection, now: () => number): OutboxStore {
  return {
    ...sqliteReports(connection, now),
    subscribe(consumer, types) {
      const insert = 'INSERT INTO billfold_subscriptions (consumer, type) VALUES (?, ?) ON CONFLICT DO NOTHING'
      return connection.write((sql) => {
        for (const type of types) sql.run(insert, consumer, type)
      })
    },
    claim(destination, { limit, leaseMs, types, early = false, accountId, inTurn = false }) {
      const wanted = types === undefined ? '' : `AND event_type IN (${types.map(() => '?').join(', ')})`
      const first = `AND NOT EXISTS (SELECT 1 FROM billfold_deliveries e WHERE e.destination = d.destination AND e.account_id = d.account_id
        AND e.status = 'pending' AND e.kind = 'event' AND e.seq < d.seq ${wanted})`
      const time =
        accountId === undefined ? `(next_attempt_at <= ? ${early ? 'OR attempts = 0' : ''})` : 'account_id = ?'
      const due = `WHERE destination = ? AND status = 'pending' AND status <> 'delivered'
        AND ${time} AND leased_until <= ? ${wanted} ${inTurn ? first : ''}
        ORDER BY seq LIMIT ?`
      return connection.write((sql) => {
        const at = BigInt(now())
        const rows = sql.all(
          `SELECT id, kind, destination, account_id, meter, period_starts_at, occurred_at / 60000, bundle FROM billfold_deliveries d ${due}`,
          destination,
          accountId ?? at,
          at,
          ...(types ?? []),
          ...(inTurn ? (types ?? []) : []),
          BigInt(limit),
        )
        const taken = new Set<string>()
        return rows.flatMap(([id, kind, ...place]) => {
          const key = kind === 'metering' ? place.join(' ') : `${id}`
          if (taken.has(key)) return []
          taken.add(key)
          const found: Found = { id: id as string, place: kind === 'metering' ? place : null }
          return withSubjects(sql, claim(sql, found, at, BigInt(leaseMs)))
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
        return row ? withSubjects(sql, stateOf(row)) : null
      })
    },
    event(accountId, eventId) {
      const clause = 'WHERE id = ? AND account_id = ?'
      return connection.read((sql) => eventTable.first(sql, clause, eventId, accountId) ?? null)
    },
    news(accountIds, { types, after, limit }) {
      const clause = `WHERE account_id IN (SELECT value FROM json_each(?)) AND type IN (SELECT value FROM json_each(?))
        AND (stored_at, id) > (?, ?) ORDER BY stored_at, id LIMIT ?`
      return connection.read((sql) => {
        const lists = [JSON.stringify(accountIds), JSON.stringify(types)]
        const asked = [...lists, BigInt(after.storedAt), after.id, BigInt(limit)]
        const rows = storedEvents.select(sql, clause, ...asked)
        return { events: rows.map(({ storedAt, ...event }) => ({ event, storedAt })), asOf: now() }
      })
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
    backlog(accountId) {
      const own = accountId === undefined ? '' : 'AND account_id = ?'
      return connection.read((sql) =>
        sql
          .all(
            `SELECT destination, status, count(*) FROM billfold_deliveries WHERE status <> 'delivered' ${own}
             GROUP BY destination, status ORDER BY destination, status`,
            ...(accountId === undefined ? [] : [accountId]),
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

/** A row that is due; for metering with what its bundle has in common: destination, account, meter, period, minute, bundle. */
interface Found {
  readonly id: string
  readonly place: readonly Value[] | null
}

const isHere = `destination = ? AND account_id = ? AND meter = ? AND period_starts_at = ? AND occurred_at / 60000 = ?
  AND status = 'pending' AND kind = 'metering' AND bundle IS ?`

const claiming = `attempts = attempts + 1, fence = fence + 1, leased_until = ?, claimed_at = ?,
  first_attempt_at = coalesce(first_attempt_at, CASE WHEN leased_until > 0 THEN claimed_at END)`

/** Claims a row, or the whole bundle it belongs to, as one. */
function claim(sql: Sql, { id, place }: Found, at: bigint, leaseMs: bigint): ClaimedRow {
  const names = claimed.columns
  if (place === null) {
    sql.run(`UPDATE billfold_deliveries SET ${claiming} WHERE id = ?`, at + leaseMs, at, id)
    const [row = []] = sql.all(
      `SELECT ${names} FROM (SELECT *, 1 AS members FROM billfold_deliveries WHERE id = ?)`,
      id,
    )
    return claimed.read(row)
  }
  const members = `SELECT seq FROM billfold_deliveries WHERE ${isHere} ORDER BY seq LIMIT ${maximumBundle}`
  const bundle =
    place.at(-1) ?? sql.first(`SELECT id FROM billfold_deliveries WHERE ${isHere} ORDER BY seq`, ...place)?.[0]
  invariant(bundle !== undefined, 'a delivery that is due is not in its own bundle')
  sql.run(
    `UPDATE billfold_deliveries SET bundle = ?, ${claiming} WHERE seq IN (${members})`,
    bundle,
    at + leaseMs,
    at,
    ...place,
  )
  // The columns that are not added up are the same in all members.
  const [row = []] = sql.all(
    `SELECT ${names} FROM (SELECT bundle AS id, account_id, destination, meter, period_starts_at, sum(sparks) AS sparks,
       max(occurred_at) AS occurred_at, '' AS entry_ids, min(created_at) AS created_at, kind, NULL AS event_id, bundle,
       max(attempts) AS attempts, max(fence) AS fence, min(first_attempt_at) AS first_attempt_at, count(*) AS members
     FROM billfold_deliveries WHERE ${isHere})`,
    ...place.slice(0, -1),
    bundle,
  )
  return claimed.read(row)
}

function settle(sql: Sql, settlement: Settlement, now: number): boolean {
  const { id, fence, status, retryInMs, mayHaveArrived, error, event } = settlement
  const place = `SELECT kind, destination, account_id, meter, period_starts_at, occurred_at / 60000 FROM billfold_deliveries WHERE id = ?`
  const [kind, ...found] = sql.first(place, id) ?? []
  const [which, named] = kind === 'metering' ? [isHere, [...found, id]] : ['id = ?', [id]]
  const changed = sql.all(
    `UPDATE billfold_deliveries SET status = ?, next_attempt_at = ?, leased_until = 0, error = ?,
       first_attempt_at = coalesce(first_attempt_at, CASE WHEN ? THEN claimed_at END)
     WHERE ${which} AND fence = ? AND status = 'pending' AND leased_until <> 0 RETURNING 1`,
    status,
    BigInt(now + (retryInMs ?? 0)),
    error,
    mayHaveArrived ? 1n : 0n,
    ...named,
    BigInt(fence),
  )
  if (changed.length === 0) return false
  if (event) addEvents(sql, [event], now)
  return true
}

/** A delivery with the usage events or the billing event it is about. */
function withSubjects<Row extends Pick<ClaimedRow, 'accountId' | 'entryIds' | 'eventId'>>(
  sql: Sql,
  { eventId, ...row }: Row,
): Omit<Row, 'eventId'> & Pick<Delivery, 'entries' | 'event'> {
  const listed = row.entryIds.flatMap(
    (id) => entries.first(sql, 'WHERE id = ? AND account_id = ?', id, row.accountId) ?? [],
  )
  const event = eventId === null ? null : (eventTable.first(sql, 'WHERE id = ?', eventId) ?? null)
  return { ...row, entries: listed, event }
}
