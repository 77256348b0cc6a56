/** Why a payment was declined, in words that hold for every provider. */
export const declineReasons = [
  /** The customer has to confirm it at the bank: pay again on a page. */
  'authentication_required',
  'insufficient_funds',
  'limit_exceeded',
  'expired',
  /** Number, check digits or address are not right. */
  'incorrect_details',
  /** The card was lost or stolen, or the bank suspects fraud: the customer is told no more than that it was declined. */
  'blocked',
  'not_supported',
  /** There is nothing to pay with. */
  'no_payment_method',
  /** Something failed on the way: the same payment may work later. */
  'try_again',
  'declined',
] as const

export type DeclineReason = (typeof declineReasons)[number]

/** What came of an attempt to pay. */
export type PaymentOutcome =
  | { readonly status: 'succeeded' }
  /** The money is on its way, which may take days. */
  | { readonly status: 'processing' }
  /** The customer has to do something first, on the page at `url` where there is one. */
  | { readonly status: 'requires_action'; readonly url: string | null }
  | { readonly status: 'declined'; readonly reason: DeclineReason; readonly message: string }

/** How a payment stands. `refunded`: all of it; one that was refunded in part is still `succeeded`. */
export const paymentStatuses = [
  'requires_method',
  'requires_action',
  'pending_approval',
  'processing',
  'authorized',
  'succeeded',
  'failed',
  'refunded',
  'canceled',
  'unknown',
] as const

export type PaymentStatus = (typeof paymentStatuses)[number]
