import { invariant } from '../../core/errors.js'
import type { PullStore } from '../../core/ports/store.js'
import { checkText } from '../sql/column.js'
import type { Connection } from './connection.js'
import { arrayOf } from './table.js'
import type { Tables } from './tables.js'

export function postgresPulls(connection: Connection, { schema }: Tables): PullStore {
  return {
    async assign(source, items) {
      const pairs = new Map(
        items.toReversed().map(({ externalId, accountId }) => [checkText(externalId), checkText(accountId)]),
      )
      // In one order, so that two processes that keep the same never wait for each other in a circle.
      const ids = [...pairs.keys()].sort()
      const insert = `INSERT INTO ${schema}.pulled (source, external_id, account_id, is_marked)
        SELECT $1, t.external_id, t.account_id, 0 FROM unnest($2::text[], $3::text[]) AS t (external_id, account_id)
        ON CONFLICT DO NOTHING`
      const query = `SELECT external_id, account_id, is_marked FROM ${schema}.pulled
        WHERE source = $1 AND external_id = ANY($2::text[])`
      const rows = await connection.write(async (sql) => {
        const accounts = ids.map((id) => pairs.get(id) ?? '')
        await sql.query(insert, [checkText(source), arrayOf(ids), arrayOf(accounts)])
        // Another statement, which also sees what others had kept and were about to commit.
        return sql.query(query, [source, arrayOf(ids)])
      })
      const kept = new Map(
        rows.map(([id, account, mark]) => [id, { accountId: account ?? '', isMarked: mark === '1' }]),
      )
      return items.map(({ externalId }) => {
        const item = kept.get(externalId)
        invariant(item !== undefined, 'what was assigned is not there')
        return item
      })
    },
    async mark(source, externalIds) {
      // Of two that mark the same in another order one is run again. Rows that are everybody's are not locked beforehand.
      const update = `UPDATE ${schema}.pulled SET is_marked = 1
        WHERE source = $1 AND external_id = ANY($2::text[]) AND is_marked = 0`
      await connection.write((sql) => sql.query(update, [source, arrayOf(externalIds)]))
    },
    async position(source) {
      const query = `SELECT position FROM ${schema}.pull_positions WHERE source = $1`
      const [row] = await connection.read((sql) => sql.query(query, [source]))
      return row?.[0] == null ? null : Number(row[0])
    },
    async advance(source, position) {
      const upsert = `INSERT INTO ${schema}.pull_positions AS p (source, position) VALUES ($1, $2::bigint)
        ON CONFLICT (source) DO UPDATE SET position = greatest(p.position, excluded.position)`
      await connection.write((sql) => sql.query(upsert, [checkText(source), String(position)]))
    },
  }
}
