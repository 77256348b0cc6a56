import { BillingError } from '../../core/errors.js'
import type { IntentStore } from '../../core/ports/store.js'
import type { Connection } from './connection.js'
import { intents } from './tables.js'

export function sqliteIntents(connection: Connection, now: () => number): IntentStore {
  return {
    open(intent) {
      return connection.write((sql) => {
        const existing = intents.first(sql, 'WHERE account_id = ? AND key = ?', intent.accountId, intent.key)
        if (existing) return { intent: existing, created: false }
        const opened = {
          ...intent,
          status: 'open',
          externalId: null,
          url: null,
          createdAt: now(),
          expiresAt: null,
          completedAt: null,
        } as const
        intents.insert(sql, opened)
        return { intent: opened, created: true }
      })
    },
    update(accountId, intentId, change) {
      return connection.write((sql) => {
        const before = intents.first(sql, 'WHERE id = ? AND account_id = ?', intentId, accountId)
        if (!before) throw new BillingError('not_found', `No checkout ${intentId} on account ${accountId}.`)
        const isFinal = before.status !== 'open' && before.status !== 'pending'
        const status = isFinal ? before.status : (change.status ?? before.status)
        const completedAt = before.completedAt ?? (status === 'completed' ? now() : null)
        const after = { ...before, ...change, status, completedAt }
        intents.upsert(sql, after)
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
    waiting(limit) {
      const clause = "WHERE status IN ('open', 'pending') ORDER BY seq LIMIT ?"
      return connection.read((sql) => intents.select(sql, clause, BigInt(limit)))
    },
  }
}
