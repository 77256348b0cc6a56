import { PricingTable } from 'billfold/react'
import type { Metadata } from 'next'
import type { ReactNode } from 'react'
import { Prefetched } from '@/server/prefetched'

export const metadata: Metadata = { title: 'Plans' }

export default function PlansPage(): ReactNode {
  return (
    <Prefetched of={(queries) => [queries.plans(), queries.subscription()]}>
      <h1>Plans</h1>
      <PricingTable />
    </Prefetched>
  )
}
