import { decodeExact, encodeExact } from '../../core/domain/exact-json.js'
import type { StoredResult } from '../../core/domain/ledger/outcome.js'
import { BillingError, invariant } from '../../core/errors.js'

/** What a column holds: a 64-bit integer, text, bytes or nothing. */
export type Value = bigint | string | Uint8Array | null

const largest = 2n ** 63n - 1n

/**
 * Refuses what would not come back as it was given: some drivers read text up to NUL and fail on wider integers without a code, and a
 * lone surrogate has no UTF-8.
 *
 * @throws BillingError `invalid_request`, `amount_out_of_range`
 */
export function storable<V extends Value>(value: V): V {
  if (typeof value === 'string' && (value.includes('\0') || /\p{Surrogate}/u.test(value)))
    throw new BillingError('invalid_request', 'Text must not hold NUL characters or lone surrogates.')
  if (typeof value === 'bigint' && (value > largest || value < -largest))
    throw new BillingError('amount_out_of_range', 'An amount is more than can be stored (2^63 - 1 millionths).')
  return value
}

/** How a field is kept in a column. */
export interface Column<T> {
  readonly type: 'integer' | 'text' | 'bytes'
  write(value: T): Value
  read(value: Value): T
}

/** A table's columns: the fields of `Row` in snake_case, and which of them name a row. */
export interface Rows<Row> {
  readonly name: string
  readonly key: readonly (keyof Row & string)[]
  readonly columns: { readonly [Field in keyof Row & string]-?: Column<Row[Field]> }
}

export function rows<Row extends object>(
  name: string,
  key: readonly (keyof Row & string)[],
  columns: Rows<Row>['columns'],
): Rows<Row> {
  return { name, key, columns }
}

export const text = <T extends string = string>(): Column<T> => ({
  type: 'text',
  write: (value) => value,
  read: (value) => value as T,
})

/** A 64-bit integer. */
export const integer: Column<bigint> = { type: 'integer', write: (value) => value, read: (value) => value as bigint }

/** A whole number that may have more than 64 bits, as text. */
export const largeInteger: Column<bigint> = {
  type: 'text',
  write: (value) => value.toString(),
  read: (value) => BigInt(value as string),
}

/** A count or a moment: a whole number that a double holds exactly. */
export const number: Column<number> = {
  type: 'integer',
  write: (value) => BigInt(value),
  read: (value) => Number(value),
}

/** Bytes as hexadecimal text in the program, as bytes in the database, where they take half the room in every index. */
export const bytes: Column<string> = {
  type: 'bytes',
  write(value) {
    const written = Buffer.from(value, 'hex')
    invariant(written.length * 2 === value.length, 'a key or fingerprint is not hexadecimal text')
    return written
  },
  read: (value) => Buffer.from(value as Uint8Array).toString('hex'),
}

export const json = <T>(): Column<T> => ({
  type: 'text',
  write: (value) => JSON.stringify(value),
  read: (value) => JSON.parse(value as string) as T,
})

/** Amounts by name, as JSON with decimal text. */
export const amounts: Column<Readonly<Record<string, bigint>>> = {
  type: 'text',
  write: (value) => JSON.stringify(mapValues(value, String)),
  read: (value) => mapValues(JSON.parse(value as string) as Record<string, string>, BigInt),
}

/** JSON in which `bigint` stays `bigint`. */
export const exact = <T>(): Column<T> => ({
  type: 'text',
  write: encodeExact,
  read: (value) => decodeExact(value as string) as T,
})

/** A stored result of a command. */
export const result = <T extends StoredResult = StoredResult>(): Column<T> => exact<T>()

export function nullable<T>(column: Column<T>): Column<T | null> {
  return {
    type: column.type,
    write: (value) => (value === null ? null : column.write(value)),
    read: (value) => (value === null ? null : column.read(value)),
  }
}

/** The name of a field's column. */
export function columnName(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, map: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]))
}
