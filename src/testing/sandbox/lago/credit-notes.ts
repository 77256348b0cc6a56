import type { Period } from '../../../core/domain/period.js'
import { testCardNumbered } from '../stripe/test-cards.js'
import { doLater } from './background.js'
import { type CreditNote, creditNotes, notesOf, shownCreditNote } from './credit-note.js'
import { shownCustomer } from './customers.js'
import { shareOf, startOfNextDays } from './invoice-fees.js'
import { customerOfInvoice, feesCents, invoices, type LagoInvoice, totalCents } from './invoices.js'
import { payments } from './payments.js'
import { type LagoSubscription, startOfDay } from './subscriptions.js'
import { emitWebhook } from './webhooks.js'
import { type LagoWorld, newLagoId } from './world.js'

/** How long the payment service takes to give money back. */
const refundDelayMs = 500

export function createCreditNote(
  world: LagoWorld,
  invoice: LagoInvoice,
  given: Pick<CreditNote, 'reason' | 'description' | 'creditCents' | 'refundCents' | 'metadata'> & {
    readonly items: readonly { readonly feeId: string; readonly cents: number }[]
  },
): CreditNote {
  const note: CreditNote = {
    ...given,
    lago_id: newLagoId(),
    sequence: notesOf(world, invoice.lago_id).length + 1,
    invoiceId: invoice.lago_id,
    external_customer_id: invoice.external_customer_id,
    currency: invoice.currency,
    balanceCents: given.creditCents,
    refundStatus: given.refundCents > 0 ? 'pending' : null,
    items: given.items.map((item) => ({ lago_id: newLagoId(), ...item })),
    createdAtMs: world.now(),
  }
  creditNotes(world).put(note.lago_id, note)
  emitWebhook(world, 'credit_note.created', 'credit_note', {
    ...shownCreditNote(world, note),
    customer: shownCustomer(customerOfInvoice(world, invoice)),
  })
  if (note.refundStatus !== null) doLater(world, 'settle_refund', note.lago_id, { delayMs: refundDelayMs })
  return note
}

/** What the payment service says of a refund, some time after Lago has answered. */
export function settleRefund(world: LagoWorld, noteId: string): void {
  const note = creditNotes(world).get(noteId)
  if (note?.refundStatus !== 'pending') return
  const paid = [...payments(world).values()].findLast(
    ({ invoiceId, status }) => invoiceId === note.invoiceId && status === 'succeeded',
  )
  const fails = paid === undefined || testCardNumbered(paid.card)?.refund === 'fails_later'
  creditNotes(world).put(note.lago_id, { ...note, refundStatus: fails ? 'failed' : 'succeeded' })
}

/** Takes what a customer has of credit notes for an invoice. */
export function applyCreditNotes(
  world: LagoWorld,
  { external_customer_id: customerId, currency }: LagoInvoice,
  dueCents: number,
): readonly { readonly from: string; readonly cents: number }[] {
  let left = dueCents
  const taken: { readonly from: string; readonly cents: number }[] = []
  for (const note of [...creditNotes(world).values()]) {
    if (note.external_customer_id !== customerId || note.currency !== currency) continue
    const cents = Math.min(left, note.balanceCents)
    if (cents <= 0) continue
    creditNotes(world).put(note.lago_id, { ...note, balanceCents: note.balanceCents - cents })
    taken.push({ from: note.lago_id, cents })
    left -= cents
  }
  return taken
}

/** Gives back what was paid in advance for days that are not had. An upgrade has the day of the change; otherwise that day is used up. */
export function creditUnused(
  world: LagoWorld,
  { lago_id: subscriptionId }: LagoSubscription,
  unused: Period,
  isUpgrade: boolean,
): void {
  const startsAt = isUpgrade ? startOfDay(unused.startsAt) : startOfNextDays(unused.startsAt, 1)
  if (startsAt >= unused.endsAt) return
  for (const invoice of [...invoices(world).values()].reverse()) {
    if (invoice.status !== 'finalized') continue
    const fee = invoice.fees.find(
      (each) =>
        each.type === 'subscription' &&
        each.subscriptionId === subscriptionId &&
        (each.fromMs ?? 0) <= unused.startsAt &&
        (each.toMs ?? 0) > unused.startsAt,
    )
    if (fee === undefined) continue
    const paidFor = { startsAt: startOfDay(fee.fromMs ?? 0), endsAt: fee.toMs ?? 0 }
    const cents = Math.min(
      shareOf(fee.cents, { startsAt, endsAt: unused.endsAt }, paidFor),
      creditableCents(world, invoice),
    )
    if (cents > 0)
      createCreditNote(world, invoice, {
        reason: 'order_change',
        description: null,
        creditCents: cents,
        refundCents: 0,
        metadata: null,
        items: [{ feeId: fee.lago_id, cents }],
      })
    return
  }
}

/** What of an invoice can still be given back in any way. */
export function creditableCents(world: LagoWorld, invoice: LagoInvoice): number {
  const given = notesOf(world, invoice.lago_id).reduce((sum, note) => sum + note.creditCents + note.refundCents, 0)
  return feesCents(invoice) - given
}

/** What of an invoice can still be given back to what it was paid with. */
export function refundableCents(world: LagoWorld, invoice: LagoInvoice): number {
  if (invoice.payment_status !== 'succeeded') return 0
  const given = notesOf(world, invoice.lago_id).reduce((sum, { refundCents }) => sum + refundCents, 0)
  return Math.min(totalCents(invoice) - given, creditableCents(world, invoice))
}
