import type { Instant } from '../../core/domain/period.js'
import { BillingError } from '../../core/errors.js'

/** The parts of a `Stripe-Signature` header that count. */
interface SignatureHeader {
  /** As it was written, since it is part of what was signed. */
  readonly timestamp: string
  readonly signatures: readonly string[]
}

export interface SignatureRules {
  readonly secrets: readonly string[]
  /** How far the signature's time may be from ours, in either direction. */
  readonly toleranceSeconds: number
}

/** Checks a header against the raw bytes. */
export type VerifySignature = (header: string | undefined, body: Uint8Array, now: Instant) => Promise<void>

const maximumHeaderLength = 8 * 1024
const maximumSignatures = 16

/**
 * Signature scheme v1: HMAC-SHA256 over `"{t}." + body` with the endpoint's secret as text. Of several secrets or signatures any
 * pair that matches will do, which is how a secret is rotated.
 *
 * Stricter than the SDK: one timestamp, well-formed parts only, and a time in the future is as suspicious as one in the past. Made
 * with Web Crypto, so that it runs wherever `fetch` does.
 *
 * @see https://docs.stripe.com/webhooks/signature#verify-manually
 */
export function signatureVerifier({ secrets, toleranceSeconds }: SignatureRules): VerifySignature {
  const keys = secrets.map((secret) => importKey(secret))
  return async (header, body, now) => {
    const { timestamp, signatures } = parseSignatureHeader(header)
    const signed = concatenate(new TextEncoder().encode(`${timestamp}.`), body)
    let valid = false
    for (const key of keys) {
      const expected = toHex(await crypto.subtle.sign('HMAC', await key(), signed))
      // Every pair is compared, so that the time taken says nothing about which one matched.
      for (const signature of signatures) valid = equalInConstantTime(expected, signature) || valid
    }
    if (!valid) throw new BillingError('webhook_signature_invalid', 'No signature of the webhook matches a secret.')
    refuseOld(Number(timestamp), now, toleranceSeconds)
  }
}

/** @throws BillingError `webhook_signature_invalid`, `header_too_large` */
export function parseSignatureHeader(header: string | undefined): SignatureHeader {
  if (header === undefined || header === '') throw malformed('The webhook has no Stripe-Signature.')
  if (header.length > maximumHeaderLength)
    throw new BillingError('header_too_large', 'The Stripe-Signature is too long.')
  const timestamps: string[] = []
  const signatures: string[] = []
  for (const part of header.split(',')) {
    const [, scheme, value] = /^([A-Za-z0-9_]+)=([^=,\s]*)$/.exec(part) ?? []
    if (scheme === undefined || value === undefined) throw malformed('The Stripe-Signature is malformed.')
    if (scheme === 't') timestamps.push(value)
    if (scheme === 'v1') signatures.push(value)
  }
  const [timestamp] = timestamps
  if (timestamp === undefined || timestamps.length > 1) throw malformed('The Stripe-Signature must have one timestamp.')
  if (!/^(0|[1-9]\d{0,11})$/.test(timestamp))
    throw malformed('The timestamp of the Stripe-Signature is not a number of seconds.')
  if (signatures.length === 0) throw malformed('The Stripe-Signature has no v1 signature.')
  if (signatures.length > maximumSignatures)
    throw new BillingError('header_too_large', 'The Stripe-Signature has too many signatures.')
  return { timestamp, signatures }
}

/** A key is imported once, at the first webhook: `stripeProvider()` is synchronous. */
function importKey(secret: string): () => Promise<CryptoKey> {
  let key: Promise<CryptoKey> | undefined
  return () => {
    key ??= crypto.subtle.importKey('raw', new TextEncoder().encode(secret), { name: 'HMAC', hash: 'SHA-256' }, false, [
      'sign',
    ])
    return key
  }
}

function refuseOld(signedAtSeconds: number, now: Instant, toleranceSeconds: number): void {
  const distanceSeconds = Math.abs(Math.floor(now / 1000) - signedAtSeconds)
  if (distanceSeconds <= toleranceSeconds) return
  throw new BillingError(
    'webhook_timestamp_out_of_tolerance',
    'The webhook was signed too long ago or in the future.',
    {
      details: { distanceSeconds, toleranceSeconds },
    },
  )
}

/** Lengths are no secret; where the first difference is would be. */
function equalInConstantTime(expected: string, given: string): boolean {
  if (expected.length !== given.length) return false
  let difference = 0
  for (let index = 0; index < expected.length; index += 1)
    difference |= expected.charCodeAt(index) ^ given.charCodeAt(index)
  return difference === 0
}

function concatenate(left: Uint8Array, right: Uint8Array): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(left.length + right.length)
  joined.set(left)
  joined.set(right, left.length)
  return joined
}

function toHex(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function malformed(message: string): BillingError {
  return new BillingError('webhook_signature_invalid', message)
}
