import { BillingError } from '../../core/errors.js'
import { storable, type Value } from '../sql/column.js'
import type { Driver, Statement } from './driver.js'
import { isBusy, storageError } from './errors.js'

/** What a transaction is given. */
export interface Sql {
  /** Runs with values that were checked before. */
  write(sql: string, values: readonly Value[]): void
  run(sql: string, ...values: readonly Value[]): void
  all(sql: string, ...values: readonly Value[]): readonly (readonly Value[])[]
  /** The first row, if there is one. */
  first(sql: string, ...values: readonly Value[]): readonly Value[] | undefined
  exec(sql: string): void
}

/** One connection. Work is synchronous from BEGIN to COMMIT, so nothing of this process comes in between. */
export interface Connection {
  /** Runs in one write transaction: all of it is durable when this resolves, or none of it is there. */
  write<T>(work: (sql: Sql) => T): Promise<T>
  /** Runs on one state of the database. */
  read<T>(work: (sql: Sql) => T): Promise<T>
  /** Runs outside of a transaction, for what SQLite wants there. */
  plain<T>(work: (sql: Sql) => T): Promise<T>
  close(): void
}

/** What a connection is told. */
export interface ConnectionOptions {
  readonly driver: Driver
  /** Names the database in errors. */
  readonly file: string
  /** How long to wait while another process writes. */
  readonly busyTimeoutMs: number
  /** Whether to close the database with the connection. */
  readonly isOwn: boolean
}

/**
 * Waits for other processes by trying again after a moment, not by SQLite's busy handler: that one would keep this process from
 * doing anything else meanwhile.
 */
export function createConnection({ driver, file, busyTimeoutMs, isOwn }: ConnectionOptions): Connection {
  const statements = new Map<string, Statement>()
  let isOpen = true
  const prepared = (sql: string): Statement => {
    let statement = statements.get(sql)
    if (!statement) {
      statement = driver.prepare(sql)
      statements.set(sql, statement)
    }
    return statement
  }
  const sql: Sql = {
    write: (text, values) => prepared(text).run(values),
    run: (text, ...values) => prepared(text).run(values.map(storable)),
    all: (text, ...values) => prepared(text).all(values.map(storable)),
    first: (text, ...values) => prepared(text).all(values.map(storable))[0],
    exec: (text) => driver.exec(text),
  }

  async function patiently<T>(attempt: () => T): Promise<T> {
    let waited = 0
    for (let delay = 1; ; delay = Math.min(delay * 2, 25)) {
      if (!isOpen) throw new BillingError('storage_unavailable', `${file} is closed.`, { retryable: false })
      try {
        return attempt()
      } catch (error) {
        if (!isBusy(error) || waited >= busyTimeoutMs) throw storageError(error, file)
      }
      await new Promise((resolve) => setTimeout(resolve, delay))
      waited += delay
    }
  }

  function transaction<T>(begin: string, work: (sql: Sql) => T): T {
    // Not prepared: libsql leaves a prepared BEGIN that was busy in progress, and no COMMIT passes while it is.
    sql.exec(begin)
    let isCommitting = false
    try {
      const result = work(sql)
      isCommitting = true
      sql.exec('COMMIT')
      return result
    } catch (error) {
      rollBack()
      // A log that was written but could not be synced may still be taken for committed after a crash.
      throw isCommitting && !isBusy(error) ? storageError(error, file, 'unknown') : error
    }
  }

  function rollBack(): void {
    try {
      sql.exec('ROLLBACK')
    } catch {
      // A full disk or an I/O error has already ended the transaction.
    }
  }

  return {
    // Not deferred: a transaction that reads first and writes later fails at once when another one wrote in between.
    write: (work) => patiently(() => transaction('BEGIN IMMEDIATE', work)),
    read: (work) => patiently(() => transaction('BEGIN', work)),
    plain: (work) => patiently(() => work(sql)),
    close() {
      if (!isOpen) return
      isOpen = false
      statements.clear()
      if (isOwn) driver.close()
    },
  }
}
