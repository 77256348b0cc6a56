import type { InboxStore } from '../../core/ports/store.js'
import { deadEvent } from '../kit/dead-event.js'
import type { Tables } from './tables.js'

export function memoryInbox(tables: Tables, now: () => number): InboxStore {
  return {
    async accept(event) {
      const id = `${event.provider}|${event.eventId}`
      if (tables.inbox.has(id)) return { created: false }
      const receivedAt = Math.max(now(), event.receivedAt ?? 0)
      tables.inbox.set(id, {
        ...event,
        receivedAt,
        status: 'pending',
        attempts: 0,
        fence: 0,
        nextAttemptAt: receivedAt,
        leasedUntil: 0,
        error: null,
      })
      return { created: true }
    },
    async claim({ limit, leaseMs }) {
      const at = now()
      const due = [...tables.inbox]
        .filter(([, row]) => row.status === 'pending' && row.nextAttemptAt <= at && row.leasedUntil <= at)
        .slice(0, limit)
      return due.map(([id, row]) => {
        const claimed = { ...row, attempts: row.attempts + 1, fence: row.fence + 1, leasedUntil: at + leaseMs }
        tables.inbox.set(id, claimed)
        return claimed
      })
    },
    async settle({ provider, eventId, fence, status, retryInMs, error }) {
      const id = `${provider}|${eventId}`
      const row = tables.inbox.get(id)
      if (!row || row.fence !== fence || row.status !== 'pending' || row.leasedUntil === 0) return false
      // What was applied is known by its id alone: its text may name people.
      const payload = status === 'applied' ? '' : row.payload
      tables.inbox.set(id, { ...row, payload, status, nextAttemptAt: now() + (retryInMs ?? 0), leasedUntil: 0, error })
      return true
    },
    async dead({ limit, after = '0' }) {
      const rows = [...tables.inbox.values()].map((row, index) => ({ row, cursor: String(index + 1) }))
      return rows
        .filter(({ row, cursor }) => row.status === 'dead' && Number(cursor) > Number(after))
        .slice(0, limit)
        .map(({ row, cursor }) => deadEvent(row, cursor))
    },
    async revive(provider, eventId) {
      const id = `${provider}|${eventId}`
      const row = tables.inbox.get(id)
      if (row?.status !== 'dead') return false
      tables.inbox.set(id, { ...row, status: 'pending', attempts: 0, nextAttemptAt: now() })
      return true
    },
    async backlog() {
      const at = now()
      const rows = [...tables.inbox.values()].filter(({ receivedAt }) => receivedAt <= at)
      const count = (status: 'pending' | 'dead') => rows.filter((row) => row.status === status).length
      return (['pending', 'dead'] as const)
        .map((status) => ({ status, count: count(status) }))
        .filter((row) => row.count > 0)
    },
  }
}
