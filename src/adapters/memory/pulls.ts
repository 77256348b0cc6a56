import type { PullStore } from '../../core/ports/store.js'
import type { Tables } from './tables.js'
import { under } from './under.js'

export function memoryPulls(tables: Tables): PullStore {
  return {
    async assign(source, items) {
      return items.map(({ externalId, accountId }) =>
        under(tables.pulled, keyOf(source, externalId), () => ({ accountId, isMarked: false })),
      )
    },
    async mark(source, externalIds) {
      for (const externalId of externalIds) {
        const key = keyOf(source, externalId)
        const kept = tables.pulled.get(key)
        if (kept) tables.pulled.set(key, { ...kept, isMarked: true })
      }
    },
    async position(source) {
      return tables.pullPositions.get(source) ?? null
    },
    async advance(source, position) {
      const before = tables.pullPositions.get(source)
      if (before === undefined || before < position) tables.pullPositions.set(source, position)
    },
  }
}

function keyOf(source: string, externalId: string): string {
  return JSON.stringify([source, externalId])
}
