import * as z from 'zod'
import type { CallOptions } from '../../core/ports/call-options.js'
import type { Subscription } from '../../core/ports/capabilities/subscriptions.js'
import { type LagoCall, parseAnswer } from './call.js'
import { afterSecond, instant } from './instant.js'
import { readInvoice } from './invoices.js'
import { type Billed, currentPeriod, type LagoSubscription } from './subscription.js'

const rowsSchema = z.object({ invoices: z.array(z.object({ lago_id: z.string().min(1) })) })

/** How many invoices are looked through for the one that was paid for last. */
const looksBack = 3

export async function billedOf(call: LagoCall, row: LagoSubscription, options: CallOptions): Promise<Billed> {
  if (row.status !== 'active') return { paidPeriod: null, isOverdue: false }
  const isPaidAhead = row.plan?.pay_in_advance !== false && row.plan_amount_cents !== 0
  const [paidPeriod, isOverdue] = await Promise.all([
    isPaidAhead ? paidPeriodOf(call, row, options) : currentPeriod(row),
    hasOverdue(call, row, options),
  ])
  return { paidPeriod, isOverdue }
}

/** The period of the newest invoice that is paid and charges for the plan as it is now. */
async function paidPeriodOf(
  call: LagoCall,
  row: LagoSubscription,
  options: CallOptions,
): Promise<Subscription['paidPeriod']> {
  const query = { 'payment_statuses[]': ['succeeded' as const], per_page: looksBack }
  for (const invoiceId of await invoicesOf(call, row, query, options)) {
    const { fees } = await readInvoice(call, invoiceId, options)
    const fee = fees?.find((each) => each.item.type === 'subscription' && each.lago_subscription_id === row.lago_id)
    const startsAt = instant(fee?.from_date)
    const endsAt = afterSecond(instant(fee?.to_date))
    if (startsAt !== null && endsAt !== null) return { startsAt, endsAt }
  }
  return null
}

async function hasOverdue(call: LagoCall, row: LagoSubscription, options: CallOptions): Promise<boolean> {
  for (const invoiceId of await invoicesOf(call, row, { payment_overdue: true, per_page: looksBack }, options))
    if ((await readInvoice(call, invoiceId, options)).fees?.some(({ lago_subscription_id: id }) => id === row.lago_id))
      return true
  return false
}

/** Newest first. */
async function invoicesOf(
  call: LagoCall,
  { external_customer_id: customerId }: LagoSubscription,
  query: {
    readonly 'payment_statuses[]'?: 'succeeded'[]
    readonly payment_overdue?: boolean
    readonly per_page: number
  },
  options: CallOptions,
): Promise<readonly string[]> {
  const filter = { external_customer_id: customerId, invoice_type: 'subscription' as const, ...query }
  const answer = await call.read(options, (client, request) =>
    client.invoices.findAllInvoices({ ...filter, 'statuses[]': ['finalized'] }, request),
  )
  return parseAnswer(rowsSchema, answer).invoices.map(({ lago_id: id }) => id)
}
