import { BillingError } from '../errors.js'
import type { CatalogCapability } from './capabilities/catalog.js'
import type { CheckoutCapability } from './capabilities/checkout.js'
import type { CustomersCapability } from './capabilities/customers.js'
import type { InvoiceCreditsCapability } from './capabilities/invoice-credits.js'
import type { InvoicesCapability } from './capabilities/invoices.js'
import type { MeteringCapability } from './capabilities/metering.js'
import type { PaymentMethodsCapability } from './capabilities/payment-methods.js'
import type { PaymentsCapability } from './capabilities/payments.js'
import type { PortalCapability } from './capabilities/portal.js'
import type { SubscriptionsCapability } from './capabilities/subscriptions.js'
import type { TracesCapability } from './capabilities/traces.js'
import type { TracingCapability } from './capabilities/tracing.js'
import type { UsageReportsCapability } from './capabilities/usage-reports.js'
import type { WebhooksCapability } from './capabilities/webhooks.js'

/** Everything a provider can be able to do. A provider has a capability when the key is on its object. */
export interface Capabilities {
  readonly customers: CustomersCapability
  readonly catalog: CatalogCapability
  readonly checkout: CheckoutCapability
  readonly portal: PortalCapability
  readonly subscriptions: SubscriptionsCapability
  readonly invoices: InvoicesCapability
  readonly 'invoice-credits': InvoiceCreditsCapability
  readonly payments: PaymentsCapability
  readonly 'payment-methods': PaymentMethodsCapability
  readonly metering: MeteringCapability
  readonly tracing: TracingCapability
  readonly traces: TracesCapability
  readonly 'usage-reports': UsageReportsCapability
  readonly webhooks: WebhooksCapability
}

export type Capability = keyof Capabilities

/** A provider with the named capabilities. */
export type Provider<C extends Capability = never> = { readonly id: string } & { readonly [K in C]: Capabilities[K] }

/** Any provider, whatever it can do. */
export type AnyProvider = { readonly id: string } & { readonly [K in Capability]?: Capabilities[K] }

/** The named capability of a provider. @throws BillingError `capability_missing` */
export function requireCapability<C extends Capability>(provider: AnyProvider, capability: C): Capabilities[C] {
  const found = provider[capability] as Capabilities[C] | undefined
  if (found) return found
  throw new BillingError('capability_missing', `Provider ${provider.id} has no ${capability}.`, {
    details: { provider: provider.id, capability },
  })
}

/** A method that not every provider with the capability has. @throws BillingError `capability_missing` */
export function requireMethod<C extends Capability, K extends keyof Capabilities[C] & string>(
  provider: AnyProvider,
  capability: C,
  method: K,
): NonNullable<Capabilities[C][K]> {
  const owner = requireCapability(provider, capability)
  const found = owner[method]
  if (typeof found === 'function') return found.bind(owner) as NonNullable<Capabilities[C][K]>
  throw new BillingError('capability_missing', `Provider ${provider.id} cannot ${method} ${capability}.`, {
    details: { provider: provider.id, capability: `${capability}.${method}` },
  })
}
