import { type Handlers, paymentOf } from './handler.js'

/** Events of money given back. All that was taken back of the payment is read again, so their order does not matter. */
export const refundHandlers: Handlers = {
  'charge.refunded': paymentOf,
  'charge.refund.updated': paymentOf,
  'refund.created': paymentOf,
  'refund.updated': paymentOf,
  /** A bank may send a refund back days later. */
  'refund.failed': paymentOf,
}
