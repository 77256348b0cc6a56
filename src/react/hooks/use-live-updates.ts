import { useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import type { CreditBalance } from '../../client/client.js'
import { queryKey, type Resource } from '../../client/queries.js'
import { useClient } from '../billing-context.js'

/** What is read anew when the server tells of a change. */
const changedBy: Readonly<Record<string, readonly Resource[]>> = {
  balance: ['creditTransactions', 'usage', 'usageDashboard', 'usageLimits', 'costs', 'account', 'apiKeys'],
  account: ['account'],
  budget: ['usageLimits', 'apiKeys'],
  checkout: ['checkout', 'credits', 'account', 'subscription'],
  credit: ['credits', 'creditTransactions', 'account'],
  invoice: ['invoices', 'account', 'usage', 'usageDashboard'],
  payment: ['invoices', 'account', 'paymentMethods', 'checkout'],
  payment_method: ['paymentMethods', 'account'],
  plan: ['subscription', 'account', 'usageLimits', 'plans'],
  quota: ['usageLimits', 'usageDashboard', 'subscription', 'account'],
  subscription: ['subscription', 'account', 'usageLimits', 'invoices'],
  usage: ['usage', 'usageDashboard', 'usageLimits', 'costs', 'explanation'],
}

const settleMs = 500

/**
 * Listens to the server's events, shows a new balance at once and reads anew what else they tell of. Of what comes close together each list
 * is read once. Where the server cannot be listened to, what is shown is as fresh as its stale time.
 */
export function useLiveUpdates(organizationId?: string): void {
  const client = useClient(organizationId)
  const queries = useQueryClient()
  useEffect(() => {
    const over = new AbortController()
    const waiting = new Set<Resource | 'everything'>()
    let timer: ReturnType<typeof setTimeout> | undefined
    let isFirstBalance = true
    const readAnew = () => {
      timer = undefined
      const keys = waiting.has('everything')
        ? [['billing']]
        : ([...waiting] as Resource[]).map((resource) => queryKey(resource, client.accountId))
      waiting.clear()
      for (const key of keys) void queries.invalidateQueries({ queryKey: key })
    }
    const listen = async () => {
      for await (const { kind, data } of client.changes(over.signal)) {
        if (kind === 'balance') {
          queries.setQueryData<CreditBalance>(queryKey('credits', client.accountId), (known) =>
            known ? { ...known, ...(data as Partial<CreditBalance>) } : known,
          )
          // The stream begins with the balance as it is: nothing has changed by that.
          if (isFirstBalance) {
            isFirstBalance = false
            continue
          }
          waiting.add('credits')
        }
        for (const resource of changedBy[kind] ?? []) waiting.add(resource)
        if (kind === 'reset') waiting.add('everything')
        if (waiting.size > 0) timer ??= setTimeout(readAnew, settleMs)
      }
    }
    // Refused for good: whoever may not look is told so by what they look at.
    listen().catch(() => {})
    return () => {
      over.abort()
      clearTimeout(timer)
    }
  }, [client, queries])
}

/** `useLiveUpdates` as an element, for where the hook's providers are made. */
export function LiveUpdates(): null {
  useLiveUpdates()
  return null
}
