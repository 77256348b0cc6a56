import type { BillingContext } from '../context.js'
import type { BillingEventType } from '../domain/event.js'
import { formatMoney, type Money } from '../domain/money.js'
import type { ReversalFact } from '../domain/payment.js'
import type { Dispute, DisputeStatus, ProviderPayment, Refund, RefundStatus } from '../ports/capabilities/payments.js'
import { type AnyProvider, requireCapability } from '../ports/provider.js'
import type { CheckoutIntent } from '../ports/store.js'
import { adoptPlan } from './adopt-plan.js'
import { hasPage, settlePayment } from './charge-sale.js'
import { isCustomerOf } from './customers.js'
import { submit } from './steps.js'

/** Something that was taken back of a payment, as a fact for the ledger. */
interface Reversal {
  readonly source: string
  readonly amount: Money
  readonly fact: ReversalFact | null
  readonly status: string
  readonly type: BillingEventType
}

/**
 * Follows a payment: what was taken back of it is told to the ledger in absolute terms, so that any order and any repetition of events
 * ends in the same balance.
 */
export async function followPayment(
  ctx: BillingContext,
  provider: AnyProvider,
  paymentId: string,
  { cause, signal }: { readonly cause: string; readonly signal: AbortSignal },
): Promise<void> {
  const payments = requireCapability(provider, 'payments')
  const payment = await payments.get(paymentId, { signal })
  const sale = await saleOf(ctx, provider, payment)
  const accountId = sale?.accountId ?? (await accountOf(ctx, provider, payment))
  if (accountId === null) return
  // What an invoice collects is settled with the invoice.
  if (sale && !hasPage(sale) && payment.invoiceId === null) await settlePayment(ctx, provider, sale, payment)
  const reversals = await reversalsOf(provider, paymentId, signal)
  if (sale) await reverse(ctx, sale, reversals)
  if (sale?.kind === 'lifetime' && reversals.length > 0 && payment.customerId !== null) {
    const customerId = await ctx.store.accounts.externalId(accountId, provider.id)
    await adoptPlan(ctx, provider, { accountId, customerId }, cause)
  }
  await tellOf(ctx, provider, accountId, payment, reversals)
  ctx.wake()
}

/** What was taken back of a payment, as the provider says it now. */
async function reversalsOf(
  provider: AnyProvider,
  paymentId: string,
  signal: AbortSignal,
): Promise<readonly Reversal[]> {
  const { refunds, disputes } = await requireCapability(provider, 'payments').reversals(paymentId, { signal })
  return [...refunds.map(ofRefund), ...disputes.map(ofDispute)]
}

/** How much of a payment was taken back, in nanos of a currency, by the provider and without a word to anybody. */
export async function takenBackAt(
  provider: AnyProvider,
  paymentId: string,
  currency: string,
  signal: AbortSignal,
): Promise<bigint> {
  const reversals = await reversalsOf(provider, paymentId, signal)
  const own = reversals.filter(({ amount }) => amount.currency === currency)
  return own.reduce((sum, { fact }) => sum + (fact?.nanos ?? 0n), 0n)
}

/** Whether the money came, whatever was given back of it afterwards. */
export function isPaid({ status }: ProviderPayment): boolean {
  return status === 'succeeded' || status === 'refunded'
}

/** What is known of a sale's payment is told to the ledger, whether or not its credits are there yet. */
async function reverse(ctx: BillingContext, sale: CheckoutIntent, reversals: readonly Reversal[]): Promise<void> {
  for (const { source, amount, fact } of reversals) {
    // Money of another currency than the sale's is none of it, and a word we do not know says nothing.
    if (fact === null || amount.currency !== sale.currency) continue
    const { accountId, id: saleId } = sale
    await submit(ctx, { kind: 'reverse_payment', accountId, id: ctx.newId('clm'), paymentId: saleId, source, fact })
  }
}

async function saleOf(
  ctx: BillingContext,
  provider: AnyProvider,
  payment: ProviderPayment,
): Promise<CheckoutIntent | null> {
  if (payment.intentId === null) return null
  const sale = await ctx.store.directory.intentById(payment.intentId)
  if (sale?.provider !== provider.id) return null
  const customer = await ctx.store.accounts.externalId(sale.accountId, provider.id)
  if (customer === null || payment.customerId === null || customer === payment.customerId) return sale
  return (await isCustomerOf(ctx, provider, sale.accountId, payment.customerId)) ? sale : null
}

async function accountOf(
  ctx: BillingContext,
  provider: AnyProvider,
  { customerId }: ProviderPayment,
): Promise<string | null> {
  return customerId === null ? null : ctx.store.directory.accountByExternalId(provider.id, customerId)
}

/** A refund that is on its way counts like one that has arrived; one that failed gave nothing back. */
const refundRanks: Readonly<Record<RefundStatus, { readonly rank: number; readonly isBack: boolean } | null>> = {
  pending: { rank: 1, isBack: true },
  requires_action: { rank: 1, isBack: true },
  succeeded: { rank: 2, isBack: true },
  failed: { rank: 3, isBack: false },
  canceled: { rank: 3, isBack: false },
  unknown: null,
}

/** The bank takes the money when it opens a dispute, and gives it back when the dispute is won. */
const disputeRanks: Readonly<Record<DisputeStatus, { readonly rank: number; readonly isBack: boolean } | null>> = {
  warning: { rank: 1, isBack: false },
  open: { rank: 2, isBack: true },
  under_review: { rank: 3, isBack: true },
  won: { rank: 4, isBack: false },
  lost: { rank: 4, isBack: true },
  unknown: null,
}

function ofRefund({ externalId, amount, status }: Refund): Reversal {
  const standing = refundRanks[status]
  return { source: externalId, amount, fact: factOf(standing, amount), status, type: 'payment.refunded' }
}

function ofDispute({ externalId, amount, status }: Dispute): Reversal {
  const standing = disputeRanks[status]
  return { source: externalId, amount, fact: factOf(standing, amount), status, type: 'payment.disputed' }
}

function factOf(standing: { readonly rank: number; readonly isBack: boolean } | null, { nanos }: Money) {
  return standing && { rank: standing.rank, nanos: standing.isBack ? nanos : 0n }
}

/** One event for each way a payment, refund or dispute has stood. */
async function tellOf(
  ctx: BillingContext,
  provider: AnyProvider,
  accountId: string,
  payment: ProviderPayment,
  reversals: readonly Reversal[],
): Promise<void> {
  const { externalId, amount, invoiceId, status, failure } = payment
  const hasCome = isPaid(payment)
  const common = { provider: provider.id, paymentId: externalId, invoiceId, currency: amount.currency }
  const occurredAt = ctx.environment.now()
  if (hasCome || status === 'failed') {
    const data = { ...common, amount: formatMoney(amount), reason: failure?.reason ?? null }
    const type = hasCome ? 'payment.succeeded' : 'payment.failed'
    const id = `evt_${externalId}_${hasCome ? 'succeeded' : 'failed'}`
    await ctx.store.outbox.publish({ id, type, accountId, occurredAt, data })
  }
  for (const { source, amount: back, status: standing, type } of reversals) {
    const data = { ...common, reversalId: source, amount: formatMoney(back), status: standing }
    await ctx.store.outbox.publish({ id: `evt_${source}_${standing}`, type, accountId, occurredAt, data })
  }
}
