import type { CallOptions } from '../call-options.js'

/** Makes our account known to the provider. */
export interface CustomersCapability {
  /**
   * Creates the customer of an account. Called with a key of its own per account, so that two callers get one customer.
   *
   * @returns the provider's id
   */
  create(
    account: { readonly accountId: string; readonly email: string | null; readonly name: string | null },
    options: CallOptions,
  ): Promise<{ readonly externalId: string }>
}
