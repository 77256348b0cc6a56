import { creditNotes } from './credit-note.js'
import type { LagoInvoice } from './invoices.js'
import { addTransaction, creditsFor, wallets } from './wallets.js'
import type { LagoWorld } from './world.js'

/** What an invoice had taken of wallets and credit notes comes back when it is voided. */
export function giveBackTaken(world: LagoWorld, invoice: LagoInvoice): void {
  for (const { from, cents } of invoice.taken) {
    const note = creditNotes(world).get(from)
    if (note !== undefined) creditNotes(world).put(from, { ...note, balanceCents: note.balanceCents + cents })
    const wallet = wallets(world).get(from)
    if (wallet === undefined) continue
    addTransaction(world, wallet, {
      status: 'settled',
      transaction_status: 'granted',
      transaction_type: 'inbound',
      credits: creditsFor(wallet, cents),
      invoiceId: invoice.lago_id,
    })
  }
}
