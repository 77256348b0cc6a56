import { type Rows, type StoredField, storable, type Value } from '../sql/column.js'
import type { Sql } from './connection.js'

/** A table of the database, which others may share: its name says whose it is. */
export interface Table<Row> {
  insert(sql: Sql, rows: readonly Row[]): void
  /** Adds the rows, or replaces those with their keys. */
  upsert(sql: Sql, rows: readonly Row[]): void
  /** Adds the rows, or their numbers to those of the rows with their keys. */
  add(sql: Sql, rows: readonly Row[]): void
  /** Replaces what the columns hold of the rows with their keys. */
  update(sql: Sql, rows: readonly Row[]): void
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
  const changing = names.filter((column) => !key.includes(column))
  const into = `INSERT INTO billfold_${name} (${names.join(', ')}) VALUES`
  const replacing = (how: (column: string) => string) =>
    `ON CONFLICT (${key.join(', ')}) DO UPDATE SET ${changing.map((column) => `${column} = ${how(column)}`).join(', ')}`
  const place = (column: string) => `v.column${names.indexOf(column) + 1}`
  const setting = changing.map((column) => `${column} = ${place(column)}`).join(', ')
  const found = key.map((column) => `t.${column} = ${place(column)}`).join(' AND ')
  const select = `SELECT ${names.join(', ')} FROM billfold_${name} `
  return {
    columns: names.join(', '),
    read,
    insert: writer(fields, into, ''),
    upsert: writer(
      fields,
      into,
      replacing((column) => `excluded.${column}`),
    ),
    add: writer(
      fields,
      into,
      replacing((column) => `${column} + excluded.${column}`),
    ),
    update: writer(fields, `UPDATE billfold_${name} AS t SET ${setting} FROM (VALUES`, `) AS v WHERE ${found}`),
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

/** Rows a statement: the call costs as much as a few of its values. Few sizes, since each is a statement to be kept. */
const sizes = [32, 16, 8, 4, 2, 1]

/** Writes rows with a statement that holds a list of them between two texts. */
function writer<Row>(fields: readonly StoredField<Row>[], before: string, after: string) {
  const row = `(${fields.map(() => '?').join(', ')})`
  const statements = sizes.map((size) => ({
    size,
    text: `${before} ${Array.from({ length: size }, () => row).join(', ')} ${after}`,
  }))
  return (sql: Sql, rows: readonly Row[]): void => {
    let at = 0
    for (const { size, text } of statements) {
      for (; rows.length - at >= size; at += size) sql.write(text, bound(fields, rows, at, at + size))
    }
  }
}

function bound<Row>(fields: readonly StoredField<Row>[], rows: readonly Row[], from: number, to: number): Value[] {
  const values: Value[] = []
  for (const row of rows.slice(from, to)) {
    for (const { type, get } of fields) {
      const value = get(row)
      if (value === null) values.push(null)
      else if (type === 'uuid') values.push(bytesOf(value as string))
      else values.push(typeof value === 'number' ? BigInt(value) : storable(value))
    }
  }
  return values
}
