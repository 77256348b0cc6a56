import { BillingError } from '../../core/errors.js'
import type { IntentStore } from '../../core/ports/store.js'
import { changedIntent, openedIntent } from '../kit/intent.js'
import type { Sql } from './client.js'
import type { Clock } from './clock.js'
import type { Connection } from './connection.js'
import { send } from './table.js'
import type { Tables } from './tables.js'

export function postgresIntents(connection: Connection, { schema, intents }: Tables, clock: Clock): IntentStore {
  /** One account's intents change one after another. */
  const lock = (sql: Sql, accountId: string) =>
    sql.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`${schema}.intents|${accountId}`])

  return {
    open(intent) {
      return connection.write(async (sql) => {
        // A double click must find the first.
        await lock(sql, intent.accountId)
        const clause = 'WHERE t.account_id = $1 AND t.key = $2'
        const existing = await intents.first(sql, clause, intent.accountId, intent.key)
        if (existing) return { intent: existing, created: false }
        const [time] = await sql.query(`SELECT ${clock()}`)
        const opened = openedIntent(intent, Number(time?.[0]))
        await send(sql, intents.insert([opened]))
        return { intent: opened, created: true }
      })
    },
    update(accountId, intentId, change) {
      return connection.write(async (sql) => {
        await lock(sql, accountId)
        const before = await intents.first(sql, 'WHERE t.id = $1 AND t.account_id = $2', intentId, accountId)
        if (!before) throw new BillingError('not_found', `No checkout ${intentId} on account ${accountId}.`)
        const [time] = await sql.query(`SELECT ${clock()}`)
        const after = changedIntent(before, change, Number(time?.[0]))
        await send(sql, intents.upsert([after]))
        return after
      })
    },
    get(accountId, intentId) {
      const clause = 'WHERE t.id = $1 AND t.account_id = $2'
      return connection.read(async (sql) => (await intents.first(sql, clause, intentId, accountId)) ?? null)
    },
    latest(accountId, fingerprint) {
      const clause = 'WHERE t.account_id = $1 AND t.fingerprint = $2 ORDER BY t.seq DESC LIMIT 1'
      return connection.read(async (sql) => (await intents.first(sql, clause, accountId, fingerprint)) ?? null)
    },
    completed(accountId, kind) {
      const clause = "WHERE t.account_id = $1 AND t.kind = $2 AND t.status = 'completed' ORDER BY t.seq DESC"
      return connection.read((sql) => intents.select(sql, clause, accountId, kind))
    },
    since(accountId, from) {
      const clause =
        "WHERE t.account_id = $1 AND (t.created_at >= $2::bigint OR t.status IN ('open', 'pending')) ORDER BY t.seq"
      return connection.read((sql) => intents.select(sql, clause, accountId, String(from)))
    },
    waiting(limit) {
      const clause = "WHERE t.status IN ('open', 'pending') ORDER BY t.seq LIMIT $1::bigint"
      return connection.read((sql) => intents.select(sql, clause, String(limit)))
    },
  }
}
