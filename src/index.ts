export type { BillingCore, BillingService, CheckoutVerbs, PortalVerbs, WebhookVerbs } from './core/billing-service.js'
export { createBilling } from './core/billing-service.js'
export type {
  Catalog,
  CatalogConfig,
  MeterConfig,
  MeterName,
  PackageName,
  PlanConfig,
  PlanName,
  RateConfig,
} from './core/catalog.js'
export { defaultMeters, defineCatalog } from './core/catalog.js'
export type { BillingConfig, Environment, ProviderRoles } from './core/config.js'
export type { EventHandler } from './core/consumers.js'
export type { BillingEvent, BillingEventType } from './core/domain/event.js'
export type { Money } from './core/domain/money.js'
export type { MicroSparks } from './core/domain/sparks.js'
export { formatSparks, parseSparks } from './core/domain/sparks.js'
export type { BillingErrorOptions, ErrorCode, ErrorOutcome } from './core/errors.js'
export { BillingError, errorStatus } from './core/errors.js'
export type { AnyProvider, Capabilities, Capability, Provider } from './core/ports/provider.js'
export type { Store } from './core/ports/store.js'
