import type { WebhookSubject } from '../../../core/ports/capabilities/webhooks.js'
import { ignored } from '../../door/webhook-payload.js'
import { type EventObject, type Handlers, idOf } from './handler.js'

/** Events of an invoice: it is read again, and with it the subscription it is for. */
export const invoiceHandlers: Handlers = {
  'invoice.finalized': invoice,
  'invoice.finalization_failed': invoice,
  'invoice.paid': invoice,
  'invoice.payment_succeeded': invoice,
  'invoice.payment_failed': invoice,
  /** 3-D Secure: the customer has to confirm it on the invoice's page. */
  'invoice.payment_action_required': invoice,
  'invoice.overdue': invoice,
  'invoice.voided': invoice,
  'invoice.marked_uncollectible': invoice,
  /** A payment of an invoice names it. */
  'invoice_payment.paid': ofPayment,
}

function invoice({ id }: EventObject): WebhookSubject {
  return { kind: 'invoice', externalId: id }
}

function ofPayment({ invoice: named }: EventObject): WebhookSubject {
  const externalId = idOf(named)
  if (externalId !== undefined) return { kind: 'invoice', externalId }
  return ignored('It belongs to no invoice.')
}
