import type { Able } from '../config.js'
import type { BillingContext } from '../context.js'
import { collectorAt } from '../domain/ledger/collector.js'
import type { AccountState } from '../domain/ledger/state.js'
import type { Instant } from '../domain/period.js'
import { ensureCustomer } from './customers.js'
import { overagePrices } from './sale.js'
import { requireSnapshot } from './steps.js'

/** How long it is taken for granted that a customer is charged for usage, while its plan stays as it is. */
const knownMs = 3_600_000

/** For which standing it was seen to last, and when, by customer of a provider. */
const known = new WeakMap<BillingContext, Map<string, { readonly standing: string; readonly at: Instant }>>()

/** The metering provider of this id, where it is told of usage. */
export function meteringProvider({ roles }: BillingContext, id: string | null): Able<'metering'> | undefined {
  return roles.metering.find((provider) => provider.id === id)
}

/** Whose prices of usage are seen to: the account as it is stored now, whichever process changed it. */
export type Collected = Pick<AccountState, 'id' | 'plan' | 'paidPlan' | 'anchor'>

/**
 * Sees to it that whoever collects what an account uses beyond its plan charges it: a subscription that another provider sold has no prices
 * there. Done before there is usage to charge, and harmless to repeat.
 *
 * @throws BillingError `invalid_state`, and the provider's
 */
export async function arrangeCollection(
  ctx: BillingContext,
  provider: Able<'metering'>,
  account: Collected,
  from: Instant,
): Promise<void> {
  const { collect } = provider.metering
  if (!collect || !ctx.catalog.plans.get(account.plan)?.overage) return
  const { id: accountId } = account
  const customerId = await ensureCustomer(ctx, provider, accountId)
  const { currency } = ctx.catalog
  const overage = overagePrices(ctx.catalog)
  const at = ctx.environment.now()
  await collect.call(provider.metering, { accountId, customerId, currency, overage, from }, {})
  arrangedOf(ctx).set(nameOf(provider, customerId), { standing: standingOf(account), at })
}

/**
 * The same for usage that is on its way, which comes by the minute: what this process saw to within the hour is taken for granted, as long
 * as the account stands as it did then. A plan that another process changed, or ended, makes another standing.
 */
export async function arrangeForUsage(
  ctx: BillingContext,
  provider: Able<'metering'>,
  customerId: string,
  account: Collected,
  from: Instant,
): Promise<void> {
  const last = arrangedOf(ctx).get(nameOf(provider, customerId))
  const isKnown = last?.standing === standingOf(account) && ctx.environment.now() - last.at < knownMs
  if (!isKnown) await arrangeCollection(ctx, provider, account, from)
}

function arrangedOf(ctx: BillingContext) {
  const arranged = known.get(ctx) ?? new Map<string, { readonly standing: string; readonly at: Instant }>()
  known.set(ctx, arranged)
  return arranged
}

function nameOf({ id }: Able<'metering'>, customerId: string): string {
  return JSON.stringify([id, customerId])
}

function standingOf({ plan, paidPlan, anchor }: Collected): string {
  return JSON.stringify([plan, paidPlan?.provider, paidPlan?.source, anchor])
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
