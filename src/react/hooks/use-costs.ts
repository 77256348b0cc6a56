import type { CostSummary } from '../../client/client.js'
import type { Days } from '../../client/queries.js'
import { type Read, useRead } from './use-read.js'
import { useWrite, type Write } from './use-write.js'

/** What usage cost before margin, by provider, model and day; this month where no days are given. */
export function useCosts(days?: Days, organizationId?: string): Read<CostSummary> {
  return useRead((queries) => queries.costs(days), { organizationId })
}

/** Fetches the costs of days as CSV. */
export function useCostExport(organizationId?: string): Write<Days, Blob> {
  return useWrite({ write: (client, days) => client.costs.csv({ ...days }), changes: [] }, organizationId)
}
