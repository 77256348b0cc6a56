import * as z from 'zod'
import { type CreditNote, creditNotes, notesOf, shownCreditNote } from './credit-note.js'
import { createCreditNote, creditableCents, refundableCents } from './credit-notes.js'
import { shownCustomer } from './customers.js'
import { invalid, notFound } from './errors.js'
import { customerOfInvoice, invoiceOf, invoices, type LagoInvoice, numberOf } from './invoices.js'
import { noBody, paged, route, wrapped } from './route.js'
import type { LagoWorld } from './world.js'

const cents = z.int().nonnegative()

const noteShape = z.object({
  invoice_id: z.string().min(1),
  reason: z
    .enum([
      'duplicated_charge',
      'product_unsatisfactory',
      'order_change',
      'order_cancellation',
      'fraudulent_charge',
      'other',
    ])
    .nullish(),
  description: z.string().nullish(),
  credit_amount_cents: cents.nullish(),
  refund_amount_cents: cents.nullish(),
  items: z.array(z.object({ fee_id: z.string(), amount_cents: cents })),
  metadata: z.record(z.string(), z.string().nullable()).nullish(),
})

export const creditNoteRoutes = [
  route('POST /credit_notes', wrapped('credit_note', noteShape), ({ world, body: { credit_note: given } }) => {
    const invoice = invoiceOf(world, given.invoice_id)
    const items = given.items.map(({ fee_id: feeId, amount_cents: amount }) => ({ feeId, cents: amount }))
    const [creditCents, refundCents] = [given.credit_amount_cents ?? 0, given.refund_amount_cents ?? 0]
    refuse(world, invoice, { creditCents, refundCents, items })
    const note = createCreditNote(world, invoice, {
      reason: given.reason ?? 'other',
      description: given.description ?? null,
      metadata: given.metadata ?? null,
      creditCents,
      refundCents,
      items,
    })
    return { credit_note: withCustomer(world, note) }
  }),
  route('GET /credit_notes', noBody, ({ world, query }) => {
    const customer = query.get('external_customer_id')
    const number = query.get('invoice_number')
    const rows = [...creditNotes(world).values()].reverse().filter((note) => {
      const invoice = invoices(world).get(note.invoiceId)
      return (
        (customer === null || note.external_customer_id === customer) &&
        (number === null || (invoice !== undefined && numberOf(world, invoice) === number))
      )
    })
    return paged(
      'credit_notes',
      rows.map((note) => shownCreditNote(world, note)),
      query,
    )
  }),
  route('GET /credit_notes/:id', noBody, ({ world, path }) => {
    const found = creditNotes(world).get(path.id ?? '')
    if (found === undefined) throw notFound('credit_note')
    return { credit_note: withCustomer(world, found) }
  }),
]

interface Asked {
  readonly creditCents: number
  readonly refundCents: number
  readonly items: readonly { readonly feeId: string; readonly cents: number }[]
}

/** @throws a 422 in Lago's words */
function refuse(world: LagoWorld, invoice: LagoInvoice, { creditCents, refundCents, items }: Asked): void {
  if (invoice.status !== 'finalized') throw invalid({ base: ['invalid_invoice_status'] })
  if (items.reduce((sum, item) => sum + item.cents, 0) !== creditCents + refundCents)
    throw invalid({ base: ['does_not_match_item_amounts'] })
  for (const { feeId, cents: amount } of items) {
    const fee = invoice.fees.find(({ lago_id: id }) => id === feeId)
    if (fee === undefined) throw notFound('fee')
    const given = notesOf(world, invoice.lago_id)
      .flatMap((note) => note.items)
      .reduce((sum, item) => sum + (item.feeId === feeId ? item.cents : 0), 0)
    if (amount > fee.cents - given) throw invalid({ amount_cents: ['higher_than_remaining_fee_amount'] })
  }
  if (refundCents > 0 && invoice.payment_status !== 'succeeded')
    throw invalid({ refund_amount_cents: ['cannot_refund_unpaid_invoice'] })
  if (refundCents > 0 && refundCents > refundableCents(world, invoice))
    throw invalid({ refund_amount_cents: ['higher_than_remaining_invoice_amount'] })
  if (creditCents + refundCents > creditableCents(world, invoice))
    throw invalid({ base: ['higher_than_remaining_invoice_amount'] })
}

function withCustomer(world: LagoWorld, note: CreditNote) {
  const invoice = invoiceOf(world, note.invoiceId)
  return { ...shownCreditNote(world, note), customer: shownCustomer(customerOfInvoice(world, invoice)) }
}
