import { createHmac } from 'node:crypto'
import { BillingError } from '../index.js'

/** Signs what is sent. Its secrets are in no field, so that nothing that prints or copies it shows them. */
export interface Signer {
  /** The headers of an attempt; each secret signs it, so that a receiver may know either while they are exchanged. */
  sign(message: {
    readonly id: string
    readonly timestamp: number
    readonly body: string
  }): Readonly<Record<string, string>>
}

/**
 * A signer of Standard Webhooks.
 *
 * @throws BillingError `config_invalid` for what is no `whsec_` and base64 of 24 to 64 bytes
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#signature-scheme
 */
export function createSigner(name: string, secrets: readonly string[]): Signer {
  if (!Array.isArray(secrets) || secrets.length === 0 || secrets.length > 5)
    throw new BillingError('config_invalid', `Webhook endpoint ${name}: give one to five secrets.`)
  const keys = secrets.map((secret) => keyOf(name, secret))
  return {
    sign({ id, timestamp, body }) {
      const content = `${id}.${timestamp}.${body}`
      const signatures = keys.map((key) => `v1,${createHmac('sha256', key).update(content).digest('base64')}`)
      return {
        'webhook-id': id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': signatures.join(' '),
      }
    },
  }
}

function keyOf(name: string, secret: unknown): Buffer {
  const [, text] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(typeof secret === 'string' ? secret : '') ?? []
  const key = Buffer.from(text ?? '', 'base64')
  if (text !== undefined && text.length % 4 === 0 && key.length >= 24 && key.length <= 64) return key
  const message = `Webhook endpoint ${name}: a secret must be whsec_ and the base64 of 24 to 64 random bytes.`
  throw new BillingError('config_invalid', message)
}
