import type { BillingAccount, StripeConfig } from '../../client/client.js'
import { type Read, useRead } from './use-read.js'

/** The billing account; made when it is asked for the first time. */
export function useBillingAccount(organizationId?: string): Read<BillingAccount> {
  return useRead({ resource: 'account', read: (client, signal) => client.account(signal) }, { organizationId })
}

/** The publishable key, for forms of the payment provider. */
export function useStripeConfig(): Read<StripeConfig> {
  return useRead({ resource: 'config', read: (client, signal) => client.config(signal) }, {})
}
