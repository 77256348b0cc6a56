import type {
  BillingCore,
  Catalog,
  CheckoutVerbs,
  IntegrationVerbs,
  InvoiceVerbs,
  ManualPaymentVerbs,
  MeteringVerbs,
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
  MaybeManual &
  PaymentMethodVerbs &
  MeteringVerbs &
  IntegrationVerbs

/** Payments that await approval are taken by some providers only. */
interface MaybeManual {
  readonly payments: PaymentVerbs['payments'] & Partial<ManualPaymentVerbs['payments']>
}

/** Any billing service: routes whose verbs it has not answer `capability_missing`. */
export type ServedBilling<C extends Catalog = Catalog> = Omit<BillingCore<C>, 'credits'> & {
  readonly credits: Omit<BillingCore<C>['credits'], 'packages'> & {
    readonly packages: BillingCore<C>['credits']['packages'] & Partial<CheckoutVerbs<C>['credits']['packages']>
  }
} & Partial<ProviderVerbs<C>>

/** A part of the service that only some providers bring. */
export type ProviderPart = keyof ProviderVerbs

/** What a route needs of the service beside what all have. */
export type Need = ProviderPart | 'payments.submitManual' | 'payments.approve'

/** Whether the service has it. */
export function brings(billing: ServedBilling, need: Need | undefined): boolean {
  if (need === undefined) return true
  const [name, verb] = need.split('.') as [ProviderPart, 'submitManual' | 'approve' | undefined]
  return billing[name] !== undefined && (verb === undefined || billing.payments?.[verb] !== undefined)
}

/** How payments that await approval are taken and decided on. @throws BillingError `capability_missing` */
export function manualPayments(billing: ServedBilling): ManualPaymentVerbs['payments'] {
  const { submitManual, waiting, approve, reject } = part(billing, 'payments')
  if (submitManual && waiting && approve && reject) return { submitManual, waiting, approve, reject }
  throw new BillingError('capability_missing', 'No provider takes payments that are approved by hand here.')
}

/** A part of the service that only some providers bring. @throws BillingError `capability_missing` */
export function part<K extends keyof ProviderVerbs>(billing: ServedBilling, name: K): ProviderVerbs[K] {
  const found = (billing as Partial<ProviderVerbs>)[name]
  if (found) return found as ProviderVerbs[K]
  throw new BillingError('capability_missing', `No provider plays the part of ${name} here.`)
}
