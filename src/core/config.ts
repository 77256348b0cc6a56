import type { Catalog } from './catalog.js'
import { type AllowedOrigins, parseAllowedOrigins } from './domain/redirect.js'
import { BillingError } from './errors.js'
import type { AnyProvider, Capabilities, Provider } from './ports/provider.js'
import type { Store } from './ports/store.js'

/** The parts a provider can play in an app. `default` plays every part it is able to and nobody else is named for. */
export interface ProviderRoles {
  readonly default?: AnyProvider
  readonly checkout?: Provider<'checkout'>
  readonly portal?: Provider<'portal'>
  /** All of them are told of usage; the first collects what plans with overage owe. */
  readonly metering?: Provider<'metering'> | readonly Provider<'metering'>[]
  readonly tracing?: Provider<'tracing'> | readonly Provider<'tracing'>[]
}

/** What `createBilling` is given. */
export interface BillingConfig<R extends ProviderRoles = ProviderRoles, C extends Catalog = Catalog> {
  readonly catalog: C
  readonly store: Store
  /** Who does what. Without providers Billfold is a ledger with quotas. */
  readonly providers?: R
  /** Where customers may be sent back to after a hosted page; needed for checkout and portal. */
  readonly redirects?: { readonly allowedOrigins: readonly string[] }
  /** For tests and simulations: the clock and the source of randomness for ids and waiting times. */
  readonly environment?: Partial<Environment>
}

/** Everything that is not a function of its input. */
export interface Environment {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Fills with random bytes, as `crypto.getRandomValues` does. */
  readonly randomBytes: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array
  /** Told of what happens in the background and reaches no caller. Default: written to the console. */
  readonly onError: (error: unknown, where: string) => void
}

/** A provider that has a capability. */
export type Able<C extends keyof Capabilities> = AnyProvider & Provider<C>

/** Who plays which part, after `default` was spread over the parts it can play. */
export interface ResolvedRoles {
  readonly all: ReadonlyMap<string, AnyProvider>
  readonly checkout: Able<'checkout'> | null
  readonly portal: Able<'portal'> | null
  readonly metering: readonly Able<'metering'>[]
  readonly tracing: readonly Able<'tracing'>[]
}

const providerId = /^[a-z][a-z0-9_-]{0,29}$/

/** @throws BillingError `config_invalid` for a provider id that is malformed or stands for two providers */
export function resolveRoles(roles: ProviderRoles): ResolvedRoles {
  const fallback = roles.default
  const resolved = {
    checkout: (roles.checkout ?? able(fallback, 'checkout') ?? null) as Able<'checkout'> | null,
    portal: (roles.portal ?? able(fallback, 'portal') ?? null) as Able<'portal'> | null,
    metering: listed(roles.metering ?? able(fallback, 'metering')) as readonly Able<'metering'>[],
    tracing: listed(roles.tracing ?? able(fallback, 'tracing')) as readonly Able<'tracing'>[],
  }
  const all = new Map<string, AnyProvider>()
  for (const provider of [fallback, resolved.checkout, resolved.portal, ...resolved.metering, ...resolved.tracing]) {
    if (!provider) continue
    if (!providerId.test(provider.id))
      throw new BillingError('config_invalid', `Provider id ${JSON.stringify(provider.id)} must match ${providerId}.`)
    const other = all.get(provider.id)
    if (other && other !== provider)
      throw new BillingError('config_invalid', `Two providers have the id ${provider.id}: give one another id.`)
    all.set(provider.id, provider)
  }
  return { all, ...resolved }
}

/** @throws BillingError `config_invalid` */
export function resolveRedirects(config: Pick<BillingConfig, 'redirects'>): AllowedOrigins | null {
  return config.redirects ? parseAllowedOrigins(config.redirects.allowedOrigins) : null
}

function able<C extends keyof Capabilities>(provider: AnyProvider | undefined, capability: C): AnyProvider | undefined {
  return provider?.[capability] ? provider : undefined
}

function listed<T>(value: T | readonly T[] | undefined): readonly T[] {
  if (value === undefined) return []
  return Array.isArray(value) ? (value as readonly T[]) : [value as T]
}
