import { newAccountState } from '../../core/domain/ledger/state.js'
import { BillingError } from '../../core/errors.js'
import type { AccountStore } from '../../core/ports/store.js'
import { newAccountBook } from './account-book.js'
import type { Tables } from './tables.js'

export function memoryAccounts(tables: Tables, now: () => number): AccountStore {
  return {
    async ensure({ id, email, name, plan, zone }) {
      const existing = tables.accounts.get(id)
      const account = existing
        ? { ...existing, email: email ?? existing.email, name: name ?? existing.name }
        : { id, email, name, plan, createdAt: now() }
      tables.accounts.set(id, account)
      if (!existing) tables.books.set(id, newAccountBook(newAccountState(id, plan, zone)))
      return { account: withPlan(account), created: !existing }
    },
    async get(accountId) {
      const account = tables.accounts.get(accountId)
      return account ? withPlan(account) : null
    },
    async link(accountId, provider, externalId) {
      const known = tables.links.get(`${accountId}|${provider}`)
      if (known !== undefined) return known
      const owner = tables.accountsByLink.get(`${provider}|${externalId}`)
      if (owner !== undefined)
        throw new BillingError(
          'invalid_state',
          `${provider} ${externalId} belongs to another account, or was deleted there.`,
        )
      tables.links.set(`${accountId}|${provider}`, externalId)
      tables.accountsByLink.set(`${provider}|${externalId}`, accountId)
      return externalId
    },
    async unlink(accountId, provider, externalId) {
      const key = `${accountId}|${provider}`
      if (tables.links.get(key) !== externalId) return false
      tables.links.delete(key)
      tables.formerLinks.set(key, externalId)
      return true
    },
    async formerId(accountId, provider) {
      return tables.formerLinks.get(`${accountId}|${provider}`) ?? null
    },
    async externalId(accountId, provider) {
      return tables.links.get(`${accountId}|${provider}`) ?? null
    },
    async erase(accountId) {
      const account = tables.accounts.get(accountId)
      if (!account) return null
      const erased = { ...account, email: null, name: null }
      tables.accounts.set(accountId, erased)
      for (const [id, key] of tables.apiKeys)
        if (key.accountId === accountId) tables.apiKeys.set(id, { ...key, name: '', revokedAt: key.revokedAt ?? now() })
      return withPlan(erased)
    },
    async list({ limit, after = '' }) {
      return [...tables.books.keys()]
        .filter((id) => id > after)
        .sort()
        .slice(0, limit)
    },
    async linked(provider, { limit, after = '' }) {
      const linked = [...tables.links].flatMap(([key, externalId]) => {
        const [accountId = '', name] = key.split('|')
        return name === provider && accountId > after ? { accountId, externalId } : []
      })
      return linked.sort((left, right) => (left.accountId < right.accountId ? -1 : 1)).slice(0, limit)
    },
    async externalIds(accountIds, provider) {
      const known = accountIds.map((accountId) => [accountId, tables.links.get(`${accountId}|${provider}`)] as const)
      return new Map(known.flatMap(([accountId, id]) => (id === undefined ? [] : [[accountId, id]])))
    },
  }

  function withPlan<T extends { readonly id: string; readonly plan: string }>(account: T): T {
    return { ...account, plan: tables.books.get(account.id)?.state.plan ?? account.plan }
  }
}
