import type { CreditBalance, CreditPackage, CreditTransaction } from '../../client/client.js'
import { type Read, type ReadList, type ReadOptions, useRead, useReadList } from './use-read.js'

/** What there is to spend, and which credits it is made of. */
export function useCreditBalance(organizationId?: string): Read<CreditBalance> {
  return useRead({ resource: 'credits', read: (client, signal) => client.credits.balance(signal) }, { organizationId })
}

/** Every change of the balance, newest first, page by page. */
export function useCreditTransactions({
  pageSize = 20,
  ...options
}: ReadOptions & { readonly pageSize?: number } = {}): ReadList<CreditTransaction> {
  return useReadList(
    {
      resource: 'creditTransactions',
      of: [pageSize],
      read: (client, cursor, signal) =>
        client.credits.transactions({ limit: pageSize, ...(cursor === undefined ? {} : { cursor }) }, signal),
    },
    options,
  )
}

/** Packages of credits on sale, the cheapest first. */
export function useCreditPackages(organizationId?: string): Read<readonly CreditPackage[]> {
  return useRead(
    { resource: 'creditPackages', read: (client, signal) => client.credits.packages(signal) },
    { organizationId },
  )
}
