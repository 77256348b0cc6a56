import {
  type InfiniteData,
  type UseInfiniteQueryResult,
  type UseQueryResult,
  useInfiniteQuery,
  useQuery,
} from '@tanstack/react-query'
import type { Page } from '../../client/client.js'
import { BillingProblem } from '../../client/problem.js'
import { type BillingListQuery, type BillingQueries, type BillingQuery, billingQueries } from '../../client/queries.js'
import { useClient } from '../billing-context.js'

/** What every hook that reads takes. */
export interface ReadOptions {
  /** Another account than the provider's. */
  readonly organizationId?: string | undefined
  /** Default true. */
  readonly enabled?: boolean
}

/** A query that fails with a problem. */
export type Read<T> = UseQueryResult<T, BillingProblem>

interface Asking<T> extends ReadOptions {
  readonly refetchInterval?: (data: T | undefined) => number | false
}

export function useRead<T>(
  query: (queries: BillingQueries) => BillingQuery<T>,
  { organizationId, enabled = true, refetchInterval }: Asking<T>,
): Read<T> {
  const client = useClient(organizationId)
  return useQuery<T, BillingProblem>({
    ...query(billingQueries(client)),
    enabled,
    retry: mayPass,
    ...(refetchInterval ? { refetchInterval: ({ state }) => refetchInterval(state.data) } : {}),
  })
}

/** A list that is read page by page, by the server's cursors. */
export type ReadList<Item> = Omit<UseInfiniteQueryResult<InfiniteData<Page<Item>>, BillingProblem>, 'data'> & {
  /** What was read so far; undefined until the first page has come. */
  readonly items: readonly Item[] | undefined
}

export function useReadList<Item>(
  query: (queries: BillingQueries) => BillingListQuery<Item>,
  { organizationId, enabled = true }: ReadOptions,
): ReadList<Item> {
  const client = useClient(organizationId)
  const { data, ...result } = useInfiniteQuery<
    Page<Item>,
    BillingProblem,
    InfiniteData<Page<Item>>,
    readonly unknown[],
    string | undefined
  >({ ...query(billingQueries(client)), enabled, retry: mayPass })
  return { ...result, items: data?.pages.flatMap(({ items }) => items) } as ReadList<Item>
}

/** Twice more, and only what waiting may mend. */
function mayPass(failures: number, error: BillingProblem): boolean {
  return failures < 2 && BillingProblem.is(error) && error.retryable
}
