import { UsageRecordList, UsageTimeline } from 'billfold/react'
import type { Metadata } from 'next'
import type { ReactNode } from 'react'
import { Prefetched } from '@/server/prefetched'
import { Limits } from '../../plan-links'

export const metadata: Metadata = { title: 'Usage' }

export default function UsagePage(): ReactNode {
  return (
    <Prefetched of={(queries) => [queries.plans(), queries.usageLimits()]} lists={(queries) => [queries.usage()]}>
      <h1>Usage</h1>
      <Limits />
      <UsageTimeline />
      <UsageRecordList />
    </Prefetched>
  )
}
