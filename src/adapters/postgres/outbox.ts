import { type BillingEvent, eventDeliveries } from '../../core/domain/event.js'
import type { Delivery, DeliveryStatus, News, NewsQuery, OutboxStore } from '../../core/ports/store.js'
import { typesByConsumer } from '../kit/event.js'
import { type ClaimedRow, eventDeliveryRow, stateOf } from '../sql/delivery-rows.js'
import { claimBundles, dueNow, isFirst, isOwn, settleBundles, settledValues } from './bundles.js'
import type { Sql } from './client.js'
import type { Clock } from './clock.js'
import type { Connection } from './connection.js'
import { postgresReports } from './reports.js'
import { arrayOf, send } from './table.js'
import type { Tables } from './tables.js'

export function postgresOutbox(connection: Connection, tables: Tables, clock: Clock): OutboxStore {
  const { schema } = tables
  return {
    ...postgresReports(connection, tables, clock, (sql, events, now) => addEvents(sql, tables, events, now)),
    async subscribe(consumer, types) {
      const insert = `INSERT INTO ${schema}.subscriptions (consumer, type) SELECT $1, unnest($2::text[]) ON CONFLICT DO NOTHING`
      await connection.write((sql) => sql.query(insert, [consumer, arrayOf(types)]))
    },
    claim(destination, { limit, leaseMs, types, early = false, accountId, inTurn = false }) {
      const now = clock()
      const isDue = `destination = $1 AND status = 'pending' AND status <> 'delivered'
        AND ${dueNow(now, early, accountId === undefined ? null : '$5')} AND ($3::text[] IS NULL OR event_type = ANY($3::text[])) ${inTurn ? isFirst(schema, 'd', '$3') : ''}`
      const claim = claimBundles(tables, { isDue, limit: '$2::bigint', now, leaseMs: '$4::bigint' })
      const asked = [destination, String(limit), types === undefined ? null : arrayOf(types), String(leaseMs)]
      const values = accountId === undefined ? asked : [...asked, accountId]
      return connection.write(async (sql) => {
        // One worker after the other, so that the next one looks at what the one before has left.
        const locked = sql.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [
          `${schema}.claim ${destination}`,
        ])
        locked.catch(() => {})
        const claimed = (await sql.query(claim, values)).map((row) => tables.claimed.read(row))
        return withSubjects(sql, tables, claimed)
      })
    },
    settle(settlements) {
      const values = ['$1', '$2', '$3', '$4', '$5', '$6'] as const
      const settle = settleBundles(schema, { now: clock(), values })
      return connection.write(async (sql) => {
        const settled = await sql.query(settle, settledValues(settlements))
        const ids = new Set(settled.map(([id]) => id ?? ''))
        const events = settlements.flatMap(({ id, event }) => (event && ids.has(id) ? event : []))
        await addEvents(sql, tables, events, Number(settled[0]?.[1]))
        return [...ids]
      })
    },
    publish: (event) =>
      connection.write(async (sql) => {
        const [time] = await sql.query(`SELECT ${clock()}`)
        await addEvents(sql, tables, [event], Number(time?.[0]))
      }),
    delivery(accountId, deliveryId) {
      return connection.read(async (sql) => {
        const clause = 'WHERE t.id = $1 AND t.account_id = $2'
        const row = await tables.deliveries.first(sql, clause, deliveryId, accountId)
        const [delivery] = row ? await withSubjects(sql, tables, [stateOf(row)]) : []
        return delivery ?? null
      })
    },
    event(accountId, eventId) {
      const clause = 'WHERE t.id = $1 AND t.account_id = $2'
      return connection.read(async (sql) => (await tables.events.first(sql, clause, eventId, accountId)) ?? null)
    },
    news: (accountIds, asked) => readNews(connection, tables, clock, accountIds, asked, (query) => query),
    async statuses(accountId, deliveryIds) {
      const query = `SELECT id, status FROM ${schema}.deliveries WHERE id = ANY($1) AND account_id = $2`
      const rows = await connection.read((sql) => sql.query(query, [arrayOf(deliveryIds), accountId]))
      return new Map(rows.map(([id, status]) => [id ?? '', status as DeliveryStatus]))
    },
    async backlog(accountId) {
      const own = accountId === undefined ? '' : `AND ${isOwn('$1')}`
      const query = `SELECT destination, status, count(*) FROM ${schema}.deliveries WHERE status <> 'delivered' ${own}
        GROUP BY 1, 2 ORDER BY destination COLLATE "C", status COLLATE "C"`
      const rows = await connection.read((sql) => sql.query(query, accountId === undefined ? [] : [accountId]))
      return rows.map(([destination, status, count]) => ({
        destination: destination ?? '',
        status: status as DeliveryStatus,
        count: Number(count),
      }))
    },
  }
}

/** @param mark says whose rows the question is about, where that matters */
export async function readNews(
  connection: Connection,
  { schema, storedEvents }: Tables,
  clock: Clock,
  accountIds: readonly string[],
  { types, after, limit }: NewsQuery,
  mark: (query: string) => string,
): Promise<News> {
  const query = mark(`SELECT ${storedEvents.columns} FROM ${schema}.events t
    WHERE t.account_id = ANY($1::text[]) AND t.type = ANY($2::text[]) AND (t.stored_at, t.id) > ($3::bigint, $4)
    ORDER BY t.stored_at, t.id LIMIT $5::bigint`)
  const values = [arrayOf(accountIds), arrayOf(types), String(after.storedAt), after.id, String(limit)]
  return connection.read(async (sql) => {
    const [[time], rows] = await Promise.all([sql.query(`SELECT ${clock()}`), sql.query(query, values)])
    const events = rows.map((row) => {
      const { storedAt, ...event } = storedEvents.read(row)
      return { event, storedAt }
    })
    return { events, asOf: Number(time?.[0]) }
  })
}

/** Writes events, and a delivery of each to everyone who listens; an event that is there already is left alone. */
export async function addEvents(
  sql: Sql,
  tables: Tables,
  published: readonly BillingEvent[],
  now: number,
): Promise<void> {
  if (published.length === 0) return
  const { schema } = tables
  const inserted = await sql.query(
    `INSERT INTO ${schema}.events (id, type, account_id, occurred_at, data, stored_at)
     SELECT t.*, $6::bigint FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[]) t
     ON CONFLICT DO NOTHING RETURNING id`,
    [
      arrayOf(published.map(({ id }) => id)),
      arrayOf(published.map(({ type }) => type)),
      arrayOf(published.map(({ accountId }) => accountId)),
      arrayOf(published.map(({ occurredAt }) => BigInt(occurredAt))),
      arrayOf(published.map(({ data }) => JSON.stringify(data))),
      String(now),
    ],
  )
  const ids = new Set(inserted.map(([id]) => id))
  const added = published.filter(({ id }) => ids.has(id))
  if (added.length === 0) return
  const listening = await sql.query(`SELECT consumer, type FROM ${schema}.subscriptions`)
  const types = typesByConsumer(listening as unknown as [string, string][])
  const deliveries = eventDeliveries(added, types).map((delivery) => eventDeliveryRow(delivery, now))
  await send(sql, tables.deliveries.insert(deliveries))
}

/** Deliveries with the usage events or the billing event they are about. */
async function withSubjects<Row extends Pick<ClaimedRow, 'accountId' | 'entryIds' | 'eventId'>>(
  sql: Sql,
  tables: Tables,
  rows: readonly Row[],
): Promise<readonly (Omit<Row, 'eventId'> & Pick<Delivery, 'entries' | 'event'>)[]> {
  const listed = rows.flatMap(({ accountId, entryIds }) => entryIds.map((id) => ({ accountId, id })))
  const eventIds = rows.flatMap(({ eventId }) => eventId ?? [])
  const byPair = 'JOIN unnest($1::text[], $2::text[]) k (id, account_id) ON t.id = k.id AND t.account_id = k.account_id'
  const [entries, events] = await Promise.all([
    listed.length === 0
      ? []
      : tables.entries.select(
          sql,
          byPair,
          arrayOf(listed.map(({ id }) => id)),
          arrayOf(listed.map(({ accountId }) => accountId)),
        ),
    eventIds.length === 0 ? [] : tables.events.select(sql, 'WHERE t.id = ANY($1)', arrayOf(eventIds)),
  ])
  const entryOf = new Map(entries.map((row) => [`${row.accountId}|${row.id}`, row]))
  const eventOf = new Map(events.map((event) => [event.id, event]))
  return rows.map(({ eventId, ...row }) => ({
    ...row,
    entries: row.entryIds.flatMap((id) => entryOf.get(`${row.accountId}|${id}`) ?? []),
    event: eventId === null ? null : (eventOf.get(eventId) ?? null),
  }))
}
