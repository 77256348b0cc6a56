import type { Explanation, UsageDashboard, UsageLimits, UsageRecord } from '../../client/client.js'
import type { Days, UsageQuery } from '../../client/queries.js'
import { type Read, type ReadList, type ReadOptions, useRead, useReadList } from './use-read.js'

/** Which records: of a meter, recorded in a span, billed or not, paid by something; default all. */
export interface UsageFilter extends ReadOptions, UsageQuery {}

/** Recorded usage, newest first, page by page. */
export function useUsage({ organizationId, enabled, ...query }: UsageFilter = {}): ReadList<UsageRecord> {
  return useReadList((queries) => queries.usage(query), {
    organizationId,
    ...(enabled === undefined ? {} : { enabled }),
  })
}

/** How usage, or another change of the balance, came about, by its id. */
export function useExplanation(id: string, organizationId?: string): Read<Explanation> {
  return useRead((queries) => queries.explanation(id), { organizationId })
}

/** Sums and a daily series of each meter; this month where no days are given. */
export function useUsageDashboard(days?: Days, organizationId?: string): Read<UsageDashboard> {
  return useRead((queries) => queries.usageDashboard(days), { organizationId })
}

/** What plan and budgets allow, and how much of it is used. */
export function useUsageLimits(organizationId?: string): Read<UsageLimits> {
  return useRead((queries) => queries.usageLimits(), { organizationId })
}
