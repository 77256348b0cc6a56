import { type Rows, type StoredField, storable, type Value } from '../sql/column.js'
import type { Sql } from './connection.js'

/** A table of the database, which others may share: its name says whose it is. */
export interface Table<Row> {
  insert(sql: Sql, row: Row): void
  /** Adds the row, or replaces the one with its key. */
  upsert(sql: Sql, row: Row): void
  /** Adds the row, or its numbers to those of the row with its key. */
  add(sql: Sql, row: Row): void
  /** Replaces what the columns hold of the row with its key. */
  update(sql: Sql, row: Row): void
  /** The rows that what follows `FROM table` picks. */
  select(sql: Sql, clause: string, ...values: readonly Value[]): readonly Row[]
  first(sql: Sql, clause: string, ...values: readonly Value[]): Row | undefined
  /** The columns, for a query of one's own whose rows begin with them. */
  readonly columns: string
  /** Reads a row that begins with the columns. */
  read(values: readonly Value[]): Row
}

export function table<Row extends object>({ name, key, fields, read }: Rows<Row>): Table<Row> {
  const names = fields.map((field) => field.name)
  const keyFields = fields.filter((field) => key.includes(field.name))
  const changing = fields.filter((field) => !key.includes(field.name))
  const replacing = (how: (column: string) => string) =>
    ` ON CONFLICT (${key.join(', ')}) DO UPDATE SET ${changing.map((field) => `${field.name} = ${how(field.name)}`).join(', ')}`
  const insert = `INSERT INTO billfold_${name} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`
  const upsert = insert + replacing((column) => `excluded.${column}`)
  const add = insert + replacing((column) => `${column} + excluded.${column}`)
  const update = `UPDATE billfold_${name} SET ${changing.map((field) => `${field.name} = ?`).join(', ')}
    WHERE ${keyFields.map((field) => `${field.name} = ?`).join(' AND ')}`
  const select = `SELECT ${names.join(', ')} FROM billfold_${name} `
  const updated = [...changing, ...keyFields]
  return {
    columns: names.join(', '),
    read,
    insert: (sql, row) => sql.write(insert, bound(fields, row)),
    upsert: (sql, row) => sql.write(upsert, bound(fields, row)),
    add: (sql, row) => sql.write(add, bound(fields, row)),
    update: (sql, row) => sql.write(update, bound(updated, row)),
    select: (sql, clause, ...values) => sql.all(select + clause, ...values).map((row) => read(row)),
    first(sql, clause, ...values) {
      const row = sql.first(select + clause, ...values)
      return row && read(row)
    },
  }
}

/** 16 bytes out of their hexadecimal text. */
export function bytesOf(uuid: string): Uint8Array {
  return Buffer.from(uuid, 'hex')
}

function bound<Row>(fields: readonly StoredField<Row>[], row: Row): Value[] {
  const values: Value[] = []
  for (const { type, get } of fields) {
    const value = get(row)
    if (value === null) values.push(null)
    else if (type === 'uuid') values.push(bytesOf(value as string))
    else values.push(typeof value === 'number' ? BigInt(value) : storable(value))
  }
  return values
}
