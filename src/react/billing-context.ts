import { createContext, useContext, useMemo } from 'react'
import type { BillingClient } from '../client/client.js'
import type { Remedy } from '../client/problem.js'
import type { Format } from './format.js'
import type { Translate } from './messages.js'
import type { LoadStripe } from './stripe.js'

/** What the parts have in common. */
export interface BillingContextValue {
  readonly client: BillingClient
  readonly format: Format
  readonly text: Translate
  /** What people call a meter, a model or a plan. */
  readonly nameOf: (name: string) => string
  readonly access: { readonly pay: boolean; readonly manage: boolean }
  readonly returnUrls: { readonly success?: string; readonly cancel?: string; readonly portal?: string }
  readonly loadStripe: LoadStripe | undefined
  /** Leaves for another address. */
  readonly navigate: (url: string) => void
  /** Does what a refusal recommends, where the app does it itself. */
  readonly onRemedy: ((remedy: Remedy) => void) | undefined
}

export const BillingContext = createContext<BillingContextValue | null>(null)

/** What `BillingProvider` set up. @throws Error outside of one */
export function useBilling(): BillingContextValue {
  const value = useContext(BillingContext)
  if (!value) throw new Error('Billing components and hooks belong inside <BillingProvider>.')
  return value
}

/** The provider's client, or that of another account. */
export function useClient(organizationId: string | undefined): BillingClient {
  const { client } = useBilling()
  return useMemo(() => (organizationId === undefined ? client : client.for(organizationId)), [client, organizationId])
}
