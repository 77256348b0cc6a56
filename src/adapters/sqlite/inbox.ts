import type { InboxStore } from '../../core/ports/store.js'
import { deadEvent } from '../kit/dead-event.js'
import { checkCursor } from '../sql/cursor.js'
import type { Connection } from './connection.js'
import { inbox } from './tables.js'

export function sqliteInbox(connection: Connection, now: () => number): InboxStore {
  return {
    accept(event) {
      return connection.write((sql) => {
        const clause = 'WHERE provider = ? AND event_id = ?'
        if (inbox.first(sql, clause, event.provider, event.eventId)) return { created: false }
        const receivedAt = Math.max(now(), event.receivedAt ?? 0)
        const waiting = { attempts: 0, fence: 0, nextAttemptAt: receivedAt, leasedUntil: 0, error: null }
        inbox.insert(sql, [{ ...event, receivedAt, status: 'pending', ...waiting }])
        return { created: true }
      })
    },
    claim({ limit, leaseMs }) {
      return connection.write((sql) => {
        const at = BigInt(now())
        const due = inbox.select(
          sql,
          `WHERE status = 'pending' AND status <> 'applied' AND next_attempt_at <= ?1 AND leased_until <= ?1 ORDER BY seq LIMIT ?2`,
          at,
          BigInt(limit),
        )
        return due.map((row) => {
          sql.run(
            `UPDATE billfold_inbox SET attempts = attempts + 1, fence = fence + 1, leased_until = ?
             WHERE provider = ? AND event_id = ?`,
            at + BigInt(leaseMs),
            row.provider,
            row.eventId,
          )
          return { ...row, attempts: row.attempts + 1, fence: row.fence + 1 }
        })
      })
    },
    settle({ provider, eventId, fence, status, retryInMs, error }) {
      return connection.write((sql) => {
        const row = inbox.first(sql, 'WHERE provider = ? AND event_id = ?', provider, eventId)
        if (!row || row.fence !== fence || row.status !== 'pending' || row.leasedUntil === 0) return false
        // What was applied is known by its id alone: its text may name people.
        const forget = status === 'applied' ? "payload = ''," : ''
        sql.run(
          `UPDATE billfold_inbox SET ${forget} status = ?, next_attempt_at = ?, leased_until = 0, error = ?
           WHERE provider = ? AND event_id = ?`,
          status,
          BigInt(now() + (retryInMs ?? 0)),
          error,
          provider,
          eventId,
        )
        return true
      })
    },
    dead({ limit, after = '0' }) {
      checkCursor(after)
      const query = `SELECT ${inbox.columns}, seq FROM billfold_inbox
        WHERE status = 'dead' AND status <> 'applied' AND seq > ? ORDER BY seq LIMIT ?`
      return connection.read((sql) =>
        sql.all(query, BigInt(after), BigInt(limit)).map((row) => deadEvent(inbox.read(row), String(row.at(-1)))),
      )
    },
    revive(provider, eventId) {
      const revive = `UPDATE billfold_inbox SET status = 'pending', attempts = 0, next_attempt_at = ?
        WHERE provider = ? AND event_id = ? AND status = 'dead' RETURNING 1`
      return connection.write((sql) => sql.all(revive, BigInt(now()), provider, eventId).length > 0)
    },
    backlog() {
      const query = `SELECT status, count(*) FROM billfold_inbox
        WHERE status <> 'applied' AND received_at <= ? GROUP BY status ORDER BY status DESC`
      return connection.read((sql) =>
        sql
          .all(query, BigInt(now()))
          .map(([status, count]) => ({ status: status as 'pending' | 'dead', count: Number(count) })),
      )
    },
  }
}
