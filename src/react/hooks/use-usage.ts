import type { UsageDashboard, UsageLimits, UsageRecord } from '../../client/client.js'
import { type Read, type ReadList, type ReadOptions, useRead, useReadList } from './use-read.js'

/** Which records: of a meter, billed or not; default all. */
export interface UsageFilter extends ReadOptions {
  readonly billed?: boolean | undefined
  readonly meter?: string | undefined
  readonly pageSize?: number
}

/** Recorded usage, newest first, page by page. */
export function useUsage({ billed, meter, pageSize = 50, ...options }: UsageFilter = {}): ReadList<UsageRecord> {
  return useReadList(
    {
      resource: 'usage',
      of: [billed ?? null, meter ?? null, pageSize],
      read: (client, cursor, signal) =>
        client.usage.list(
          {
            limit: pageSize,
            ...(billed === undefined ? {} : { billed }),
            ...(meter === undefined ? {} : { meter }),
            ...(cursor === undefined ? {} : { cursor }),
          },
          signal,
        ),
    },
    options,
  )
}

/** Whole UTC days, the second not included. */
export interface Days {
  readonly from: string
  readonly to: string
}

/** Sums and a daily series of each meter; this month where no days are given. */
export function useUsageDashboard(days?: Days, organizationId?: string): Read<UsageDashboard> {
  return useRead(
    {
      resource: 'usageDashboard',
      of: [days?.from ?? null, days?.to ?? null],
      read: (client, signal) => client.usage.dashboard({ ...days }, signal),
    },
    { organizationId },
  )
}

/** What plan and budgets allow, and how much of it is used. */
export function useUsageLimits(organizationId?: string): Read<UsageLimits> {
  return useRead({ resource: 'usageLimits', read: (client, signal) => client.usage.limits(signal) }, { organizationId })
}
