import { BillingError } from '../../core/errors.js'
import type { WebhookSubject } from '../../core/ports/capabilities/webhooks.js'

/** The most that is read of a webhook. */
const maximumBodyBytes = 5 * 1024 * 1024

/** @throws BillingError `payload_too_large` */
export function checkSize(rawBody: Uint8Array): void {
  if (rawBody.byteLength > maximumBodyBytes)
    throw new BillingError('payload_too_large', 'The webhook is too large.', { details: { maximumBodyBytes } })
}

/** The bytes that came, as text. @throws BillingError `webhook_payload_invalid` */
export function decodePayload(rawBody: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(rawBody)
  } catch (cause) {
    throw new BillingError('webhook_payload_invalid', 'The webhook is not UTF-8.', { cause })
  }
}

/** @throws BillingError `webhook_payload_invalid` */
export function parsePayload(payload: string): unknown {
  try {
    return JSON.parse(payload)
  } catch (cause) {
    throw new BillingError('webhook_payload_invalid', 'The webhook is not JSON.', { cause })
  }
}

/** What nothing is done about, and why. */
export function ignored(reason: string): WebhookSubject {
  return { kind: 'ignored', reason }
}
