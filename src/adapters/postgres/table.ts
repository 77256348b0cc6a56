import { type Column, columnName, type Rows, storable, type Value } from '../sql/column.js'
import type { RawRow, Sql } from './client.js'

/** A table of the store's schema. Writes take many rows in one statement. */
export interface Table<Row> {
  insert(sql: Sql, rows: readonly Row[]): Promise<void>
  /** Adds the rows, or replaces those with their keys. */
  upsert(sql: Sql, rows: readonly Row[]): Promise<void>
  /** Adds the rows, or their numbers to those of the rows with their keys. */
  add(sql: Sql, rows: readonly Row[]): Promise<void>
  /** Replaces what the columns hold of the rows with their keys. */
  update(sql: Sql, rows: readonly Row[]): Promise<void>
  /** The rows that what follows `FROM table t` picks. */
  select(sql: Sql, clause: string, ...values: readonly (string | null)[]): Promise<readonly Row[]>
  first(sql: Sql, clause: string, ...values: readonly (string | null)[]): Promise<Row | undefined>
  /** The columns of alias `t`, for a query of one's own whose rows begin with them. */
  readonly columns: string
  /** Reads a row that begins with the columns. */
  read(row: RawRow): Row
}

const arrayTypes = { integer: 'bigint[]', text: 'text[]', bytes: 'bytea[]' } as const

export function table<Row extends object>(schema: string, { name, key, columns }: Rows<Row>): Table<Row> {
  const fields = Object.entries(columns) as [keyof Row & string, Column<unknown>][]
  const names = fields.map(([field]) => columnName(field))
  const places = fields.map(([, column], index) => `$${index + 1}::${arrayTypes[column.type]}`).join(', ')
  const insert = `INSERT INTO ${schema}.${name} (${names.join(', ')}) SELECT * FROM unnest(${places})`
  const changing = fields.filter(([field]) => !key.includes(field)).map(([field]) => columnName(field))
  const upsert = `${insert} ON CONFLICT (${key.map(columnName).join(', ')}) DO UPDATE SET ${changing
    .map((column) => `${column} = excluded.${column}`)
    .join(', ')}`
  const adding = changing.map((column) => `${column} = t.${column} + excluded.${column}`).join(', ')
  const add = `${insert.replace(`INTO ${schema}.${name}`, `INTO ${schema}.${name} AS t`)} ON CONFLICT (${key
    .map(columnName)
    .join(', ')}) DO UPDATE SET ${adding}`
  const update = `UPDATE ${schema}.${name} t SET ${changing.map((column) => `${column} = n.${column}`).join(', ')}
    FROM unnest(${places}) n (${names.join(', ')}) WHERE ${key
      .map((field) => `t.${columnName(field)} = n.${columnName(field)}`)
      .join(' AND ')}`
  const listed = names.map((column) => `t.${column}`).join(', ')
  const select = `SELECT ${listed} FROM ${schema}.${name} t `

  const literals = (rows: readonly Row[]) =>
    fields.map(([field, column]) => arrayOf(rows.map((row) => column.write(row[field]))))
  const read = (row: RawRow) =>
    Object.fromEntries(
      fields.map(([field, column], index) => [field, column.read(parsed(column.type, row[index] ?? null))]),
    ) as Row
  return {
    columns: listed,
    read,
    async insert(sql, rows) {
      if (rows.length > 0) await sql.query(insert, literals(rows))
    },
    async upsert(sql, rows) {
      if (rows.length > 0) await sql.query(upsert, literals(rows))
    },
    async add(sql, rows) {
      if (rows.length > 0) await sql.query(add, literals(rows))
    },
    async update(sql, rows) {
      if (rows.length > 0) await sql.query(update, literals(rows))
    },
    select: async (sql, clause, ...values) => (await sql.query(select + clause, values)).map(read),
    async first(sql, clause, ...values) {
      const [row] = await sql.query(select + clause, values)
      return row && read(row)
    },
  }
}

/** An array literal. @throws BillingError `invalid_request`, `amount_out_of_range` for what would not come back as it was given */
export function arrayOf(values: readonly Value[]): string {
  return `{${values.map((value) => element(storable(value))).join(',')}}`
}

function element(value: Value): string {
  if (value === null) return 'NULL'
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'string') return `"${value.replace(/[\\"]/g, '\\$&')}"`
  return `"\\\\x${Buffer.from(value).toString('hex')}"`
}

/** A value as the server wrote it, with `bytea_output` at its default `hex`. */
function parsed(type: Column<unknown>['type'], written: string | null): Value {
  if (written === null) return null
  if (type === 'integer') return BigInt(written)
  return type === 'bytes' ? Buffer.from(written.slice(2), 'hex') : written
}
