import type { EventObject, Handlers } from './handler.js'

/** Events of a checkout session. Each says only that the session is worth reading again. */
export const checkoutSessionHandlers: Handlers = {
  /** The customer has finished; the money may still be on its way. */
  'checkout.session.completed': checkout,
  /** A delayed payment (bank debit, voucher) has come in. */
  'checkout.session.async_payment_succeeded': checkout,
  /** A delayed payment did not come. */
  'checkout.session.async_payment_failed': checkout,
  /** The page was not used in time. */
  'checkout.session.expired': checkout,
}

function checkout({ id }: EventObject) {
  return { kind: 'checkout', externalId: id } as const
}
