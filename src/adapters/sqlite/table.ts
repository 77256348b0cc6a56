import { type Column, columnName, type Rows, type Value } from '../sql/column.js'
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

export function table<Row extends object>({ name, key, columns }: Rows<Row>): Table<Row> {
  const fields = Object.entries(columns) as [keyof Row & string, Column<unknown>][]
  const names = fields.map(([field]) => columnName(field))
  const insert = `INSERT INTO billfold_${name} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`
  const changing = fields.filter(([field]) => !key.includes(field)).map(([field]) => columnName(field))
  const upsert = `${insert} ON CONFLICT (${key.map(columnName).join(', ')}) DO UPDATE SET ${changing
    .map((column) => `${column} = excluded.${column}`)
    .join(', ')}`
  const add = `${insert} ON CONFLICT (${key.map(columnName).join(', ')}) DO UPDATE SET ${changing
    .map((column) => `${column} = ${column} + excluded.${column}`)
    .join(', ')}`
  const update = `UPDATE billfold_${name} SET ${changing.map((column) => `${column} = ?`).join(', ')} WHERE ${key
    .map((field) => `${columnName(field)} = ?`)
    .join(' AND ')}`
  const others = fields.filter(([field]) => !key.includes(field))
  const select = `SELECT ${names.join(', ')} FROM billfold_${name} `

  const write = (row: Row) => fields.map(([field, column]) => column.write(row[field]))
  const read = (values: readonly Value[]) =>
    Object.fromEntries(fields.map(([field, column], index) => [field, column.read(values[index] ?? null)])) as Row
  return {
    columns: names.join(', '),
    read,
    insert: (sql, row) => sql.run(insert, ...write(row)),
    upsert: (sql, row) => sql.run(upsert, ...write(row)),
    add: (sql, row) => sql.run(add, ...write(row)),
    update: (sql, row) =>
      sql.run(
        update,
        ...others.map(([field, column]) => column.write(row[field])),
        ...key.map((field) => columns[field].write(row[field])),
      ),
    select: (sql, clause, ...values) => sql.all(select + clause, ...values).map(read),
    first(sql, clause, ...values) {
      const row = sql.first(select + clause, ...values)
      return row && read(row)
    },
  }
}
