import { postgresStore } from 'billfold/adapters/postgres'
import { sqliteStore } from 'billfold/adapters/sqlite'

/**
 * @param {{ readonly path: string } | { readonly connectionString: string, readonly schema: string }} where
 * @returns {import('billfold').Store}
 */
export function openStore(where) {
  return 'path' in where ? sqliteStore(where) : postgresStore(where)
}
