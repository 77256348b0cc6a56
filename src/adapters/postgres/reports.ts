import type { BillingEvent } from '../../core/domain/event.js'
import type { OutboxStore, StrandedDelivery } from '../../core/ports/store.js'
import { reportStates } from '../kit/report.js'
import { minuteOf } from '../kit/waiting.js'
import { checkCursor } from '../sql/cursor.js'
import type { Sql } from './client.js'
import type { Clock } from './clock.js'
import type { Connection } from './connection.js'
import { across } from './distributed/across.js'
import { arrayOf } from './table.js'
import type { Tables } from './tables.js'

/** What was reported, and how it stands; of one account at a time, or read over all of them. */
export function postgresReports(
  connection: Connection,
  { schema, deliveries }: Tables,
  clock: Clock,
  addEvents: (sql: Sql, events: readonly BillingEvent[], now: number) => Promise<void>,
): Pick<OutboxStore, 'reports' | 'restate' | 'stranded'> {
  return {
    async reports(accountId, destination, { from, to }) {
      const clause = `WHERE t.account_id = $1 AND t.destination = $2 AND t.occurred_at / 60000 >= $3::bigint
        AND t.occurred_at / 60000 < $4::bigint AND t.kind = 'metering' ORDER BY t.seq`
      const values = [accountId, destination, String(minuteOf(from)), String(minuteOf(to))]
      return reportStates(await connection.read((sql) => deliveries.select(sql, clause, ...values)))
    },
    restate(accountId, { ids, from, to, error, event }) {
      const begins = `, attempts = 0, first_attempt_at = NULL, claimed_at = NULL, next_attempt_at = ${clock()}`
      const lock = `
        WITH named AS (
          SELECT d.id, d.kind, d.destination, d.occurred_at / 60000 AS minute, coalesce(d.bundle, d.id) AS report
          FROM ${schema}.deliveries d WHERE d.account_id = $1 AND d.id = ANY($2::text[]))
        SELECT d.id FROM ${schema}.deliveries d WHERE d.account_id = $1 AND d.status = ANY($3::text[]) AND d.id IN (
          SELECT m.id FROM named n JOIN ${schema}.deliveries m ON m.account_id = $1 AND m.destination = n.destination
            AND m.occurred_at / 60000 = n.minute AND m.kind = 'metering' AND coalesce(m.bundle, m.id) = n.report
          UNION SELECT n.id FROM named n) ORDER BY d.seq FOR UPDATE OF d`
      const update = `UPDATE ${schema}.deliveries t SET status = $3, error = $4${to === 'pending' ? begins : ''}
        WHERE t.account_id = $1 AND t.id = ANY($2::text[])`
      return connection.write(async (sql) => {
        const locked = await sql.query(lock, [accountId, arrayOf(ids), arrayOf(from)])
        if (locked.length === 0) return []
        const found = locked.map(([id]) => id ?? '')
        const [[time]] = await Promise.all([
          sql.query(`SELECT ${clock()}`),
          sql.query(update, [accountId, arrayOf(found), to, error]),
        ])
        if (event) await addEvents(sql, [event], Number(time?.[0]))
        return found
      })
    },
    async stranded(destination, status, { limit, after = '0' }) {
      checkCursor(after)
      const query = `SELECT ${deliveries.columns}, t.seq FROM ${schema}.deliveries t
        WHERE t.destination = $1 AND t.status = $2 AND t.status <> 'delivered' AND t.seq > $3::bigint ORDER BY t.seq LIMIT $4::bigint`
      const values = [destination, status, after, String(limit)]
      const rows = await connection.read((sql) => sql.query(across('deliveries that were given up', query), values))
      return rows.map((row): StrandedDelivery => {
        const { id, accountId, kind, sparks, occurredAt, error } = deliveries.read(row)
        return { id, accountId, destination, kind, status, sparks, occurredAt, error, cursor: row.at(-1) ?? '' }
      })
    },
  }
}
