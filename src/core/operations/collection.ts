import type { Able } from '../config.js'
import type { BillingContext } from '../context.js'
import { collectorAt } from '../domain/ledger/collector.js'
import type { AccountState } from '../domain/ledger/state.js'
import type { Instant } from '../domain/period.js'
import { ensureCustomer } from './customers.js'
import { overagePrices } from './sale.js'
import { requireSnapshot } from './steps.js'

/** How long it is taken for granted that a customer is charged, while nothing is heard of its plan. */
const knownMs = 3_600_000

/** When it was seen to, by account and by customer of a provider. */
const known = new WeakMap<BillingContext, Map<string, Map<string, Instant>>>()

/** The metering provider of this id, where it is told of usage. */
export function meteringProvider({ roles }: BillingContext, id: string | null): Able<'metering'> | undefined {
  return roles.metering.find((provider) => provider.id === id)
}

/**
 * Sees to it that whoever collects what an account uses beyond its plan charges it: a subscription that another provider sold has no prices
 * there. Done before there is usage to charge, and harmless to repeat.
 *
 * @throws BillingError `invalid_state`, and the provider's
 */
export async function arrangeCollection(
  ctx: BillingContext,
  provider: Able<'metering'>,
  { id: accountId, plan }: Pick<AccountState, 'id' | 'plan'>,
  from: Instant,
): Promise<void> {
  const { collect } = provider.metering
  if (!collect || !ctx.catalog.plans.get(plan)?.overage) return
  const customerId = await ensureCustomer(ctx, provider, accountId)
  const byAccount = known.get(ctx) ?? new Map<string, Map<string, Instant>>()
  known.set(ctx, byAccount)
  const arranged = byAccount.get(accountId) ?? new Map<string, Instant>()
  byAccount.set(accountId, arranged)
  const now = ctx.environment.now()
  const name = `${provider.id} ${customerId}`
  if (now - (arranged.get(name) ?? Number.NEGATIVE_INFINITY) < knownMs) return
  const { currency } = ctx.catalog
  const overage = overagePrices(ctx.catalog)
  await collect.call(provider.metering, { accountId, customerId, currency, overage, from }, {})
  arranged.set(name, now)
}

/** Another plan may come with prices of usage, or end with those that there were. */
export function forgetArranged(ctx: BillingContext, accountId: string): void {
  known.get(ctx)?.delete(accountId)
}

/**
 * Sees to the prices of usage of whoever is charged for usage already, before a plan with such prices is sold by the same provider: so
 * that it knows then that there are some, and no unit is charged by both.
 */
export async function arrangeBeforeSale(ctx: BillingContext, seller: string, accountId: string): Promise<void> {
  const provider = meteringProvider(ctx, seller)
  if (!provider) return
  const { account, now } = await requireSnapshot(ctx, accountId)
  if (collectorAt(ctx.rules, account, now) === seller && account.paidPlan?.provider !== seller)
    await arrangeCollection(ctx, provider, account, now)
}
