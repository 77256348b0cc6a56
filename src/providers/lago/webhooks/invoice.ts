import type { WebhookSubject } from '../../../core/ports/capabilities/webhooks.js'
import { ignored } from '../../door/webhook-payload.js'
import { intentOf } from '../invoice.js'
import { readInvoice } from '../invoices.js'
import { type Asking, type Handlers, textOf } from './handler.js'

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

async function invoice(object: object, { call, options }: Asking): Promise<WebhookSubject> {
  const externalId = textOf(object, 'lago_id', 'lago_invoice_id')
  if (externalId === undefined) return ignored('It names no invoice.')
  if (textOf(object, 'invoice_type') !== 'one_off') return { kind: 'invoice', externalId }
  // One of ours is what a customer was sent to a page for.
  const isSale = intentOf(await readInvoice(call, externalId, options)) !== null
  return { kind: isSale ? 'checkout' : 'invoice', externalId }
}
