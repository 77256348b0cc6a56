import type { RecordStore } from '../../core/ports/store.js'
import type { Tables } from './tables.js'
import { under } from './under.js'

export function memoryRecords(tables: Tables): RecordStore {
  return {
    async get(owner, id) {
      return tables.records.get(owner)?.get(id) ?? null
    },
    async list(owner, { kind, party, limit, before }) {
      const all = [...(tables.records.get(owner)?.values() ?? [])].reverse()
      const from = before === undefined ? 0 : all.findIndex(({ id }) => id === before) + 1
      if (before !== undefined && from === 0) return []
      return all
        .slice(from)
        .filter((record) => record.kind === kind && record.party === party)
        .slice(0, limit)
    },
    async write(owner, records) {
      const own = under(tables.records, owner, () => new Map())
      if (records.some(({ id, revision }) => (own.get(id)?.revision ?? 0) + 1 !== revision)) return false
      for (const { id, kind, party, revision, body } of records) {
        const before = own.get(id)
        own.set(id, before ? { ...before, revision, body } : { id, kind, party, revision, body })
      }
      return true
    },
  }
}
