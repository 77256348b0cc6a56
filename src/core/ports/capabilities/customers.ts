import type { Instant } from '../../domain/period.js'
import type { CallOptions } from '../call-options.js'
import type { Listed, ListPage } from '../page.js'

/** A customer as it stands at the provider. */
export interface Customer {
  readonly externalId: string
  /** The account of ours it was made for. */
  readonly accountId: string | null
  readonly email: string | null
  readonly name: string | null
  readonly createdAt: Instant
}

/** Makes our account known to the provider. */
export interface CustomersCapability {
  /** The one currency, as ISO 4217 has it, that new customers are kept to; default any. The catalog has to be in it. */
  readonly currency?: string
  /**
   * Creates the customer of an account. Called with a key of its own per account, so that two callers get one customer; also again
   * after an unknown outcome. After a customer that was deleted the key is another one.
   *
   * @returns the provider's id
   */
  create(
    account: { readonly accountId: string; readonly email: string | null; readonly name: string | null },
    options: CallOptions,
  ): Promise<{ readonly externalId: string }>
  /**
   * Sets a customer's name and e-mail, for providers that do not take them with `create`; `null` leaves a field as it is. Called after
   * the new customer was linked to its account. A failure is reported and stops nothing.
   */
  update?(
    externalId: string,
    profile: { readonly email: string | null; readonly name: string | null },
    options: CallOptions,
  ): Promise<void>
  /** Whether it was deleted, for good. One that is not found for another reason, such as another key, is not. */
  isGone?(externalId: string, options: CallOptions): Promise<boolean>
  /** Deletes a customer for good, with what the provider keeps of it; its subscriptions end at once. Harmless to repeat. */
  remove?(externalId: string, options: CallOptions): Promise<void>
  /** All customers, newest first, for whoever begins with customers that are there already. */
  list?(page: ListPage, options: CallOptions): Promise<Listed<Customer>>
}
