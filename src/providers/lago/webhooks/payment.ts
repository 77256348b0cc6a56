import type { WebhookSubject } from '../../../core/ports/capabilities/webhooks.js'
import { ignored } from '../../door/webhook-payload.js'
import { type Handlers, textOf } from './handler.js'

/** What is told of a payment. */
export const paymentHandlers: Handlers = {
  'payment.succeeded': payment,
  /** The customer has to confirm it. */
  'payment.requires_action': payment,
}

function payment(object: object): WebhookSubject {
  const externalId = textOf(object, 'lago_id')
  return externalId === undefined ? ignored('It names no payment.') : { kind: 'payment', externalId }
}
