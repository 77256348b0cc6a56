import type { PriceStore } from '../../core/ports/store.js'
import type { Tables } from './tables.js'
import { under } from './under.js'

export function memoryPrices(tables: Tables): PriceStore {
  return {
    async keep(version, card) {
      under(tables.priceCards, version, () => card)
    },
    async get(version) {
      return tables.priceCards.get(version) ?? null
    },
  }
}
