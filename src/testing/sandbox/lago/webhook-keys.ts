import { createHmac, createSign, generateKeyPairSync } from 'node:crypto'
import { type LagoWorld, tableOf } from './world.js'

interface KeyPair {
  readonly publicKey: string
  readonly privateKey: string
}

const keys = tableOf<KeyPair>('webhook_keys')

/** The pair that signs JWTs. It is made once and kept, so that receivers may keep the public half. */
function keyPair(world: LagoWorld): KeyPair {
  const known = keys(world).get('rsa')
  if (known !== undefined) return known
  const made = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  keys(world).put('rsa', made)
  return made
}

/** The public half as Lago hands it out: the PEM text in base64. */
export function webhookPublicKey(world: LagoWorld): string {
  return Buffer.from(keyPair(world).publicKey).toString('base64')
}

/** `X-Lago-Signature`. Neither scheme carries a time, so that a webhook that was recorded stays authentic for ever. */
export function webhookSignature(world: LagoWorld, algorithm: 'jwt' | 'hmac', body: string): string {
  if (algorithm === 'hmac') return createHmac('sha256', world.hmacKey).update(body).digest('base64')
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const content = `${part({ alg: 'RS256' })}.${part({ data: body, iss: world.pageUrl('/lago') })}`
  return `${content}.${createSign('RSA-SHA256').update(content).sign(keyPair(world).privateKey, 'base64url')}`
}
