import type { OutboxStore, StrandedDelivery } from '../../core/ports/store.js'
import { reportOf, reportStates } from '../kit/report.js'
import { minuteOf } from '../kit/waiting.js'
import { checkCursor } from '../sql/cursor.js'
import type { Connection, Sql } from './connection.js'
import { addEvents } from './deliveries.js'
import { deliveries } from './tables.js'

const together = `WHERE destination = ? AND account_id = ? AND occurred_at / 60000 >= ? AND occurred_at / 60000 < ?
  AND kind = 'metering' ORDER BY seq`

/** What was reported, and how it stands. */
export function sqliteReports(
  connection: Connection,
  now: () => number,
): Pick<OutboxStore, 'reports' | 'restate' | 'stranded'> {
  return {
    reports(accountId, destination, { from, to }) {
      const minutes = [BigInt(minuteOf(from)), BigInt(minuteOf(to))]
      return connection.read((sql) =>
        reportStates(deliveries.select(sql, together, destination, accountId, ...minutes)),
      )
    },
    restate(accountId, { ids, from, to, error, event }) {
      return connection.write((sql) => {
        const rows = ids.flatMap((id) => membersOf(sql, accountId, id))
        const changed = new Set(rows.filter(({ status }) => from.some((each) => each === status)).map(({ id }) => id))
        const begins = ', attempts = 0, first_attempt_at = NULL, claimed_at = NULL, next_attempt_at = ?'
        const update = `UPDATE billfold_deliveries SET status = ?, error = ?${to === 'pending' ? begins : ''} WHERE id = ?`
        for (const id of changed) sql.run(update, to, error, ...(to === 'pending' ? [BigInt(now())] : []), id)
        if (event && changed.size > 0) addEvents(sql, [event], now())
        return [...changed]
      })
    },
    stranded(destination, status, { limit, after = '0' }) {
      checkCursor(after)
      const query = `SELECT ${deliveries.columns}, seq FROM billfold_deliveries
        WHERE destination = ? AND status = ? AND status <> 'delivered' AND seq > ? ORDER BY seq LIMIT ?`
      return connection.read((sql) =>
        sql.all(query, destination, status, BigInt(after), BigInt(limit)).map((row): StrandedDelivery => {
          const { id, accountId, kind, sparks, occurredAt, error } = deliveries.read(row)
          return { id, accountId, destination, kind, status, sparks, occurredAt, error, cursor: String(row.at(-1)) }
        }),
      )
    },
  }
}

/** The deliveries that are reported together with this one. */
function membersOf(sql: Sql, accountId: string, id: string) {
  const named = deliveries.first(sql, 'WHERE id = ? AND account_id = ?', id, accountId)
  if (!named) return []
  if (named.kind !== 'metering') return [named]
  const minute = BigInt(minuteOf(named.occurredAt))
  return deliveries
    .select(sql, together, named.destination, accountId, minute, minute + 1n)
    .filter((row) => reportOf(row) === reportOf(named))
}
