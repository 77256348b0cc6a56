import type { Catalog } from './catalog.js'
import { type AllowedOrigins, parseAllowedOrigins } from './domain/redirect.js'
import { BillingError } from './errors.js'
import type { Instrumentation, Logger } from './instrumentation.js'
import type { InvoiceRenderer } from './ports/invoice-renderer.js'
import type { AnyProvider, Capabilities, Provider } from './ports/provider.js'
import type { Store } from './ports/store.js'
import type { PullConfig } from './pull-config.js'

/** A provider, or several beside each other. */
export type OneOrMore<C extends keyof Capabilities> = Provider<C> | readonly Provider<C>[]

/** The parts a provider can play in an app. `default` plays every part it is able to and nobody else is named for. */
export interface ProviderRoles {
  readonly default?: AnyProvider
  /** Who sells; of several the first, unless a sale names another one. */
  readonly checkout?: OneOrMore<'checkout'>
  readonly portal?: Provider<'portal'>
  readonly subscriptions?: Provider<'subscriptions'>
  /** Who has invoices; of several lists are of the first, unless another one is named, and one invoice is found wherever it is. */
  readonly invoices?: OneOrMore<'invoices'>
  /** Who has payments, in the same way. */
  readonly payments?: OneOrMore<'payments'>
  readonly paymentMethods?: Provider<'payment-methods'>
  /**
   * All of them are told of usage; one collects what an account with overage owes, and for the others the same usage is counted as a
   * shadow, which nobody is charged for. The first collects for accounts that are new: see `promote`.
   */
  readonly metering?: OneOrMore<'metering'>
  readonly tracing?: OneOrMore<'tracing'>
}

/** What `createBilling` is given. */
export interface BillingConfig<R extends ProviderRoles = ProviderRoles, C extends Catalog = Catalog> {
  readonly catalog: C
  readonly store: Store
  /** Who does what. Without providers Billfold is a ledger with quotas. */
  readonly providers?: R
  /** Where customers may be sent back to after a hosted page; needed for checkout and portal. */
  readonly redirects?: { readonly allowedOrigins: readonly string[] }
  /** When an account is suspended because a subscription of its is not paid for: see docs/providers/stripe.md. */
  readonly dunning?: {
    /** `unpaid` (default): when the provider has given up; `past_due`: as soon as a payment failed; `never`. */
    readonly suspendOn?: 'unpaid' | 'past_due' | 'never'
  }
  /** Draws PDFs of invoices whose provider has none, such as `pdfRenderer()` of `billfold/adapters/pdf`. */
  readonly invoiceRenderer?: InvoiceRenderer
  /** What API keys begin with, so that people and scanners know them: lower case, ending in `-` or `_`. Default `sk-`. */
  readonly apiKeys?: { readonly prefix: string }
  /** What is made of the traces that `sync.pull` reads: see docs/providers/langfuse.md. */
  readonly pull?: PullConfig<C>
  /** Told of what happens in the background; default nobody. What goes wrong there goes to `environment.onError` too. */
  readonly logger?: Logger
  /** Measures the service, its providers and its deliveries: see docs/observability.md. */
  readonly instrumentation?: Instrumentation
  /** For tests and simulations: the clock and the source of randomness for ids and waiting times. */
  readonly environment?: Partial<Environment>
}

/** Everything that is not a function of its input. */
export interface Environment {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Fills with random bytes, as `crypto.getRandomValues` does. */
  readonly randomBytes: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array
  /** Told of what happens in the background and reaches no caller. Default: written to the console, unless there is a `logger`. */
  readonly onError: (error: unknown, where: string) => void
}

/** A provider that has a capability. */
export type Able<C extends keyof Capabilities> = AnyProvider & Provider<C>

/** Who plays which part, after `default` was spread over the parts it can play. */
export interface ResolvedRoles {
  readonly all: ReadonlyMap<string, AnyProvider>
  readonly checkout: Able<'checkout'> | null
  readonly portal: Able<'portal'> | null
  readonly subscriptions: Able<'subscriptions'> | null
  readonly invoices: Able<'invoices'> | null
  readonly payments: Able<'payments'> | null
  readonly paymentMethods: Able<'payment-methods'> | null
  readonly metering: readonly Able<'metering'>[]
  readonly tracing: readonly Able<'tracing'>[]
  /** All that sell, that have invoices, and that have payments, the first of which is the one above. */
  readonly sellers: readonly Able<'checkout'>[]
  readonly invoicers: readonly Able<'invoices'>[]
  readonly payers: readonly Able<'payments'>[]
}

const providerId = /^[a-z][a-z0-9_-]{0,29}$/

/**
 * @param currency of the catalog
 * @throws BillingError `config_invalid` for a provider id that is malformed or stands for two providers, and for a provider whose customers
 * are kept to another currency
 */
export function resolveRoles(roles: ProviderRoles, currency: string): ResolvedRoles {
  const fallback = roles.default
  const one = <C extends keyof Capabilities>(given: AnyProvider | undefined, capability: C): Able<C> | null =>
    (given ?? able(fallback, capability) ?? null) as Able<C> | null
  const many = <C extends keyof Capabilities>(given: OneOrMore<C> | undefined, capability: C) =>
    listed<AnyProvider>(
      (given as AnyProvider | readonly AnyProvider[] | undefined) ?? able(fallback, capability),
    ) as readonly Able<C>[]
  const [sellers, invoicers, payers] = [
    many(roles.checkout, 'checkout'),
    many(roles.invoices, 'invoices'),
    many(roles.payments, 'payments'),
  ]
  const resolved = {
    checkout: sellers[0] ?? null,
    portal: one(roles.portal, 'portal'),
    subscriptions: one(roles.subscriptions, 'subscriptions'),
    invoices: invoicers[0] ?? null,
    payments: payers[0] ?? null,
    paymentMethods: one(roles.paymentMethods, 'payment-methods'),
    metering: many(roles.metering, 'metering'),
    tracing: many(roles.tracing, 'tracing'),
    sellers,
    invoicers,
    payers,
  }
  const untold = resolved.metering.length > 1 && resolved.metering.find(({ metering }) => !metering.takesShadows)
  if (untold)
    throw new BillingError(
      'config_invalid',
      `${untold.id} would charge for all it is told of: it cannot be told of usage beside other providers.`,
    )
  const all = new Map<string, AnyProvider>()
  for (const provider of [fallback, ...Object.values(resolved).flat()]) {
    if (!provider) continue
    if (!providerId.test(provider.id))
      throw new BillingError('config_invalid', `Provider id ${JSON.stringify(provider.id)} must match ${providerId}.`)
    const other = all.get(provider.id)
    if (other && other !== provider)
      throw new BillingError('config_invalid', `Two providers have the id ${provider.id}: give one another id.`)
    const kept = provider.customers?.currency ?? currency
    if (kept !== currency)
      throw new BillingError(
        'config_invalid',
        `${provider.id} keeps customers to ${kept}, and the catalog is in ${currency}: give both the same currency.`,
      )
    all.set(provider.id, provider)
  }
  return { all, ...resolved }
}

const storeVerbs = ['migrate', 'health', 'close'] as const
const storeParts = [
  'ledger',
  'accounts',
  'outbox',
  'inbox',
  'intents',
  'directory',
  'prices',
  'pulls',
  'records',
  'apiKeys',
] as const

/** The store, if it is one. @throws BillingError `config_invalid` */
export function resolveStore(given: unknown): Store {
  const store = typeof given === 'object' && given !== null ? (given as Partial<Store>) : {}
  const isWhole =
    storeVerbs.every((verb) => typeof store[verb] === 'function') &&
    storeParts.every((part) => typeof store[part] === 'object' && store[part] !== null)
  if (isWhole) return store as Store
  throw new BillingError(
    'config_invalid',
    'createBilling(): store must be a store, such as memoryStore() or sqliteStore({ path }).',
  )
}

/** @throws BillingError `config_invalid` */
export function resolveRedirects(config: Pick<BillingConfig, 'redirects'>): AllowedOrigins | null {
  return config.redirects ? parseAllowedOrigins(config.redirects.allowedOrigins) : null
}

/** @throws BillingError `config_invalid` */
export function resolveKeyPrefix({ apiKeys }: Pick<BillingConfig, 'apiKeys'>): string {
  const prefix = apiKeys?.prefix ?? 'sk-'
  // Scanners for secrets take what begins so for keys of Stripe.
  if (typeof prefix === 'string' && /^(?![prs]k_|whsec_)[a-z][a-z0-9_-]{0,30}[_-]$/.test(prefix)) return prefix
  const message = `apiKeys.prefix ${JSON.stringify(prefix)} must be 2 to 32 of a-z 0-9 _ -, end in _ or -, and be none of Stripe's.`
  throw new BillingError('config_invalid', message)
}

function able<C extends keyof Capabilities>(provider: AnyProvider | undefined, capability: C): AnyProvider | undefined {
  return provider?.[capability] ? provider : undefined
}

function listed<T>(value: T | readonly T[] | undefined): readonly T[] {
  if (value === undefined) return []
  return Array.isArray(value) ? (value as readonly T[]) : [value as T]
}
