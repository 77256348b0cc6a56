import { customerOf, type EventObject, type Handlers } from './handler.js'

/** Events of what a customer pays with. */
export const customerHandlers: Handlers = {
  /** Among other things another default. */
  'customer.updated': customer,
  /** In the Dashboard, or by another part of the app. */
  'customer.deleted': ({ id }: EventObject) => ({ kind: 'customer_gone', customerId: id }),
  'payment_method.attached': customerOf,
  'payment_method.updated': customerOf,
  'payment_method.automatically_updated': customerOf,
  'setup_intent.succeeded': customerOf,
}

function customer({ id }: EventObject) {
  return { kind: 'payment_method', customerId: id } as const
}
