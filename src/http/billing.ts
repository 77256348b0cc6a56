import type {
  BillingCore,
  Catalog,
  CheckoutVerbs,
  IntegrationVerbs,
  InvoiceVerbs,
  PaymentMethodVerbs,
  PaymentVerbs,
  PortalVerbs,
  SubscriptionVerbs,
} from '../index.js'
import { BillingError } from '../index.js'

type ProviderVerbs<C extends Catalog = Catalog> = Omit<CheckoutVerbs<C>, 'credits'> &
  PortalVerbs &
  SubscriptionVerbs<C> &
  InvoiceVerbs &
  PaymentVerbs &
  PaymentMethodVerbs &
  IntegrationVerbs

/** Any billing service: routes whose verbs it has not answer `capability_missing`. */
export type ServedBilling<C extends Catalog = Catalog> = Omit<BillingCore<C>, 'credits'> & {
  readonly credits: Omit<BillingCore<C>['credits'], 'packages'> & {
    readonly packages: BillingCore<C>['credits']['packages'] & Partial<CheckoutVerbs<C>['credits']['packages']>
  }
} & Partial<ProviderVerbs<C>>

/** A part of the service that only some providers bring. */
export type ProviderPart = keyof ProviderVerbs

/** A part of the service that only some providers bring. @throws BillingError `capability_missing` */
export function part<K extends keyof ProviderVerbs>(billing: ServedBilling, name: K): ProviderVerbs[K] {
  const found = (billing as Partial<ProviderVerbs>)[name]
  if (found) return found as ProviderVerbs[K]
  throw new BillingError('capability_missing', `No provider plays the part of ${name} here.`)
}
