import type { CallOptions } from '../call-options.js'

/** A hosted page on which a customer manages payment methods and subscriptions. */
export interface PortalCapability {
  /** Makes a page for this customer; its address is short-lived. */
  create(
    request: { readonly customerId: string; readonly returnUrl: string },
    options: CallOptions,
  ): Promise<{ readonly url: string }>
}
