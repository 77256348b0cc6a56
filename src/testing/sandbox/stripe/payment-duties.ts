import type { DueKind, DueWork } from './due.js'
import { advanceDraft, noteOverdue, retryInvoice } from './invoice-collection.js'
import { settleIntent } from './payment-attempt.js'
import { settleRefund } from './refunds.js'
import type { StripeWorld } from './world.js'

type Duty = (world: StripeWorld, work: DueWork) => void

/** What happens to payments and invoices by itself. */
export const paymentDuties = {
  settle_intent: (world, { target }) => settleIntent(world, target),
  settle_refund: (world, { target, succeeds }) => settleRefund(world, target, succeeds ?? true),
  finalize_invoice: (world, { target }) => advanceDraft(world, target),
  collect_invoice: (world, { target }) => retryInvoice(world, target),
  overdue_invoice: (world, { target }) => noteOverdue(world, target),
} satisfies Partial<Record<DueKind, Duty>>
