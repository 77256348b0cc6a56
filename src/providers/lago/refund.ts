import * as z from 'zod'
import { allocate, type Money } from '../../core/domain/money.js'
import { BillingError } from '../../core/errors.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import type { Refund } from '../../core/ports/capabilities/payments.js'
import { withoutKey } from '../door/door.js'
import { takeTurns } from '../door/turns.js'
import { toLagoAmount } from './amount.js'
import { type LagoCall, parseAnswer } from './call.js'
import { type CreditNote, creditNoteSchema, creditNotesOf, refundedOf, toRefund } from './credit-notes.js'
import { refusalOf } from './errors.js'
import type { LagoFee } from './invoice.js'
import { readInvoice } from './invoices.js'
import type { LagoPayment } from './payment.js'

const answerSchema = z.object({ credit_note: creditNoteSchema })

/** What a credit note of ours carries, so that it is found again. */
const keyName = 'billfold_key'

interface Refunding {
  readonly payment: LagoPayment
  readonly amount: Money | null
  readonly reason: string
}

const inTurn = takeTurns(100)

/**
 * Gives money back by a credit note. Lago has no keys: what was given under one is looked for first, and found by what it carries. One
 * refund of an invoice is made after the other; more than was paid Lago never gives back.
 *
 * @throws BillingError `invalid_state` (not paid), `refund_exceeds_original`
 */
export function refundOnce(call: LagoCall, asked: Refunding, options: CallOptions): Promise<Refund> {
  return inTurn(asked.payment.invoice_ids?.[0] ?? '', () => refund(call, asked, options))
}

async function refund(call: LagoCall, { payment, amount, reason }: Refunding, options: CallOptions): Promise<Refund> {
  const { lago_id: paymentId, amount_currency: currency } = payment
  const invoiceId = payment.invoice_ids?.[0]
  if (payment.payment_status !== 'succeeded' || invoiceId === undefined)
    throw new BillingError('invalid_state', `Payment ${paymentId} has not succeeded: there is nothing to give back.`)
  const notes = await creditNotesOf(call, payment.external_customer_id ?? '', options)
  const key = options.idempotencyKey
  const made = key === undefined ? undefined : notes.find(({ metadata }) => metadata?.[keyName] === key)
  if (made) return toRefund(made, paymentId)
  const left = payment.amount_cents - refundedOf(notes, payment)
  const cents = amount === null ? left : centsOf(amount, currency)
  if (cents <= 0 || cents > left) throw exceeds(paymentId)
  const { fees } = await readInvoice(call, invoiceId, withoutKey(options))
  const items = itemsOf(fees ?? [], notes, cents)
  if (items === null) throw exceeds(paymentId)
  try {
    const answer = await call.write(options, (client, request) =>
      client.creditNotes.createCreditNote(
        {
          credit_note: {
            invoice_id: invoiceId,
            reason: 'other',
            description: reason.slice(0, 255),
            refund_amount_cents: cents,
            items: items.map(({ feeId, net }) => ({ fee_id: feeId, amount_cents: net })),
            ...(key === undefined ? {} : { metadata: { [keyName]: key } }),
          },
        },
        request,
      ),
    )
    return toRefund(parseAnswer(answerSchema, answer).credit_note, paymentId)
  } catch (error) {
    if (refusalOf(error).some((word) => word.startsWith('higher_than_remaining'))) throw exceeds(paymentId, error)
    throw error
  }
}

/**
 * Where the amount is taken from: fees by what is left of them, with their tax. `null` when less is left than that. Lago wants the sum of
 * what is taken, with tax, to be the amount.
 */
function itemsOf(fees: readonly LagoFee[], notes: readonly CreditNote[], cents: number) {
  const taken = new Map<string, number>()
  for (const { items } of notes)
    for (const { fee, amount_cents: net } of items ?? [])
      if (fee?.lago_id) taken.set(fee.lago_id, (taken.get(fee.lago_id) ?? 0) + net)
  const open = fees.flatMap((fee) => {
    const net = fee.amount_cents - (taken.get(fee.lago_id ?? '') ?? 0)
    if (!fee.lago_id || net <= 0) return []
    return [
      { feeId: fee.lago_id, net: BigInt(net), gross: BigInt(fee.total_amount_cents), whole: BigInt(fee.amount_cents) },
    ]
  })
  const grossLeft = open.map(({ net, gross, whole }) => (net * gross) / whole)
  const sum = grossLeft.reduce((total, each) => total + each, 0n)
  if (sum < BigInt(cents)) return null
  return allocate(BigInt(cents), grossLeft)
    .map((part, place) => {
      const { feeId = '', gross = 1n, whole = 1n } = open[place] ?? {}
      return { feeId, net: Number((2n * part * whole + gross) / (2n * gross)) }
    })
    .filter(({ net }) => net > 0)
}

function centsOf(amount: Money, currency: string): number {
  const given = toLagoAmount(amount)
  if (given.currency === currency) return given.cents
  throw new BillingError('invalid_currency', `The payment is in ${currency}.`)
}

function exceeds(paymentId: string, cause?: unknown): BillingError {
  return new BillingError('refund_exceeds_original', `Less than that is left of payment ${paymentId}.`, {
    details: { provider: 'lago', paymentId },
    cause,
  })
}
