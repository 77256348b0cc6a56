import { BillingError } from '../core/errors.js'
import type { Store } from '../core/ports/store.js'
import { memoryAccounts } from './memory/accounts.js'
import { memoryApiKey, memoryApiKeys } from './memory/api-keys.js'
import { deliveryOf } from './memory/deliveries.js'
import { memoryInbox } from './memory/inbox.js'
import { memoryIntents } from './memory/intents.js'
import { memoryLedger } from './memory/ledger.js'
import { memoryOutbox } from './memory/outbox.js'
import { memoryPrices } from './memory/prices.js'
import { memoryPulls } from './memory/pulls.js'
import { memoryRecords } from './memory/records.js'
import { createTables } from './memory/tables.js'

/** What the memory store is told. */
export interface MemoryStoreOptions {
  /** Milliseconds since the epoch; the clock that decides expiry. Default: the system's. */
  readonly now?: () => number
  /** Allows this store where `NODE_ENV` is `production`. It forgets everything when the process ends. */
  readonly allowVolatile?: boolean
}

/**
 * Keeps everything in this process and forgets it at the end: for tests, demos and as the reference other stores are measured by.
 *
 * @throws BillingError `config_invalid` in production, unless `allowVolatile`
 * @example const billing = await createBilling({ store: memoryStore(), … })
 */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  if (!options.allowVolatile && globalThis.process?.env.NODE_ENV === 'production') {
    throw new BillingError(
      'config_invalid',
      'memoryStore() forgets all balances when the process ends: use a durable store in production, or say allowVolatile: true.',
    )
  }
  const now = options.now ?? Date.now
  const tables = createTables()
  let isOpen = true
  const whileOpen = <T extends object>(group: T): T => {
    const methods = Object.entries(group).map(([name, method]) => [
      name,
      async (...args: unknown[]) => {
        if (!isOpen) throw new BillingError('storage_unavailable', 'The memory store is closed.', { retryable: false })
        return (method as (...args: unknown[]) => unknown)(...args)
      },
    ])
    return Object.fromEntries(methods) as T
  }
  return {
    name: 'memory',
    durable: false,
    maximumBatch: 1_000,
    migrate: async () => {},
    health: async () => ({ name: 'memory', details: { durable: 'no' } }),
    close: async () => {
      isOpen = false
    },
    ledger: whileOpen(memoryLedger(tables, now)),
    outbox: whileOpen(memoryOutbox(tables, now)),
    inbox: whileOpen(memoryInbox(tables, now)),
    accounts: whileOpen(memoryAccounts(tables, now)),
    intents: whileOpen(memoryIntents(tables, now)),
    directory: whileOpen({
      accountByExternalId: async (provider: string, externalId: string) =>
        tables.accountsByLink.get(`${provider}|${externalId}`) ?? null,
      accountsByEmail: async (email: string, limit: number) =>
        [...tables.accounts.values()]
          .filter((account) => account.email?.toLowerCase() === email.toLowerCase())
          .map(({ id }) => id)
          .sort()
          .slice(0, limit),
      intentByExternalId: async (provider: string, externalId: string) =>
        [...tables.intents.values()].find(
          (intent) => intent.provider === provider && intent.externalId === externalId,
        ) ?? null,
      intentById: async (intentId: string) => tables.intents.get(intentId) ?? null,
      accountByDelivery: async (deliveryId: string) => deliveryOf(tables, deliveryId)?.told.accountId ?? null,
      apiKey: memoryApiKey(tables, now),
    }),
    prices: whileOpen(memoryPrices(tables)),
    pulls: whileOpen(memoryPulls(tables)),
    records: whileOpen(memoryRecords(tables)),
    apiKeys: whileOpen(memoryApiKeys(tables, now)),
  }
}
