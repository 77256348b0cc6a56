import { BillingError } from '../../core/errors.js'
import type { IntentStore } from '../../core/ports/store.js'
import { changedIntent, openedIntent } from '../kit/intent.js'
import type { Clock } from './clock.js'
import type { Connection } from './connection.js'
import { send } from './table.js'
import type { Tables } from './tables.js'

export function postgresIntents(connection: Connection, { schema, intents }: Tables, clock: Clock): IntentStore {
  return {
    open(intent) {
      return connection.write(async (sql) => {
        // One account's intents are opened one after another: a double click must find the first.
        await sql.query(`SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, [
          `${schema}.intents|${intent.accountId}`,
        ])
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
        const before = await intents.first(sql, 'WHERE t.id = $1 AND t.account_id = $2 FOR UPDATE', intentId, accountId)
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
    waiting(limit) {
      const clause = "WHERE t.status IN ('open', 'pending') ORDER BY t.seq LIMIT $1::bigint"
      return connection.read((sql) => intents.select(sql, clause, String(limit)))
    },
  }
}
