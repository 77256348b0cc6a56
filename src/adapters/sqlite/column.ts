import { decodeResult, encodeResult, type StoredResult } from '../../core/domain/ledger/outcome.js'
import { invariant } from '../../core/errors.js'
import type { Value } from './driver.js'

/** How a field is kept in a column. */
export interface Column<T> {
  write(value: T): Value
  read(value: Value): T
}

export const text = <T extends string = string>(): Column<T> => ({
  write: (value) => value,
  read: (value) => value as T,
})

/** A 64-bit integer. */
export const integer: Column<bigint> = { write: (value) => value, read: (value) => value as bigint }

/** A count or a moment: a whole number that a double holds exactly. */
export const number: Column<number> = { write: (value) => BigInt(value), read: (value) => Number(value) }

/** Bytes as hexadecimal text in the program, as bytes in the database, where they take half the room in every index. */
export const bytes: Column<string> = {
  write(value) {
    const written = Buffer.from(value, 'hex')
    invariant(written.length * 2 === value.length, 'a key or fingerprint is not hexadecimal text')
    return written
  },
  read: (value) => Buffer.from(value as Uint8Array).toString('hex'),
}

export const json = <T>(): Column<T> => ({
  write: (value) => JSON.stringify(value),
  read: (value) => JSON.parse(value as string) as T,
})

/** Amounts by name, as JSON with decimal text. */
export const amounts: Column<Readonly<Record<string, bigint>>> = {
  write: (value) => JSON.stringify(mapValues(value, String)),
  read: (value) => mapValues(JSON.parse(value as string) as Record<string, string>, BigInt),
}

/** A stored result of a command. */
export const result = <T extends StoredResult = StoredResult>(): Column<T> => ({
  write: encodeResult,
  read: (value) => decodeResult(value as string) as T,
})

export function nullable<T>(column: Column<T>): Column<T | null> {
  return {
    write: (value) => (value === null ? null : column.write(value)),
    read: (value) => (value === null ? null : column.read(value)),
  }
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, map: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]))
}
