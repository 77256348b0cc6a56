import type { PriceStore } from '../../core/ports/store.js'
import type { Connection } from './connection.js'

export function sqlitePrices(connection: Connection): PriceStore {
  return {
    keep(version, card) {
      const insert = 'INSERT INTO billfold_price_cards (version, card) VALUES (?, ?) ON CONFLICT DO NOTHING'
      return connection.write((sql) => sql.run(insert, version, card))
    },
    get(version) {
      const query = 'SELECT card FROM billfold_price_cards WHERE version = ?'
      return connection.read((sql) => (sql.first(query, version)?.[0] ?? null) as string | null)
    },
  }
}
