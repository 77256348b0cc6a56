import { BillingError } from '../../core/errors.js'
import { parseRetryAfter } from '../door/fault.js'

/** Whatever a client threw, in our words. The clients are handed in, so `instanceof` would ask for the right copy of them. */
export function readError(error: unknown): BillingError {
  if (BillingError.is(error)) return error
  const given: Thrown = typeof error === 'object' && error !== null ? error : {}
  const status = typeof given.statusCode === 'number' ? given.statusCode : null
  return refusedRead(status, given.rawResponse?.headers?.get?.('retry-after'), error)
}

/** What today's client throws. */
interface Thrown {
  readonly statusCode?: unknown
  readonly rawResponse?: { readonly headers?: { get?(name: string): unknown } }
}

/** An answer that is no page; without a status there was none. */
export function refusedRead(status: number | null, retryAfter: unknown, cause?: unknown): BillingError {
  const retryAfterMs = parseRetryAfter(retryAfter)
  const details = {
    provider: 'langfuse',
    ...(status === null ? {} : { status }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  }
  if (status === 401 || status === 403) {
    const message = 'Langfuse refused the keys; check them and the base URL.'
    return new BillingError('provider_authentication', message, { details, cause })
  }
  if (status === null || status === 408 || status === 429 || status >= 500) {
    const message = `Langfuse could not be read${status === null ? '' : ` (${status})`}.`
    return new BillingError('provider_unavailable', message, { details, cause })
  }
  const hint =
    status === 404
      ? ' Version 4 is read with `client`, version 3 with `legacyClient`: see docs/providers/langfuse.md.'
      : ''
  return new BillingError('provider_rejected', `Langfuse answered ${status}.${hint}`, { details, cause })
}
