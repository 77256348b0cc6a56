import { BillingError } from '../../core/errors.js'
import type { IntentStore } from '../../core/ports/store.js'
import type { Tables } from './tables.js'

export function memoryIntents(tables: Tables, now: () => number): IntentStore {
  return {
    async open(intent) {
      const existing = [...tables.intents.values()].find(
        (other) => other.accountId === intent.accountId && other.key === intent.key,
      )
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
      tables.intents.set(intent.id, opened)
      return { intent: opened, created: true }
    },
    async update(accountId, intentId, change) {
      const before = tables.intents.get(intentId)
      if (before?.accountId !== accountId)
        throw new BillingError('not_found', `No checkout ${intentId} on account ${accountId}.`)
      const isFinal = before.status !== 'open' && before.status !== 'pending'
      const status = isFinal ? before.status : (change.status ?? before.status)
      const completedAt = before.completedAt ?? (status === 'completed' ? now() : null)
      const after = { ...before, ...change, status, completedAt }
      tables.intents.set(intentId, after)
      return after
    },
    async get(accountId, intentId) {
      const intent = tables.intents.get(intentId)
      return intent?.accountId === accountId ? intent : null
    },
    async latest(accountId, fingerprint) {
      const own = [...tables.intents.values()].filter((intent) => intent.accountId === accountId)
      return own.findLast((intent) => intent.fingerprint === fingerprint) ?? null
    },
    async waiting(limit) {
      return [...tables.intents.values()]
        .filter(({ status }) => status === 'open' || status === 'pending')
        .slice(0, limit)
    },
  }
}
