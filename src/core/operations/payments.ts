import * as z from 'zod'
import type { Able } from '../config.js'
import type { BillingContext } from '../context.js'
import { formatMoney } from '../domain/money.js'
import { type DeclineReason, type PaymentStatus, paymentStatuses } from '../domain/payment-outcome.js'
import { BillingError } from '../errors.js'
import type { ProviderPayment, RefundStatus } from '../ports/capabilities/payments.js'
import { customerOf, isCustomerOf } from './customers.js'
import { accountId, given, idempotencyKey, idField, oneSchema, parse, readMoney, text } from './fields.js'
import { followPayment } from './follow-payment.js'
import { foundOrNull } from './found.js'
import { namedProvider } from './named-provider.js'
import { type Page, type PageInput, pageFields, providerPage, providerPlace } from './paging.js'
import { requireAccount } from './steps.js'

/** A payment as callers see it; amounts as decimal text in its currency. */
export interface PaymentView {
  readonly id: string
  readonly provider: string
  readonly status: PaymentStatus
  readonly currency: string
  readonly amount: string
  /** What was given back of it so far. */
  readonly refunded: string
  readonly description: string | null
  readonly invoiceId: string | null
  /** The checkout it was made on. */
  readonly checkoutId: string | null
  readonly failure: { readonly reason: DeclineReason; readonly message: string } | null
  readonly receiptUrl: string | null
  readonly createdAt: Date
}

/** Which payments to list. */
export interface ListPaymentsInput extends PageInput {
  readonly accountId: string
  readonly status?: PaymentStatus
  /** Whose, of those of `providers.payments`; default the first. */
  readonly provider?: string
}

const listSchema = z.strictObject({
  accountId,
  ...pageFields,
  status: z.enum(paymentStatuses).optional(),
  provider: z.string().optional(),
})

/** The payments of an account, newest first, a page at a time. @throws BillingError `not_found`, `invalid_cursor` */
export async function listPayments(ctx: BillingContext, input: ListPaymentsInput): Promise<Page<PaymentView>> {
  const request = parse(listSchema, input)
  const { provider, customerId } = await takerOf(ctx, request)
  const { cursor: _, limit: __, ...asked } = request
  const list = { list: 'payments', ...asked, provider: provider.id, customerId }
  const place = await providerPlace(ctx, list, request)
  if (customerId === null) return { items: [], nextCursor: null }
  const query = { customerId, ...place, ...(request.status ? { status: request.status } : {}) }
  const page = await provider.payments.list(query, {})
  return providerPage(ctx, list, page, (payment) => paymentView(provider.id, payment))
}

/** One of the account's payments. @throws BillingError `not_found` */
export async function getPayment(
  ctx: BillingContext,
  input: { readonly accountId: string; readonly id: string },
): Promise<PaymentView> {
  const request = parse(oneSchema, input)
  const { provider, payment } = await requirePayment(ctx, request)
  return paymentView(provider.id, payment)
}

/** What to give back of a payment. */
export interface RefundPaymentInput {
  readonly accountId: string
  readonly paymentId: string
  /** Decimal text in the payment's currency; without it everything that is left. */
  readonly amount?: string
  /** Why, for people; at most 500 characters. */
  readonly reason: string
  readonly idempotencyKey: string
}

/** Money given back; `failed` and `canceled` gave nothing back after all. */
export interface RefundView {
  readonly id: string
  readonly paymentId: string
  readonly status: RefundStatus
  readonly currency: string
  readonly amount: string
  readonly createdAt: Date
}

const refundSchema = z.strictObject({
  accountId,
  paymentId: idField('paymentId'),
  amount: given('amount').optional(),
  reason: text(500),
  idempotencyKey,
})

/**
 * Gives back all or part of a payment, and takes back that share of the credits it bought: those that are spent become debt. A repeat
 * with the same key answers with the same refund, however late.
 *
 * @throws BillingError `not_found`, `invalid_amount`, `refund_exceeds_original`, `invalid_state` (not paid), `idempotency_conflict`,
 * `capability_missing`, `outcome_unknown` (call again with the same key)
 */
export async function refundPayment(ctx: BillingContext, input: RefundPaymentInput): Promise<RefundView> {
  const request = parse(refundSchema, input)
  const { provider, payment } = await requirePayment(ctx, { accountId: request.accountId, id: request.paymentId })
  const { refund } = provider.payments
  if (!refund) throw new BillingError('capability_missing', `Provider ${provider.id} cannot give payments back.`)
  const amount = request.amount === undefined ? null : readMoney(request.amount, payment.amount.currency)
  const key = `refund:${request.accountId}:${request.idempotencyKey}`
  const asked = { paymentId: payment.externalId, amount, reason: request.reason }
  const given = await refund.call(provider.payments, asked, { idempotencyKey: key })
  if (amount !== null && given.amount.nanos !== amount.nanos)
    throw new BillingError('idempotency_conflict', `Key ${request.idempotencyKey} was used before for another refund.`)
  await followPayment(ctx, provider, payment.externalId, { cause: key, signal: ctx.lifetime.aborting })
  const { externalId, paymentId, status, createdAt } = given
  const { currency } = given.amount
  return {
    id: externalId,
    paymentId,
    status,
    currency,
    amount: formatMoney(given.amount),
    createdAt: new Date(createdAt),
  }
}

/** Who has payments: the first that is configured, or the one that is named. @throws BillingError `capability_missing`, `invalid_request` */
async function takerOf(
  ctx: BillingContext,
  { accountId: account, provider: name }: { readonly accountId: string; readonly provider?: string | undefined },
) {
  const provider = namedProvider(takersOf(ctx), name, 'payments')
  return { provider, customerId: await customerOf(ctx, provider, account) }
}

/** @throws BillingError `capability_missing` */
export function takersOf({ roles }: BillingContext): readonly Able<'payments'>[] {
  if (roles.payers.length > 0) return roles.payers
  throw new BillingError('capability_missing', 'No provider plays the part of payments.')
}

/** A payment of this account, wherever it is: another account's is not there. */
export async function requirePayment(
  ctx: BillingContext,
  request: { readonly accountId: string; readonly id: string },
) {
  await requireAccount(ctx, request.accountId)
  for (const provider of takersOf(ctx)) {
    const payment = await foundOrNull(provider.payments.get(request.id, {}))
    if (payment !== null && (await isCustomerOf(ctx, provider, request.accountId, payment.customerId)))
      return { provider, payment }
  }
  throw new BillingError('not_found', `No payment ${request.id} on account ${request.accountId}.`)
}

export function paymentView(provider: string, payment: ProviderPayment): PaymentView {
  const { externalId, status, amount, refunded, description, invoiceId, intentId, failure, receiptUrl } = payment
  return {
    id: externalId,
    provider,
    status,
    currency: amount.currency,
    amount: formatMoney(amount),
    refunded: formatMoney(refunded),
    description,
    invoiceId,
    checkoutId: intentId,
    failure,
    receiptUrl,
    createdAt: new Date(payment.createdAt),
  }
}
