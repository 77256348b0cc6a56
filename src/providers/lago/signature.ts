import * as z from 'zod'
import { BillingError } from '../../core/errors.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import { once } from '../door/once.js'

/**
 * How an endpoint's webhooks are signed, as it was made in Lago: by HMAC with the key of the organization, or as a JWT with Lago's own
 * private key. What a webhook says of itself is not believed.
 */
export type LagoSignature =
  | { readonly algorithm: 'hmac'; readonly key: string }
  | {
      readonly algorithm: 'jwt'
      /** PEM, or PEM in base64 as Lago hands it out; asked of Lago when it is not given. */
      readonly publicKey?: string | undefined
      /** The address of your Lago, which signs as `iss`; any, when it is not given. */
      readonly issuer?: string | undefined
      /**
       * Your organization at Lago: a Lago signs the webhooks of all its organizations with one key, and each may have yours for an address. Any,
       * when it is not given.
       */
      readonly organizationId?: string | undefined
    }

/** Checks a signature against the raw bytes. @throws BillingError `webhook_signature_invalid` */
export type VerifySignature = (signature: string | undefined, body: Uint8Array) => Promise<void>

const maximumHeaderLength = 2 * 1024 * 1024
const encoder = new TextEncoder()
// Every byte counts: a byte order mark before what was signed is another body.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

const jwtHeaderSchema = z.object({ alg: z.literal('RS256') })
const claimsSchema = z.object({ data: z.string(), iss: z.string().nullish() })

/** `fetchKey` asks Lago for its public key. Made with Web Crypto, so that it runs wherever `fetch` does. */
export function signatureVerifier(
  rules: LagoSignature,
  fetchKey: (options: CallOptions) => Promise<string>,
): VerifySignature {
  return rules.algorithm === 'hmac' ? hmacVerifier(rules.key) : jwtVerifier(rules, fetchKey)
}

/** Base64 of HMAC-SHA256 over the body. */
function hmacVerifier(key: string): VerifySignature {
  const imported = once(() => importKey('raw', encoder.encode(key), { name: 'HMAC', hash: 'SHA-256' }))
  return async (signature, body) => {
    const given = fromBase64(expectHeader(signature))
    const isValid = await crypto.subtle.verify('HMAC', await imported(), given, new Uint8Array(body))
    if (!isValid) throw invalid('The signature of the webhook does not match the key.')
  }
}

/** RS256 and nothing else; the body is in the claims once more, and must be the one that came. */
function jwtVerifier(
  { publicKey, issuer }: Extract<LagoSignature, { algorithm: 'jwt' }>,
  fetchKey: (options: CallOptions) => Promise<string>,
): VerifySignature {
  const imported = once(async () => {
    const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
    const key = publicKey ?? (await fetchKey({}))
    try {
      return await importKey('spki', derOf(key), algorithm)
    } catch (cause) {
      throw new BillingError('config_invalid', 'The public key for webhooks of Lago is no RSA key as PEM.', { cause })
    }
  })
  return async (signature, body) => {
    const [head, payload, sign, ...others] = expectHeader(signature).split('.')
    if (head === undefined || payload === undefined || sign === undefined || others.length > 0)
      throw invalid('The signature of the webhook is no JWT.')
    if (!jwtHeaderSchema.safeParse(parseJson(head)).success)
      throw invalid('The signature of the webhook is not made with RS256.')
    const signed = encoder.encode(`${head}.${payload}`)
    const isValid = await crypto.subtle.verify('RSASSA-PKCS1-v1_5', await imported(), fromBase64(sign), signed)
    if (!isValid) throw invalid('The signature of the webhook does not match Lago’s key.')
    const claims = claimsSchema.safeParse(parseJson(payload))
    if (!claims.success || claims.data.data !== decoder.decode(body))
      throw invalid('The webhook is signed for another body.')
    if (issuer !== undefined && claims.data.iss !== issuer) throw invalid('The webhook is signed by another Lago.')
  }
}

function expectHeader(signature: string | undefined): string {
  if (signature === undefined || signature === '') throw invalid('The webhook has no X-Lago-Signature.')
  if (signature.length <= maximumHeaderLength) return signature
  throw new BillingError('header_too_large', 'The X-Lago-Signature is too long.')
}

function importKey(
  format: 'raw' | 'spki',
  bytes: Uint8Array<ArrayBuffer>,
  algorithm: { readonly name: string; readonly hash: string },
): Promise<CryptoKey> {
  return crypto.subtle.importKey(format, bytes, algorithm, false, ['verify'])
}

/** The bytes of a public key; none for what is no PEM. */
function derOf(key: string): Uint8Array<ArrayBuffer> {
  const pem = key.includes('BEGIN') ? key : new TextDecoder().decode(fromBase64(key))
  const [, inner = ''] = /-----BEGIN PUBLIC KEY-----([\s\S]+)-----END PUBLIC KEY-----/.exec(pem) ?? []
  return fromBase64(inner.replace(/\s/g, ''))
}

/** @throws BillingError `webhook_signature_invalid` for what is neither base64 nor base64url */
function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  try {
    const binary = atob(text.trim().replaceAll('-', '+').replaceAll('_', '/'))
    return Uint8Array.from(binary, (character) => character.charCodeAt(0))
  } catch {
    throw invalid('The signature of the webhook is no base64.')
  }
}

function parseJson(part: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(fromBase64(part)))
  } catch {
    return undefined
  }
}

function invalid(message: string): BillingError {
  return new BillingError('webhook_signature_invalid', message)
}
