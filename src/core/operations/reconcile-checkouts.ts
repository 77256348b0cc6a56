import type { BillingContext } from '../context.js'
import { formatMoney, type Money } from '../domain/money.js'
import type { Instant } from '../domain/period.js'
import { BillingError } from '../errors.js'
import type { CheckoutSession } from '../ports/capabilities/checkout.js'
import type { AnyProvider } from '../ports/provider.js'
import type { CheckoutIntent } from '../ports/store.js'
import type { Finding } from './difference.js'
import { foundOrNull } from './found.js'
import { settleCheckout } from './fulfilment.js'
import { sessionOfSale, settleSale } from './sale-session.js'
import { duplicateFinding, duplicatesForLife, keepOneForLife } from './slot.js'

/** Whose money is compared, since when, and whether what is wrong is put right. */
export interface MoneyComparison {
  readonly provider: AnyProvider
  readonly accountId: string
  readonly customerId: string
  readonly from: Instant
  readonly repair: boolean
  readonly signal: AbortSignal
}

/** Compares an account's checkouts with their sessions, and gives what was paid for and not given. */
export async function reconcileCheckouts(
  ctx: BillingContext,
  comparison: MoneyComparison,
): Promise<{ readonly checked: number; readonly findings: readonly Finding[] }> {
  const { provider, accountId, from } = comparison
  if (!provider.checkout) return { checked: 0, findings: [] }
  const since = await ctx.store.intents.since(accountId, from)
  const sales = since.filter((sale) => sale.provider === provider.id)
  const findings: Finding[] = []
  for (const sale of sales) {
    const finding = sale.externalId === null ? null : await checkoutFinding(ctx, comparison, sale, sale.externalId)
    if (finding) findings.push(finding)
  }
  if (comparison.repair) await keepOneForLife(ctx, provider, accountId)
  const duplicates = await duplicatesForLife(ctx, provider, accountId)
  findings.push(...duplicates.map((duplicate) => duplicateFinding(accountId, duplicate)))
  return { checked: sales.length, findings }
}

async function checkoutFinding(
  ctx: BillingContext,
  { provider, repair, signal }: MoneyComparison,
  sale: CheckoutIntent,
  sessionId: string,
): Promise<Finding | null> {
  const session = await foundOrNull(sessionOfSale(provider, sale, sessionId, { signal }))
  const finding = { subject: 'checkout' as const, accountId: sale.accountId, id: sale.id, at: sale.createdAt }
  if (sale.status === 'completed') {
    if (session === null) return { ...finding, kind: 'extra', expected: 'no session', found: 'given' }
    if (session.status !== 'paid') return { ...finding, kind: 'status', expected: session.status, found: 'given' }
    return amountFinding(sale, session, finding)
  }
  if (session === null) return { ...finding, kind: 'missing', expected: `session ${sessionId}`, found: 'no session' }
  if (session.status !== 'paid') {
    // That a page is over is no difference; it is noted so that nobody is sent there again.
    if (repair) await settleSale(ctx, provider, sale, sessionId)
    return null
  }
  if (sale.status === 'mismatched')
    return {
      ...finding,
      kind: mismatchOf(sale, session),
      expected: soldFor(sale),
      found: `${paidFor(session)}: not given`,
    }
  const missing = { ...finding, kind: 'missing' as const, expected: 'given', found: 'paid, and not given' }
  if (!repair) return missing
  try {
    return { ...missing, isRepaired: (await settleCheckout(ctx, provider, sale, session)) === 'paid' }
  } catch (error) {
    if (!BillingError.is(error) || error.code !== 'checkout_mismatch') throw error
    return {
      ...finding,
      kind: mismatchOf(sale, session),
      expected: soldFor(sale),
      found: `${paidFor(session)}: not given`,
    }
  }
}

/** What was given is what the provider says was paid. */
function amountFinding(
  sale: CheckoutIntent,
  session: CheckoutSession,
  finding: Pick<Finding, 'subject' | 'accountId' | 'id' | 'at'>,
): Finding | null {
  const { amount } = session
  if (amount === null || (amount.currency === sale.currency && amount.nanos === sale.paidNanos)) return null
  const kind = amount.currency === sale.currency ? 'amount' : 'currency'
  const given = { currency: sale.currency, nanos: sale.paidNanos ?? 0n }
  return { ...finding, kind, expected: moneyText(amount), found: moneyText(given) }
}

function mismatchOf(sale: CheckoutIntent, { subtotal, amount }: CheckoutSession): Finding['kind'] {
  const sold = subtotal ?? amount
  if (sold?.currency !== sale.currency) return 'currency'
  return sold.nanos === sale.amountNanos ? 'wrong_account' : 'amount'
}

export function soldFor({ currency, amountNanos }: CheckoutIntent): string {
  return moneyText({ currency, nanos: amountNanos })
}

function paidFor({ subtotal, amount }: CheckoutSession): string {
  const paid = subtotal ?? amount
  return paid === null ? 'paid' : `paid ${moneyText(paid)}`
}

export function moneyText(money: Money): string {
  return `${formatMoney(money)} ${money.currency}`
}
