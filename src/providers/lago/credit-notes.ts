import * as z from 'zod'
import type { CallOptions } from '../../core/ports/call-options.js'
import type { Refund, RefundStatus } from '../../core/ports/capabilities/payments.js'
import { withoutKey } from '../door/door.js'
import { fromLagoAmount } from './amount.js'
import type { LagoCall } from './call.js'
import { everyPage } from './every-page.js'
import type { LagoPayment } from './payment.js'

/** The fields of a credit note that are read here. */
export const creditNoteSchema = z.object({
  lago_id: z.string().min(1),
  lago_invoice_id: z.string(),
  refund_status: z.string().nullish(),
  currency: z.string(),
  refund_amount_cents: z.number().int(),
  created_at: z.string(),
  items: z
    .array(z.object({ amount_cents: z.number().int(), fee: z.object({ lago_id: z.string().nullish() }).nullish() }))
    .nullish(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
})

export type CreditNote = z.output<typeof creditNoteSchema>

const statuses: ReadonlyMap<string, RefundStatus> = new Map([
  ['pending', 'pending'],
  ['succeeded', 'succeeded'],
  ['failed', 'failed'],
])

/** All of a customer. */
export function creditNotesOf(
  call: LagoCall,
  customerId: string,
  options: CallOptions,
): Promise<readonly CreditNote[]> {
  return everyPage(
    'credit_notes',
    creditNoteSchema,
    ({ lago_id: id }) => id,
    (page) =>
      call.read(withoutKey(options), (client, request) =>
        client.creditNotes.findAllCreditNotes({ external_customer_id: customerId, ...page }, request),
      ),
  )
}

/** What of a payment went back, or is on its way. */
export function refundedOf(notes: readonly CreditNote[], { invoice_ids: ids }: LagoPayment): number {
  return notes
    .filter((note) => note.lago_invoice_id === ids?.[0] && note.refund_status !== 'failed')
    .reduce((sum, { refund_amount_cents: cents }) => sum + cents, 0)
}

/** In our words. */
export function toRefund(note: CreditNote, paymentId: string): Refund {
  return {
    externalId: note.lago_id,
    paymentId,
    status: statuses.get(note.refund_status ?? '') ?? 'unknown',
    amount: fromLagoAmount(note.refund_amount_cents, note.currency),
    createdAt: Date.parse(note.created_at),
  }
}
