import 'server-only'
import { dehydrate, HydrationBoundary, QueryClient } from '@tanstack/react-query'
import { type BillingClient, createBillingClient } from 'billfold/client'
import { cookies } from 'next/headers'
import type { ReactNode } from 'react'
import { parrot } from './parrot'

const reads = {
  account: (client: BillingClient) => client.account(),
  subscription: (client: BillingClient) => client.subscription.get(),
  plans: (client: BillingClient) => client.plans(),
  credits: (client: BillingClient) => client.credits.balance(),
  usageLimits: (client: BillingClient) => client.usage.limits(),
  paymentMethods: (client: BillingClient) => client.paymentMethods.list(),
} as const

interface PrefetchedProps {
  readonly of: readonly (keyof typeof reads)[]
  readonly children: ReactNode
}

/**
 * Reads what a page shows while it is rendered, so that it comes with its figures. The routes are called in this process, as the caller;
 * the keys are those of `billfold/react`: resource, then account. What fails here is read again by the page, which shows why it fails.
 */
export async function Prefetched({ of, children }: PrefetchedProps): Promise<ReactNode> {
  const { handler, origin } = await parrot()
  const client = createBillingClient({
    baseUrl: `${origin}/api/billing`,
    headers: { cookie: (await cookies()).toString() },
    fetch: (address, options) => handler(new Request(address, options)),
  })
  const queries = new QueryClient()
  await Promise.all(
    of.map((resource) =>
      queries.prefetchQuery({
        queryKey: ['billing', resource, client.accountId],
        queryFn: () => reads[resource](client),
        retry: false,
      }),
    ),
  )
  return <HydrationBoundary state={dehydrate(queries)}>{children}</HydrationBoundary>
}
