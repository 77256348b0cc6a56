import * as z from 'zod'
import type { WebhookSubject } from '../../../core/ports/capabilities/webhooks.js'
import { ignored } from '../../door/webhook-payload.js'
import { parseAnswer, part } from '../call.js'
import { paymentSchema } from '../payment.js'
import { type Asking, type Handlers, textOf } from './handler.js'

const noteSchema = z.object({ credit_note: z.object({ lago_invoice_id: z.string().min(1) }) })
const paymentsSchema = z.object({ payments: z.array(paymentSchema) })

/** What is told of money that goes back: all that was given back of the payment is read again, so that order does not matter. */
export const creditNoteHandlers: Handlers = {
  'credit_note.created': creditNote,
  'credit_note.refund_failure': creditNote,
  'credit_note.provider_refund_failure': creditNote,
}

/** A credit note belongs to an invoice, and that to the payment which paid it. */
async function creditNote(object: object, asking: Asking): Promise<WebhookSubject> {
  const noteId = textOf(object, 'lago_id', 'lago_credit_note_id')
  const invoiceId = textOf(object, 'lago_invoice_id') ?? (noteId && (await invoiceOf(noteId, asking)))
  if (!invoiceId) return ignored('It names no credit note.')
  const answer = await asking.call.read(asking.options, (client, request) =>
    client.payments.findAllPayments({ invoice_id: invoiceId }, request),
  )
  const paid = parseAnswer(paymentsSchema, answer).payments.find(({ payment_status: status }) => status === 'succeeded')
  if (paid === undefined) return ignored('Nothing was paid that could go back.')
  return { kind: 'payment', externalId: paid.lago_id }
}

async function invoiceOf(noteId: string, { call, options }: Asking): Promise<string> {
  const answer = await call.read(options, (client, request) => client.creditNotes.findCreditNote(part(noteId), request))
  return parseAnswer(noteSchema, answer).credit_note.lago_invoice_id
}
