import type { Instant } from '../../domain/period.js'
import type { CallOptions } from '../call-options.js'

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

/** What a provider says of usage it could not count. Its examples are some of them, not all. */
export interface RefusedUsage {
  /** How many reports it could not count. */
  readonly count: number
  /** Why, in the provider's words. */
  readonly reasons: readonly string[]
  /** Identifiers of reports of ours that are among them. */
  readonly identifiers: readonly string[]
}

/** What an event points at. It is a hint: the object is read again before anything is done. */
export type WebhookSubject =
  | { readonly kind: 'checkout'; readonly externalId: string }
  | { readonly kind: 'subscription'; readonly externalId: string }
  | { readonly kind: 'invoice'; readonly externalId: string }
  /** A payment, or a refund or dispute of it. */
  | { readonly kind: 'payment'; readonly externalId: string }
  /** What a customer pays with: nothing is kept of that, and apps are told. */
  | { readonly kind: 'payment_method'; readonly customerId: string }
  /** A customer that was deleted for good. */
  | { readonly kind: 'customer_gone'; readonly customerId: string }
  /** Usage that was taken and could not be counted afterwards. */
  | { readonly kind: 'usage_refused'; readonly refused: RefusedUsage }
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
  /** What an authentic event points at, which may have to be read from the provider; of an unknown type it is `ignored`. */
  interpret(event: VerifiedWebhook, options: CallOptions): WebhookSubject | Promise<WebhookSubject>
}
