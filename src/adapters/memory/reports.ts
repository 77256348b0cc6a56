import type { OutboxStore } from '../../core/ports/store.js'
import { reportOf, reportStates } from '../kit/report.js'
import { addEvents, allDeliveries, enqueue } from './deliveries.js'
import type { StoredDelivery } from './stored-delivery.js'
import type { Tables } from './tables.js'

/** What was reported, and how it stands. */
export function memoryReports(
  tables: Tables,
  now: () => number,
): Pick<OutboxStore, 'reports' | 'restate' | 'stranded'> {
  const oldestFirst = (rows: readonly StoredDelivery[]) =>
    [...rows].sort((left, right) => left.waiting.createdAt - right.waiting.createdAt)
  return {
    async reports(accountId, destination, { from, to }) {
      const rows = [...allDeliveries(tables)].filter(
        ({ told }) =>
          told.kind === 'metering' &&
          told.destination === destination &&
          told.accountId === accountId &&
          told.occurredAt >= from &&
          told.occurredAt < to,
      )
      return reportStates(oldestFirst(rows).map(({ told, waiting }) => ({ ...waiting, ...told })))
    },
    async restate(accountId, { ids, from, to, error, event }) {
      const own = [...allDeliveries(tables)].filter(({ told }) => told.accountId === accountId)
      const reportId = ({ told: { id }, waiting: { bundle } }: StoredDelivery) => reportOf({ id, bundle })
      const named = new Set(own.filter((row) => ids.includes(row.told.id)).map(reportId))
      const changed = own.filter(
        (row) => named.has(reportId(row)) && from.some((status) => status === row.waiting.status),
      )
      for (const row of changed) restateRow(tables, row, { to, error }, now())
      if (event && changed.length > 0) addEvents(tables, [event], now())
      return changed.map(({ told }) => told.id)
    },
    async stranded(destination, status, { limit, after = '0 ' }) {
      const rows = [...allDeliveries(tables)].flatMap(({ told, waiting }) => {
        if (told.destination !== destination || waiting.status !== status) return []
        const { id, accountId, kind, sparks, occurredAt } = told
        const { error, createdAt } = waiting
        const cursor = `${String(createdAt).padStart(16, '0')} ${id}`
        return { id, accountId, destination, kind, status, sparks, occurredAt, error, cursor }
      })
      return rows
        .filter(({ cursor }) => cursor > after)
        .sort((left, right) => (left.cursor < right.cursor ? -1 : 1))
        .slice(0, limit)
    },
  }
}

function restateRow(
  tables: Tables,
  row: StoredDelivery,
  { to, error }: { readonly to: StoredDelivery['waiting']['status']; readonly error: string | null },
  now: number,
): void {
  row.waiting = { ...row.waiting, status: to, error }
  if (to !== 'pending') return
  row.waiting = { ...row.waiting, attempts: 0, firstAttemptAt: null, claimedAt: null, nextAttemptAt: now }
  enqueue(tables, row)
}
