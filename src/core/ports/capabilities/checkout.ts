import type { Money } from '../../domain/money.js'
import type { Instant } from '../../domain/period.js'
import type { CallOptions } from '../call-options.js'
import type { PlanPrice } from './plan-price.js'

/** A hosted page, and who it is for. */
export interface CheckoutPage {
  /** Our id of the sale; the provider keeps it and hands it back in `CheckoutSession`, and with the payment. */
  readonly intentId: string
  readonly accountId: string
  /** The provider's id of the customer; our account id where the provider makes no customers. */
  readonly customerId: string
  readonly successUrl: string
  readonly cancelUrl: string
  /** Whether the customer may enter a promotion code. */
  readonly promotionCodes: boolean
}

/** A single payment. */
export interface PaymentCheckout extends CheckoutPage {
  readonly mode: 'payment'
  /** What the customer reads on the page. */
  readonly title: string
  readonly amount: Money
}

/** A payment that recurs. */
export interface SubscriptionCheckout extends CheckoutPage {
  readonly mode: 'subscription'
  readonly price: PlanPrice
  readonly seats: number
  /** How many days are free before the first payment; 0 for none. */
  readonly trialDays: number
}

/** Nothing is paid: the customer leaves a payment method, which becomes the default one. */
export interface SetupCheckout extends CheckoutPage {
  readonly mode: 'setup'
  readonly currency: string
}

/** What is asked of a hosted page. */
export type CheckoutRequest = PaymentCheckout | SubscriptionCheckout | SetupCheckout

/** `processing`: done by the customer, money not there yet. `failed`: done by the customer, and the money did not come. */
export type CheckoutStatus = 'open' | 'processing' | 'paid' | 'failed' | 'expired'

/** A session as it stands at the provider. */
export interface CheckoutSession {
  readonly externalId: string
  readonly intentId: string | null
  /** The customer it was made for, as in the request; `null` when a provider without `customers` names none. */
  readonly customerId: string | null
  readonly status: CheckoutStatus
  /** What is sold, before discounts and tax; `null` when the provider does not say, and then `amount` is compared with the sale. */
  readonly subtotal: Money | null
  /** What was paid, or is to be paid. */
  readonly amount: Money | null
  readonly url: string | null
  readonly expiresAt: Instant | null
  /** The subscription it led to; `null` before, for a single payment, and when the provider does not say. */
  readonly subscriptionId: string | null
  /** The payment method that was left on a page of mode `setup`. */
  readonly paymentMethodId: string | null
  /** What the customer has to do to pay, where that is not done on a page: text for people. */
  readonly instructions?: string | null
}

/** Sells on a hosted page. */
export interface CheckoutCapability {
  /**
   * Makes a session. After an unknown outcome it is called again with the same key, and must then lead to that session or another one:
   * a provider that remembers failures under their key looks for what it made, or takes a key of its own that follows from this one.
   *
   * @throws BillingError `outcome_unknown` when it may exist at the provider all the same, `option_unsupported`
   */
  create(request: CheckoutRequest, options: CallOptions): Promise<CheckoutSession>
  /** @throws BillingError `not_found` */
  get(externalId: string, options: CallOptions): Promise<CheckoutSession>
  /** Closes a page that is still open, so that nobody can pay on it any more; harmless to repeat. @throws BillingError `not_found` */
  expire?(externalId: string, options: CallOptions): Promise<CheckoutSession>
}
