import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'

/** An API key as it is made: what is shown once, and what is kept of it. */
export interface MadeSecret {
  /** The prefix, the key's id, 256 random bits, and a sum by which a slip of the pen is found without asking anybody. */
  readonly secret: string
  readonly digest: string
  readonly hint: string
}

const idPrefix = 'key_'
const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const lengthOfSum = 6

/** The secret of a key out of 32 random bytes. */
export function makeSecret(prefix: string, keyId: string, random: Uint8Array): MadeSecret {
  const body = `${keyId.slice(idPrefix.length)}-${base62(random)}`
  const secret = `${prefix}${body}${sumOf(body)}`
  return { secret, digest: digestOf(body), hint: `${prefix}…${secret.slice(-4)}` }
}

const shape = /^[a-z][a-z0-9_-]{0,30}[_-]([0-9a-f]{32})-([0-9A-Za-z]{43})([0-9a-f]{6})$/

/** Which key a text is a secret of, if it is one at all. The prefix does not matter: it may have been another one. */
export function readSecret(secret: string): { readonly keyId: string; readonly digest: string } | null {
  const [, id, random, sum] = (secret.length <= 128 && shape.exec(secret)) || []
  const body = `${id}-${random}`
  return sum !== undefined && sum === sumOf(body) ? { keyId: `${idPrefix}${id}`, digest: digestOf(body) } : null
}

/** The id of a key, out of the 32 digits that name what asked for it. */
export function apiKeyId(digits: string): string {
  return `${idPrefix}${digits}`
}

/** What is random needs no slow hash: nobody finds 256 bits by trying. */
function digestOf(body: string): string {
  return bytesToHex(sha256(utf8ToBytes(body)))
}

function sumOf(body: string): string {
  return digestOf(`sum:${body}`).slice(0, lengthOfSum)
}

/** 43 digits for 256 bits. */
function base62(bytes: Uint8Array): string {
  let rest = BigInt(`0x${bytesToHex(bytes)}`)
  let digits = ''
  while (digits.length < 43) {
    digits = `${alphabet.charAt(Number(rest % 62n))}${digits}`
    rest /= 62n
  }
  return digits
}
