import type { Able } from '../config.js'
import type { BillingContext } from '../context.js'
import type { AccountState } from '../domain/ledger/state.js'
import type { Instant } from '../domain/period.js'
import { ensureCustomer } from './customers.js'
import { overagePrices } from './sale.js'

/** How long it is taken for granted that a customer is charged. */
const knownMs = 3_600_000

const known = new WeakMap<BillingContext, Map<string, Instant>>()

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
  const arranged = known.get(ctx) ?? new Map<string, Instant>()
  known.set(ctx, arranged)
  const now = ctx.environment.now()
  const name = `${provider.id} ${customerId}`
  if (now - (arranged.get(name) ?? Number.NEGATIVE_INFINITY) < knownMs) return
  const { currency } = ctx.catalog
  const overage = overagePrices(ctx.catalog)
  await collect.call(provider.metering, { accountId, customerId, currency, overage, from }, {})
  arranged.set(name, now)
}
