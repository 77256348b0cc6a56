import type { InboxStore } from '../../core/ports/store.js'
import { deadEvent } from '../kit/dead-event.js'
import { checkText } from '../sql/column.js'
import { checkCursor } from '../sql/cursor.js'
import type { Clock } from './clock.js'
import type { Connection } from './connection.js'
import type { Tables } from './tables.js'

export function postgresInbox(connection: Connection, tables: Tables, clock: Clock): InboxStore {
  const { schema } = tables
  return {
    async accept({ provider, eventId, type, payload, receivedAt }) {
      const at = `GREATEST(${clock()}, $5::bigint)`
      const insert = `INSERT INTO ${schema}.inbox
          (provider, event_id, type, payload, received_at, status, attempts, fence, next_attempt_at, leased_until)
        VALUES ($1, $2, $3, $4, ${at}, 'pending', 0, 0, ${at}, 0) ON CONFLICT DO NOTHING RETURNING 1`
      const values = [...[provider, eventId, type, payload].map(checkText), String(receivedAt ?? 0)]
      const inserted = await connection.write((sql) => sql.query(insert, values))
      return { created: inserted.length > 0 }
    },
    async claim({ limit, leaseMs }) {
      const now = clock()
      const claim = `
        WITH due AS (
          SELECT provider, event_id FROM ${schema}.inbox
          WHERE status = 'pending' AND status <> 'applied' AND next_attempt_at <= ${now} AND leased_until <= ${now}
          ORDER BY seq LIMIT $1::bigint FOR UPDATE SKIP LOCKED)
        UPDATE ${schema}.inbox t SET attempts = t.attempts + 1, fence = t.fence + 1, leased_until = ${now} + $2::bigint
        FROM due WHERE t.provider = due.provider AND t.event_id = due.event_id
        RETURNING ${tables.inbox.columns}, t.seq`
      const claimed = await connection.write((sql) => sql.query(claim, [String(limit), String(leaseMs)]))
      return [...claimed]
        .sort((left, right) => Number(left.at(-1)) - Number(right.at(-1)))
        .map((row) => tables.inbox.read(row))
    },
    async settle({ provider, eventId, fence, status, retryInMs, error }) {
      // What was applied is known by its id alone: its text may name people.
      const forget = status === 'applied' ? "payload = ''," : ''
      const settle = `UPDATE ${schema}.inbox SET ${forget} status = $4, next_attempt_at = ${clock()} + $5::bigint, leased_until = 0, error = $6
        WHERE provider = $1 AND event_id = $2 AND fence = $3::bigint AND status = 'pending' AND leased_until <> 0 RETURNING 1`
      const values = [provider, eventId, String(fence), status, String(retryInMs ?? 0), error]
      return (await connection.write((sql) => sql.query(settle, values))).length > 0
    },
    async dead({ limit, after = '0' }) {
      checkCursor(after)
      const query = `SELECT ${tables.inbox.columns}, t.seq FROM ${schema}.inbox t
        WHERE t.status = 'dead' AND t.status <> 'applied' AND t.seq > $1::bigint ORDER BY t.seq LIMIT $2::bigint`
      const rows = await connection.read((sql) => sql.query(query, [after, String(limit)]))
      return rows.map((row) => deadEvent(tables.inbox.read(row), row.at(-1) ?? ''))
    },
    async revive(provider, eventId) {
      const revive = `UPDATE ${schema}.inbox SET status = 'pending', attempts = 0, next_attempt_at = ${clock()}
        WHERE provider = $1 AND event_id = $2 AND status = 'dead' RETURNING 1`
      return (await connection.write((sql) => sql.query(revive, [provider, eventId]))).length > 0
    },
    async backlog() {
      const query = `SELECT status, count(*) FROM ${schema}.inbox
        WHERE status <> 'applied' AND received_at <= ${clock()} GROUP BY 1 ORDER BY 1 DESC`
      const rows = await connection.read((sql) => sql.query(query))
      return rows.map(([status, count]) => ({ status: status as 'pending' | 'dead', count: Number(count) }))
    },
  }
}
