import { BillingError } from '../../core/errors.js'
import { type PostgresClient, type PostgresPool, type Sql, sqlOf } from './client.js'
import { isConflict, isLostConnection, storageError } from './errors.js'
import { inHostTransaction } from './host-transaction.js'
import { type Setting, sendAll, setLocal } from './planner.js'

/** Transactions on the pool. */
export interface Connection {
  /**
   * Runs in one transaction: all of it is durable when this resolves. `work` may send the COMMIT itself, behind statements it has not
   * waited for: it says then that nothing follows. Waits for a lock for as long as was set up, or as is said here; 0 is for ever.
   *
   * @throws BillingError `account_busy`
   */
  write<T>(work: (sql: Sql, commit: () => void) => Promise<T>, lockTimeoutMs?: number): Promise<T>
  /** The same for work that may take as long as it takes. */
  writeSlowly<T>(work: (sql: Sql) => Promise<T>): Promise<T>
  /** Runs on one state of the database. */
  read<T>(work: (sql: Sql) => Promise<T>): Promise<T>
  /** The same for work that may take as long as it takes. */
  readSlowly<T>(work: (sql: Sql) => Promise<T>): Promise<T>
  /** Runs in a transaction that the app began on a connection of its own. */
  join<T>(transaction: object, work: (sql: Sql) => Promise<T>): Promise<T>
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
  /** How long a statement waits for a lock. */
  readonly lockTimeoutMs: number
  /** What its transactions set. */
  readonly settings: readonly Setting[]
  /** Whether its own connections have these from the start. */
  readonly isTuned: boolean
  /** Whether settings are sent each by itself. */
  readonly isApart: boolean
  /** What else is told to a transaction when it begins. */
  readonly time: () => readonly Setting[]
}

type Work<T> = (sql: Sql, commit: () => void) => Promise<T>

const attempts = 5

/** The statement that fails for it says so. */
function ignore(): void {}

export function createConnection(options: ConnectionOptions): Connection {
  const { pool, isOwn, prepare, timeoutMs, lockTimeoutMs, settings, isTuned, isApart, time } = options
  const set = isTuned ? [] : setLocal(settings)
  const writing = ['BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE', ...set]
  const reading = ['BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', ...set]
  let isOpen = true

  function checkOpen(): void {
    if (!isOpen) throw new BillingError('storage_unavailable', 'The PostgreSQL store is closed.', { retryable: false })
  }

  async function connect(): Promise<PostgresClient> {
    checkOpen()
    try {
      // Ours has a limit of its own. One of the app may be used up by whoever waits for this call.
      return await (isOwn ? pool.connect() : connectSoon(pool, Math.min(timeoutMs, 10_000)))
    } catch (error) {
      throw storageError(error, 'not_applied')
    }
  }

  async function once<T>(beginning: readonly string[], work: Work<T>, limitMs: number | null): Promise<T> {
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
      const begun = sendAll(sql, [...beginning, ...setLocal(time())], isApart)
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

  async function patiently<T>(
    beginning: readonly string[],
    work: Work<T>,
    limitMs: number | null = timeoutMs,
  ): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await once(beginning, work, limitMs)
      } catch (error) {
        if (!isConflict(error)) throw error
        if (attempt === attempts) throw storageError(error, 'not_applied')
      }
    }
  }

  return {
    write: (work, waitMs = lockTimeoutMs) => patiently([...writing, `SET LOCAL lock_timeout = ${waitMs}`], work),
    writeSlowly: (work) => patiently(writing, work, null),
    read: (work) => patiently(reading, work),
    readSlowly: (work) => patiently(reading, work, null),
    async join(transaction, work) {
      checkOpen()
      return inHostTransaction(transaction, work, options)
    },
    async close() {
      if (!isOpen) return
      isOpen = false
      if (isOwn) await pool.end()
    },
  }
}

/** A connection, unless none is free for a long time: it goes back to the pool if it comes after all. */
function connectSoon(pool: PostgresPool, limitMs: number): Promise<PostgresClient> {
  return new Promise((resolve, reject) => {
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      reject(new BillingError('overloaded', `No connection of the pool became free within ${limitMs} ms.`))
    }, limitMs)
    pool
      .connect()
      .then((client) => (isLate ? client.release() : resolve(client)), reject)
      .finally(() => clearTimeout(timer))
  })
}
