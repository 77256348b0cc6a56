import type { WebhookSubject } from '../../../core/ports/capabilities/webhooks.js'
import { ignored } from '../../door/webhook-payload.js'
import { type Handlers, textOf } from './handler.js'

/** What is told of a customer and the payment service behind Lago. */
export const customerHandlers: Handlers = {
  'customer.payment_provider_created': customer,
  /** Among other things another payment service. */
  'customer.updated': customer,
}

function customer(object: object): WebhookSubject {
  const customerId = textOf(object, 'external_id')
  return customerId === undefined ? ignored('It names no customer.') : { kind: 'payment_method', customerId }
}
