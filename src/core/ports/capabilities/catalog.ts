import type { CallOptions } from '../call-options.js'
import type { PlanPrice } from './plan-price.js'

/** A meter of ours at a provider. */
export interface CountedMeter {
  readonly name: string
  readonly unit: string
  /** Whether it counts usage that another provider collects: nothing may ever be charged for it. */
  readonly isShadow?: boolean
}

/** What a provider has to have before it can charge and count for us. */
export interface ProviderCatalog {
  /** Meters that it is told usage of. */
  readonly meters: readonly CountedMeter[]
  readonly prices: readonly PlanPrice[]
  /** Whether plans that it has of ours and that are not among the prices are not sold any more. Default false. */
  readonly retires?: boolean
}

/** One difference between our catalog and what the provider has. */
export interface CatalogChange {
  /** `archive`: new customers do not get it any more; those who have it keep it. */
  readonly action: 'create' | 'update' | 'archive'
  readonly object: 'meter' | 'product' | 'price' | 'portal'
  /** The meter or plan it belongs to. */
  readonly name: string
  readonly externalId: string | null
  /** What changes, for people. */
  readonly detail: string
}

/** Keeps meters, products and prices at a provider in step with our catalog. */
export interface CatalogCapability {
  /** What `apply` would do. @throws BillingError `config_invalid` for something that is there, is different and cannot be changed */
  plan(catalog: ProviderCatalog, options: CallOptions): Promise<readonly CatalogChange[]>
  /** Does it; harmless to repeat, and for several processes at once. @returns what was done */
  apply(catalog: ProviderCatalog, options: CallOptions): Promise<readonly CatalogChange[]>
}
