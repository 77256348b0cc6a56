import * as z from 'zod'
import { BillingError } from '../../core/errors.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import type {
  Dispute,
  DisputeStatus,
  PaymentsCapability,
  Refund,
  RefundStatus,
} from '../../core/ports/capabilities/payments.js'
import { exactAmount, toStripeAmount } from './amount.js'
import { parseAnswer, type StripeCall } from './call.js'
import { createOnce } from './create-once.js'
import { stripeFault } from './errors.js'
import { everyRow } from './every-row.js'
import { instant } from './instant.js'

/** The fields of a refund that are read here. */
export const refundSchema = z.object({
  id: z.string().min(1),
  amount: z.number(),
  currency: z.string(),
  status: z.string().nullish(),
  created: z.number(),
  metadata: z.record(z.string(), z.string()).nullish(),
})

/** The fields of a dispute that are read here. */
export const disputeSchema = z.object({
  id: z.string().min(1),
  amount: z.number(),
  currency: z.string(),
  status: z.string(),
  reason: z.string(),
  created: z.number(),
  evidence_details: z.object({ due_by: z.number().nullish() }).nullish(),
})

const refundStatuses: ReadonlySet<string> = new Set<RefundStatus>([
  'pending',
  'requires_action',
  'succeeded',
  'failed',
  'canceled',
])

/** @see https://docs.stripe.com/api/disputes/object#dispute_object-status */
const disputeStatuses: ReadonlyMap<string, DisputeStatus> = new Map([
  ['warning_needs_response', 'warning'],
  ['warning_under_review', 'warning'],
  ['warning_closed', 'won'],
  ['prevented', 'won'],
  ['needs_response', 'open'],
  ['under_review', 'under_review'],
  ['won', 'won'],
  ['lost', 'lost'],
])

export function toRefund(refund: z.output<typeof refundSchema>, paymentId: string): Refund {
  const { id, amount, currency, status, created } = refund
  return {
    externalId: id,
    paymentId,
    status: refundStatuses.has(status ?? '') ? (status as RefundStatus) : 'unknown',
    amount: exactAmount(amount, currency),
    createdAt: created * 1000,
  }
}

export function toDispute(dispute: z.output<typeof disputeSchema>, paymentId: string): Dispute {
  const { id, amount, currency, status, reason, created, evidence_details: evidence } = dispute
  return {
    externalId: id,
    paymentId,
    status: disputeStatuses.get(status) ?? 'unknown',
    amount: exactAmount(amount, currency),
    reason,
    evidenceDueAt: instant(evidence?.due_by),
    createdAt: created * 1000,
  }
}

/**
 * Gives money back. The refund carries the caller's key, so that one whose answer was lost is found again however late.
 *
 * @see https://docs.stripe.com/api/refunds/create
 */
export async function createRefund(
  call: StripeCall,
  { paymentId, amount, reason }: Parameters<NonNullable<PaymentsCapability['refund']>>[0],
  options: CallOptions,
): Promise<Refund> {
  const key = options.idempotencyKey ?? ''
  const metadata = { billfold_key: key.slice(0, 500), billfold_reason: reason.slice(0, 500) }
  const find = async () => {
    const rows = await everyRow(refundSchema, (start) =>
      call.read(options, (client, request) => client.refunds.list({ payment_intent: paymentId, ...start }, request)),
    )
    const found = rows.find((refund) => refund.metadata?.billfold_key === metadata.billfold_key)
    return found && toRefund(found, paymentId)
  }
  // Stripe forgets a key after a day, the refund never: a repeat is looked for first.
  const known = await find()
  if (known) return known
  const minor = amount === null ? {} : { amount: toStripeAmount(amount).minor }
  try {
    return await createOnce(
      options,
      async (keyed) => {
        const answer = await call.create(keyed, (client, request) =>
          client.refunds.create({ payment_intent: paymentId, metadata, ...minor }, request),
        )
        return toRefund(parseAnswer(refundSchema, answer), paymentId)
      },
      find,
    )
  } catch (error) {
    throw refusedRefund(error, paymentId)
  }
}

/** Stripe says in words, and not by a code, that more is asked back than is left. */
function refusedRefund(error: unknown, paymentId: string): unknown {
  if (!BillingError.is(error) || error.code !== 'provider_rejected') return error
  const { code, message } = stripeFault(error.cause)
  const details = { ...error.details, paymentId }
  if (code === 'charge_already_refunded' || /greater than (the )?(unrefunded )?amount/i.test(message))
    return new BillingError('refund_exceeds_original', `Payment ${paymentId} has less left than is to be given back.`, {
      details,
      cause: error.cause,
    })
  if (/does not have a successful charge/i.test(message))
    return new BillingError('invalid_state', `Payment ${paymentId} is not paid: there is nothing to give back.`, {
      details,
      cause: error.cause,
    })
  return error
}
