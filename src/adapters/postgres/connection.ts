import { BillingError } from '../../core/errors.js'
import { type PostgresClient, type PostgresPool, type Sql, sqlOf } from './client.js'
import { isConflict, isLostConnection, storageError } from './errors.js'

/** Transactions on the pool. */
export interface Connection {
  /** Runs in one transaction: all of it is durable when this resolves. `begin` may add settings to it. */
  write<T>(work: (sql: Sql) => Promise<T>, begin?: string): Promise<T>
  /** Runs on one state of the database. */
  read<T>(work: (sql: Sql) => Promise<T>): Promise<T>
  close(): Promise<void>
}

const attempts = 5

/** The statement that fails for it says so. */
function ignore(): void {}

export function createConnection(pool: PostgresPool, isOwn: boolean): Connection {
  let isOpen = true

  async function connect(): Promise<PostgresClient> {
    if (!isOpen) throw new BillingError('storage_unavailable', 'The PostgreSQL store is closed.', { retryable: false })
    try {
      return await pool.connect()
    } catch (error) {
      throw storageError(error, 'not_applied')
    }
  }

  async function once<T>(begin: string, work: (sql: Sql) => Promise<T>): Promise<T> {
    const client = await connect()
    client.on('error', ignore)
    const sql = sqlOf(client)
    let isCommitting = false
    try {
      // Not awaited: it goes out together with the first statement.
      const begun = sql.query(begin)
      begun.catch(() => {})
      const result = await work(sql)
      await begun
      isCommitting = true
      await sql.query('COMMIT')
      client.off('error', ignore)
      client.release()
      return result
    } catch (error) {
      const isLost = isLostConnection(error)
      const isRolledBack =
        !isLost &&
        (await sql.query('ROLLBACK').then(
          () => true,
          () => false,
        ))
      // A broken one keeps the listener: what it still has to say is of no interest.
      if (isRolledBack) client.off('error', ignore)
      client.release(!isRolledBack)
      // A COMMIT that the server answered with an error has not happened; one without an answer may have.
      throw isConflict(error) ? error : storageError(error, isCommitting && isLost ? 'unknown' : 'not_applied')
    }
  }

  async function patiently<T>(begin: string, work: (sql: Sql) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await once(begin, work)
      } catch (error) {
        if (!isConflict(error)) throw error
        if (attempt === attempts) throw storageError(error, 'not_applied')
      }
    }
  }

  return {
    write: (work, begin = 'BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE') => patiently(begin, work),
    read: (work) => patiently('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', work),
    async close() {
      if (!isOpen) return
      isOpen = false
      if (isOwn) await pool.end()
    },
  }
}
