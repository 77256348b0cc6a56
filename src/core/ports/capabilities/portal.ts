import type { CallOptions } from '../call-options.js'

/** The one thing that a portal page is opened for; without one it offers everything. */
export type PortalFlow =
  | { readonly kind: 'update_payment_method' }
  | { readonly kind: 'cancel_subscription'; readonly subscriptionId: string }
  | { readonly kind: 'change_subscription'; readonly subscriptionId: string }

/** What is asked of a portal. */
export interface PortalRequest {
  readonly customerId: string
  readonly returnUrl: string
  readonly flow: PortalFlow | null
}

/** A hosted page on which a customer manages payment methods and subscriptions. */
export interface PortalCapability {
  /** Makes a page for this customer; its address is short-lived. @throws BillingError `option_unsupported` for a flow it does not have */
  create(request: PortalRequest, options: CallOptions): Promise<{ readonly url: string }>
}
