import type { PlanInterval } from '../../domain/catalog.js'
import type { Money } from '../../domain/money.js'
import type { Instant } from '../../domain/period.js'
import type { CallOptions } from '../call-options.js'

/** What is asked of a hosted page to pay on. */
export interface CheckoutRequest {
  /** Our id of the sale; the provider keeps it and hands it back in `CheckoutSession`. */
  readonly intentId: string
  readonly accountId: string
  /** The provider's id of the customer; our account id where the provider makes no customers. */
  readonly customerId: string
  readonly mode: 'payment' | 'subscription'
  /** What the customer reads on the page. */
  readonly title: string
  readonly amount: Money
  /** For a subscription: how often it is paid. */
  readonly interval: PlanInterval | null
  /** For a subscription: our plan's name. */
  readonly plan: string | null
  readonly successUrl: string
  readonly cancelUrl: string
}

/** `processing`: done by the customer, money not there yet. `failed`: done by the customer, and the money did not come. */
export type CheckoutStatus = 'open' | 'processing' | 'paid' | 'failed' | 'expired'

/** A session as it stands at the provider. */
export interface CheckoutSession {
  readonly externalId: string
  readonly intentId: string | null
  /** The customer it was made for, as in the request; `null` when a provider without `customers` names none. */
  readonly customerId: string | null
  readonly status: CheckoutStatus
  /** What was paid, or is to be paid. */
  readonly amount: Money | null
  readonly url: string | null
  readonly expiresAt: Instant | null
  /** The subscription it led to; `null` before, for a single payment, and when the provider does not say. */
  readonly subscriptionId: string | null
}

/** Sells on a hosted page. */
export interface CheckoutCapability {
  /**
   * Makes a session. After an unknown outcome it is called again with the same key, and must then lead to that session or another one:
   * a provider that remembers failures under their key looks for what it made, or takes a key of its own that follows from this one.
   *
   * @throws BillingError `outcome_unknown` when it may exist at the provider all the same
   */
  create(request: CheckoutRequest, options: CallOptions): Promise<CheckoutSession>
  /** @throws BillingError `not_found` */
  get(externalId: string, options: CallOptions): Promise<CheckoutSession>
}
