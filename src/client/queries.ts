import type { BillingClient, Page } from './client.js'

/** What is kept in a cache; each begins a key, then comes the account. */
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
  | 'explanation'
  | 'apiKeys'
  | 'checkout'
  | 'preview'

/** `['billing', resource, account, …]`. An app that signs another person in clears its cache, or names the account. */
export function queryKey(resource: Resource, accountId: string, ...rest: readonly unknown[]): readonly unknown[] {
  return ['billing', resource, accountId, ...rest]
}

/** A read as TanStack Query takes it. */
export interface BillingQuery<T> {
  readonly queryKey: readonly unknown[]
  /** Rejects with a `BillingProblem`. */
  readonly queryFn: (context: { readonly signal: AbortSignal }) => Promise<T>
  /** How long an answer is taken for fresh, in milliseconds. */
  readonly staleTime: number
}

/** A list as TanStack Query takes it, page by page. */
export interface BillingListQuery<Item> {
  readonly queryKey: readonly unknown[]
  /** Rejects with a `BillingProblem`. */
  readonly queryFn: (context: {
    readonly pageParam: string | undefined
    readonly signal: AbortSignal
  }) => Promise<Page<Item>>
  readonly initialPageParam: string | undefined
  /** The cursor of the next page. */
  readonly getNextPageParam: (page: Page<Item>) => string | undefined
  readonly staleTime: number
}

/** Whole UTC days, the second not included. */
export interface Days {
  readonly from: string
  readonly to: string
}

/** Which usage: all that is given must hold. */
export interface UsageQuery {
  readonly billed?: boolean | undefined
  readonly meter?: string | undefined
  /** Recorded then or later. */
  readonly from?: string | undefined
  /** Recorded before. */
  readonly to?: string | undefined
  /** What paid a part of it: `credits`, `allowance`, `meter:stripe`. */
  readonly settledBy?: string | undefined
  readonly pageSize?: number
}

const minuteMs = 60_000
/** Billing changes seldom, and says so when it does; costs grow with every call. */
const usualMs = 5 * minuteMs

/**
 * Everything that the parts of `billfold/react` read, as options of TanStack Query: for a server that reads before the page is drawn, and
 * for an app that reads or writes the cache itself. What is asked with the same options is kept under the same key.
 *
 * @example await queryClient.prefetchQuery(billingQueries(client).credits())
 * @example await queryClient.prefetchInfiniteQuery(billingQueries(client).invoices({ pageSize: 5 }))
 */
export function billingQueries(client: BillingClient) {
  const one = <T>(
    resource: Resource,
    of: readonly unknown[],
    read: (signal: AbortSignal) => Promise<T>,
    staleTime = usualMs,
  ): BillingQuery<T> => ({
    queryKey: queryKey(resource, client.accountId, ...of),
    queryFn: ({ signal }) => read(signal),
    staleTime,
  })
  const list = <Item>(
    resource: Resource,
    of: readonly unknown[],
    read: (cursor: { readonly cursor?: string }, signal: AbortSignal) => Promise<Page<Item>>,
  ): BillingListQuery<Item> => ({
    queryKey: queryKey(resource, client.accountId, 'list', ...of),
    queryFn: ({ pageParam: cursor, signal }) => read(cursor === undefined ? {} : { cursor }, signal),
    initialPageParam: undefined,
    getNextPageParam: ({ next }) => next ?? undefined,
    staleTime: usualMs,
  })
  return {
    /** The account. */
    account: () => one('account', [], client.account),
    /** The publishable key for forms of the payment provider. */
    config: () => one('config', [], client.config),
    /** The subscription that is going on. */
    subscription: () => one('subscription', [], client.subscription.get),
    /** Plans and meters of the catalog. */
    plans: () => one('plans', [], client.plans),
    /** Worked out to the second: the change is made as of the moment that was shown. */
    preview: (plan: string | null) =>
      one('preview', [plan], (signal) => client.subscription.preview(plan === null ? {} : { plan }, signal), 0),
    /** How a checkout stands, asked anew each time. */
    checkout: (id: string | null) => one('checkout', [id], (signal) => client.checkout.verify(id ?? '', signal), 0),
    /** What the account can pay with. */
    paymentMethods: () => one('paymentMethods', [], client.paymentMethods.list),
    /** Invoices, newest first, page by page. */
    invoices: ({ status, pageSize = 20 }: { readonly status?: string | undefined; readonly pageSize?: number } = {}) =>
      list('invoices', [status ?? null, pageSize], (cursor, signal) =>
        client.invoices.list({ limit: pageSize, ...(status === undefined ? {} : { status }), ...cursor }, signal),
      ),
    /** One invoice with its lines. */
    invoice: (id: string) => one('invoices', ['one', id], (signal) => client.invoices.get(id, signal)),
    /** Records of a meter, billed or not; default all. */
    usage: ({ billed, meter, from, to, settledBy, pageSize = 50 }: UsageQuery = {}) =>
      list(
        'usage',
        [billed ?? null, meter ?? null, from ?? null, to ?? null, settledBy ?? null, pageSize],
        (cursor, signal) =>
          client.usage.list(
            {
              limit: pageSize,
              ...(billed === undefined ? {} : { billed }),
              ...(meter === undefined ? {} : { meter }),
              ...(from === undefined ? {} : { from }),
              ...(to === undefined ? {} : { to }),
              ...(settledBy === undefined ? {} : { settled_by: settledBy }),
              ...cursor,
            },
            signal,
          ),
      ),
    /** How usage, or another change of the balance, came about. */
    explanation: (id: string) => one('explanation', [id], (signal) => client.explain(id, signal)),
    /** This month where no days are given. */
    usageDashboard: (days?: Days) =>
      one('usageDashboard', [days?.from ?? null, days?.to ?? null], (signal) =>
        client.usage.dashboard({ ...days }, signal),
      ),
    /** What plan and budgets allow, and how much of it is used. */
    usageLimits: () => one('usageLimits', [], client.usage.limits),
    /** This month where no days are given. */
    costs: (days?: Days) =>
      one(
        'costs',
        [days?.from ?? null, days?.to ?? null],
        (signal) => client.costs.summary({ ...days }, signal),
        minuteMs,
      ),
    /** The balance, with what it is made of. */
    credits: () => one('credits', [], client.credits.balance),
    /** Changes of the balance, newest first, page by page. */
    creditTransactions: ({ pageSize = 20 }: { readonly pageSize?: number } = {}) =>
      list('creditTransactions', [pageSize], (cursor, signal) =>
        client.credits.transactions({ limit: pageSize, ...cursor }, signal),
      ),
    /** Credits on sale. */
    creditPackages: () => one('creditPackages', [], client.credits.packages),
    /** Keys for programs, page by page. */
    apiKeys: () => list('apiKeys', [], (cursor, signal) => client.apiKeys.list(cursor, signal)),
  }
}

/** What `billingQueries` makes. */
export type BillingQueries = ReturnType<typeof billingQueries>
