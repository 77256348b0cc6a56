import type { BillingContext } from '../context.js'
import type { AnyProvider } from '../ports/provider.js'
import { accountSchema, parse } from './fields.js'
import { requireAccount } from './steps.js'

/** What a provider calls an account. */
export interface CustomerView {
  readonly provider: string
  /** The provider's id. */
  readonly id: string
}

/** What the configured providers call the account; one that does not know it is left out. @throws BillingError `not_found` */
export async function listCustomers(
  ctx: BillingContext,
  input: { readonly accountId: string },
): Promise<readonly CustomerView[]> {
  const request = parse(accountSchema, input)
  await requireAccount(ctx, request.accountId)
  const providers = [...ctx.roles.all.keys()]
  const ids = await Promise.all(providers.map((provider) => ctx.store.accounts.externalId(request.accountId, provider)))
  return providers.flatMap((provider, index) => {
    const id = ids[index] ?? null
    return id === null ? [] : [{ provider, id }]
  })
}

/**
 * The provider's id of an account, made there first when it has none. Two callers at once get the same one. A provider that makes no
 * customers knows the account by our id.
 */
export async function ensureCustomer(ctx: BillingContext, provider: AnyProvider, accountId: string): Promise<string> {
  const known = await ctx.store.accounts.externalId(accountId, provider.id)
  if (known !== null) return known
  if (!provider.customers) return ctx.store.accounts.link(accountId, provider.id, accountId)
  const { email, name } = await requireAccount(ctx, accountId)
  // Under the key of a customer that was deleted the provider may answer that one again.
  const former = await ctx.store.accounts.formerId(accountId, provider.id)
  const { externalId } = await provider.customers.create(
    { accountId, email, name },
    { idempotencyKey: former === null ? `customer:${accountId}` : `customer:${accountId}:${former}` },
  )
  // Kept before anything else is done with it: what fails from here on must not lead to a second customer.
  const customerId = await ctx.store.accounts.link(accountId, provider.id, externalId)
  try {
    await provider.customers.update?.(customerId, { email, name }, {})
  } catch (error) {
    ctx.environment.onError(error, `name and e-mail of account ${accountId} at ${provider.id}`)
  }
  return customerId
}

/** Whether the provider says that a customer was deleted there. */
export async function isGone(provider: AnyProvider, customerId: string): Promise<boolean> {
  return (await provider.customers?.isGone?.(customerId, {})) ?? false
}

/** Whether a customer is that of an account, or was before it was deleted at the provider. */
export async function isCustomerOf(
  ctx: BillingContext,
  provider: AnyProvider,
  accountId: string,
  customerId: string | null,
): Promise<boolean> {
  if (customerId === null) return false
  return (await ctx.store.directory.accountByExternalId(provider.id, customerId)) === accountId
}

/** The provider's id of an account that must be there, or `null` while the provider does not know it. @throws BillingError `not_found` */
export async function customerOf(
  ctx: BillingContext,
  provider: AnyProvider,
  accountId: string,
): Promise<string | null> {
  await requireAccount(ctx, accountId)
  return ctx.store.accounts.externalId(accountId, provider.id)
}
