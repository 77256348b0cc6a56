import type { EventObject, Handlers } from './handler.js'

/** Events of a payment. */
export const paymentIntentHandlers: Handlers = {
  'payment_intent.succeeded': payment,
  'payment_intent.payment_failed': payment,
  'payment_intent.processing': payment,
  'payment_intent.requires_action': payment,
  'payment_intent.canceled': payment,
}

function payment({ id }: EventObject) {
  return { kind: 'payment', externalId: id } as const
}
