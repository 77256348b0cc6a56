import type { Instant } from '../../domain/period.js'

/** A webhook request: the bytes as they came, before anything parsed them. */
export interface WebhookRequest {
  readonly rawBody: Uint8Array
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>
}

/** An authentic event. `payload` is kept and handed to `interpret` later. */
export interface VerifiedWebhook {
  readonly eventId: string
  readonly type: string
  readonly payload: string
}

/** What an event points at. It is a hint: the object is read again before anything is done. */
export type WebhookSubject =
  | { readonly kind: 'checkout'; readonly externalId: string }
  | { readonly kind: 'subscription'; readonly externalId: string }
  | { readonly kind: 'ignored'; readonly reason: string }

/** Takes what a provider tells by itself. */
export interface WebhooksCapability {
  /**
   * Checks the signature over the raw bytes.
   *
   * @throws BillingError `webhook_signature_invalid`, `webhook_timestamp_out_of_tolerance`, `webhook_payload_invalid`,
   * `webhook_not_configured`, `header_too_large`, `payload_too_large`
   */
  verify(request: WebhookRequest, now: Instant): Promise<VerifiedWebhook>
  /** What an authentic event points at; of an unknown type it is `ignored`. */
  interpret(event: VerifiedWebhook): WebhookSubject
}
