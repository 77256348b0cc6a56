import type { BillingContext } from '../context.js'
import type { AnyProvider } from '../ports/provider.js'
import { requireAccount } from './steps.js'

/** The provider's id of an account, made there first when it has none. Two callers at once get the same one. */
export async function ensureCustomer(ctx: BillingContext, provider: AnyProvider, accountId: string): Promise<string> {
  const known = await ctx.store.accounts.externalId(accountId, provider.id)
  if (known !== null || !provider.customers) return known ?? accountId
  const { email, name } = await requireAccount(ctx, accountId)
  const { externalId } = await provider.customers.create(
    { accountId, email, name },
    { idempotencyKey: `customer:${accountId}` },
  )
  return ctx.store.accounts.link(accountId, provider.id, externalId)
}
