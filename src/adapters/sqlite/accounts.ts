import { BillingError } from '../../core/errors.js'
import type { AccountStore, DirectoryStore } from '../../core/ports/store.js'
import { sqliteApiKey } from './api-keys.js'
import type { Connection, Sql } from './connection.js'
import { accounts, intents } from './tables.js'

export function sqliteAccounts(connection: Connection, now: () => number): AccountStore {
  return {
    ensure({ id, email, name, plan, zone = 'UTC' }) {
      return connection.write((sql) => {
        const existing = accounts.first(sql, 'WHERE id = ?', id)
        if (existing) {
          const account = { ...existing, email: email ?? existing.email, name: name ?? existing.name }
          sql.run('UPDATE billfold_accounts SET email = ?, name = ? WHERE id = ?', account.email, account.name, id)
          return { account, created: false }
        }
        const account = { id, email, name, plan, createdAt: now() }
        sql.run(
          `INSERT INTO billfold_accounts (id, email, name, plan, zone, created_at, balance, held) VALUES (?, ?, ?, ?, ?, ?, 0, 0)`,
          id,
          email,
          name,
          plan,
          zone,
          BigInt(account.createdAt),
        )
        return { account, created: true }
      })
    },
    get: (accountId) => connection.read((sql) => accounts.first(sql, 'WHERE id = ?', accountId) ?? null),
    link(accountId, provider, externalId) {
      return connection.write((sql) => {
        const known = externalIdOf(sql, accountId, provider)
        if (known !== null) return known
        if (accountOf(sql, provider, externalId) !== null)
          throw new BillingError(
            'invalid_state',
            `${provider} ${externalId} belongs to another account, or was deleted there.`,
          )
        sql.run(
          'INSERT INTO billfold_account_links (account_id, provider, external_id) VALUES (?, ?, ?)',
          accountId,
          provider,
          externalId,
        )
        return externalId
      })
    },
    unlink(accountId, provider, externalId) {
      return connection.write((sql) => {
        if (externalIdOf(sql, accountId, provider) !== externalId) return false
        const before =
          'SELECT count(*) FROM billfold_account_links WHERE account_id = ? AND provider = ? AND gone IS NOT NULL'
        const gone = sql.first(before, accountId, provider)?.[0] as bigint
        const update = 'UPDATE billfold_account_links SET gone = ? WHERE provider = ? AND external_id = ?'
        sql.run(update, BigInt(gone) + 1n, provider, externalId)
        return true
      })
    },
    formerId(accountId, provider) {
      const query = `SELECT external_id FROM billfold_account_links
        WHERE account_id = ? AND provider = ? AND gone IS NOT NULL ORDER BY gone DESC LIMIT 1`
      return connection.read((sql) => (sql.first(query, accountId, provider)?.[0] as string | undefined) ?? null)
    },
    externalId: (accountId, provider) => connection.read((sql) => externalIdOf(sql, accountId, provider)),
    erase(accountId) {
      return connection.write((sql) => {
        sql.run('UPDATE billfold_accounts SET email = NULL, name = NULL WHERE id = ?', accountId)
        const ended =
          "UPDATE billfold_api_keys SET name = '', revoked_at = coalesce(revoked_at, ?) WHERE account_id = ?"
        sql.run(ended, BigInt(now()), accountId)
        return accounts.first(sql, 'WHERE id = ?', accountId) ?? null
      })
    },
    list({ limit, after = '' }) {
      const query = 'SELECT id FROM billfold_accounts WHERE id > ? ORDER BY id LIMIT ?'
      return connection.read((sql) => sql.all(query, after, BigInt(limit)).map(([id]) => id as string))
    },
    linked(provider, { limit, after = '' }) {
      const query = `SELECT account_id, external_id FROM billfold_account_links
        WHERE provider = ? AND account_id > ? AND gone IS NULL ORDER BY account_id LIMIT ?`
      return connection.read((sql) =>
        sql
          .all(query, provider, after, BigInt(limit))
          .map(([accountId, externalId]) => ({ accountId: accountId as string, externalId: externalId as string })),
      )
    },
    externalIds: (accountIds, provider) =>
      connection.read((sql) => {
        const known = accountIds.map((accountId) => [accountId, externalIdOf(sql, accountId, provider)] as const)
        return new Map(known.flatMap(([accountId, id]) => (id === null ? [] : [[accountId, id]])))
      }),
  }
}

export function sqliteDirectory(connection: Connection, now: () => number): DirectoryStore {
  return {
    accountByExternalId: (provider, externalId) => connection.read((sql) => accountOf(sql, provider, externalId)),
    accountsByEmail(email, limit) {
      // Written as the index is, so that it is used.
      const query =
        'SELECT id FROM billfold_accounts WHERE lower(email) = lower(?) AND email IS NOT NULL ORDER BY id LIMIT ?'
      return connection.read((sql) => sql.all(query, email, BigInt(limit)).map(([id]) => id as string))
    },
    intentByExternalId(provider, externalId) {
      const clause = 'WHERE provider = ? AND external_id = ? ORDER BY seq LIMIT 1'
      return connection.read((sql) => intents.first(sql, clause, provider, externalId) ?? null)
    },
    intentById: (intentId) => connection.read((sql) => intents.first(sql, 'WHERE id = ?', intentId) ?? null),
    accountByDelivery(deliveryId) {
      const query = 'SELECT account_id FROM billfold_deliveries WHERE id = ?'
      return connection.read((sql) => (sql.first(query, deliveryId)?.[0] as string | undefined) ?? null)
    },
    apiKey: (id) => connection.read((sql) => sqliteApiKey(sql, now, id)),
  }
}

function externalIdOf(sql: Sql, accountId: string, provider: string): string | null {
  const query = 'SELECT external_id FROM billfold_account_links WHERE account_id = ? AND provider = ? AND gone IS NULL'
  return (sql.first(query, accountId, provider)?.[0] as string | undefined) ?? null
}

function accountOf(sql: Sql, provider: string, externalId: string): string | null {
  const query = 'SELECT account_id FROM billfold_account_links WHERE provider = ? AND external_id = ?'
  return (sql.first(query, provider, externalId)?.[0] as string | undefined) ?? null
}
