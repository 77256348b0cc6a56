import * as z from 'zod'
import type { BillingContext } from '../context.js'
import { checkId } from '../domain/ids.js'
import { BillingError } from '../errors.js'
import type { Customer } from '../ports/capabilities/customers.js'
import { parse } from './fields.js'
import { followSubscriptions } from './follow-subscriptions.js'

/** Whose account a customer becomes. */
export interface ImportCustomersInput {
  /**
   * Your id of the paying party behind a customer that is there already; `null` leaves it out. Default: the account that the customer
   * was made for, where it was made by Billfold.
   */
  readonly accountOf?: (customer: Customer) => string | null | Promise<string | null>
}

/** What came of it. */
export interface ImportedCustomers {
  /** Customers that are linked to an account now. */
  readonly linked: number
  /** Customers that belong to no account. */
  readonly skipped: number
  /** Customers whose account is linked to another one: somebody has to choose. */
  readonly conflicts: readonly { readonly accountId: string; readonly externalId: string; readonly linkedTo: string }[]
}

const importCustomersSchema = z.strictObject({ accountOf: z.custom<AccountOf>(isFunction).optional() })

/**
 * Takes over the customers that the provider has already: makes their accounts, links the two, and puts each account on the plan that
 * its subscriptions say. Harmless to repeat.
 *
 * @throws BillingError `capability_missing`, `invalid_id`, and the provider's
 */
export async function importCustomers(
  ctx: BillingContext,
  input: ImportCustomersInput = {},
): Promise<ImportedCustomers> {
  const { accountOf } = parse(importCustomersSchema, input)
  const provider = ctx.roles.checkout
  const list = provider?.customers?.list?.bind(provider.customers)
  if (!provider || !list)
    throw new BillingError('capability_missing', 'The provider of checkout does not list its customers.')
  let [linked, skipped] = [0, 0]
  const conflicts: ImportedCustomers['conflicts'][number][] = []
  let after: string | undefined
  do {
    const page = await list({ limit: 100, ...(after === undefined ? {} : { after }) }, {})
    for (const customer of page.items) {
      const { externalId, email, name } = customer
      const found = accountOf ? await accountOf(customer) : customer.accountId
      if (found === null) {
        skipped += 1
        continue
      }
      const accountId = checkId(found, 'accountId')
      await ctx.store.accounts.ensure({ id: accountId, email, name, plan: ctx.catalog.defaultPlan })
      const linkedTo = await ctx.store.accounts.link(accountId, provider.id, externalId)
      if (linkedTo !== externalId) {
        conflicts.push({ accountId, externalId, linkedTo })
        continue
      }
      linked += 1
      if (provider.subscriptions) await followSubscriptions(ctx, provider, externalId, `import:${externalId}`)
    }
    after = page.next ?? undefined
  } while (after !== undefined)
  return { linked, skipped, conflicts }
}

type AccountOf = NonNullable<ImportCustomersInput['accountOf']>

function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}
