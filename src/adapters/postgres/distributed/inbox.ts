import type { InboxStore } from '../../../core/ports/store.js'
import type { Clock } from '../clock.js'
import type { Connection } from '../connection.js'
import { postgresInbox } from '../inbox.js'
import { arrayOf } from '../table.js'
import type { Tables } from '../tables.js'

/**
 * The inbox as a table of which every node has a copy: which of its rows are claimed has to be said by the rows' names, since one that is
 * skipped on one node for being locked might be taken on another. So one worker at a time claims.
 */
export function distributedInbox(connection: Connection, tables: Tables, clock: Clock): InboxStore {
  const { schema, inbox } = tables
  return {
    ...postgresInbox(connection, tables, clock),
    claim({ limit, leaseMs }) {
      const now = clock()
      const find = `SELECT t.provider, t.event_id FROM ${schema}.inbox t WHERE t.status = 'pending' AND t.status <> 'applied'
        AND t.next_attempt_at <= ${now} AND t.leased_until <= ${now} ORDER BY t.seq LIMIT $1::bigint`
      const claim = `UPDATE ${schema}.inbox t SET attempts = t.attempts + 1, fence = t.fence + 1, leased_until = ${now} + $3::bigint
        WHERE t.provider = $1 AND t.event_id = ANY($2::text[]) RETURNING ${inbox.columns}, t.seq`
      return connection.write(async (sql) => {
        const [, due] = await Promise.all([
          sql.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`${schema}.inbox`]),
          sql.query(find, [String(limit)]),
        ])
        const providers = [...new Set(due.map(([provider]) => provider ?? ''))]
        const claimed = await Promise.all(
          providers.map((name) => {
            const ids = due.flatMap(([provider, eventId]) => (provider === name ? (eventId ?? []) : []))
            return sql.query(claim, [name, arrayOf(ids), String(leaseMs)])
          }),
        )
        return claimed
          .flat()
          .sort((left, right) => Number(left.at(-1)) - Number(right.at(-1)))
          .map((row) => inbox.read(row))
      })
    },
  }
}
