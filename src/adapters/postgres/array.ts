import { invariant } from '../../core/errors.js'
import { checkInteger, checkText, type StoredField, type Value } from '../sql/column.js'

/** The types of elements, as the server names them. @see PostgreSQL `pg_type.dat` */
const oids = { integer: 20, text: 25, uuid: 2950 } as const

/** Room for the largest array so far; what is handed out is a copy. */
let room = newRoom(64 * 1024)

interface Room {
  readonly bytes: Buffer
  readonly view: DataView
}

function newRoom(size: number): Room {
  const bytes = Buffer.allocUnsafeSlow(size)
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) }
}

/** Sees to it that there is room for some more bytes from a place on. */
function ensureRoom(place: number, more: number): void {
  if (place + more <= room.bytes.length) return
  const { bytes } = room
  room = newRoom(2 * (place + more))
  bytes.copy(room.bytes, 0, 0, place)
}

const headerLength = 20

/**
 * A column of rows as an array in the protocol's binary form, which both sides write and read in a fraction of the time of text.
 *
 * @see PostgreSQL `array_recv`: dimensions, whether there are nulls, type of elements, length, lower bound; then each with its length
 * @throws BillingError `invalid_request`, `amount_out_of_range` for what would not come back as it was given
 */
export function arrayBytes<Row>({ type, get }: StoredField<Row>, rows: readonly Row[]): Buffer {
  let place = headerLength
  let hasNull = 0
  for (const row of rows) {
    const value = get(row)
    if (value === null) {
      hasNull = 1
      ensureRoom(place, 4)
      room.view.setInt32(place, -1)
      place += 4
    } else place = type === 'integer' ? putInteger(place, value) : putText(place, value, type)
  }
  const { view, bytes } = room
  view.setInt32(0, 1)
  view.setInt32(4, hasNull)
  view.setInt32(8, oids[type])
  view.setInt32(12, rows.length)
  view.setInt32(16, 1)
  return Buffer.from(bytes.subarray(0, place))
}

const half = 2 ** 32

/** Writes a 64-bit integer. @returns the place behind it */
function putInteger(place: number, value: Value): number {
  ensureRoom(place, 12)
  const { view } = room
  view.setInt32(place, 8)
  if (typeof value === 'bigint') view.setBigInt64(place + 4, checkInteger(value))
  else {
    invariant(typeof value === 'number', 'an integer column holds text')
    const high = Math.floor(value / half)
    view.setInt32(place + 4, high)
    view.setUint32(place + 8, value - high * half)
  }
  return place + 12
}

/** Longer texts are written by the runtime, whose calls cost as much as so many characters. */
const shortText = 48

function putText(place: number, value: Value, type: 'text' | 'uuid'): number {
  invariant(typeof value === 'string', 'a text column holds no text')
  const start = place + 4
  ensureRoom(start, 3 * value.length)
  const { bytes, view } = room
  const length =
    type === 'uuid'
      ? bytes.write(value, start, 'hex')
      : value.length <= shortText && putPlain(bytes, start, value)
        ? value.length
        : bytes.write(checkText(value), start, 'utf8')
  view.setInt32(place, length)
  return start + length
}

/** Writes text character by character, unless one is none of ASCII or is NUL. @returns whether it did */
function putPlain(bytes: Buffer, start: number, text: string): boolean {
  for (let place = 0; place < text.length; place += 1) {
    const code = text.charCodeAt(place)
    if (code === 0 || code > 127) return false
    bytes[start + place] = code
  }
  return true
}
