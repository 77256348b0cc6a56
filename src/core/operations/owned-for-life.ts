import type { BillingContext } from '../context.js'
import { formatMoney } from '../domain/money.js'
import { takenBack } from '../domain/payment.js'
import type { CheckoutIntent } from '../ports/store.js'
import { accountSchema, parse } from './fields.js'
import { requireAccount } from './steps.js'

/** A plan that was bought once, for life. */
export interface LifetimePurchase {
  readonly plan: string
  /** The checkout it was bought on. */
  readonly checkoutId: string
  readonly currency: string
  /** What was paid, decimal text. */
  readonly amount: string
  readonly purchasedAt: Date
}

/** What the account has bought for life and not been paid back, newest first. @throws BillingError `not_found` */
export async function lifetimePurchases(
  ctx: BillingContext,
  input: { readonly accountId: string },
): Promise<readonly LifetimePurchase[]> {
  const request = parse(accountSchema, input)
  await requireAccount(ctx, request.accountId)
  const owned = await ownedForLife(ctx, request.accountId)
  return owned.map(({ id, plan, currency, paidNanos, amountNanos, completedAt, createdAt }) => ({
    plan: plan ?? '',
    checkoutId: id,
    currency,
    amount: formatMoney({ currency, nanos: paidNanos ?? amountNanos }),
    purchasedAt: new Date(completedAt ?? createdAt),
  }))
}

/** The plans that an account has bought for life and not been paid back, newest first. */
export async function ownedForLife(ctx: BillingContext, accountId: string): Promise<readonly CheckoutIntent[]> {
  const owned: CheckoutIntent[] = []
  for (const sale of await ctx.store.intents.completed(accountId, 'lifetime')) {
    const back = takenBack(await ctx.store.ledger.payment(accountId, sale.id))
    if (back === 0n || back < (sale.paidNanos ?? 0n)) owned.push(sale)
  }
  return owned
}
