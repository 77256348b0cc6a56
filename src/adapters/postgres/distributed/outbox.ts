import type { Delivery, DeliveryStatus, OutboxStore } from '../../../core/ports/store.js'
import { grouped } from '../../kit/grouped.js'
import { type ClaimedRow, stateOf } from '../../sql/delivery-rows.js'
import { dueNow, isFirst, settledValues } from '../bundles.js'
import type { Sql } from '../client.js'
import type { Clock } from '../clock.js'
import type { Connection } from '../connection.js'
import { postgresOutbox, readNews } from '../outbox.js'
import { postgresReports } from '../reports.js'
import { arrayOf } from '../table.js'
import type { Tables } from '../tables.js'
import { across } from './across.js'
import { asOne, bundlesOf, claimLocked, lockDue, lockSettled, settleLocked } from './bundles.js'
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
  const isDue = (early: boolean, account: string | null) =>
    `status = 'pending' AND status <> 'delivered' AND ${dueNow(now, early, account)}`

  async function withSubjects<Row extends Pick<ClaimedRow, 'entryIds' | 'eventId'>>(
    sql: Sql,
    accountId: string,
    rows: readonly Row[],
  ): Promise<readonly (Omit<Row, 'eventId'> & Pick<Delivery, 'entries' | 'event'>)[]> {
    const listed = rows.flatMap(({ entryIds }) => entryIds)
    const eventIds = rows.flatMap(({ eventId }) => eventId ?? [])
    const named = 'WHERE t.account_id = $1 AND t.id = ANY($2)'
    const [entries, events] = await Promise.all([
      listed.length === 0 ? [] : tables.entries.select(sql, named, accountId, arrayOf(listed)),
      eventIds.length === 0 ? [] : tables.events.select(sql, named, accountId, arrayOf(eventIds)),
    ])
    const entryOf = new Map(entries.map((row) => [row.id, row]))
    const eventOf = new Map(events.map((event) => [event.id, event]))
    return rows.map(({ eventId, ...row }) => ({
      ...row,
      entries: row.entryIds.flatMap((id) => entryOf.get(id) ?? []),
      event: eventId === null ? null : (eventOf.get(eventId) ?? null),
    }))
  }

  return {
    ...postgresOutbox(connection, tables, clock),
    ...postgresReports(connection, tables, clock, addEvents),
    async subscribe(consumer, types) {
      const insert = `INSERT INTO ${schema}.subscriptions (consumer, type) VALUES ($1, $2) ON CONFLICT DO NOTHING`
      await connection.write((sql) => Promise.all(types.map((type) => sql.query(insert, [consumer, type]))))
    },
    async claim(destination, { limit, leaseMs, types, early = false, accountId: only, inTurn = false }) {
      const find = across(
        'deliveries that are due',
        `SELECT t.id, t.account_id, t.seq FROM ${schema}.deliveries t WHERE t.destination = $1 AND ${isDue(early, only === undefined ? null : '$4')}
          AND ($3::text[] IS NULL OR t.event_type = ANY($3::text[])) ${inTurn ? isFirst(schema, 't', '$3') : ''}
          ORDER BY t.seq LIMIT $2::bigint`,
      )
      const asked = [destination, String(limit), types === undefined ? null : arrayOf(types)]
      const values = only === undefined ? asked : [...asked, only]
      const due = await connection.read((sql) => sql.query(find, values))
      const lock = lockDue(schema, isDue(early, only === undefined ? null : '$1'), now)
      const claim = claimLocked(schema, tables.deliveries.columns, now)
      const dueOf = grouped(due, ([, accountId]) => accountId ?? '')
      const claimed = await byAccount(
        [...dueOf],
        ([accountId]) => accountId,
        concurrentAccounts,
        (accountId, [of]) =>
          connection.write(async (sql) => {
            const ids = (of?.[1] ?? []).map(([id]) => id ?? '')
            const locked = bundlesOf(await sql.query(lock, [accountId, arrayOf(ids)]))
            if (locked.length === 0) return [[]]
            const rows = await sql.query(claim, [
              accountId,
              arrayOf(locked.map(({ id }) => id)),
              arrayOf(locked.map(({ bundle }) => bundle)),
              String(leaseMs),
            ])
            const inOrder = rows
              .map((row) => ({ row: tables.deliveries.read(row), seq: Number(row.at(-1)) }))
              .sort((left, right) => left.seq - right.seq)
            const places = new Map(inOrder.map(({ row, seq }) => [row.id, seq]))
            const deliveries = await withSubjects(sql, accountId, asOne(inOrder.map(({ row }) => row)))
            return [deliveries.map((delivery) => ({ delivery, seq: places.get(delivery.id) ?? 0 }))]
          }),
      )
      return claimed
        .flat()
        .sort((left, right) => left.seq - right.seq)
        .map(({ delivery }) => delivery)
    },
    async settle(settlements) {
      const find = across(
        'whose deliveries these are',
        `SELECT t.id, t.account_id FROM ${schema}.deliveries t WHERE t.id = ANY($1::text[])`,
      )
      const found = await connection.read((sql) => sql.query(find, [arrayOf(settlements.map(({ id }) => id))]))
      const accounts = new Map(found.map(([id, accountId]) => [id, accountId ?? '']))
      const known = settlements.filter(({ id }) => accounts.has(id))
      const [lock, settle] = [lockSettled(schema), settleLocked(schema, now)]
      const settled = await byAccount(
        known,
        ({ id }) => accounts.get(id) ?? '',
        concurrentAccounts,
        (accountId, named) =>
          connection.write(async (sql) => {
            const byId = new Map(named.map((settlement) => [settlement.id, settlement]))
            const [[time], locked] = await Promise.all([
              sql.query(`SELECT ${now}`),
              sql.query(lock, [accountId, arrayOf([...byId.keys()])]),
            ])
            const reports = new Map(locked.map(([id, report]) => [id ?? '', report ?? '']))
            const rows = [...reports].flatMap(([id, report]) => {
              const settlement = byId.get(report)
              return settlement ? [{ ...settlement, id }] : []
            })
            const changed = await sql.query(settle, [accountId, ...settledValues(rows)])
            const ids = new Set(changed.map(([id]) => reports.get(id ?? '')))
            const events = named.flatMap(({ id, event }) => (event && ids.has(id) ? event : []))
            await addEvents(sql, events, Number(time?.[0]))
            return named.map(({ id }) => (ids.has(id) ? id : null))
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
        const [delivery] = row ? await withSubjects(sql, accountId, [stateOf(row)]) : []
        return delivery ?? null
      })
    },
    news: (accountIds, asked) =>
      readNews(connection, tables, clock, accountIds, asked, (query) => across('events of accounts', query)),
    async backlog(accountId) {
      const own = accountId === undefined ? '' : 'AND t.account_id = $1'
      const query = `SELECT t.destination, t.status, count(*) FROM ${schema}.deliveries t WHERE t.status <> 'delivered' ${own} GROUP BY 1, 2`
      const rows = await connection.read((sql) =>
        accountId === undefined ? sql.query(across('deliveries by destination', query)) : sql.query(query, [accountId]),
      )
      return rows.map(([destination, status, count]) => ({
        destination: destination ?? '',
        status: status as DeliveryStatus,
        count: Number(count),
      }))
    },
  }
}
