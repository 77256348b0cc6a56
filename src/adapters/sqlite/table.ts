import type { Column } from './column.js'
import type { Sql } from './connection.js'
import type { Value } from './driver.js'

/** A table whose columns are the fields of `Row`, in snake_case. */
export interface Table<Row> {
  readonly name: string
  insert(sql: Sql, row: Row): void
  /** Adds the row, or replaces the one with its key. */
  upsert(sql: Sql, row: Row): void
  /** The rows that what follows `FROM table` picks. */
  select(sql: Sql, clause: string, ...values: readonly Value[]): readonly Row[]
  first(sql: Sql, clause: string, ...values: readonly Value[]): Row | undefined
}

export function table<Row extends object>(
  name: string,
  key: readonly (keyof Row & string)[],
  columns: { readonly [Field in keyof Row & string]-?: Column<Row[Field]> },
): Table<Row> {
  const fields = Object.entries(columns) as [keyof Row & string, Column<unknown>][]
  const names = fields.map(([field]) => snakeCase(field))
  const places = names.map(() => '?').join(', ')
  const insert = `INSERT INTO ${name} (${names.join(', ')}) VALUES (${places})`
  const changing = fields.filter(([field]) => !key.includes(field)).map(([field]) => snakeCase(field))
  const upsert = `${insert} ON CONFLICT (${key.map(snakeCase).join(', ')}) DO UPDATE SET ${changing
    .map((column) => `${column} = excluded.${column}`)
    .join(', ')}`
  const select = `SELECT ${names.join(', ')} FROM ${name} `

  const write = (row: Row) => fields.map(([field, column]) => column.write(row[field]))
  const read = (values: readonly Value[]) =>
    Object.fromEntries(fields.map(([field, column], index) => [field, column.read(values[index] ?? null)])) as Row
  return {
    name,
    insert: (sql, row) => sql.run(insert, ...write(row)),
    upsert: (sql, row) => sql.run(upsert, ...write(row)),
    select: (sql, clause, ...values) => sql.all(select + clause, ...values).map(read),
    first(sql, clause, ...values) {
      const row = sql.first(select + clause, ...values)
      return row && read(row)
    },
  }
}

function snakeCase(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
