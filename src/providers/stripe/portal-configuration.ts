import type Stripe from 'stripe'
import * as z from 'zod'
import { fingerprintOf } from '../../core/domain/ledger/key.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import type { CatalogChange, ProviderCatalog } from '../../core/ports/capabilities/catalog.js'
import type { PlanPrice } from '../../core/ports/capabilities/plan-price.js'
import { withoutKey } from '../door/door.js'
import { parseAnswer, type StripeCall } from './call.js'
import { everyRow } from './every-row.js'
import { type StripePriceList, wantedPrices } from './prices.js'

const configurationSchema = z.object({
  id: z.string().min(1),
  metadata: z.record(z.string(), z.string()).nullish(),
})

/** Stripe's limit for the products that customers can switch between. */
const mostProducts = 10
const mark = 'billfold_portal'

/** A portal configuration of ours, which follows from the catalog. */
export interface PortalConfigurations {
  /** The one of ours, or `null` before it was made. */
  current(options: CallOptions): Promise<string | null>
  /** What has to be done so that it fits, or `null`. */
  step(
    catalog: ProviderCatalog,
    options: CallOptions,
  ): Promise<{ readonly change: CatalogChange; apply(): Promise<string> } | null>
}

/**
 * The portal as the catalog has it: payment methods, invoices, cancelling at the end of the period, and switching between plans. What
 * it was made of is kept with it as a fingerprint, so that only a change is written.
 *
 * @see https://docs.stripe.com/api/customer_portal/configurations
 */
export function portalConfigurations(call: StripeCall, prices: StripePriceList): PortalConfigurations {
  let known: string | null = null

  const find = async (options: CallOptions) => {
    const rows = await everyRow(configurationSchema, (start) =>
      call.read(options, (client, request) =>
        client.billingPortal.configurations.list({ active: true, ...start }, request),
      ),
    )
    return rows.find(({ metadata }) => metadata?.[mark] !== undefined) ?? null
  }

  return {
    async current(options) {
      known ??= (await find(options))?.id ?? null
      return known
    },
    async step(catalog, options) {
      const plans = switchable(catalog)
      const fingerprint = fingerprintOf({ version: 1, plans: plans.map(keysOf) })
      const existing = await find(options)
      if (existing?.metadata?.[mark] === fingerprint) return null
      const detail =
        plans.length === 0 ? 'no plans to switch between' : `plans ${plans.map(({ plan }) => plan).join(', ')}`
      const change: CatalogChange = {
        action: existing ? 'update' : 'create',
        object: 'portal',
        name: 'customer portal',
        externalId: existing?.id ?? null,
        detail,
      }
      const apply = async () => {
        const features = await featuresOf(prices, plans, options)
        const metadata = { [mark]: fingerprint }
        const answer = existing
          ? await call.write(withoutKey(options), (client, request) =>
              client.billingPortal.configurations.update(existing.id, { features, metadata }, request),
            )
          : await call.create({ ...options, idempotencyKey: `billfold-portal:${fingerprint}` }, (client, request) =>
              client.billingPortal.configurations.create({ features, metadata }, request),
            )
        known = parseAnswer(configurationSchema, answer).id
        return known
      }
      return { change, apply }
    },
  }
}

/** Stripe's portal switches between plans that are one price each. */
function switchable({ prices }: ProviderCatalog): readonly PlanPrice[] {
  return prices.filter(({ overage }) => overage.length === 0).slice(0, mostProducts)
}

function keysOf(price: PlanPrice): readonly string[] {
  return wantedPrices(price).map(({ lookupKey }) => lookupKey)
}

async function featuresOf(
  prices: StripePriceList,
  plans: readonly PlanPrice[],
  options: CallOptions,
): Promise<Stripe.BillingPortal.ConfigurationCreateParams.Features> {
  const products: { product: string; prices: string[] }[] = []
  for (const plan of plans) {
    const [wanted] = wantedPrices(plan)
    if (wanted) products.push({ product: wanted.product.id, prices: [(await prices.ensure(plan, options)).plan] })
  }
  return {
    invoice_history: { enabled: true },
    payment_method_update: { enabled: true },
    subscription_cancel: { enabled: true, mode: 'at_period_end' },
    subscription_update:
      products.length < 2
        ? { enabled: false }
        : { enabled: true, default_allowed_updates: ['price'], proration_behavior: 'always_invoice', products },
  }
}
