import type { WebhookSubject } from '../../../core/ports/capabilities/webhooks.js'
import { type Handlers, ignored, textOf } from './handler.js'

/** What is told of an invoice: it is read again, and with it the subscription it is for. */
export const invoiceHandlers: Handlers = {
  'invoice.created': invoice,
  'invoice.drafted': invoice,
  'invoice.one_off_created': invoice,
  'invoice.paid_credit_added': invoice,
  'invoice.payment_status_updated': invoice,
  'invoice.payment_overdue': invoice,
  'invoice.payment_dispute_lost': invoice,
  'invoice.voided': invoice,
  'invoice.resynced': invoice,
  /** The payment service refused it. */
  'invoice.payment_failure': invoice,
}

function invoice(object: object): WebhookSubject {
  const externalId = textOf(object, 'lago_id', 'lago_invoice_id')
  return externalId === undefined ? ignored('It names no invoice.') : { kind: 'invoice', externalId }
}
