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

/** First pages of lists; what stands in their keys is what they are asked with. */
const lists = {
  latestInvoices: {
    key: ['invoices', 'list', null, 5],
    read: (client: BillingClient) => client.invoices.list({ limit: 5 }),
  },
  invoices: {
    key: ['invoices', 'list', null, 20],
    read: (client: BillingClient) => client.invoices.list({ limit: 20 }),
  },
  ledger: {
    key: ['creditTransactions', 'list', 20],
    read: (client: BillingClient) => client.credits.transactions({ limit: 20 }),
  },
  usage: {
    key: ['usage', 'list', null, null, 50],
    read: (client: BillingClient) => client.usage.list({ limit: 50 }),
  },
} as const

interface PrefetchedProps {
  readonly of?: readonly (keyof typeof reads)[]
  readonly lists?: readonly (keyof typeof lists)[]
  readonly children: ReactNode
}

/**
 * Reads what a page shows while it is rendered, so that it comes with its figures. The routes are called in this process, as the caller;
 * the keys are those of `billfold/react`: resource, then account. What fails here is read again by the page, which shows why it fails.
 */
export async function Prefetched({ of = [], lists: listed = [], children }: PrefetchedProps): Promise<ReactNode> {
  const { handler, origin } = await parrot()
  const client = createBillingClient({
    baseUrl: `${origin}/api/billing`,
    headers: { cookie: (await cookies()).toString() },
    fetch: (address, options) => handler(new Request(address, options)),
  })
  const queries = new QueryClient()
  const keyOf = (resource: string, ...rest: readonly unknown[]) => ['billing', resource, client.accountId, ...rest]
  await Promise.all([
    ...of.map((resource) =>
      queries.prefetchQuery({
        queryKey: keyOf(resource),
        queryFn: async (): Promise<unknown> => reads[resource](client),
        retry: false,
      }),
    ),
    ...listed.map((name) => {
      const [resource, ...rest] = lists[name].key
      return queries.prefetchInfiniteQuery({
        queryKey: keyOf(resource, ...rest),
        queryFn: async (): Promise<unknown> => lists[name].read(client),
        initialPageParam: undefined,
        retry: false,
      })
    }),
  ])
  return <HydrationBoundary state={dehydrate(queries)}>{children}</HydrationBoundary>
}
