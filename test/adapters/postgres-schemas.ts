import { AsyncLocalStorage } from 'node:async_hooks'
import type pg from 'pg'

/** Schemas of one server that are emptied and used again: making the tables of one takes as long as many cases. */
export interface PostgresSchemas {
  /** One in which no table has a row; the first time, one that is not there yet. */
  take(): string
  /**
   * Runs a case that closes all that it opens, and then empties what it took, for others to take. One that failed may still be at work: what
   * it took is not used again.
   */
  during(run: () => Promise<void>): Promise<void>
}

/** @param prefix what their names begin with */
export function postgresSchemas(prefix: string, server: () => Pick<pg.Pool, 'query'>): PostgresSchemas {
  const unique = `${prefix}${process.pid}_${Date.now().toString(36)}`
  const free: string[] = []
  const takenBy = new AsyncLocalStorage<string[]>()
  let made = 0

  async function empty(schema: string): Promise<void> {
    const { rows } = await server().query(
      `SELECT string_agg(format('DELETE FROM %I.%I', schemaname, tablename), ';') AS statements FROM pg_tables
       WHERE schemaname = $1 AND tablename <> 'schema_version'`,
      [schema],
    )
    // Nobody made its tables.
    if (!rows[0]?.statements) return
    // As a replica, for which the triggers that keep the ledger from being deleted do not count.
    await server().query(`BEGIN; SET LOCAL session_replication_role = replica; ${rows[0].statements}; COMMIT`)
    free.push(schema)
  }

  return {
    take() {
      const schema = free.shift() ?? `${unique}_${++made}`
      takenBy.getStore()?.push(schema)
      return schema
    },
    async during(run) {
      const taken: string[] = []
      await takenBy.run(taken, run)
      await Promise.all(taken.map(empty))
    },
  }
}
