import { type Handlers, paymentOf } from './handler.js'

/** Events of a payment that the customer's bank takes back, or gives again. */
export const disputeHandlers: Handlers = {
  'charge.dispute.created': paymentOf,
  'charge.dispute.updated': paymentOf,
  'charge.dispute.closed': paymentOf,
  'charge.dispute.funds_withdrawn': paymentOf,
  'charge.dispute.funds_reinstated': paymentOf,
}
