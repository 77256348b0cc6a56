import type { BillingContext } from '../context.js'
import { currentQuota } from '../domain/ledger/current-quota.js'
import { entitlementOf } from '../domain/ledger/entitlement.js'
import { formatQuantity } from '../domain/sparks.js'
import { type BudgetView, budgetView } from './budgets.js'
import { accountSchema, parse } from './fields.js'
import { type QuotaView, quotaView } from './quota-view.js'
import { requireSnapshot } from './steps.js'

/** What an account may use of a meter in its current period, and how much of it is used; quantities are decimal text. */
export interface MeterLimit extends QuotaView {
  readonly unit: string
  /** Units that cost no credits. */
  readonly included: string | 'unlimited'
  /** Units after which requests are refused; `null` for no such limit. `remaining` is of this, or else of what is included. */
  readonly limit: string | null
}

/** The limits of an account. */
export interface UsageLimits {
  readonly plan: string
  readonly meters: readonly MeterLimit[]
  /** The first 100; `budgets.list` has all. */
  readonly budgets: readonly BudgetView[]
}

/**
 * What the account may use, and how much of it is used: of each meter in its current period, and of its budgets. A plan that the
 * catalog does not know, or that does not name a meter, includes nothing and limits nothing.
 *
 * @throws BillingError `not_found`
 */
export async function usageLimits(ctx: BillingContext, input: { readonly accountId: string }): Promise<UsageLimits> {
  const request = parse(accountSchema, input)
  const [{ account, counters, now }, budgets] = await Promise.all([
    requireSnapshot(ctx, request.accountId),
    ctx.store.ledger.budgets(request.accountId, { limit: 100 }),
  ])
  const meters = [...ctx.catalog.meters.values()].map(({ name, unit }): MeterLimit => {
    const { included, limit } = entitlementOf(ctx.catalog, account, name) ?? { included: 0n, limit: null }
    return {
      ...quotaView(currentQuota(ctx.catalog, account, counters, name, now)),
      unit,
      included: included === 'unlimited' ? included : formatQuantity(included),
      limit: limit === null ? null : formatQuantity(limit),
    }
  })
  return { plan: account.plan, meters, budgets: budgets.map((budget) => budgetView(ctx, budget)) }
}
