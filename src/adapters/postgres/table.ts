import { invariant } from '../../core/errors.js'
import { checkInteger, checkText, type Rows, type StoredField, type Value } from '../sql/column.js'
import { arrayBytes } from './array.js'
import type { Bound, RawRow, Sql } from './client.js'

/** A table of the store's schema. */
export interface Table<Row> {
  /** Adds the rows. */
  insert(rows: readonly Row[]): Write | null
  /** Adds the rows, or replaces those with their keys. */
  upsert(rows: readonly Row[]): Write | null
  /** Adds the rows, or their numbers to those of the rows with their keys. */
  add(rows: readonly Row[]): Write | null
  /** Replaces what the columns hold of the rows with their keys, and sets the mark of all of them, if the table has one. */
  update(rows: readonly Row[], mark?: string): Write | null
  /** The rows that what follows `FROM table t` picks. */
  select(sql: Sql, clause: string, ...values: readonly (string | null)[]): Promise<readonly Row[]>
  first(sql: Sql, clause: string, ...values: readonly (string | null)[]): Promise<Row | undefined>
  /** The columns of alias `t`, for a query of one's own whose rows begin with them. */
  readonly columns: string
  /** The same as text, one by one. */
  readonly texts: readonly string[]
  /** Reads a row that begins with the columns, or has them from a place on. */
  read(row: RawRow, from?: number): Row
}

/** A statement that writes rows of one table, with its values: as they are for one row, else an array for each column. */
export interface Write {
  readonly statement: Statement
  readonly values: readonly Bound[]
  /** How many rows it writes. */
  readonly count: number
}

interface Statement {
  /** The statement with its places numbered from 1. */
  readonly text: string
  /** The same, numbered from another number. */
  textFrom(first: number): string
}

const types = { integer: 'bigint', text: 'text', uuid: 'uuid' } as const

/** What a table may have beside its columns. */
export interface TableOptions {
  /** Columns that mostly hold the same in all rows that are inserted together, and are sent once then. */
  readonly alike?: readonly string[]
  /** Others that may, each by itself: of many rows they are sent once then. There is a statement for each choice of them, so they are few. */
  readonly perhapsAlike?: readonly string[]
  /** A whole number that each update sets, to the same in all its rows. */
  readonly mark?: string
  /**
   * What a generated column follows from: an update sets it to what it is. Of a statement that sets nothing that a generated column
   * follows from, PostgreSQL finds that out again for every row, which is a third of what the statement costs.
   */
  readonly generatedFrom?: readonly string[]
}

export function table<Row extends object>(
  schema: string,
  { name, key, fields, read }: Rows<Row>,
  { alike = [], perhapsAlike = [], mark, generatedFrom = [] }: TableOptions = {},
): Table<Row> {
  const relation = `${schema}.${name}`
  const names = fields.map((field) => field.name)
  const keyFields = fields.filter((field) => key.includes(field.name))
  const changing = fields.filter((field) => !key.includes(field.name))
  const listed = names.map((column) => `t.${column}`).join(', ')
  const select = `SELECT ${listed} FROM ${relation} t `

  const inserting = (conflict: string) => (first: number, isOne: boolean) => {
    const values = isOne
      ? `VALUES (${fields.map((_, index) => `$${first + index}`).join(', ')})`
      : `SELECT ${unnested(fields, first).join(', ')}`
    return `INSERT INTO ${relation} AS t (${names.join(', ')}) ${values}${conflict}`
  }
  const replacing = (how: (column: string) => string) =>
    ` ON CONFLICT (${key.join(', ')}) DO UPDATE SET ${changing.map((field) => `${field.name} = ${how(field.name)}`).join(', ')}`
  const updating = (first: number, isOne: boolean) => {
    const bound = [...keyFields, ...changing]
    const value = (field: StoredField<Row>) => (isOne ? `$${first + bound.indexOf(field)}` : `n.${field.name}`)
    const listed = unnested(bound, first).map((column, index) => `${column} AS ${bound[index]?.name}`)
    const from = isOne ? '' : `FROM (SELECT ${listed.join(', ')}) n`
    const set = changing.map((field) => `${field.name} = ${value(field)}`)
    for (const name of generatedFrom) set.push(`${name} = t.${name}`)
    if (mark !== undefined) set.push(`${mark} = $${first + bound.length}::bigint`)
    return `UPDATE ${relation} t SET ${set.join(', ')} ${from}
      WHERE ${keyFields.map((field) => `t.${field.name} = ${value(field)}`).join(' AND ')}`
  }

  const insert = writer(fields, inserting(''))
  const update = writer([...keyFields, ...changing], updating)

  return {
    columns: listed,
    texts: names.map((column) => `t.${column}::text`),
    read,
    insert: alike.length > 0 ? insertingAlike(relation, fields, { alike, perhapsAlike }, insert) : insert,
    upsert: writer(fields, inserting(replacing((column) => `excluded.${column}`))),
    add: writer(fields, inserting(replacing((column) => `t.${column} + excluded.${column}`))),
    update(rows, value) {
      const write = update(rows)
      if (mark === undefined || write === null) return write
      invariant(value !== undefined, `an update of ${relation} sets no ${mark}`)
      return { ...write, values: [...write.values, value] }
    },
    select: async (sql, clause, ...values) => (await sql.query(select + clause, values)).map((row) => read(row)),
    async first(sql, clause, ...values) {
      const [row] = await sql.query(select + clause, values)
      return row && read(row)
    },
  }
}

/** Sends one write, if there is one. */
export async function send(sql: Sql, write: Write | null): Promise<void> {
  if (write) await sql.query(write.statement.text, write.values)
}

/** Sends several writes to different tables as one statement, which costs both sides less than a few small ones. */
export async function sendTogether(sql: Sql, writes: readonly Write[]): Promise<void> {
  if (writes.length === 0) return
  await sql.query(
    textOf(writes),
    writes.flatMap(({ values }) => values),
  )
}

/** The statements that may follow some others in one, and the text of all of them together. */
interface Combined {
  readonly next: WeakMap<Statement, Combined>
  text: string | null
}

const combined: Combined = { next: new WeakMap(), text: null }

/** Few of the combinations there could be come up, and these over and over. */
function textOf(writes: readonly Write[]): string {
  let place = combined
  for (const { statement } of writes) {
    let next = place.next.get(statement)
    if (!next) {
      next = { next: new WeakMap(), text: null }
      place.next.set(statement, next)
    }
    place = next
  }
  place.text ??= combine(writes)
  return place.text
}

function combine(writes: readonly Write[]): string {
  let first = 1
  const parts = writes.map(({ statement, values }) => {
    first += values.length
    return statement.textFrom(first - values.length)
  })
  const before = parts.slice(0, -1).map((part, index) => `w${index} AS (${part})`)
  return `${before.length > 0 ? `WITH ${before.join(', ')} ` : ''}${parts.at(-1)}`
}

function writer<Row>(
  fields: readonly StoredField<Row>[],
  text: (first: number, isOne: boolean) => string,
): (rows: readonly Row[]) => Write | null {
  const one = { text: text(1, true), textFrom: (first: number) => text(first, true) }
  const many = { text: text(1, false), textFrom: (first: number) => text(first, false) }
  return (rows) => {
    const [row] = rows
    if (row === undefined) return null
    if (rows.length === 1) return { statement: one, values: fields.map((field) => scalar(field.get(row))), count: 1 }
    return { statement: many, values: fields.map((field) => arrayBytes(field, rows)), count: rows.length }
  }
}

/** So many rows are worth being looked through for what is alike in them. */
const manyRows = 200

/** Inserts rows that are alike in some columns by statements of their own. */
function insertingAlike<Row>(
  relation: string,
  fields: readonly StoredField<Row>[],
  { alike, perhapsAlike }: Required<Pick<TableOptions, 'alike' | 'perhapsAlike'>>,
  otherwise: (rows: readonly Row[]) => Write | null,
): (rows: readonly Row[]) => Write | null {
  const same = fields.filter(({ name }) => alike.includes(name))
  const perhaps = fields.filter(({ name }) => perhapsAlike.includes(name))
  const others = fields.filter((field) => !same.includes(field) && !perhaps.includes(field))
  const statements: Statement[] = []

  /** @param found of those that may be alike which are, as bits */
  function statementFor(found: number): Statement {
    const scalars = [...same, ...perhaps.filter((_, index) => found & (1 << index))]
    const arrays = [...perhaps.filter((_, index) => !(found & (1 << index))), ...others]
    const names = [...scalars, ...arrays].map(({ name }) => name)
    const textFrom = (first: number) => {
      const once = scalars.map(({ type }, index) => `$${first + index}::${types[type]}`)
      const columns = [...once, ...unnested(arrays, first + scalars.length)]
      return `INSERT INTO ${relation} AS t (${names.join(', ')}) SELECT ${columns.join(', ')}`
    }
    return { text: textFrom(1), textFrom }
  }

  return (rows) => {
    const [row] = rows
    if (row === undefined || rows.length === 1) return otherwise(rows)
    const values: Bound[] = []
    for (const { get } of same) {
      const value = get(row)
      if (rows.some((other) => get(other) !== value)) return otherwise(rows)
      values.push(scalar(value))
    }
    const arrays: Bound[] = []
    let found = 0
    for (const [index, field] of perhaps.entries()) {
      const value = rows.length < manyRows ? undefined : commonOf(field, rows)
      if (value === undefined) arrays.push(arrayBytes(field, rows))
      else {
        values.push(scalar(value))
        found |= 1 << index
      }
    }
    for (const field of others) arrays.push(arrayBytes(field, rows))
    const statement = statements[found] ?? statementFor(found)
    statements[found] = statement
    return { statement, values: [...values, ...arrays], count: rows.length }
  }
}

/** What a column holds in all of the rows. */
function commonOf<Row>({ get }: StoredField<Row>, rows: readonly Row[]): Value | undefined {
  let common: Value | undefined
  for (const row of rows) {
    const value = get(row)
    if (common === undefined) common = value
    else if (value !== common) return undefined
  }
  return common
}

/** Arrays as columns of a SELECT, where they are taken apart as they are read: in FROM each of them is written to a list of its own first. */
function unnested(fields: readonly StoredField<never>[], first: number): readonly string[] {
  return fields.map((field, index) => `unnest($${first + index}::${types[field.type]}[])`)
}

/** A value as text. @throws BillingError for what would not come back as it was given */
export function scalar(value: Value): string | null {
  if (value === null) return null
  if (typeof value === 'string') return checkText(value)
  return (typeof value === 'bigint' ? checkInteger(value) : value).toString()
}

/** An array literal. @throws BillingError `invalid_request`, `amount_out_of_range` for what would not come back as it was given */
export function arrayOf(values: readonly Value[]): string {
  return values.some((value) => typeof value === 'string') ? texts(values as (string | null)[]) : integers(values)
}

function integers(values: readonly Value[]): string {
  const list = values.map((value) => (typeof value === 'bigint' ? checkInteger(value) : (value ?? 'NULL')))
  return `{${list.join(',')}}`
}

/** JSON and array literals quote alike, but for what JSON writes with other escapes than of quotes and backslashes. */
function texts(values: readonly (string | null)[]): string {
  const list = JSON.stringify(values)
  if (!/\\[^"\\]/.test(list)) return `{${list.slice(1, -1)}}`
  return checkText(`{${values.map(quoted).join(',')}}`)
}

function quoted(value: string | null): string {
  return value === null ? 'NULL' : `"${value.replace(/[\\"]/g, '\\$&')}"`
}
