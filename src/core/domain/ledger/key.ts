import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'

const uuidV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/**
 * The 16 bytes, as hexadecimal text, under which a command's effect is stored once for its account: a hash over account, operation and
 * key, so that a key many accounts use is looked up for one. A UUIDv7 given for usage is taken as it is, since keys in order of time
 * keep a large index cheap to write.
 */
export function dedupeOf(accountId: string, operation: string, key: string): string {
  if (operation === 'usage' && key.length === 36 && uuidV7.test(key)) return key.replaceAll('-', '')
  return hash(`${accountId}\0${operation}\0${key}`)
}

/** A digest of what a caller asked for, so that a repeated key with another body is told apart from a repeat. */
export function fingerprintOf(body: Readonly<Record<string, unknown>> | readonly unknown[]): string {
  return hash(isCanonical(body) ? JSON.stringify(body) : canonical(body))
}

/**
 * What only who knows the secret can say of a text. Half of a SHA-256 is no state that somebody could go on from with a longer text.
 */
export function sealOf(secret: string, text: string): string {
  return hash(`${secret}\0${text}`)
}

/** Whether two digests are equal, in the same time wherever they differ. */
export function isSameDigest(left: string, right: string): boolean {
  let difference = left.length ^ right.length
  for (let place = 0; place < right.length; place += 1) difference |= left.charCodeAt(place) ^ right.charCodeAt(place)
  return difference === 0
}

/** Whether the built-in JSON, which is many times as fast, already writes the value as `canonical` does. */
function isCanonical(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return typeof value !== 'bigint'
  if (Array.isArray(value)) return value.every(isCanonical)
  let before = ''
  for (const name in value) {
    if (name < before || !isCanonical(value[name as keyof typeof value])) return false
    before = name
  }
  return true
}

/** JSON with sorted keys and without absent fields; `bigint` as text. */
function canonical(value: unknown): string {
  switch (typeof value) {
    case 'bigint':
      return `"${value}"`
    case 'object':
      return value === null ? 'null' : Array.isArray(value) ? `[${value.map(canonical).join(',')}]` : fields(value)
    default:
      return JSON.stringify(value ?? null)
  }
}

function fields(value: object): string {
  const names = Object.keys(value).sort()
  let text = ''
  for (const name of names) {
    const field: unknown = value[name as keyof typeof value]
    if (field !== undefined) text += `${text === '' ? '' : ','}${quoted(name)}:${canonical(field)}`
  }
  return `{${text}}`
}

const plainName = /^\w+$/

function quoted(name: string): string {
  return plainName.test(name) ? `"${name}"` : JSON.stringify(name)
}

/** The runtime's own hash where it has one, several times as fast as the portable one; both give the same. */
const native = globalThis.process?.getBuiltinModule?.('node:crypto')?.hash

function hash(text: string): string {
  if (native) return native('sha256', text, 'hex').slice(0, 32)
  return bytesToHex(sha256(utf8ToBytes(text)).subarray(0, 16))
}
