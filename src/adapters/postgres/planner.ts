import type { Sql } from './client.js'

/** A setting of the server, and what it is for the store's transactions. */
export type Setting = readonly [name: string, value: string]

/**
 * Every statement of the store finds its rows by an index. Young tables have no statistics: without these the planner reads whole
 * tables, and is slower the more there is; and it need not plan anew for every list of values.
 */
const plannerSettings: readonly Setting[] = [
  ['jit', 'off'],
  ['enable_seqscan', 'off'],
  ['enable_hashjoin', 'off'],
  ['enable_mergejoin', 'off'],
  ['plan_cache_mode', 'force_generic_plan'],
]

/** Tells the database that what is written keeps the versions of accounts itself. */
const writer: Setting = ['billfold.writer', 'ledger']

/** What the store's transactions set. */
export const storeSettings: readonly Setting[] = [...plannerSettings, writer]

/**
 * A coordinator of Citus plans with the values at hand, so the settings above are not for it. What is set for a transaction, such as how
 * long it waits for a lock, holds on the other nodes only with this.
 */
export const coordinatorSettings: readonly Setting[] = [['citus.propagate_set_commands', 'local']]

/** Sets them until the end of the transaction. */
export function setLocal(settings: readonly Setting[]): readonly string[] {
  return settings.map(([name, value]) => `SET LOCAL ${name} = '${value.replaceAll("'", "''")}'`)
}

/**
 * Sends statements that answer nothing, as one text.
 *
 * @param isApart each by itself: a coordinator of Citus passes a setting on with the whole text that it came in
 */
export async function sendAll(sql: Sql, statements: readonly string[], isApart: boolean): Promise<void> {
  if (isApart) await Promise.all(statements.map((statement) => sql.query(statement)))
  else await sql.query(statements.join('; '))
}
