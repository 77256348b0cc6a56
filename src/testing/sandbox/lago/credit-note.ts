import { shownFee } from './invoice-fees.js'
import { customerOfInvoice, invoices, type LagoInvoice, numberOf } from './invoices.js'
import { isoTime, type LagoWorld, tableOf } from './world.js'

/** Money given back of an invoice: to what the customer paid with, or off the next invoices. */
export interface CreditNote {
  readonly lago_id: string
  readonly sequence: number
  readonly invoiceId: string
  readonly external_customer_id: string
  readonly currency: string
  readonly reason: string
  readonly description: string | null
  readonly creditCents: number
  readonly refundCents: number
  /** What of the credit is left. */
  readonly balanceCents: number
  readonly refundStatus: 'pending' | 'succeeded' | 'failed' | null
  readonly items: readonly { readonly lago_id: string; readonly feeId: string; readonly cents: number }[]
  readonly metadata: Readonly<Record<string, string | null>> | null
  readonly createdAtMs: number
}

/** By Lago's id, oldest first. */
export const creditNotes = tableOf<CreditNote>('credit_notes')

export function notesOf(world: LagoWorld, invoiceId: string): readonly CreditNote[] {
  return [...creditNotes(world).values()].filter((note) => note.invoiceId === invoiceId)
}

/** A credit note as Lago answers it. */
export function shownCreditNote(world: LagoWorld, note: CreditNote) {
  const invoice = invoices(world).get(note.invoiceId) as LagoInvoice
  const lagoCustomerId = customerOfInvoice(world, invoice).lago_id
  const invoiceNumber = numberOf(world, invoice)
  const total = note.creditCents + note.refundCents
  return {
    lago_id: note.lago_id,
    billing_entity_code: 'default',
    sequential_id: note.sequence,
    number: `${invoiceNumber}-CN${String(note.sequence).padStart(3, '0')}`,
    lago_invoice_id: note.invoiceId,
    invoice_number: invoiceNumber,
    issuing_date: isoTime(note.createdAtMs).slice(0, 10),
    credit_status: note.creditCents === 0 ? null : note.balanceCents === 0 ? 'consumed' : 'available',
    refund_status: note.refundStatus,
    reason: note.reason,
    description: note.description,
    currency: note.currency,
    total_amount_cents: total,
    taxes_amount_cents: 0,
    taxes_rate: 0,
    sub_total_excluding_taxes_amount_cents: total,
    balance_amount_cents: note.balanceCents,
    credit_amount_cents: note.creditCents,
    refund_amount_cents: note.refundCents,
    offset_amount_cents: 0,
    coupons_adjustment_amount_cents: 0,
    created_at: isoTime(note.createdAtMs),
    updated_at: isoTime(note.createdAtMs),
    file_url: null,
    items: note.items.flatMap(({ lago_id: id, feeId, cents }) => {
      const fee = invoice.fees.find((each) => each.lago_id === feeId)
      if (fee === undefined) return []
      const shown = shownFee(world, fee, { ...invoice, lagoCustomerId })
      return [{ lago_id: id, amount_cents: cents, amount_currency: note.currency, fee: shown }]
    }),
    applied_taxes: [],
    self_billed: false,
    metadata: note.metadata,
  }
}
