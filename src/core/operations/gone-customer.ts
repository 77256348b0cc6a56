import type { BillingContext } from '../context.js'
import { BillingError } from '../errors.js'
import type { AnyProvider } from '../ports/provider.js'
import { isGone } from './customers.js'
import { followSubscriptions } from './follow-subscriptions.js'
import { closePages } from './slot.js'

/**
 * Forgets a customer that was deleted at the provider: its pages are closed, its account is put on the plan that is left, and whatever
 * needs a customer next makes another one. The old id leads to the account still, for what is heard late. Harmless to repeat.
 */
export async function forgetCustomer(
  ctx: BillingContext,
  provider: AnyProvider,
  customerId: string,
  cause: string,
): Promise<void> {
  const accountId = await ctx.store.directory.accountByExternalId(provider.id, customerId)
  if (accountId === null) return
  if (await ctx.store.accounts.unlink(accountId, provider.id, customerId))
    await closePages(ctx, accountId, (sale) => sale.provider === provider.id && sale.successUrl !== '')
  if (provider.subscriptions) await followSubscriptions(ctx, provider, customerId, cause)
}

/**
 * Does something for an account; what a provider refuses because the account's customer was deleted there is done once more, after that
 * customer was forgotten.
 */
export async function withoutGone<T>(ctx: BillingContext, input: unknown, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (!isRefusal(error)) throw error
    const { accountId } = input as { readonly accountId: string }
    if (!(await forgetGone(ctx, accountId, error))) throw error
    return run()
  }
}

/** Forgets the customer that made a provider refuse something. @returns whether there was one */
export async function forgetGone(ctx: BillingContext, accountId: string, error: unknown): Promise<boolean> {
  if (!isRefusal(error)) return false
  let isForgotten = false
  for (const provider of ctx.roles.all.values()) {
    const customerId = await ctx.store.accounts.externalId(accountId, provider.id)
    if (customerId === null || !(await isGone(provider, customerId))) continue
    await forgetCustomer(ctx, provider, customerId, `deleted:${customerId}`)
    isForgotten = true
  }
  return isForgotten
}

/** What a provider will not do, by its own words: whether an account is there, and the like, was looked at before. */
function isRefusal(error: unknown): boolean {
  if (!BillingError.is(error) || error.details.provider === undefined) return false
  return error.code === 'provider_rejected' || error.code === 'not_found'
}
