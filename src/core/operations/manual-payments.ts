import * as z from 'zod'
import type { Able } from '../config.js'
import type { BillingContext } from '../context.js'
import { formatMoney } from '../domain/money.js'
import { BillingError } from '../errors.js'
import type { ProviderPayment } from '../ports/capabilities/payments.js'
import { requireMethod } from '../ports/provider.js'
import { isCustomerOf } from './customers.js'
import { accountId, given, idField, parse, readMoney, text } from './fields.js'
import { followInvoice } from './follow-invoice.js'
import { followPayment } from './follow-payment.js'
import { foundOrNull } from './found.js'
import { type PaymentView, paymentView, requirePayment, takersOf } from './payments.js'
import { settleSale } from './sale-session.js'
import { requireAccount } from './steps.js'

/** A payment that was made by hand, such as a bank transfer. */
export interface SubmitManualInput {
  readonly accountId: string
  readonly invoiceId: string
  /** How it was made: one of `paymentMethods.available`. */
  readonly paymentMethod: string
  /** What finds it at the bank; at most 200 characters. */
  readonly transactionReference: string
}

const submitSchema = z.strictObject({
  accountId,
  invoiceId: idField('invoiceId'),
  paymentMethod: text(50),
  transactionReference: text(200),
})

/**
 * Takes the customer's word that an invoice was paid by hand: the payment is `pending_approval` until somebody has looked. Idempotent by
 * invoice, method and reference.
 *
 * @throws BillingError `not_found`, `invalid_request` (a field is missing, or the invoice is paid already), `invalid_state` (the invoice
 * is a draft or void), `option_unsupported` (no such method), `capability_missing`
 */
export async function submitManual(ctx: BillingContext, input: SubmitManualInput): Promise<PaymentView> {
  const request = parse(submitSchema, input)
  await requireAccount(ctx, request.accountId)
  const takers = takersOf(ctx)
  const provider = takers.find(({ payments }) => payments.submit) ?? (takers[0] as Able<'payments'>)
  const submit = requireMethod(provider, 'payments', 'submit')
  const { invoiceId, paymentMethod, transactionReference: reference } = request
  const invoice = provider.invoices ? await foundOrNull(provider.invoices.get(invoiceId, {})) : null
  if (invoice === null || !(await isCustomerOf(ctx, provider, request.accountId, invoice.customerId)))
    throw new BillingError('not_found', `No invoice ${invoiceId} on account ${request.accountId}.`)
  const payment = await submit({ invoiceId, paymentMethod, reference }, {})
  const { externalId: paymentId, amount } = payment
  await ctx.store.outbox.publish({
    id: `evt_${paymentId}_submitted`,
    type: 'payment.submitted',
    accountId: request.accountId,
    occurredAt: ctx.environment.now(),
    data: {
      ...{ provider: provider.id, paymentId, invoiceId, paymentMethod, transactionReference: reference },
      ...{ currency: amount.currency, amount: formatMoney(amount) },
    },
  })
  ctx.wake()
  return paymentView(provider.id, payment)
}

/** Which payment has come, and how much of it. */
export interface ApprovePaymentInput {
  readonly accountId: string
  readonly paymentId: string
  /** Decimal text in the payment's currency; without it all that is owed. What is less leaves the invoice open for the rest. */
  readonly amount?: string
}

const approveSchema = z.strictObject({
  accountId,
  paymentId: idField('paymentId'),
  amount: given('amount').optional(),
})

/**
 * Says that the money of a submitted payment has come. Once its invoice is paid in full, what the invoice sold is given, once. Harmless
 * to repeat: after a crash it goes on where it ended.
 *
 * @throws BillingError `not_found`, `invalid_amount`, `amount_out_of_range` (more than is owed), `invalid_request` (the invoice is paid
 * already), `invalid_state` (it was rejected, or approved with another amount), `capability_missing`
 */
export async function approvePayment(ctx: BillingContext, input: ApprovePaymentInput): Promise<PaymentView> {
  const request = parse(approveSchema, input)
  const asked = { accountId: request.accountId, id: request.paymentId }
  const { provider, payment } = await requirePayment(ctx, asked)
  const amount = request.amount === undefined ? null : readMoney(request.amount, payment.amount.currency)
  const approve = requireMethod(provider, 'payments', 'approve')
  const approved = await approve({ paymentId: payment.externalId, amount }, {})
  await followSubmitted(ctx, provider, approved)
  return paymentView(provider.id, approved)
}

/** Which payment has not come, and why. */
export interface RejectPaymentInput {
  readonly accountId: string
  readonly paymentId: string
  /** Why, for people; at most 500 characters. */
  readonly reason: string
}

const rejectSchema = z.strictObject({ accountId, paymentId: idField('paymentId'), reason: text(500) })

/**
 * Says that the money of a submitted payment has not come; its invoice stays open. Harmless to repeat.
 *
 * @throws BillingError `not_found`, `invalid_state` (it was approved), `capability_missing`
 */
export async function rejectPayment(ctx: BillingContext, input: RejectPaymentInput): Promise<PaymentView> {
  const request = parse(rejectSchema, input)
  const asked = { accountId: request.accountId, id: request.paymentId }
  const { provider, payment } = await requirePayment(ctx, asked)
  const reject = requireMethod(provider, 'payments', 'reject')
  const rejected = await reject({ paymentId: payment.externalId, reason: request.reason }, {})
  await followSubmitted(ctx, provider, rejected)
  return paymentView(provider.id, rejected)
}

/** Tells of it, and gives what its invoice sold if that is paid now. */
async function followSubmitted(
  ctx: BillingContext,
  provider: Able<'payments'>,
  { externalId, invoiceId, intentId }: ProviderPayment,
): Promise<void> {
  const following = { cause: `payment:${externalId}`, signal: ctx.lifetime.aborting }
  await followPayment(ctx, provider, externalId, following)
  if (invoiceId === null) return
  const sale = intentId === null ? null : await ctx.store.directory.intentById(intentId)
  if (sale?.provider === provider.id) await settleSale(ctx, provider, sale, invoiceId)
  await followInvoice(ctx, provider, invoiceId, following)
}
