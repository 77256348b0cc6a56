import type { BillingAccount, StripeConfig } from '../../client/client.js'
import { type Read, useRead } from './use-read.js'

/** The billing account; made when it is asked for the first time. */
export function useBillingAccount(organizationId?: string): Read<BillingAccount> {
  return useRead((queries) => queries.account(), { organizationId })
}

/** The publishable key, for forms of the payment provider. */
export function useStripeConfig(): Read<StripeConfig> {
  return useRead((queries) => queries.config(), {})
}
