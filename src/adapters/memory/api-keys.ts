import type { ApiKeyRecord, ApiKeyStore, KnownApiKey } from '../../core/ports/store.js'
import { addedApiKey, changedApiKey } from '../kit/api-key.js'
import type { Tables } from './tables.js'

export function memoryApiKeys({ apiKeys }: Pick<Tables, 'apiKeys'>, now: () => number): ApiKeyStore {
  const known = (key: ApiKeyRecord): KnownApiKey => ({ ...key, asOf: now() })
  const ownKey = (accountId: string, id: string) => {
    const key = apiKeys.get(id)
    return key?.accountId === accountId ? key : null
  }
  return {
    async add(key) {
      const kept = apiKeys.get(key.id) ?? addedApiKey(key, now())
      apiKeys.set(key.id, kept)
      return known(kept)
    },
    async get(accountId, id) {
      const key = ownKey(accountId, id)
      return key && known(key)
    },
    async list(accountId, { limit, before }) {
      const own = [...apiKeys.values()].filter((key) => key.accountId === accountId).reverse()
      const from = before === undefined ? 0 : own.findIndex(({ id }) => id === before) + 1
      if (before !== undefined && from === 0) return []
      return own.slice(from, from + limit).map(known)
    },
    async change(accountId, id, change) {
      const key = ownKey(accountId, id)
      if (!key) return null
      const changed = changedApiKey(key, change, now())
      apiKeys.set(id, changed)
      return known(changed)
    },
    async used(id, coarseMs) {
      const key = apiKeys.get(id)
      const isDue = key && (key.lastUsedAt === null || key.lastUsedAt <= now() - coarseMs)
      if (isDue) apiKeys.set(id, { ...key, lastUsedAt: now() })
    },
    async endedAmong(ids) {
      return ids.filter((id) => {
        const { revokedAt = null, expiresAt = null } = apiKeys.get(id) ?? {}
        return revokedAt !== null || (expiresAt !== null && expiresAt <= now())
      })
    },
  }
}

/** A key by its id, whoever it belongs to. */
export function memoryApiKey({ apiKeys }: Pick<Tables, 'apiKeys'>, now: () => number) {
  return async (id: string): Promise<KnownApiKey | null> => {
    const key = apiKeys.get(id)
    return key ? { ...key, asOf: now() } : null
  }
}
