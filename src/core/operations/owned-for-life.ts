import type { BillingContext } from '../context.js'
import { takenBack } from '../domain/payment.js'
import type { CheckoutIntent } from '../ports/store.js'

/** The plans that an account has bought for life and not been paid back, newest first. */
export async function ownedForLife(ctx: BillingContext, accountId: string): Promise<readonly CheckoutIntent[]> {
  const owned: CheckoutIntent[] = []
  for (const sale of await ctx.store.intents.completed(accountId, 'lifetime')) {
    const back = takenBack(await ctx.store.ledger.payment(accountId, sale.id))
    if (back === 0n || back < (sale.paidNanos ?? 0n)) owned.push(sale)
  }
  return owned
}
