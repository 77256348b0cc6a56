import type { ApiKeyStore, KnownApiKey } from '../../core/ports/store.js'
import { addedApiKey, changedApiKey } from '../kit/api-key.js'
import { checkText } from '../sql/column.js'
import type { RawRow, Sql } from './client.js'
import type { Clock } from './clock.js'
import type { Connection } from './connection.js'
import { arrayOf, send } from './table.js'
import type { Tables } from './tables.js'

export function postgresApiKeys(connection: Connection, tables: Tables, clock: Clock): ApiKeyStore {
  const { schema, apiKeys, changedApiKeys } = tables
  const read = apiKeyReader(tables, clock)

  /** Changes of one key come one after another. It is a row of a table that every node has, which is not locked itself. */
  const lock = (sql: Sql, id: string) =>
    sql.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`${schema}.api_keys|${checkText(id)}`])

  return {
    add(key) {
      return connection.write(async (sql) => {
        await lock(sql, key.id)
        const [existing] = await read(sql, 'WHERE t.id = $1', key.id)
        if (existing) return existing
        const [time] = await sql.query(`SELECT ${clock()}`)
        const now = Number(time?.[0])
        const added = addedApiKey(key, now)
        await send(sql, apiKeys.insert([added]))
        return { ...added, asOf: now }
      })
    },
    async get(accountId, id) {
      const clause = 'WHERE t.id = $1 AND t.account_id = $2'
      return connection.read(async (sql) => (await read(sql, clause, id, accountId))[0] ?? null)
    },
    list(accountId, { limit, before }) {
      const older = `AND t.seq < (SELECT seq FROM ${schema}.api_keys WHERE id = $3 AND account_id = $1)`
      const clause = `WHERE t.account_id = $1 ${before === undefined ? '' : older} ORDER BY t.seq DESC LIMIT $2::bigint`
      const place = before === undefined ? [] : [before]
      return connection.read((sql) => read(sql, clause, accountId, String(limit), ...place))
    },
    change(accountId, id, change) {
      return connection.write(async (sql) => {
        await lock(sql, id)
        const [before] = await read(sql, 'WHERE t.id = $1 AND t.account_id = $2', id, accountId)
        if (!before) return null
        const after = changedApiKey(before, change, before.asOf)
        await send(sql, changedApiKeys.update([after]))
        return { ...after, asOf: before.asOf }
      })
    },
    async used(id, coarseMs) {
      const now = clock()
      const update = `UPDATE ${schema}.api_keys SET last_used_at = ${now}
        WHERE id = $1 AND (last_used_at IS NULL OR last_used_at <= ${now} - $2::bigint)`
      await connection.write((sql) => sql.query(update, [id, String(coarseMs)]))
    },
    async endedAmong(ids) {
      const query = `SELECT id FROM ${schema}.api_keys
        WHERE id = ANY($1::text[]) AND (revoked_at IS NOT NULL OR expires_at <= ${clock()})`
      const rows = await connection.read((sql) => sql.query(query, [arrayOf(ids)]))
      return rows.map(([id]) => id ?? '')
    },
  }
}

/** Reads keys, each with the moment it was read at. */
export function apiKeyReader({ schema, apiKeys }: Tables, clock: Clock) {
  return async (sql: Sql, clause: string, ...values: readonly string[]): Promise<readonly KnownApiKey[]> => {
    const query = `SELECT ${apiKeys.columns}, ${clock()} FROM ${schema}.api_keys t ${clause}`
    const known = (row: RawRow) => ({ ...apiKeys.read(row), asOf: Number(row.at(-1)) })
    return (await sql.query(query, values.map(checkText))).map(known)
  }
}
