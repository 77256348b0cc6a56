import type { Plan, PreviewedChange, PriceList, Subscription } from '../../client/client.js'
import { type Read, useRead } from './use-read.js'
import { useWrite, type Write } from './use-write.js'

/** What the account is subscribed to, or the plan that it has without a subscription. */
export function useSubscription(organizationId?: string): Read<Subscription> {
  return useRead((queries) => queries.subscription(), { organizationId })
}

/** Plans and meters of the catalog, and the price of a Spark. */
export function usePlans(organizationId?: string): Read<PriceList> {
  return useRead((queries) => queries.plans(), { organizationId })
}

/** What another plan would charge now, with what is left of the period set off. Nothing is asked without a plan. */
export function usePreviewChange(plan: string | null, organizationId?: string): Read<PreviewedChange> {
  return useRead((queries) => queries.preview(plan), { organizationId, enabled: plan !== null })
}

const afterChange = [
  'subscription',
  'account',
  'usageLimits',
  'invoices',
  'credits',
  'preview',
  'usageDashboard',
] as const

/** What came of a change: the subscription afterwards, and the payment, where there was one. */
export interface ChangedSubscription {
  readonly subscription: Subscription
  readonly payment: { readonly status: string; readonly message: string | null; readonly url: string | null } | null
}

/** Changes the plan, at the amounts of a preview where `previewed_at` is given. */
export function useChangeSubscription(
  organizationId?: string,
): Write<{ readonly plan: Plan['id']; readonly previewed_at?: string }, ChangedSubscription> {
  return useWrite(
    { write: (client, change, given) => client.subscription.change(change, given), changes: afterChange },
    organizationId,
  )
}

/** Ends the subscription with its period. */
export function useCancelSubscription(organizationId?: string): Write<void, Subscription> {
  return useWrite(
    { write: (client, _, given) => client.subscription.cancel({ at_period_end: true }, given), changes: afterChange },
    organizationId,
  )
}

/** Takes back that it ends. */
export function useReactivateSubscription(organizationId?: string): Write<void, Subscription> {
  return useWrite(
    { write: (client, _, given) => client.subscription.reactivate(given), changes: afterChange },
    organizationId,
  )
}
