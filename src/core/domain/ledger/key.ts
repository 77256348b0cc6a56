import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'

const uuidV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/**
 * The 16 bytes, as hexadecimal text, under which a command's effect is stored once for its account: a hash over operation and key.
 * A UUIDv7 given for usage is taken as it is, since keys in order of time keep a large index cheap to write.
 */
export function dedupeOf(operation: string, key: string): string {
  if (operation === 'usage' && uuidV7.test(key)) return key.replaceAll('-', '')
  return hash(`${operation}\0${key}`)
}

/** A digest of what a caller asked for, so that a repeated key with another body is told apart from a repeat. */
export function fingerprintOf(body: Readonly<Record<string, unknown>>): string {
  return hash(canonical(body))
}

/** JSON with sorted keys and without absent fields; `bigint` as text. */
function canonical(value: unknown): string {
  if (typeof value === 'bigint') return `"${value}"`
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .sort(([left], [right]) => (left < right ? -1 : 1))
    return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`).join(',')}}`
  }
  return JSON.stringify(value ?? null)
}

function hash(text: string): string {
  return bytesToHex(sha256(utf8ToBytes(text)).subarray(0, 16))
}
