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
  /** Another one once somebody else has written, or a transaction here was undone. Not known of a connection that the app shares. */
  version(): string | undefined
}

/** Work that says, by yielding, where it may be interrupted. */
export type Steps<T> = Generator<void, T, void>

/** One connection, on which nothing comes in between BEGIN and COMMIT: work is synchronous, or the rest waits for it. */
export interface Connection {
  /** Runs in one write transaction: all of it is durable when this resolves, or none of it is there. */
  write<T>(work: (sql: Sql) => T): Promise<T>
  /** The same for work that takes long: the process gets to other things meanwhile, though not to this connection. */
  writeInSteps<T>(work: (sql: Sql) => Steps<T>): Promise<T>
  /** Runs on one state of the database. */
  read<T>(work: (sql: Sql) => T): Promise<T>
  /** Runs outside of a transaction, for what SQLite wants there. */
  plain<T>(work: (sql: Sql) => T): Promise<T>
  /** Refuses what waits, and closes after what is under way. */
  close(): Promise<void>
}

/** What a connection is told. */
export interface ConnectionOptions {
  readonly driver: Driver
  /** Names the database in errors. */
  readonly file: string
  /** How long to wait while another process writes. */
  readonly busyTimeoutMs: number
  /** Whether nobody else uses the open database: then a transaction may pause, and closing the connection closes the database. */
  readonly isOwn: boolean
}

/** How long work in steps keeps the process from other things, as far as its steps allow. */
const turnMs = 1

/**
 * Waits for other processes by trying again after a moment, not by SQLite's busy handler: that one would keep this process from
 * doing anything else meanwhile.
 */
export function createConnection({ driver, file, busyTimeoutMs, isOwn }: ConnectionOptions): Connection {
  const statements = new Map<string, Statement>()
  let isOpen = true
  let undone = 0
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
    version: () => (isOwn ? `${sql.first('PRAGMA data_version')?.[0]} ${undone}` : undefined),
  }

  /** Resolves when the transaction in steps that is under way has ended. */
  let underWay: Promise<void> | undefined

  async function patiently<T>(attempt: () => T | Promise<T>): Promise<T> {
    let waited = 0
    for (let delay = 1; ; delay = Math.min(delay * 2, 25)) {
      while (underWay) await underWay
      if (!isOpen) throw new BillingError('storage_unavailable', `${file} is closed.`, { retryable: false })
      try {
        return await attempt()
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
    const result = rolledBack(() => work(sql))
    commit()
    return result
  }

  async function transactionInSteps<T>(work: (sql: Sql) => Steps<T>): Promise<T> {
    sql.exec('BEGIN IMMEDIATE')
    let end = () => {}
    underWay = new Promise((resolve) => {
      end = resolve
    })
    try {
      const pause = pauses()
      const steps = work(sql)
      let step = rolledBack(() => steps.next())
      while (!step.done) {
        await pause()
        step = rolledBack(() => steps.next())
      }
      await pause()
      commit()
      await pause()
      return step.value
    } finally {
      underWay = undefined
      end()
    }
  }

  function rolledBack<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      rollBack()
      throw error
    }
  }

  function commit(): void {
    try {
      sql.exec('COMMIT')
    } catch (error) {
      rollBack()
      // A log that was written but could not be synced may still be taken for committed after a crash.
      throw isBusy(error) ? error : storageError(error, file, 'unknown')
    }
  }

  function rollBack(): void {
    undone += 1
    try {
      sql.exec('ROLLBACK')
    } catch {
      // A full disk or an I/O error has already ended the transaction.
    }
  }

  return {
    // Not deferred: a transaction that reads first and writes later fails at once when another one wrote in between.
    write: (work) => patiently(() => transaction('BEGIN IMMEDIATE', work)),
    writeInSteps: (work) =>
      isOwn ? patiently(() => transactionInSteps(work)) : patiently(() => transaction('BEGIN IMMEDIATE', atOnce(work))),
    read: (work) => patiently(() => transaction('BEGIN', work)),
    plain: (work) => patiently(() => work(sql)),
    async close() {
      if (!isOpen) return
      isOpen = false
      while (underWay) await underWay
      if (!isOwn) return statements.clear()
      // libsql lets go of the file only when its statements are collected, and so leaves the log behind: what is in it is brought into the
      // file here. Where another process uses the file the log stays, as it should.
      try {
        sql.all('PRAGMA wal_checkpoint(TRUNCATE)')
      } catch {
        // Nothing is lost: whoever opens the file next reads the log.
      }
      statements.clear()
      driver.close()
    },
  }
}

/** Waits for the next turn of the event loop once this one has taken long enough. */
function pauses(): () => Promise<void> | undefined {
  let since = performance.now()
  return () => {
    if (performance.now() - since < turnMs) return undefined
    return new Promise((resolve) => {
      setImmediate(() => {
        since = performance.now()
        resolve()
      })
    })
  }
}

function atOnce<T>(work: (sql: Sql) => Steps<T>): (sql: Sql) => T {
  return (sql) => {
    const steps = work(sql)
    for (;;) {
      const step = steps.next()
      if (step.done) return step.value
    }
  }
}
