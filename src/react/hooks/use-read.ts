import {
  type InfiniteData,
  type UseInfiniteQueryResult,
  type UseQueryResult,
  useInfiniteQuery,
  useQuery,
} from '@tanstack/react-query'
import type { BillingClient, Page } from '../../client/client.js'
import { BillingProblem } from '../../client/problem.js'
import { useClient } from '../billing-context.js'
import { queryKey, type Resource, staleTimes } from './query-keys.js'

/** What every hook that reads takes. */
export interface ReadOptions {
  /** Another account than the provider's. */
  readonly organizationId?: string | undefined
  /** Default true. */
  readonly enabled?: boolean
}

/** A query that fails with a problem. */
export type Read<T> = UseQueryResult<T, BillingProblem>

interface Reading<T> {
  readonly resource: Resource
  readonly of?: readonly unknown[]
  readonly staleTime?: number
  readonly read: (client: BillingClient, signal: AbortSignal) => Promise<T>
  readonly refetchInterval?: (data: T | undefined) => number | false
}

export function useRead<T>(reading: Reading<T>, { organizationId, enabled = true }: ReadOptions): Read<T> {
  const client = useClient(organizationId)
  const { resource, of = [], staleTime = staleTimes.usual, read, refetchInterval } = reading
  return useQuery<T, BillingProblem>({
    queryKey: queryKey(resource, client.accountId, ...of),
    queryFn: ({ signal }) => read(client, signal),
    staleTime,
    enabled,
    retry: mayPass,
    ...(refetchInterval ? { refetchInterval: (query) => refetchInterval(query.state.data) } : {}),
  })
}

/** A list that is read page by page, by the server's cursors. */
export type ReadList<Item> = Omit<UseInfiniteQueryResult<InfiniteData<Page<Item>>, BillingProblem>, 'data'> & {
  /** What was read so far; undefined until the first page has come. */
  readonly items: readonly Item[] | undefined
}

interface ListReading<Item> extends Pick<Reading<unknown>, 'resource' | 'of' | 'staleTime'> {
  readonly read: (client: BillingClient, cursor: string | undefined, signal: AbortSignal) => Promise<Page<Item>>
}

export function useReadList<Item>(
  reading: ListReading<Item>,
  { organizationId, enabled = true }: ReadOptions,
): ReadList<Item> {
  const client = useClient(organizationId)
  const { resource, of = [], staleTime = staleTimes.usual, read } = reading
  const { data, ...result } = useInfiniteQuery<
    Page<Item>,
    BillingProblem,
    InfiniteData<Page<Item>>,
    readonly unknown[],
    string | undefined
  >({
    queryKey: queryKey(resource, client.accountId, 'list', ...of),
    queryFn: ({ pageParam, signal }) => read(client, pageParam, signal),
    initialPageParam: undefined,
    getNextPageParam: ({ next }) => next ?? undefined,
    staleTime,
    enabled,
    retry: mayPass,
  })
  return { ...result, items: data?.pages.flatMap(({ items }) => items) } as ReadList<Item>
}

/** Twice more, and only what waiting may mend. */
function mayPass(failures: number, error: BillingProblem): boolean {
  return failures < 2 && BillingProblem.is(error) && error.retryable
}
