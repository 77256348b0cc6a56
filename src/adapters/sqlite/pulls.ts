import { invariant } from '../../core/errors.js'
import type { PulledItem, PullStore } from '../../core/ports/store.js'
import type { Connection, Sql } from './connection.js'

export function sqlitePulls(connection: Connection): PullStore {
  return {
    assign(source, items) {
      const insert = 'INSERT INTO billfold_pulled VALUES (?, ?, ?, 0) ON CONFLICT DO NOTHING'
      return connection.write((sql) =>
        items.map(({ externalId, accountId }) => {
          sql.run(insert, source, externalId, accountId)
          return keptOf(sql, source, externalId)
        }),
      )
    },
    mark(source, externalIds) {
      const update = 'UPDATE billfold_pulled SET is_marked = 1 WHERE source = ? AND external_id = ?'
      return connection.write((sql) => {
        for (const externalId of externalIds) sql.run(update, source, externalId)
      })
    },
    position(source) {
      const query = 'SELECT position FROM billfold_pull_positions WHERE source = ?'
      return connection.read((sql) => {
        const row = sql.first(query, source)
        return row ? Number(row[0]) : null
      })
    },
    advance(source, position) {
      const upsert = `INSERT INTO billfold_pull_positions VALUES (?, ?)
        ON CONFLICT (source) DO UPDATE SET position = max(position, excluded.position)`
      return connection.write((sql) => sql.run(upsert, source, BigInt(position)))
    },
  }
}

function keptOf(sql: Sql, source: string, externalId: string): PulledItem {
  const query = 'SELECT account_id, is_marked FROM billfold_pulled WHERE source = ? AND external_id = ?'
  const row = sql.first(query, source, externalId)
  invariant(row !== undefined, 'what was assigned is not there')
  return { accountId: String(row[0]), isMarked: Number(row[1]) === 1 }
}
