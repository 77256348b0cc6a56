import { createRequire } from 'node:module'
import { BillingError } from '../../core/errors.js'
import type { Value } from '../sql/column.js'

/** A prepared statement. */
export interface Statement {
  run(values: readonly Value[]): void
  /** Rows as arrays, in the order of the columns. */
  all(values: readonly Value[]): readonly (readonly Value[])[]
}

/** One open database, whichever library opened it. */
export interface Driver {
  readonly name: string
  exec(sql: string): void
  prepare(sql: string): Statement
  close(): void
}

/** An open database of better-sqlite3's shape (better-sqlite3, libsql) or of `node:sqlite`. */
export interface SqliteDatabase {
  /** Runs statements that answer nothing. */
  exec(sql: string): unknown
  /** Compiles one statement. */
  prepare(sql: string): object
  /** Lets go of the file. */
  close(): unknown
}

interface BetterSqliteStatement {
  run(values: readonly Value[]): unknown
  all(values: readonly Value[]): unknown[]
  raw(): this
  safeIntegers(): this
}

interface NodeSqliteStatement {
  run(...values: readonly Value[]): unknown
  all(...values: readonly Value[]): unknown[]
  setReadBigInts(on: boolean): void
}

/** Opens a file with `node:sqlite` where the runtime has it, else with libsql. @throws BillingError `config_invalid` */
export function openDriver(path: string): Driver {
  const builtIn = process.getBuiltinModule?.('node:sqlite') as
    | { readonly DatabaseSync: new (path: string, options: object) => SqliteDatabase }
    | undefined
  try {
    if (builtIn) return adapt(new builtIn.DatabaseSync(path, { timeout: 0 }), 'node:sqlite')
    return adapt(new (loadLibsql())(path, { timeout: 0 }), 'libsql')
  } catch (error) {
    if (BillingError.is(error)) throw error
    throw new BillingError(
      'config_invalid',
      `The SQLite database ${path} cannot be opened: ${(error as Error).message}. Its folder must exist and be writable.`,
      { cause: error },
    )
  }
}

/** Wraps a database of either shape. */
export function adapt(database: SqliteDatabase, name: string): Driver {
  return {
    name,
    exec: (sql) => void database.exec(sql),
    prepare: (sql) => adaptStatement(database.prepare(sql)),
    close: () => void database.close(),
  }
}

function adaptStatement(statement: object): Statement {
  if ('setReadBigInts' in statement) {
    const native = statement as NodeSqliteStatement
    native.setReadBigInts(true)
    return {
      run: (values) => void native.run(...values),
      all: (values) => native.all(...values).map((row) => Object.values(row as Record<string, Value>)),
    }
  }
  const prepared = statement as BetterSqliteStatement
  let reader: BetterSqliteStatement | undefined
  return {
    // An array in one piece: a lone null or Buffer would be taken for named parameters.
    run: (values) => void prepared.run(values),
    all(values) {
      // `raw` is refused on a statement that answers nothing, so it waits until rows are asked for.
      reader ??= prepared.safeIntegers().raw()
      return reader.all(values) as (readonly Value[])[]
    },
  }
}

function loadLibsql(): new (path: string, options: object) => SqliteDatabase {
  try {
    return createRequire(import.meta.url)('libsql')
  } catch (error) {
    throw new BillingError(
      'config_invalid',
      'sqliteStore needs a SQLite driver: install libsql (npm install libsql), or run on Node 22.13 or newer, which has one built in.',
      { cause: error },
    )
  }
}
