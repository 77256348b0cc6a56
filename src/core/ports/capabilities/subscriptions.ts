import type { PaymentOutcome } from '../../domain/payment-outcome.js'
import type { Instant } from '../../domain/period.js'
import type { CallOptions } from '../call-options.js'
import type { InvoicePreview } from './invoices.js'
import type { PlanPrice } from './plan-price.js'

/**
 * Subscription states in our words. `trialing`, `active` and `past_due` give the plan. `past_due`: a payment failed and is tried again;
 * `unpaid`: it was tried for the last time. `unknown` never grants anything.
 */
export type SubscriptionStatus =
  | 'pending'
  | 'trialing'
  | 'active'
  | 'past_due'
  | 'unpaid'
  | 'paused'
  | 'canceled'
  | 'unknown'

/** A subscription as it stands at the provider. */
export interface Subscription {
  readonly externalId: string
  readonly customerId: string
  /** The sale of ours that it was bought in, where the provider says. */
  readonly intentId?: string | null
  readonly status: SubscriptionStatus
  /** Our plan's name, as it was given at checkout. */
  readonly plan: string | null
  /** How many of the plan are paid for. */
  readonly seats: number
  /** Where its periods are counted from, which a period that begins on a shorter month's last day does not say; `null` if not known. */
  readonly anchor: Instant | null
  readonly currentPeriodStartsAt: Instant | null
  readonly currentPeriodEndsAt: Instant | null
  /** The period that was paid for last, as far as it can be seen; free days are paid for. `null` while none was, or nobody knows. */
  readonly paidPeriod: { readonly startsAt: Instant; readonly endsAt: Instant } | null
  readonly trialStartsAt: Instant | null
  readonly trialEndsAt: Instant | null
  readonly cancelsAtPeriodEnd: boolean
  readonly canceledAt: Instant | null
  readonly endedAt: Instant | null
  /** What it becomes at the end of the period; `null` when nothing changes. */
  readonly scheduled: { readonly plan: string; readonly seats: number; readonly at: Instant } | null
  readonly createdAt: Instant
}

/** Another plan or number of seats. */
export interface SubscriptionChange {
  readonly externalId: string
  /** What it is to be. */
  readonly price: PlanPrice
  readonly seats: number
  /** `period_end` leaves what is paid for as it is until then. */
  readonly when: 'now' | 'period_end'
  /**
   * What becomes of the rest of a period that is paid for already, when the change is made now: credited on the next invoice, settled
   * on one of its own at once, or not at all.
   */
  readonly proration: 'next_invoice' | 'invoice_now' | 'none'
  /** The moment that prorations are worked out for, so that a change costs what its preview said. */
  readonly at: Instant | null
}

/** What a change led to; `payment` says what came of what it charged at once. */
export interface ChangedSubscription {
  readonly subscription: Subscription
  readonly payment: PaymentOutcome | null
}

/** Reads what customers have subscribed to, and changes it. What a provider cannot do is not on its object. */
export interface SubscriptionsCapability {
  /** @throws BillingError `not_found` */
  get(externalId: string, options: CallOptions): Promise<Subscription>
  /** The customer's subscriptions, newest first, those that have ended among them. */
  list(customerId: string, options: CallOptions): Promise<readonly Subscription[]>
  /**
   * Puts it on another plan or number of seats. A change that has to be paid at once and is not paid takes no effect.
   *
   * @throws BillingError `not_found`, `invalid_state` (it has ended), `option_unsupported`
   */
  change?(change: SubscriptionChange, options: CallOptions): Promise<ChangedSubscription>
  /** What a change would charge. @throws BillingError as `change` */
  previewChange?(change: SubscriptionChange, options: CallOptions): Promise<InvoicePreview>
  /** Ends it now or with the period; harmless to repeat. @throws BillingError `not_found`, `invalid_state` */
  cancel?(externalId: string, when: 'now' | 'period_end', options: CallOptions): Promise<Subscription>
  /** Takes back that it ends or changes with the period. @throws BillingError `not_found`, `invalid_state` (it has ended) */
  reactivate?(externalId: string, options: CallOptions): Promise<Subscription>
  /** Stops charging and granting until it is resumed. @throws BillingError `not_found`, `invalid_state` */
  pause?(externalId: string, options: CallOptions): Promise<Subscription>
  /** @throws BillingError `not_found`, `invalid_state` */
  resume?(externalId: string, options: CallOptions): Promise<ChangedSubscription>
}
