import { finalize } from './invoice-making.js'
import { emitInvoice, invoices, putInvoice } from './invoices.js'
import type { LagoJob } from './jobs.js'
import type { LagoWorld } from './world.js'

const hourMs = 3_600_000
const dayMs = 24 * hourMs

/** Lago looks every hour for drafts whose time of grace is over, and for what is not paid in time. */
export const invoiceJobs: readonly LagoJob[] = [
  { name: 'finalize_invoices', everyMs: hourMs, run: finalizeDue },
  { name: 'mark_overdue', everyMs: hourMs, run: markOverdue },
]

function finalizeDue(world: LagoWorld): void {
  for (const invoice of [...invoices(world).values()])
    if (invoice.status === 'draft' && invoice.finalizesAtMs !== null && invoice.finalizesAtMs <= world.now())
      finalize(world, invoice, invoice.finalizesAtMs)
}

function markOverdue(world: LagoWorld): void {
  for (const invoice of [...invoices(world).values()]) {
    const isOwed = invoice.status === 'finalized' && invoice.payment_status !== 'succeeded'
    // One day to pay in, at least.
    if (!isOwed || invoice.overdue || invoice.disputeLostAtMs !== null) continue
    if (invoice.paymentDueMs + dayMs > world.now()) continue
    emitInvoice(world, 'invoice.payment_overdue', putInvoice(world, { ...invoice, overdue: true }))
  }
}
