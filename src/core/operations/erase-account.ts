import * as z from 'zod'
import type { BillingContext } from '../context.js'
import { BillingError } from '../errors.js'
import type { AnyProvider } from '../ports/provider.js'
import { type Account, getAccount, suspendAccount } from './accounts.js'
import { accountId, parse } from './fields.js'
import { forgetCustomer } from './gone-customer.js'
import { requireAccount } from './steps.js'

/** Whom to forget. */
export interface EraseAccountInput {
  readonly accountId: string
  /**
   * What becomes of the account's customers at providers. `unlink` (default): they stay there, and are this account's no more. `delete`: they
   * are deleted there too, which ends their subscriptions at once.
   */
  readonly customers?: 'unlink' | 'delete'
}

/** An account that nobody is known by. */
export interface ErasedAccount extends Account {
  readonly customers: readonly {
    readonly provider: string
    readonly id: string
    readonly result: 'unlinked' | 'deleted'
  }[]
}

const eraseSchema = z.strictObject({ accountId, customers: z.enum(['unlink', 'delete']).default('unlink') })

/**
 * Forgets whose an account is, and keeps its books: every row, invoice and payment stays as it is under the account's id. The account is suspended,
 * its e-mail and name go, its API keys end and lose their names, and providers know it no more. Harmless to repeat: what failed half way goes on.
 * Reasons that people wrote are part of the books, and so are the invoices of `billfold/providers/manual`, which the law has kept.
 *
 * @throws BillingError `not_found`, `invalid_state` (it has a subscription that goes on: cancel it first, or say `customers: 'delete'`),
 * `capability_missing` (a provider that knows it deletes no customers); in these cases nothing is done
 * @see docs/accounts.md
 */
export async function eraseAccount(ctx: BillingContext, input: EraseAccountInput): Promise<ErasedAccount> {
  const request = parse(eraseSchema, input)
  const { accountId: account } = request
  await requireAccount(ctx, account)
  const known = await customersOf(ctx, account)
  for (const customer of known) await checkCustomer(customer, request.customers)
  const reason = 'erased'
  await suspendAccount(ctx, 'suspend', { accountId: account, reason, idempotencyKey: 'billfold:erase' })
  const customers: ErasedAccount['customers'][number][] = []
  for (const { provider, id } of known) {
    if (request.customers === 'delete') {
      await provider.customers?.remove?.(id, {})
      await forgetCustomer(ctx, provider, id, `erased:${id}`)
    } else await ctx.store.accounts.unlink(account, provider.id, id)
    customers.push({ provider: provider.id, id, result: request.customers === 'delete' ? 'deleted' : 'unlinked' })
  }
  // Last: an account that still has its name is one that is not erased to the end.
  await ctx.store.accounts.erase(account)
  return { ...(await getAccount(ctx, { accountId: account })), customers }
}

interface KnownCustomer {
  readonly provider: AnyProvider
  readonly id: string
}

async function customersOf(ctx: BillingContext, account: string): Promise<readonly KnownCustomer[]> {
  const providers = [...ctx.roles.all.values()]
  const ids = await Promise.all(providers.map(({ id }) => ctx.store.accounts.externalId(account, id)))
  return providers.flatMap((provider, index) => {
    const id = ids[index] ?? null
    // Who makes no customers knows the account by our id, and nothing else of it.
    return id === null || !provider.customers ? [] : [{ provider, id }]
  })
}

async function checkCustomer({ provider, id }: KnownCustomer, wanted: 'unlink' | 'delete'): Promise<void> {
  if (wanted === 'delete') {
    if (provider.customers?.remove) return
    const details = { provider: provider.id, capability: 'customers.remove' }
    throw new BillingError('capability_missing', `Provider ${provider.id} deletes no customers: unlink them.`, {
      details,
    })
  }
  const subscriptions = (await provider.subscriptions?.list(id, {})) ?? []
  const going = subscriptions.find(({ status }) => status !== 'canceled')
  if (!going) return
  const message = `Subscription ${going.externalId} at ${provider.id} goes on: cancel it first, or say customers: 'delete'.`
  throw new BillingError('invalid_state', message, { details: { provider: provider.id } })
}
