import type { DeliveryState, OutboxStore } from '../../../core/ports/store.js'
import type { Sql } from '../client.js'
import type { Clock } from '../clock.js'
import type { Connection } from '../connection.js'
import { postgresOutbox } from '../outbox.js'
import { arrayOf } from '../table.js'
import type { Tables } from '../tables.js'
import { across } from './across.js'
import { byAccount } from './by-account.js'
import { createAccountEvents } from './events.js'

/**
 * The outbox with a transaction for each account. What is due is read over all accounts, without a lock; each account's deliveries are
 * then claimed where they are, if they are due still: of two workers that read the same ones, one gets them.
 */
export function distributedOutbox(
  connection: Connection,
  tables: Tables,
  clock: Clock,
  concurrentAccounts: number,
): OutboxStore {
  const { schema } = tables
  const addEvents = createAccountEvents(tables)
  const now = clock()
  const isDue = (alias: string) => `${alias}.status = 'pending' AND ${alias}.status <> 'delivered'
    AND ${alias}.next_attempt_at <= ${now} AND ${alias}.leased_until <= ${now}`

  async function withSubjects(
    sql: Sql,
    accountId: string,
    rows: readonly ReturnType<Tables['deliveries']['read']>[],
  ): Promise<readonly DeliveryState[]> {
    const listed = rows.flatMap(({ entryIds }) => entryIds)
    const eventIds = rows.flatMap(({ eventId }) => eventId ?? [])
    const named = 'WHERE t.account_id = $1 AND t.id = ANY($2)'
    const [entries, events] = await Promise.all([
      listed.length === 0 ? [] : tables.entries.select(sql, named, accountId, arrayOf(listed)),
      eventIds.length === 0 ? [] : tables.events.select(sql, named, accountId, arrayOf(eventIds)),
    ])
    const entryOf = new Map(entries.map((row) => [row.id, row]))
    const eventOf = new Map(events.map((event) => [event.id, event]))
    return rows.map(({ eventId, eventType: _, claimedAt: __, ...row }) => ({
      ...row,
      entries: row.entryIds.flatMap((id) => entryOf.get(id) ?? []),
      event: eventId === null ? null : (eventOf.get(eventId) ?? null),
    }))
  }

  return {
    ...postgresOutbox(connection, tables, clock),
    async subscribe(consumer, types) {
      const insert = `INSERT INTO ${schema}.subscriptions (consumer, type) VALUES ($1, $2) ON CONFLICT DO NOTHING`
      await connection.write((sql) => Promise.all(types.map((type) => sql.query(insert, [consumer, type]))))
    },
    async claim(destination, { limit, leaseMs, types }) {
      const find = across(
        'deliveries that are due',
        `SELECT t.id, t.account_id, t.seq FROM ${schema}.deliveries t WHERE t.destination = $1 AND ${isDue('t')}
          AND ($3::text[] IS NULL OR t.event_type = ANY($3::text[])) ORDER BY t.seq LIMIT $2::bigint`,
      )
      const values = [destination, String(limit), types === undefined ? null : arrayOf(types)]
      const due = await connection.read((sql) => sql.query(find, values))
      const claim = `UPDATE ${schema}.deliveries t SET attempts = t.attempts + 1, fence = t.fence + 1,
          leased_until = ${now} + $3::bigint, claimed_at = ${now},
          first_attempt_at = coalesce(t.first_attempt_at, CASE WHEN t.leased_until > 0 THEN t.claimed_at END)
        WHERE t.account_id = $1 AND t.id = ANY($2::text[]) AND ${isDue('t')} RETURNING ${tables.deliveries.columns}`
      const accountOf = ([, accountId]: (typeof due)[number]) => accountId ?? ''
      const claimed = await byAccount(due, accountOf, concurrentAccounts, (accountId, found) =>
        connection.write(async (sql) => {
          const ids = found.map(([id]) => id ?? '')
          const rows = await sql.query(claim, [accountId, arrayOf(ids), String(leaseMs)])
          const deliveries = await withSubjects(
            sql,
            accountId,
            rows.map((row) => tables.deliveries.read(row)),
          )
          const byId = new Map(deliveries.map((delivery) => [delivery.id, delivery]))
          return ids.map((id) => byId.get(id) ?? null)
        }),
      )
      return claimed.flatMap((delivery) => delivery ?? [])
    },
    async settle(settlements) {
      const find = across(
        'whose deliveries these are',
        `SELECT t.id, t.account_id FROM ${schema}.deliveries t WHERE t.id = ANY($1::text[])`,
      )
      const found = await connection.read((sql) => sql.query(find, [arrayOf(settlements.map(({ id }) => id))]))
      const accounts = new Map(found.map(([id, accountId]) => [id, accountId ?? '']))
      const known = settlements.filter(({ id }) => accounts.has(id))
      const settle = `UPDATE ${schema}.deliveries t SET status = $4, next_attempt_at = ${now} + $5::bigint, leased_until = 0,
          error = $6, first_attempt_at = coalesce(t.first_attempt_at, CASE WHEN $7::bigint = 1 THEN t.claimed_at END)
        WHERE t.account_id = $1 AND t.id = $2 AND t.fence = $3::bigint AND t.status = 'pending' AND t.leased_until <> 0
        RETURNING t.id`
      const settled = await byAccount(
        known,
        ({ id }) => accounts.get(id) ?? '',
        concurrentAccounts,
        (accountId, named) =>
          connection.write(async (sql) => {
            const [[time], ...answers] = await Promise.all([
              sql.query(`SELECT ${now}`),
              ...named.map(({ id, fence, status, retryInMs, error, mayHaveArrived }) =>
                sql.query(settle, [
                  accountId,
                  id,
                  String(fence),
                  status,
                  String(retryInMs ?? 0),
                  error,
                  mayHaveArrived ? '1' : '0',
                ]),
              ),
            ])
            const events = named.flatMap(({ event }, index) => (event && answers[index]?.length ? event : []))
            await addEvents(sql, events, Number(time?.[0]))
            return answers.map((rows) => rows[0]?.[0] ?? null)
          }),
      )
      return settled.flatMap((id) => id ?? [])
    },
    publish: (event) =>
      connection.write(async (sql) => {
        const [time] = await sql.query(`SELECT ${now}`)
        await addEvents(sql, [event], Number(time?.[0]))
      }),
    delivery(accountId, deliveryId) {
      return connection.read(async (sql) => {
        const clause = 'WHERE t.account_id = $1 AND t.id = $2'
        const row = await tables.deliveries.first(sql, clause, accountId, deliveryId)
        const [delivery] = row ? await withSubjects(sql, accountId, [row]) : []
        return delivery ?? null
      })
    },
    async backlog() {
      const query = `SELECT t.destination, t.status, count(*) FROM ${schema}.deliveries t WHERE t.status <> 'delivered' GROUP BY 1, 2`
      const rows = await connection.read((sql) => sql.query(across('deliveries by destination', query)))
      return rows.map(([destination, status, count]) => ({
        destination: destination ?? '',
        status: status as DeliveryState['status'],
        count: Number(count),
      }))
    },
  }
}
