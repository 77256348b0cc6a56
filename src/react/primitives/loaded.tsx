import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { BillingProblem } from '../../client/problem.js'
import { useBilling } from '../billing-context.js'
import { ProblemNotice } from './problem-notice.js'
import { Skeleton } from './skeleton.js'

interface LoadedProps<T> {
  readonly of: Pick<UseQueryResult<T>, 'data' | 'error' | 'isFetching' | 'dataUpdatedAt' | 'refetch'>
  /** What it is shown with is still being read: both come at once, so that nothing moves twice. */
  readonly isEarly?: boolean
  /** As high as what will be there. */
  readonly skeleton?: ReactNode
  readonly children: (data: T) => ReactNode
}

/** What was read, or its outline until it is there, or why it is not. What is old because nothing newer came says so. */
export function Loaded<T>({
  of: query,
  isEarly = false,
  skeleton = <Skeleton />,
  children,
}: LoadedProps<T>): ReactNode {
  const { text, format } = useBilling()
  const { data, error, isFetching, refetch } = query
  const retry = { onRetry: () => void refetch(), isRetrying: isFetching }
  if (data === undefined && error) return <ProblemNotice problem={problemOf(error)} {...retry} />
  if (data === undefined || isEarly) return skeleton
  const asOf = new Date(query.dataUpdatedAt).toISOString()
  return (
    <>
      {error && (
        <p className="billfold-stale" role="status">
          {text('problem.stale', { time: format.dateTime(asOf) })}{' '}
          <button type="button" className="billfold-link" onClick={retry.onRetry}>
            {text('action.retry')}
          </button>
        </p>
      )}
      {children(data)}
    </>
  )
}

/** What a hook failed with is a problem, unless the app's own `fetch` threw something of its own. */
export function problemOf(error: unknown): BillingProblem {
  if (BillingProblem.is(error)) return error
  const detail = error instanceof Error ? error.message : String(error)
  const fields = { code: 'network_error', detail, status: 0, outcome: 'unknown', retryable: true, requestId: null }
  return new BillingProblem({ ...fields, errors: [], remedies: [] }, { cause: error })
}
