import type { ApiKeyStore, KnownApiKey } from '../../core/ports/store.js'
import { addedApiKey, changedApiKey } from '../kit/api-key.js'
import type { Connection, Sql } from './connection.js'
import { apiKeys, changedApiKeys } from './tables.js'

export function sqliteApiKeys(connection: Connection, now: () => number): ApiKeyStore {
  return {
    add(key) {
      return connection.write((sql) => {
        const existing = sqliteApiKey(sql, now, key.id)
        if (existing) return existing
        const added = addedApiKey(key, now())
        apiKeys.insert(sql, [added])
        return { ...added, asOf: now() }
      })
    },
    get: (accountId, id) => connection.read((sql) => ownKey(sql, accountId, id)),
    list(accountId, { limit, before }) {
      const older = 'AND seq < (SELECT seq FROM billfold_api_keys WHERE id = ? AND account_id = ?)'
      const clause = `WHERE account_id = ? ${before === undefined ? '' : older} ORDER BY seq DESC LIMIT ?`
      const place = before === undefined ? [] : [before, accountId]
      return connection.read((sql) =>
        apiKeys.select(sql, clause, accountId, ...place, BigInt(limit)).map((key) => ({ ...key, asOf: now() })),
      )
    },
    change(accountId, id, change) {
      return connection.write((sql) => {
        const before = ownKey(sql, accountId, id)
        if (!before) return null
        const after = changedApiKey(before, change, before.asOf)
        changedApiKeys.update(sql, [after])
        return { ...after, asOf: before.asOf }
      })
    },
    used(id, coarseMs) {
      const update = `UPDATE billfold_api_keys SET last_used_at = ?
        WHERE id = ? AND (last_used_at IS NULL OR last_used_at <= ?)`
      return connection.write((sql) => sql.run(update, BigInt(now()), id, BigInt(now() - coarseMs)))
    },
    endedAmong(ids) {
      const query = 'SELECT 1 FROM billfold_api_keys WHERE id = ? AND (revoked_at IS NOT NULL OR expires_at <= ?)'
      return connection.read((sql) => ids.filter((id) => sql.first(query, id, BigInt(now())) !== undefined))
    },
  }

  function ownKey(sql: Sql, accountId: string, id: string): KnownApiKey | null {
    const key = sqliteApiKey(sql, now, id)
    return key?.accountId === accountId ? key : null
  }
}

/** A key by its id, whoever it belongs to. */
export function sqliteApiKey(sql: Sql, now: () => number, id: string): KnownApiKey | null {
  const key = apiKeys.first(sql, 'WHERE id = ?', id)
  return key ? { ...key, asOf: now() } : null
}
