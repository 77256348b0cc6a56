import type { UsageDashboard, UsageLimits, UsageRecord } from '../../client/client.js'
import type { Days } from '../../client/queries.js'
import { type Read, type ReadList, type ReadOptions, useRead, useReadList } from './use-read.js'

/** Which records: of a meter, billed or not; default all. */
export interface UsageFilter extends ReadOptions {
  readonly billed?: boolean | undefined
  readonly meter?: string | undefined
  readonly pageSize?: number
}

/** Recorded usage, newest first, page by page. */
export function useUsage({ billed, meter, pageSize = 50, ...options }: UsageFilter = {}): ReadList<UsageRecord> {
  return useReadList((queries) => queries.usage({ billed, meter, pageSize }), options)
}

/** Sums and a daily series of each meter; this month where no days are given. */
export function useUsageDashboard(days?: Days, organizationId?: string): Read<UsageDashboard> {
  return useRead((queries) => queries.usageDashboard(days), { organizationId })
}

/** What plan and budgets allow, and how much of it is used. */
export function useUsageLimits(organizationId?: string): Read<UsageLimits> {
  return useRead((queries) => queries.usageLimits(), { organizationId })
}
