import 'server-only'
import { dehydrate, HydrationBoundary, QueryClient } from '@tanstack/react-query'
import { type BillingQueries, type BillingQuery, billingQueries, createBillingClient } from 'billfold/client'
import { cookies } from 'next/headers'
import type { ReactNode } from 'react'
import { parrot } from './parrot'

interface PrefetchedProps {
  /** What the page reads. */
  readonly of: (queries: BillingQueries) => readonly BillingQuery<unknown>[]
  /** Lists of which it shows the first page. */
  readonly lists?: (
    queries: BillingQueries,
  ) => readonly ReturnType<BillingQueries['invoices' | 'usage' | 'creditTransactions']>[]
  readonly children: ReactNode
}

/**
 * Reads what a page shows while it is rendered, so that it comes with its figures. The routes are called in this process, as the caller.
 * What fails here is read again by the page, which shows why it fails.
 */
export async function Prefetched({ of, lists = () => [], children }: PrefetchedProps): Promise<ReactNode> {
  const { handler, origin } = await parrot()
  const client = createBillingClient({
    baseUrl: `${origin}/api/billing`,
    headers: { cookie: (await cookies()).toString() },
    fetch: (address, options) => handler(new Request(address, options)),
  })
  const cache = new QueryClient()
  const queries = billingQueries(client)
  await Promise.all([
    ...of(queries).map((query) => cache.prefetchQuery(query)),
    ...lists(queries).map(({ queryKey, queryFn }) =>
      cache.prefetchInfiniteQuery({
        queryKey,
        queryFn: (context): Promise<unknown> => queryFn(context),
        initialPageParam: undefined as string | undefined,
      }),
    ),
  ])
  return <HydrationBoundary state={dehydrate(cache)}>{children}</HydrationBoundary>
}
