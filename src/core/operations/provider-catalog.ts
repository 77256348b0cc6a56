import type { BillingContext } from '../context.js'
import type { Meter } from '../domain/catalog.js'
import { BillingError } from '../errors.js'
import type { CatalogChange, CountedMeter, ProviderCatalog } from '../ports/capabilities/catalog.js'
import type { AnyProvider } from '../ports/provider.js'
import { planPriceOf } from './sale.js'

/** A change of what a provider has, so that it fits the catalog. */
export interface ProviderCatalogChange extends CatalogChange {
  readonly provider: string
}

/** What `apply` would change at the providers. @throws BillingError `config_invalid`, and the provider's */
export async function planCatalog(ctx: BillingContext): Promise<readonly ProviderCatalogChange[]> {
  return eachProvider(ctx, 'plan')
}

/**
 * Makes meters, products and prices at the providers fit the catalog. Prices are never changed: a new one takes the place of the one
 * before, which is kept by those who subscribed under it, like a plan that was taken out of the catalog. Harmless to repeat, at every start and by several processes at once.
 *
 * @returns what was changed
 * @throws BillingError `config_invalid`, and the provider's
 */
export async function applyCatalog(ctx: BillingContext): Promise<readonly ProviderCatalogChange[]> {
  return eachProvider(ctx, 'apply')
}

async function eachProvider(ctx: BillingContext, step: 'plan' | 'apply'): Promise<readonly ProviderCatalogChange[]> {
  const changes: ProviderCatalogChange[] = []
  for (const provider of ctx.roles.all.values()) {
    if (!provider.catalog) continue
    const done = await provider.catalog[step](catalogFor(ctx, provider), {})
    changes.push(...done.map((change) => ({ ...change, provider: provider.id })))
  }
  return changes
}

/** What a provider needs to know: meters where it is told of usage, prices where it sells subscriptions. */
function catalogFor(ctx: BillingContext, provider: AnyProvider): ProviderCatalog {
  const { catalog, roles } = ctx
  const isTold = roles.metering.some(({ id }) => id === provider.id)
  const sells = roles.sellers.some(({ id }) => id === provider.id)
  const charged = [...catalog.meters.values()].filter(({ rate }) => rate !== null)
  const sold = [...catalog.plans.values()].filter(({ price }) => price !== null && price.interval !== 'once')
  const isCollected = isTold || roles.metering.every(({ metering }) => metering.collect)
  if (sold.some(({ overage }) => overage) && sells && !isCollected)
    throw new BillingError(
      'config_invalid',
      `Plans with overage are sold at ${provider.id}, which is not told of usage: name it in providers.metering.`,
    )
  return {
    meters: isTold ? countedMeters(charged, roles.metering.length > 1) : [],
    prices: sells ? sold.map(({ name }) => planPriceOf(ctx, provider.id, name)) : [],
    retires: sells,
  }
}

/** Each meter, and beside it its shadow where another provider may be the one that collects. */
function countedMeters(charged: readonly Meter[], hasShadows: boolean): readonly CountedMeter[] {
  return charged.flatMap(({ name, unit }) =>
    hasShadows
      ? [
          { name, unit },
          { name, unit, isShadow: true },
        ]
      : [{ name, unit }],
  )
}
