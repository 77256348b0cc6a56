import { createRequire } from 'node:module'

// What the store writes, without what it reads and decides: the rows of a run are recorded by triggers, whichever statements wrote
// them, and written again one by one.

/** A row as a plain statement. @typedef {{ sql: string, values: readonly unknown[] }} Write */
/** @typedef {{ name: string, columns: readonly string[], key: readonly string[], generated: string | undefined }} RecordedTable */
/** @typedef {{ batch: number, isNew: boolean, before: readonly unknown[], after: readonly unknown[] }} Change */

/** What of `node:sqlite` is used here: the types of the oldest Node do not know it. @typedef {{ DatabaseSync: new (path: string) => any }} NodeSqlite */

const builtIn = /** @type {NodeSqlite | undefined} */ (process.getBuiltinModule?.('node:sqlite'))
export const driver = builtIn ? 'node:sqlite' : 'libsql'

/** Opens a file with the driver that the store picks, as durable as the store. @param {string} path */
export function openDurable(path) {
  const database = builtIn ? new builtIn.DatabaseSync(path) : new (createRequire(import.meta.url)('libsql'))(path)
  all(database, 'PRAGMA journal_mode = WAL')
  database.exec('PRAGMA synchronous = FULL')
  return database
}

/** Brings all of a file's log into the file itself, so that a copy of it is complete. @param {string} path */
export function settleLog(path) {
  const database = openDurable(path)
  all(database, 'PRAGMA wal_checkpoint(TRUNCATE)')
  database.close()
}

/**
 * The rows that work writes to the store's tables, each transaction's together.
 *
 * @param {string} path
 * @param {(database: any) => Promise<void>} work is given the open database
 * @returns {Promise<readonly (readonly Write[])[]>}
 */
export async function recordRows(path, work) {
  const database = openDurable(path)
  const tables = tablesOf(database)
  database.exec('CREATE TEMP TABLE recorded_batch (number INTEGER); INSERT INTO recorded_batch VALUES (0)')
  for (const table of tables) watch(database, table)
  await work({
    exec(/** @type {string} */ sql) {
      database.exec(sql)
      if (sql === 'COMMIT') database.exec('UPDATE recorded_batch SET number = number + 1')
    },
    prepare: database.prepare.bind(database),
    close() {},
  })
  /** @type {Map<number, Write[]>} */
  const batches = new Map()
  for (const table of tables) {
    for (const [batch, write] of plainWrites(table, changesOf(database, table))) {
      const writes = batches.get(batch) ?? []
      writes.push(write)
      batches.set(batch, writes)
    }
  }
  database.close()
  return [...batches.keys()].sort((left, right) => left - right).map((batch) => batches.get(batch) ?? [])
}

/** Writes rows again, a transaction for each list of them. @param {any} database @param {readonly (readonly Write[])[]} batches @returns {number} how long it took, in ms */
export function writeRows(database, batches) {
  const statements = new Map()
  for (const { sql } of batches.flat()) if (!statements.has(sql)) statements.set(sql, database.prepare(sql))
  const since = performance.now()
  for (const batch of batches) {
    database.exec('BEGIN IMMEDIATE')
    for (const { sql, values } of batch) {
      if (builtIn) statements.get(sql).run(...values)
      else statements.get(sql).run(values)
    }
    database.exec('COMMIT')
  }
  return performance.now() - since
}

/** @param {any} database @returns {readonly RecordedTable[]} */
function tablesOf(database) {
  const names = all(
    database,
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'billfold~_%' ESCAPE '~'",
  )
  return names.map(([name]) => {
    const columns = all(database, `SELECT name, type, pk FROM pragma_table_info('${name}') ORDER BY cid`)
    const key = columns.filter(([, , place]) => Number(place) > 0)
    const isNumbered = key.length === 1 && key[0]?.[1] === 'INTEGER'
    return {
      name: String(name),
      columns: columns.map(([column]) => String(column)),
      key: key.map(([column]) => String(column)),
      generated: isNumbered ? String(key[0]?.[0]) : undefined,
    }
  })
}

/** @param {any} database @param {RecordedTable} table */
function watch(database, { name, columns }) {
  const list = (/** @type {string} */ prefix) => columns.map((column) => `${prefix}${column}`).join(', ')
  const into = `INSERT INTO recorded_${name} SELECT number, `
  database.exec(`
    CREATE TEMP TABLE recorded_${name} (batch, is_new, ${list('before_')}, ${list('after_')});
    CREATE TEMP TRIGGER recorded_${name}_new AFTER INSERT ON main.${name}
      BEGIN ${into} 1, ${columns.map(() => 'NULL').join(', ')}, ${list('new.')} FROM recorded_batch; END;
    CREATE TEMP TRIGGER recorded_${name}_changed AFTER UPDATE ON main.${name}
      BEGIN ${into} 0, ${list('old.')}, ${list('new.')} FROM recorded_batch; END;`)
}

/** @param {any} database @param {RecordedTable} table @returns {readonly Change[]} */
function changesOf(database, { name, columns }) {
  return all(database, `SELECT * FROM recorded_${name} ORDER BY rowid`).map(([batch, isNew, ...values]) => ({
    batch: Number(batch),
    isNew: Number(isNew) === 1,
    before: values.slice(0, columns.length),
    after: values.slice(columns.length),
  }))
}

/**
 * One statement for the table's new rows, of the columns that hold something in any of them, and one for those that changed, of the
 * columns that changed in any of them.
 *
 * @param {RecordedTable} table
 * @param {readonly Change[]} changes
 * @returns {readonly (readonly [number, Write])[]}
 */
function plainWrites({ name, columns, key, generated }, changes) {
  const places = columns.map((_, place) => place)
  const placeOf = (/** @type {string} */ column) => columns.indexOf(column)
  const filled = places.filter(
    (place) => columns[place] !== generated && changes.some(({ isNew, after }) => isNew && after[place] !== null),
  )
  const changed = places.filter((place) =>
    changes.some(
      ({ isNew, before, after }) => !isNew && before[place] !== after[place] && !(before[place] instanceof Uint8Array),
    ),
  )
  const named = (/** @type {readonly number[]} */ of) => of.map((place) => columns[place])
  const insert = `INSERT INTO ${name} (${named(filled).join(', ')}) VALUES (${filled.map(() => '?').join(', ')})`
  const update = `UPDATE ${name} SET ${named(changed)
    .map((column) => `${column} = ?`)
    .join(', ')} WHERE ${key.map((column) => `${column} = ?`).join(' AND ')}`
  return changes.map(({ batch, isNew, after }) => {
    const bound = isNew ? filled : [...changed, ...key.map(placeOf)]
    return [batch, { sql: isNew ? insert : update, values: bound.map((place) => after[place]) }]
  })
}

/** @param {any} database @param {string} sql @returns {readonly (readonly unknown[])[]} */
function all(database, sql) {
  const statement = database.prepare(sql)
  if (!builtIn) return statement.raw().safeIntegers().all()
  statement.setReadBigInts(true)
  return statement.all().map((/** @type {object} */ row) => Object.values(row))
}
