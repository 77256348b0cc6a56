import type { Money } from '../../core/domain/money.js'
import type { Instant } from '../../core/domain/period.js'
import { BillingError } from '../../core/errors.js'
import type { PlanPrice } from '../../core/ports/capabilities/plan-price.js'
import type { WebhookRequest } from '../../core/ports/capabilities/webhooks.js'
import type { AnyProvider, Capability } from '../../core/ports/provider.js'
import type { ConformanceCase } from '../conformance.js'

/**
 * The provider that is tried, and what the cases need around it. It should stand on a sandbox: the cases write. What a provider cannot
 * make by itself is asked of the optional functions; without one, the cases that need it are left out.
 */
export interface ProviderConformanceSubject {
  readonly provider: AnyProvider
  /** The provider's time; a sandbox's may have been moved. */
  now(): Instant
  /** A customer of the provider; asked for only where the provider cannot create one. */
  readonly customerId?: string
  /** A meter the provider counts; `metering` is tried with it. */
  readonly meter?: string
  /** An authentic request carrying `body`; `webhooks` is tried with it. */
  sign?(body: string): WebhookRequest | Promise<WebhookRequest>
  /** The body of an event of a type, where it is not `{ id, type }`. */
  event?(type: string): string
  /** Pays on a hosted page, as a customer does; paid `checkout` sessions are tried with it. */
  pay?(url: string): Promise<void>
  /** Lets a customer leave something to pay with that can be charged. Its id; `payment-methods` is tried with it. */
  paymentMethod?(customerId: string): Promise<string>
  /** Lets a customer who can be charged subscribe, for one seat and without a trial. Its id; `subscriptions` is tried with it. */
  subscription?(customerId: string, price: PlanPrice): Promise<string>
  /** A payment of a customer's that has succeeded. Its id; `payments` is tried with it. */
  payment?(customerId: string, amount: Money): Promise<string>
  /** Makes something of this amount wait for the customer's next invoice; the life of `invoices` is tried with it. */
  unbilled?(customerId: string, amount: Money): Promise<void>
}

/** A case, and the capability that makes it run. */
export interface ProviderConformanceCase extends ConformanceCase {
  readonly needs: Capability
}

export const dayMs = 86_400_000

/** A new customer where the provider makes customers, else the one that is there. */
export async function customerOf({ provider, customerId }: ProviderConformanceSubject): Promise<string> {
  if (provider.customers === undefined) return customerId ?? ''
  const account = { accountId: unique('account'), email: null, name: null }
  return (await provider.customers.create(account, newKey())).externalId
}

/** A plan of its own for a case. */
export function planPrice(amount: Money, plan: string = unique('plan')): PlanPrice {
  return { plan, title: 'A plan', amount, interval: 'month', overage: [] }
}

export function dollars(whole: bigint): Money {
  return { currency: 'USD', nanos: whole * 1_000_000_000n }
}

export function unique(name: string): string {
  return `${name}_${crypto.randomUUID()}`
}

export function newKey(): { readonly idempotencyKey: string } {
  return { idempotencyKey: unique('key') }
}

/** What a provider does, unless it says that it does not do that. */
export async function unlessUnsupported<Answer>(action: () => Promise<Answer>): Promise<Answer | null> {
  try {
    return await action()
  } catch (error) {
    if (BillingError.is(error) && error.code === 'option_unsupported') return null
    throw error
  }
}

/** Gives a customer something to pay with that is the default; `null` when the subject cannot. */
export function payable(subject: ProviderConformanceSubject): ((customerId: string) => Promise<void>) | null {
  const methods = subject.provider['payment-methods']
  const leave = subject.paymentMethod?.bind(subject)
  if (methods === undefined || leave === undefined) return null
  return async (customerId) => {
    await methods.setDefault(customerId, await leave(customerId), {})
  }
}
