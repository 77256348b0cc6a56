import type { CallOptions } from '../call-options.js'

/** Makes our account known to the provider. */
export interface CustomersCapability {
  /**
   * Creates the customer of an account. Called with a key of its own per account, so that two callers get one customer; also again
   * after an unknown outcome.
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
}
