import { BillingError } from '../../core/errors.js'
import { type PostgresClient, type PostgresPool, type Sql, sqlOf } from './client.js'
import { isConflict, isLostConnection, storageError } from './errors.js'

/** Transactions on the pool. */
export interface Connection {
  /**
   * Runs in one transaction: all of it is durable when this resolves. `work` may send the COMMIT itself, behind statements it has not
   * waited for: it says then that nothing follows.
   */
  write<T>(work: (sql: Sql, commit: () => void) => Promise<T>): Promise<T>
  /** The same for work that may take as long as it takes. */
  writeSlowly<T>(work: (sql: Sql) => Promise<T>): Promise<T>
  /** Runs on one state of the database. */
  read<T>(work: (sql: Sql) => Promise<T>): Promise<T>
  /** The same for work that may take as long as it takes. */
  readSlowly<T>(work: (sql: Sql) => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** What a connection is told. */
export interface ConnectionOptions {
  readonly pool: PostgresPool
  /** Whether to close the pool with the connection. */
  readonly isOwn: boolean
  /** Whether statements are prepared under a name. */
  readonly prepare: boolean
  /** How long a transaction may take, in milliseconds: a connection that is silent for longer is given up. */
  readonly timeoutMs: number
  /** What is added to the statement that begins a transaction. */
  readonly begin: () => string
}

type Work<T> = (sql: Sql, commit: () => void) => Promise<T>

const attempts = 5

/** The statement that fails for it says so. */
function ignore(): void {}

export function createConnection({ pool, isOwn, prepare, timeoutMs, begin }: ConnectionOptions): Connection {
  let isOpen = true

  async function connect(): Promise<PostgresClient> {
    if (!isOpen) throw new BillingError('storage_unavailable', 'The PostgreSQL store is closed.', { retryable: false })
    try {
      return await pool.connect()
    } catch (error) {
      throw storageError(error, 'not_applied')
    }
  }

  async function once<T>(mode: string, work: Work<T>, limitMs: number | null): Promise<T> {
    const client = await connect()
    client.on('error', ignore)
    let isReleased = false
    const release = (isBroken: boolean): void => {
      if (!isReleased) client.release(isBroken)
      isReleased = true
    }
    // A pipelined connection that its pool forgets would wait for its answers first. Everything that waits on it hears of the end.
    const giveUp = (): void => {
      release(true)
      client.connection?.stream?.destroy()
    }
    const deadline = limitMs === null ? undefined : setTimeout(giveUp, limitMs)
    const sql = sqlOf(client, prepare)
    let committed: Promise<unknown> | undefined
    const commit = (): void => {
      committed ??= sql.query('COMMIT')
      committed.catch(ignore)
    }
    try {
      // Not awaited: it goes out together with the first statement.
      const begun = sql.query(`BEGIN ${mode}${begin()}`)
      begun.catch(ignore)
      const result = await work(sql, commit)
      await begun
      commit()
      await committed
      client.off('error', ignore)
      release(false)
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
      release(!isRolledBack)
      // A COMMIT that was answered with an error has not happened, nor has one behind a statement that was; one without an answer may have.
      const mayBeThere = committed !== undefined && isLost
      throw isConflict(error) ? error : storageError(error, mayBeThere ? 'unknown' : 'not_applied')
    } finally {
      clearTimeout(deadline)
    }
  }

  async function patiently<T>(mode: string, work: Work<T>, limitMs: number | null = timeoutMs): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await once(mode, work, limitMs)
      } catch (error) {
        if (!isConflict(error)) throw error
        if (attempt === attempts) throw storageError(error, 'not_applied')
      }
    }
  }

  return {
    write: (work) => patiently('ISOLATION LEVEL READ COMMITTED READ WRITE', work),
    writeSlowly: (work) => patiently('ISOLATION LEVEL READ COMMITTED READ WRITE', work, null),
    read: (work) => patiently('ISOLATION LEVEL REPEATABLE READ READ ONLY', work),
    readSlowly: (work) => patiently('ISOLATION LEVEL REPEATABLE READ READ ONLY', work, null),
    async close() {
      if (!isOpen) return
      isOpen = false
      if (isOwn) await pool.end()
    },
  }
}
