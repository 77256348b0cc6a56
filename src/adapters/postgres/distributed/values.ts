import { invariant } from '../../../core/errors.js'
import type { Rows, StoredField } from '../../sql/column.js'
import type { RawRow, Sql } from '../client.js'
import { scalar, type TableOptions } from '../table.js'

/** A table whose rows are written with each value in its place, so that a coordinator sees whose they are. */
export interface ValueTable<Row> {
  /** Adds the rows. */
  insert(sql: Sql, rows: readonly Row[]): Promise<void>
  /** Adds those that are not there. @returns the first columns of these */
  insertNew(sql: Sql, rows: readonly Row[]): Promise<readonly RawRow[]>
  /** Adds the rows, or replaces those with their keys. */
  upsert(sql: Sql, rows: readonly Row[]): Promise<void>
  /** Adds the rows, or their numbers to those of the rows with their keys. */
  add(sql: Sql, rows: readonly Row[]): Promise<void>
  /** Replaces what the columns hold of the rows with their keys, and sets the mark of all of them, if the table has one. */
  update(sql: Sql, rows: readonly Row[], mark?: string): Promise<void>
}

/** Most rows of a statement. It takes a power of two, so that there are few texts to be prepared. */
const maximumRows = 64

export function valueTable<Row extends object>(
  schema: string,
  { name, key, fields }: Rows<Row>,
  { mark }: Pick<TableOptions, 'mark'> = {},
): ValueTable<Row> {
  const relation = `${schema}.${name}`
  const names = fields.map((field) => field.name)
  const changing = fields.filter((field) => !key.includes(field.name))
  const bound = [...fields.filter((field) => key.includes(field.name)), ...changing]

  const inserting = (count: number, conflict: string) => {
    const rows = Array.from({ length: count }, (_, row) => {
      const places = fields.map((_, index) => `$${row * fields.length + index + 1}`)
      return `(${places.join(', ')})`
    })
    return `INSERT INTO ${relation} AS t (${names.join(', ')}) VALUES ${rows.join(', ')}${conflict}`
  }
  const replacing = (how: (column: string) => string) =>
    ` ON CONFLICT (${key.join(', ')}) DO UPDATE SET ${changing.map((field) => `${field.name} = ${how(field.name)}`).join(', ')}`
  const assign = (list: readonly StoredField<Row>[], first: number) =>
    list.map((field, index) => `${field.name} = $${first + index}`)
  const set = assign(changing, bound.length - changing.length + 1)
  if (mark !== undefined) set.push(`${mark} = $${bound.length + 1}::bigint`)
  const updating = `UPDATE ${relation} t SET ${set.join(', ')}
    WHERE ${assign(bound.slice(0, bound.length - changing.length), 1)
      .map((condition) => `t.${condition}`)
      .join(' AND ')}`

  async function sendAll(sql: Sql, rows: readonly Row[], conflict: string): Promise<readonly RawRow[]> {
    const answers = chunksOf(rows).map((chunk) =>
      sql.query(
        inserting(chunk.length, conflict),
        chunk.flatMap((row) => fields.map((field) => scalar(field.get(row)))),
      ),
    )
    return (await Promise.all(answers)).flat()
  }
  async function add(sql: Sql, rows: readonly Row[], conflict: string): Promise<void> {
    await sendAll(sql, rows, conflict)
  }

  return {
    insert: (sql, rows) => add(sql, rows, ''),
    insertNew: (sql, rows) => sendAll(sql, rows, ` ON CONFLICT DO NOTHING RETURNING ${names[0]}`),
    upsert: (sql, rows) =>
      add(
        sql,
        rows,
        replacing((column) => `excluded.${column}`),
      ),
    add: (sql, rows) =>
      add(
        sql,
        rows,
        replacing((column) => `t.${column} + excluded.${column}`),
      ),
    async update(sql, rows, value) {
      invariant(mark === undefined || value !== undefined, `an update of ${relation} sets no ${mark}`)
      await Promise.all(
        rows.map((row) => {
          const values = bound.map((field) => scalar(field.get(row)))
          return sql.query(updating, value === undefined ? values : [...values, value])
        }),
      )
    },
  }
}

function chunksOf<Row>(rows: readonly Row[]): readonly (readonly Row[])[] {
  const chunks: (readonly Row[])[] = []
  for (let start = 0; start < rows.length; ) {
    let size = maximumRows
    while (size > rows.length - start) size /= 2
    chunks.push(rows.slice(start, start + size))
    start += size
  }
  return chunks
}
