import type { CreditBalance, CreditPackage, CreditTransaction } from '../../client/client.js'
import { type Read, type ReadList, type ReadOptions, useRead, useReadList } from './use-read.js'

/** What there is to spend, and which credits it is made of. */
export function useCreditBalance(organizationId?: string): Read<CreditBalance> {
  return useRead((queries) => queries.credits(), { organizationId })
}

/** Every change of the balance, newest first, page by page. */
export function useCreditTransactions({
  pageSize = 20,
  ...options
}: ReadOptions & { readonly pageSize?: number } = {}): ReadList<CreditTransaction> {
  return useReadList((queries) => queries.creditTransactions({ pageSize }), options)
}

/** Packages of credits on sale, the cheapest first. */
export function useCreditPackages(organizationId?: string): Read<readonly CreditPackage[]> {
  return useRead((queries) => queries.creditPackages(), { organizationId })
}
