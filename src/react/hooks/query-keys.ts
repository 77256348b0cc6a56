/** What is kept in the cache; each begins a key, then comes the account. */
export type Resource =
  | 'account'
  | 'subscription'
  | 'plans'
  | 'config'
  | 'paymentMethods'
  | 'invoices'
  | 'usage'
  | 'usageDashboard'
  | 'usageLimits'
  | 'costs'
  | 'credits'
  | 'creditTransactions'
  | 'creditPackages'
  | 'apiKeys'
  | 'checkout'
  | 'preview'

/** `['billing', resource, account, …]`. An app that signs another person in clears its cache, or names the account. */
export function queryKey(resource: Resource, accountId: string, ...rest: readonly unknown[]): readonly unknown[] {
  return ['billing', resource, accountId, ...rest]
}

const minuteMs = 60_000

/** Billing changes seldom, and says so when it does; costs grow with every call. */
export const staleTimes = { usual: 5 * minuteMs, costs: minuteMs } as const
