import { BillingError } from '../../core/errors.js'
import type { AccountStore, DirectoryStore } from '../../core/ports/store.js'
import { apiKeyReader } from './api-keys.js'
import type { Sql } from './client.js'
import type { Clock } from './clock.js'
import type { Connection } from './connection.js'
import { across } from './distributed/across.js'
import { arrayOf } from './table.js'
import type { Tables } from './tables.js'

export function postgresAccounts(connection: Connection, { schema, accounts }: Tables, clock: Clock): AccountStore {
  return {
    async ensure({ id, email, name, plan, zone = 'UTC' }) {
      // Most calls change nothing: they wait for nobody who keeps the account locked.
      const before = await connection.read((sql) => accounts.first(sql, 'WHERE t.id = $1', id))
      if (before && (email ?? before.email) === before.email && (name ?? before.name) === before.name)
        return { account: before, created: false }
      const insert = `INSERT INTO ${schema}.accounts AS t (id, email, name, plan, zone, created_at, balance, held)
        VALUES ($1, $2, $3, $4, $5, ${clock()}, 0, 0) ON CONFLICT DO NOTHING RETURNING ${accounts.columns}`
      const update = `UPDATE ${schema}.accounts t SET email = coalesce($2, t.email), name = coalesce($3, t.name)
        WHERE t.id = $1 RETURNING ${accounts.columns}`
      return connection.write(async (sql) => {
        const [inserted] = await sql.query(insert, [id, email, name, plan, zone])
        if (inserted) return { account: accounts.read(inserted), created: true }
        const [updated = []] = await sql.query(update, [id, email, name])
        return { account: accounts.read(updated), created: false }
      })
    },
    async get(accountId) {
      return connection.read(async (sql) => (await accounts.first(sql, 'WHERE t.id = $1', accountId)) ?? null)
    },
    link(accountId, provider, externalId) {
      return connection.write(async (sql) => {
        const insert = `INSERT INTO ${schema}.account_links (account_id, provider, external_id) VALUES ($1, $2, $3)
          ON CONFLICT DO NOTHING RETURNING 1`
        const inserted = await sql.query(insert, [accountId, provider, externalId])
        if (inserted.length > 0) return externalId
        const known = await externalIdOf(sql, schema, accountId, provider)
        if (known !== null) return known
        throw new BillingError(
          'invalid_state',
          `${provider} ${externalId} belongs to another account, or was deleted there.`,
        )
      })
    },
    unlink(accountId, provider, externalId) {
      const update = `UPDATE ${schema}.account_links SET gone = 1 + (SELECT count(*) FROM ${schema}.account_links t
          WHERE t.account_id = $1 AND t.provider = $2 AND t.gone IS NOT NULL)
        WHERE account_id = $1 AND provider = $2 AND external_id = $3 AND gone IS NULL RETURNING 1`
      return connection.write(async (sql) => (await sql.query(update, [accountId, provider, externalId])).length > 0)
    },
    formerId(accountId, provider) {
      const query = `SELECT external_id FROM ${schema}.account_links
        WHERE account_id = $1 AND provider = $2 AND gone IS NOT NULL ORDER BY gone DESC LIMIT 1`
      return connection.read(async (sql) => (await sql.query(query, [accountId, provider]))[0]?.[0] ?? null)
    },
    externalId: (accountId, provider) => connection.read((sql) => externalIdOf(sql, schema, accountId, provider)),
    async erase(accountId) {
      const end = `UPDATE ${schema}.api_keys SET name = '', revoked_at = coalesce(revoked_at, ${clock()}) WHERE account_id = $1`
      const forget = `UPDATE ${schema}.accounts t SET email = NULL, name = NULL WHERE t.id = $1 RETURNING ${accounts.columns}`
      // Keys lie where every node has a copy of them, which is not written beside an account: they end first, and a repeat does the rest.
      await connection.write((sql) => sql.query(end, [accountId]))
      const [row] = await connection.write((sql) => sql.query(forget, [accountId]))
      return row ? accounts.read(row) : null
    },
    async list({ limit, after = '' }) {
      const query = `SELECT id FROM ${schema}.accounts WHERE id > $1 ORDER BY id LIMIT $2::bigint`
      const rows = await connection.read((sql) => sql.query(across('every account', query), [after, String(limit)]))
      return rows.map(([id]) => id ?? '')
    },
    async linked(provider, { limit, after = '' }) {
      const query = `SELECT account_id, external_id FROM ${schema}.account_links
        WHERE provider = $1 AND account_id > $2 AND gone IS NULL ORDER BY account_id LIMIT $3::bigint`
      const rows = await connection.read((sql) => sql.query(query, [provider, after, String(limit)]))
      return rows.map(([accountId, externalId]) => ({ accountId: accountId ?? '', externalId: externalId ?? '' }))
    },
    async externalIds(accountIds, provider) {
      const query = `SELECT account_id, external_id FROM ${schema}.account_links WHERE account_id = ANY($1::text[]) AND provider = $2 AND gone IS NULL`
      const rows = await connection.read((sql) => sql.query(query, [arrayOf(accountIds), provider]))
      return new Map(rows as unknown as [string, string][])
    },
  }
}

export function postgresDirectory(connection: Connection, tables: Tables, clock: Clock): DirectoryStore {
  const { schema, intents } = tables
  const readKeys = apiKeyReader(tables, clock)
  return {
    async accountByExternalId(provider, externalId) {
      const query = `SELECT account_id FROM ${schema}.account_links WHERE provider = $1 AND external_id = $2`
      const [row] = await connection.read((sql) => sql.query(query, [provider, externalId]))
      return row?.[0] ?? null
    },
    async accountsByEmail(email, limit) {
      const query = `SELECT id FROM ${schema}.accounts t WHERE lower(t.email) = lower($1) AND t.email IS NOT NULL
        ORDER BY t.id LIMIT $2::bigint`
      const text = across('accounts of an e-mail', query)
      return (await connection.read((sql) => sql.query(text, [email, String(limit)]))).map(([id]) => id ?? '')
    },
    intentByExternalId(provider, externalId) {
      const clause = 'WHERE t.provider = $1 AND t.external_id = $2 ORDER BY t.seq LIMIT 1'
      return connection.read(async (sql) => (await intents.first(sql, clause, provider, externalId)) ?? null)
    },
    intentById: (intentId) =>
      connection.read(async (sql) => (await intents.first(sql, 'WHERE t.id = $1', intentId)) ?? null),
    async accountByDelivery(deliveryId) {
      const query = `SELECT t.account_id FROM ${schema}.deliveries t WHERE t.id = $1`
      const [row] = await connection.read((sql) => sql.query(across('whose deliveries these are', query), [deliveryId]))
      return row?.[0] ?? null
    },
    apiKey: (id) => connection.read(async (sql) => (await readKeys(sql, 'WHERE t.id = $1', id))[0] ?? null),
  }
}

async function externalIdOf(sql: Sql, schema: string, accountId: string, provider: string): Promise<string | null> {
  const query = `SELECT external_id FROM ${schema}.account_links WHERE account_id = $1 AND provider = $2 AND gone IS NULL`
  const [row] = await sql.query(query, [accountId, provider])
  return row?.[0] ?? null
}
