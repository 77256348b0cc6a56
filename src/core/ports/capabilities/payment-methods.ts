import type { Instant } from '../../domain/period.js'
import type { CallOptions } from '../call-options.js'

/** What a customer pays with, as far as it may be shown: never a number. */
export interface PaymentMethod {
  readonly externalId: string
  readonly customerId: string
  /** The provider's word: `card`, `us_bank_account`, `sepa_debit`. */
  readonly type: string
  /** `visa`; for an account the bank. */
  readonly brand: string | null
  /** The last four digits. */
  readonly last4: string | null
  readonly expiryMonth: number | null
  readonly expiryYear: number | null
  readonly name: string | null
  readonly email: string | null
  /** ISO 3166-1 alpha-2. */
  readonly country: string | null
  readonly isDefault: boolean
  readonly createdAt: Instant
}

/** What of a payment method can be changed; what is not given stays. */
export interface PaymentMethodChange {
  readonly name?: string
  readonly email?: string
  readonly expiryMonth?: number
  readonly expiryYear?: number
}

/** What a payment method can be used for: a single payment on a page, one that recurs, and a charge while the customer is away. */
export type MethodUse = 'payment' | 'subscription' | 'off_session'

/** A kind of payment method that the provider is set to offer. */
export interface OfferedMethod {
  /** The provider's word: `card`, `us_bank_account`, `sepa_debit`. */
  readonly type: string
  readonly uses: readonly MethodUse[]
  /** ISO 3166-1 alpha-2, in capitals; `null` for everywhere. */
  readonly countries: readonly string[] | null
  /** ISO 4217, in capitals; `null` for all. */
  readonly currencies: readonly string[] | null
}

/** Keeps what customers pay with. What a provider cannot do is not on its object. */
export interface PaymentMethodsCapability {
  /** The kinds of method that it is set to offer. */
  available?(options: CallOptions): Promise<readonly OfferedMethod[]>
  /** Newest first; at most one is the default. */
  list(customerId: string, options: CallOptions): Promise<readonly PaymentMethod[]>
  /** One of this customer's. @throws BillingError `not_found` */
  get(customerId: string, externalId: string, options: CallOptions): Promise<PaymentMethod>
  /**
   * Adds one that the provider's own form made; harmless to repeat.
   *
   * @throws BillingError `not_found` (also when it belongs to another customer), `payment_method_declined` (by the bank;
   * `details.reason` is a `DeclineReason`)
   */
  attach?(customerId: string, externalId: string, options: CallOptions): Promise<PaymentMethod>
  /** @throws BillingError `not_found`, `option_unsupported` */
  update?(
    customerId: string,
    externalId: string,
    change: PaymentMethodChange,
    options: CallOptions,
  ): Promise<PaymentMethod>
  /** Makes it the one that is charged when none is named. @throws BillingError `not_found` */
  setDefault(customerId: string, externalId: string, options: CallOptions): Promise<PaymentMethod>
  /** @throws BillingError `not_found` */
  remove(customerId: string, externalId: string, options: CallOptions): Promise<void>
}
