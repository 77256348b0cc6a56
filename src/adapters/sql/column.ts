import { decodeExact, encodeExact } from '../../core/domain/exact-json.js'
import { maximumStored, minimumStored } from '../../core/domain/sparks.js'
import { BillingError, invariant } from '../../core/errors.js'

/** What a column holds: a whole number, text, bytes or nothing. Databases read 64-bit integers as `bigint` or as text. */
export type Value = bigint | number | string | Uint8Array | null

/**
 * Refuses text that would not come back as it was given: some drivers read up to NUL, and a lone surrogate has no UTF-8.
 *
 * @throws BillingError `invalid_request`
 */
export function checkText(text: string): string {
  if (text.includes('\0') || !isWellFormed(text))
    throw new BillingError('invalid_request', 'Text must not hold NUL characters or lone surrogates.')
  return text
}

/** Refuses an integer that some drivers would fail on without a code. @throws BillingError `amount_out_of_range` */
export function checkInteger(value: bigint): bigint {
  if (value > maximumStored || value < minimumStored)
    throw new BillingError('amount_out_of_range', 'An amount is more than can be stored (2^63 - 1 millionths).')
  return value
}

/** Refuses what would not come back as it was given. @throws BillingError `invalid_request`, `amount_out_of_range` */
export function storable<V extends Value>(value: V): V {
  if (typeof value === 'string') checkText(value)
  else if (typeof value === 'bigint') checkInteger(value)
  return value
}

/** How a field is kept in a column. What a field is may depend on the rest of its row, which is read before it. */
export interface Column<T, Row = unknown> {
  /** `uuid`: 16 bytes, in the program their hexadecimal text. */
  readonly type: 'integer' | 'text' | 'uuid'
  write(value: T, row: Row): Value
  read(value: Value, row: Row): T
}

/** A field that is an object of its own, or nothing: a column for each of its fields, all NULL for nothing. */
export interface Group<T> {
  /** The first is never NULL where there is an object. */
  readonly columns: { readonly [Field in keyof NonNullable<T> & string]-?: Column<NonNullable<T>[Field]> }
  /** What the names of its columns begin with. */
  readonly prefix: string
}

type Columns<Row> = {
  readonly [Field in keyof Row & string]-?: Column<Row[Field], Row> | Group<Row[Field]>
}

/** A column, and how to take what it holds out of a row. */
export interface StoredField<Row> {
  readonly name: string
  readonly type: Column<unknown>['type']
  get(row: Row): Value
}

/** A table: its columns, and which of them name a row. */
export interface Rows<Row> {
  readonly name: string
  readonly key: readonly string[]
  readonly fields: readonly StoredField<Row>[]
  /** A row out of its columns, in the order of `fields`, from a place on; what follows them is left alone. */
  read(values: readonly Value[], from?: number): Row
}

export function rows<Row extends object>(
  name: string,
  key: readonly (keyof Row & string)[],
  columns: Columns<Row>,
): Rows<Row> {
  const parts = (Object.entries(columns) as [keyof Row & string, Column<unknown, Row> | Group<unknown>][]).map(
    ([field, column]) => ('columns' in column ? groupPart<Row>(field, column) : columnPart<Row>(field, column)),
  )
  return {
    name,
    key: key.map(columnName),
    fields: parts.flatMap((part) => part.fields),
    read(values, from = 0) {
      const row: Partial<Row> = {}
      let place = from
      for (const part of parts) {
        row[part.field] = part.read(values, place, row as Row) as Row[typeof part.field]
        place += part.fields.length
      }
      return row as Row
    },
  }
}

interface Part<Row> {
  readonly field: keyof Row & string
  readonly fields: readonly StoredField<Row>[]
  read(values: readonly Value[], place: number, row: Row): unknown
}

function columnPart<Row extends object>(field: keyof Row & string, column: Column<unknown, Row>): Part<Row> {
  const get = (row: Row) => column.write(row[field], row)
  return {
    field,
    fields: [{ name: columnName(field), type: column.type, get }],
    read: (values, place, row) => column.read(values[place] ?? null, row),
  }
}

function groupPart<Row extends object>(field: keyof Row & string, { columns, prefix }: Group<unknown>): Part<Row> {
  const inner = Object.entries(columns as Readonly<Record<string, Column<unknown>>>)
  return {
    field,
    fields: inner.map(([name, column]) => ({
      name: columnName(prefix === '' ? name : `${prefix}_${name}`),
      type: column.type,
      get(row) {
        const group = row[field] as Readonly<Record<string, unknown>> | null
        return group === null ? null : column.write(group[name], group)
      },
    })),
    read(values, place) {
      if ((values[place] ?? null) === null) return null
      const group: Record<string, unknown> = {}
      inner.forEach(([name, column], index) => {
        group[name] = column.read(values[place + index] ?? null, group)
      })
      return group
    },
  }
}

export function group<T extends object>(columns: Group<T>['columns'], prefix = ''): Group<T | null> {
  return { columns, prefix } as unknown as Group<T | null>
}

export const text = <T extends string = string>(): Column<T> => ({
  type: 'text',
  write: (value) => value,
  read: (value) => value as T,
})

/** A 64-bit integer. */
export const integer: Column<bigint> = {
  type: 'integer',
  write: (value) => value,
  read: (value) => BigInt(value as bigint | string),
}

/** A whole number that may have more than 64 bits, as text. */
export const largeInteger: Column<bigint> = {
  type: 'text',
  write: (value) => value.toString(),
  read: (value) => BigInt(value as string),
}

/** A count or a moment: a whole number that a double holds exactly. */
export const number: Column<number> = {
  type: 'integer',
  write(value) {
    invariant(Number.isSafeInteger(value), 'a count or a moment is not a whole number')
    return value
  },
  read: (value) => Number(value),
}

/** Yes or no, as 1 or 0. */
export const flag: Column<boolean> = {
  type: 'integer',
  write: (value) => (value ? 1 : 0),
  read: (value) => Number(value) === 1,
}

/** 16 bytes: hexadecimal text in the program, and half of that in the database and in every index. */
export const uuid: Column<string> = {
  type: 'uuid',
  write: (value) => value,
  read: (value) => (typeof value === 'string' ? value.replaceAll('-', '') : hex(value as Uint8Array)),
}

export const json = <T>(): Column<T> => ({
  type: 'text',
  write: (value) => JSON.stringify(value),
  read: (value) => JSON.parse(value as string) as T,
})

/** JSON in which `bigint` stays `bigint`. */
export const exact = <T>(): Column<T> => ({
  type: 'text',
  write: encodeExact,
  read: (value) => decodeExact(value as string) as T,
})

/** Values by name, a line each: the value, a space, the name. Nothing at all is NULL. */
export function named<T>(
  write: (value: T) => string,
  read: (written: string) => T,
): Column<Readonly<Record<string, T>>> {
  return {
    type: 'text',
    write(values) {
      let lines = ''
      for (const name in values) lines = withLine(lines, write(values[name] as T), name)
      return lines === '' ? null : lines
    },
    read: (value) => Object.fromEntries(linesOf(value).map(([written, name]) => [name, read(written)])),
  }
}

/** Adds a line of `named`, of a value that has no space and a name that has no line break. */
export function withLine(lines: string, value: string, name: string): string {
  invariant(!name.includes('\n'), 'a name that is stored has a line break')
  return lines === '' ? `${value} ${name}` : `${lines}\n${value} ${name}`
}

export function linesOf(value: Value): readonly (readonly [value: string, name: string])[] {
  if (value === null) return []
  return (value as string).split('\n').map((line) => {
    const end = line.indexOf(' ')
    return [line.slice(0, end), line.slice(end + 1)]
  })
}

export function nullable<T, Row = unknown>(column: Column<T, Row>): Column<T | null, Row> {
  return {
    type: column.type,
    write: (value, row) => (value === null ? null : column.write(value, row)),
    read: (value, row) => (value === null ? null : column.read(value, row)),
  }
}

/** A list or record, kept as NULL while it is empty. */
export function sparse<T extends object>(column: Column<T>, empty: T): Column<T> {
  return {
    type: column.type,
    write(value, row) {
      for (const _ in value) return column.write(value, row)
      return null
    },
    read: (value, row) => (value === null ? empty : column.read(value, row)),
  }
}

/** The name of a field's column. */
function columnName(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function isWellFormed(text: string): boolean {
  const { isWellFormed: native } = text as { isWellFormed?: () => boolean }
  return native ? native.call(text) : !/\p{Surrogate}/u.test(text)
}
