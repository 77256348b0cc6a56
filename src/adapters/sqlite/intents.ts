import { BillingError } from '../../core/errors.js'
import type { IntentStore } from '../../core/ports/store.js'
import { changedIntent, openedIntent } from '../kit/intent.js'
import type { Connection } from './connection.js'
import { intents } from './tables.js'

export function sqliteIntents(connection: Connection, now: () => number): IntentStore {
  return {
    open(intent) {
      return connection.write((sql) => {
        const existing = intents.first(sql, 'WHERE account_id = ? AND key = ?', intent.accountId, intent.key)
        if (existing) return { intent: existing, created: false }
        const opened = openedIntent(intent, now())
        intents.insert(sql, [opened])
        return { intent: opened, created: true }
      })
    },
    update(accountId, intentId, change) {
      return connection.write((sql) => {
        const before = intents.first(sql, 'WHERE id = ? AND account_id = ?', intentId, accountId)
        if (!before) throw new BillingError('not_found', `No checkout ${intentId} on account ${accountId}.`)
        const after = changedIntent(before, change, now())
        intents.upsert(sql, [after])
        return after
      })
    },
    get(accountId, intentId) {
      const clause = 'WHERE id = ? AND account_id = ?'
      return connection.read((sql) => intents.first(sql, clause, intentId, accountId) ?? null)
    },
    latest(accountId, fingerprint) {
      const clause = 'WHERE account_id = ? AND fingerprint = ? ORDER BY seq DESC LIMIT 1'
      return connection.read((sql) => intents.first(sql, clause, accountId, fingerprint) ?? null)
    },
    completed(accountId, kind) {
      const clause = "WHERE account_id = ? AND kind = ? AND status = 'completed' ORDER BY seq DESC"
      return connection.read((sql) => intents.select(sql, clause, accountId, kind))
    },
    since(accountId, from) {
      const clause = "WHERE account_id = ? AND (created_at >= ? OR status IN ('open', 'pending')) ORDER BY seq"
      return connection.read((sql) => intents.select(sql, clause, accountId, BigInt(from)))
    },
    waiting(limit) {
      const clause = "WHERE status IN ('open', 'pending') ORDER BY seq LIMIT ?"
      return connection.read((sql) => intents.select(sql, clause, BigInt(limit)))
    },
  }
}
