import type { BillingContext } from '../context.js'
import { takenBack } from '../domain/payment.js'
import type { ProviderPayment } from '../ports/capabilities/payments.js'
import { requireCapability } from '../ports/provider.js'
import type { CheckoutIntent } from '../ports/store.js'
import { hasPage, settlePayment } from './charge-sale.js'
import { isInvoiced } from './debt-invoice.js'
import type { Finding } from './difference.js'
import { followPayment, isPaid, takenBackAt } from './follow-payment.js'
import { type MoneyComparison, moneyText, soldFor } from './reconcile-checkouts.js'

/** Compares a customer's payments with the sales they are for, and tells the ledger what was given back of them. */
export async function reconcilePayments(
  ctx: BillingContext,
  comparison: MoneyComparison,
): Promise<{ readonly checked: number; readonly findings: readonly Finding[] }> {
  const { provider, signal } = comparison
  if (!provider.payments) return { checked: 0, findings: [] }
  const payments = await paymentsSince(comparison)
  const findings: Finding[] = []
  const paid = new Map<string, string>()
  // The first payment for a sale is the one that counts.
  for (const listed of [...payments].reverse()) {
    // A list may leave out what a payment is for.
    const payment = listed.intentId === null ? await provider.payments.get(listed.externalId, { signal }) : listed
    const { intentId } = payment
    if (intentId === null) continue
    findings.push(...(await paymentFindings(ctx, comparison, payment, intentId, paid.get(intentId))))
    if (isPaid(payment) && !paid.has(intentId)) paid.set(intentId, payment.externalId)
  }
  return { checked: payments.length, findings }
}

async function paymentsSince({
  provider,
  customerId,
  from,
  signal,
}: MoneyComparison): Promise<readonly ProviderPayment[]> {
  const capability = requireCapability(provider, 'payments')
  const payments: ProviderPayment[] = []
  let after: string | undefined
  do {
    const query = { customerId, limit: 100, ...(after === undefined ? {} : { after }) }
    const page = await capability.list(query, { signal })
    payments.push(...page.items.filter(({ createdAt }) => createdAt >= from))
    const isOver = page.items.some(({ createdAt }) => createdAt < from)
    after = isOver ? undefined : (page.next ?? undefined)
  } while (after !== undefined)
  return payments
}

async function paymentFindings(
  ctx: BillingContext,
  comparison: MoneyComparison,
  payment: ProviderPayment,
  saleId: string,
  earlier: string | undefined,
): Promise<readonly Finding[]> {
  const { provider, accountId } = comparison
  const { externalId: id, createdAt: at, amount } = payment
  const finding = { subject: 'payment' as const, accountId, id, at }
  const found = moneyText(amount)
  const sale = await ctx.store.directory.intentById(saleId)
  if (sale?.provider !== provider.id)
    return isPaid(payment) ? [{ ...finding, kind: 'extra', expected: `no checkout ${saleId}`, found }] : []
  if (sale.accountId !== accountId)
    return isPaid(payment) ? [{ ...finding, kind: 'wrong_account', expected: `account ${sale.accountId}`, found }] : []
  if (isPaid(payment) && earlier !== undefined)
    return [
      {
        ...finding,
        kind: 'duplicate',
        duplicateOf: earlier,
        expected: `one payment for checkout ${saleId}: ${earlier}`,
        found,
      },
    ]
  const findings: Finding[] = []
  // Charged, and nobody heard of it: a sale without a page names its payment only afterwards.
  if (isPaid(payment) && sale.externalId === null && sale.status === 'open' && !hasPage(sale) && !isInvoiced(sale)) {
    if (comparison.repair) await settlePayment(ctx, provider, sale, payment)
    const missing = { ...finding, kind: 'missing', expected: 'given', found: 'paid, and not given' } as const
    findings.push({ ...missing, isRepaired: comparison.repair })
  }
  if (isPaid(payment) && amount.currency !== sale.currency)
    findings.push({ ...finding, kind: 'currency', expected: soldFor(sale), found })
  else if (
    isPaid(payment) &&
    sale.status === 'completed' &&
    sale.kind !== 'subscription' &&
    amount.nanos !== sale.paidNanos
  )
    findings.push({
      ...finding,
      kind: 'amount',
      expected: moneyText({ currency: sale.currency, nanos: sale.paidNanos ?? 0n }),
      found,
    })
  const taken = await reversalFinding(ctx, comparison, payment, sale)
  return taken ? [...findings, taken] : findings
}

/** Whether what was given back at the provider is what the ledger knows of. */
async function reversalFinding(
  ctx: BillingContext,
  { provider, repair, signal }: MoneyComparison,
  payment: ProviderPayment,
  sale: CheckoutIntent,
): Promise<Finding | null> {
  const { accountId, currency } = sale
  const known = async () => takenBack(await ctx.store.ledger.payment(accountId, sale.id))
  const before = await known()
  const { externalId: id, createdAt: at } = payment
  const expected = await takenBackAt(provider, id, currency, signal)
  if (expected === before) return null
  if (repair) await followPayment(ctx, provider, id, { cause: `reconcile:${id}`, signal })
  const isRepaired = repair && (await known()) === expected
  const said = (nanos: bigint) => `${moneyText({ currency, nanos })} taken back`
  const finding = { kind: 'status', subject: 'payment', accountId, id, at } as const
  return { ...finding, expected: said(expected), found: said(before), isRepaired }
}
