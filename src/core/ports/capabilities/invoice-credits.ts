import type { Money } from '../../domain/money.js'
import type { Instant } from '../../domain/period.js'
import type { CallOptions } from '../call-options.js'

/** Money that a provider takes off what it charges for usage, before anything is paid. */
export interface InvoiceCredit {
  readonly externalId: string
  readonly customerId: string
  readonly amount: Money
  readonly kind: 'paid' | 'promotional'
  readonly name: string | null
  readonly createdAt: Instant
  readonly expiresAt: Instant | null
  readonly isVoid: boolean
}

/** Gives a customer money for its next invoices at the provider. It is none of the Sparks that an account has here. */
export interface InvoiceCreditsCapability {
  /** Gives it once for a key, however late the call is repeated. @throws BillingError `invalid_amount`, `outcome_unknown` */
  grant(
    request: {
      readonly customerId: string
      readonly amount: Money
      readonly kind: 'paid' | 'promotional'
      readonly name: string
      readonly expiresAt: Instant | null
    },
    options: CallOptions,
  ): Promise<InvoiceCredit>
  /** A customer's, newest first. */
  list(customerId: string, options: CallOptions): Promise<readonly InvoiceCredit[]>
  /** What of them can be used now, by currency. */
  balance(customerId: string, options: CallOptions): Promise<readonly Money[]>
  /** Takes back what is left of one; harmless to repeat. @throws BillingError `not_found` */
  end(externalId: string, options: CallOptions): Promise<InvoiceCredit>
}
