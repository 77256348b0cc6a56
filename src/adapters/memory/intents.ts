import { BillingError } from '../../core/errors.js'
import type { CheckoutIntent, IntentStore } from '../../core/ports/store.js'
import { changedIntent, openedIntent } from '../kit/intent.js'
import type { Tables } from './tables.js'

export function memoryIntents(tables: Tables, now: () => number): IntentStore {
  return {
    async open(intent) {
      const existing = [...tables.intents.values()].find(
        (other) => other.accountId === intent.accountId && other.key === intent.key,
      )
      if (existing) return { intent: existing, created: false }
      const opened = openedIntent(intent, now())
      tables.intents.set(intent.id, opened)
      return { intent: opened, created: true }
    },
    async update(accountId, intentId, change) {
      const before = tables.intents.get(intentId)
      if (before?.accountId !== accountId)
        throw new BillingError('not_found', `No checkout ${intentId} on account ${accountId}.`)
      const after = changedIntent(before, change, now())
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
    async completed(accountId, kind) {
      return [...tables.intents.values()]
        .filter((intent) => intent.accountId === accountId && intent.kind === kind && intent.status === 'completed')
        .reverse()
    },
    async since(accountId, from) {
      return [...tables.intents.values()].filter(
        (intent) => intent.accountId === accountId && (intent.createdAt >= from || isWaiting(intent)),
      )
    },
    async waiting(limit) {
      return [...tables.intents.values()].filter(isWaiting).slice(0, limit)
    },
  }
}

function isWaiting({ status }: CheckoutIntent): boolean {
  return status === 'open' || status === 'pending'
}
