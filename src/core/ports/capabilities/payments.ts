import type { Money } from '../../domain/money.js'
import type { DeclineReason, PaymentOutcome, PaymentStatus } from '../../domain/payment-outcome.js'
import type { Instant } from '../../domain/period.js'
import type { CallOptions } from '../call-options.js'
import type { Listed, ListPage } from '../page.js'

/** A payment as it stands at the provider. */
export interface ProviderPayment {
  readonly externalId: string
  /** `null` for a guest's. */
  readonly customerId: string | null
  readonly status: PaymentStatus
  readonly amount: Money
  /** What was given back of it so far. */
  readonly refunded: Money
  readonly description: string | null
  /** The invoice it is for. */
  readonly invoiceId: string | null
  /** The sale of ours it is for. */
  readonly intentId: string | null
  readonly createdAt: Instant
  readonly failure: { readonly reason: DeclineReason; readonly message: string } | null
  readonly receiptUrl: string | null
  /** Where the customer confirms it at the bank, while that is what it waits for. */
  readonly actionUrl?: string | null
}

/** How a refund stands. `failed` and `canceled` gave nothing back. */
export type RefundStatus = 'pending' | 'requires_action' | 'succeeded' | 'failed' | 'canceled' | 'unknown'

/** Money given back of a payment. */
export interface Refund {
  readonly externalId: string
  readonly paymentId: string
  readonly status: RefundStatus
  readonly amount: Money
  readonly createdAt: Instant
}

/** How a dispute stands. `warning`: the bank asks and takes nothing yet; `open` and `under_review`: it has taken the money. */
export type DisputeStatus = 'warning' | 'open' | 'under_review' | 'won' | 'lost' | 'unknown'

/** A payment that the customer's bank takes back. */
export interface Dispute {
  readonly externalId: string
  readonly paymentId: string
  readonly status: DisputeStatus
  readonly amount: Money
  readonly reason: string
  /** Until when evidence may be given. */
  readonly evidenceDueAt: Instant | null
  readonly createdAt: Instant
}

/** Which payments to list. */
export interface PaymentQuery extends ListPage {
  readonly customerId: string
  readonly status?: PaymentStatus
}

/** Takes and gives back money. What a provider cannot do is not on its object. */
export interface PaymentsCapability {
  /** A customer's payments, newest first. */
  list(query: PaymentQuery, options: CallOptions): Promise<Listed<ProviderPayment>>
  /** @throws BillingError `not_found` */
  get(externalId: string, options: CallOptions): Promise<ProviderPayment>
  /** Everything that was taken back of a payment, as it stands now. */
  reversals(
    externalId: string,
    options: CallOptions,
  ): Promise<{ readonly refunds: readonly Refund[]; readonly disputes: readonly Dispute[] }>
  /**
   * Gives back all of a payment that is left, or a part.
   *
   * @throws BillingError `not_found`, `invalid_state` (not paid), `refund_exceeds_original`
   */
  refund?(
    request: { readonly paymentId: string; readonly amount: Money | null; readonly reason: string },
    options: CallOptions,
  ): Promise<Refund>
  /**
   * Charges a saved payment method for a sale of ours, while nobody is looking unless there is a `returnUrl`. A sale is charged at most once: asked again, however
   * late and under whatever key, it finds what it made for the sale before, goes on with it, and answers how that stands.
   *
   * @throws BillingError `outcome_unknown` when it may have been charged: ask again
   */
  charge?(request: ChargeRequest, options: CallOptions): Promise<Charged>
  /**
   * Takes the word of a customer for a payment of an invoice, which then waits for approval. The same reference is the same payment.
   *
   * @throws BillingError `not_found`, `invalid_request` (it is paid already), `invalid_state` (a draft, or void), `option_unsupported`
   */
  submit?(request: SubmittedPayment, options: CallOptions): Promise<ProviderPayment>
  /**
   * Says that the money of a payment that waits for approval has come: all that is owed, or this much of it. Harmless to repeat.
   *
   * @throws BillingError `not_found`, `invalid_request` (the invoice is paid already), `invalid_state`, `amount_out_of_range`
   */
  approve?(
    request: { readonly paymentId: string; readonly amount: Money | null },
    options: CallOptions,
  ): Promise<ProviderPayment>
  /** Payments of any customer that wait for approval, newest first. */
  waiting?(page: ListPage, options: CallOptions): Promise<Listed<ProviderPayment>>
  /** Says that it has not come. Harmless to repeat. @throws BillingError `not_found`, `invalid_state` */
  reject?(
    request: { readonly paymentId: string; readonly reason: string },
    options: CallOptions,
  ): Promise<ProviderPayment>
}

/** A payment that a customer says was made. */
export interface SubmittedPayment {
  readonly invoiceId: string
  /** The kind of method: one of those on offer. */
  readonly paymentMethod: string
  /** What finds it at the bank. */
  readonly reference: string
}

/** A sale to charge a saved payment method for. */
export interface ChargeRequest {
  readonly intentId: string
  readonly accountId: string
  readonly customerId: string
  readonly title: string
  readonly amount: Money
  /** `null` for the customer's default one. */
  readonly paymentMethodId: string | null
  /**
   * Where the customer comes back to who is there to confirm the payment at the bank: it waits for that then. `null`: nobody is there,
   * and a payment that must be confirmed has failed.
   */
  readonly returnUrl: string | null
  /** When the sale was written: nothing was made for it before. */
  readonly requestedAt: Instant
}

/** What came of it; `externalId` names the payment, and is `null` where none was made. */
export interface Charged {
  readonly externalId: string | null
  readonly outcome: PaymentOutcome
}
