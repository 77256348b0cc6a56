import type { WebhookSubject } from '../../../core/ports/capabilities/webhooks.js'
import { ignored } from '../../door/webhook-payload.js'
import { type Handlers, objectOf, textOf } from './handler.js'

/**
 * What a customer pays with has changed. Lago of today tells of it by `customer.*` alone; these are the names under which others pass
 * such news on, with the customer in the object or beside it.
 */
export const paymentMethodHandlers: Handlers = {
  'payment_method.created': paymentMethod,
  'payment_method.updated': paymentMethod,
  'payment_method.deleted': paymentMethod,
}

function paymentMethod(object: object): WebhookSubject {
  const customerId = textOf(object, 'external_customer_id') ?? textOf(objectOf(object, 'customer'), 'external_id')
  return customerId === undefined ? ignored('It names no customer.') : { kind: 'payment_method', customerId }
}
