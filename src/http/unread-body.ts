import type { IncomingMessage } from 'node:http'
import { BillingError } from '../index.js'

/** What a framework read itself cannot be read again, and a webhook's signature is over the bytes as they came. */
export function bodyReadBefore(
  request: IncomingMessage & { readonly rawBody?: unknown },
  fix: string,
): BillingError | null {
  if (!request.readableDidRead || request.rawBody instanceof Uint8Array) return null
  return new BillingError('config_invalid', `The body was read before billing could: ${fix}.`)
}
