import type { PriceStore } from '../../core/ports/store.js'
import { checkText } from '../sql/column.js'
import type { Connection } from './connection.js'
import type { Tables } from './tables.js'

export function postgresPrices(connection: Connection, { schema }: Tables): PriceStore {
  return {
    async keep(version, card) {
      const insert = `INSERT INTO ${schema}.price_cards (version, card) VALUES ($1, $2) ON CONFLICT DO NOTHING`
      await connection.write((sql) => sql.query(insert, [checkText(version), checkText(card)]))
    },
    async get(version) {
      const query = `SELECT card FROM ${schema}.price_cards WHERE version = $1`
      const rows = await connection.read((sql) => sql.query(query, [version]))
      return rows[0]?.[0] ?? null
    },
  }
}
