import type { Metadata } from 'next'
import type { ReactNode } from 'react'
import { Prefetched } from '@/server/prefetched'
import { Overview } from '../../plan-links'

export const metadata: Metadata = { title: 'Billing' }

export default function BillingPage(): ReactNode {
  return (
    <Prefetched
      of={(queries) => [
        queries.account(),
        queries.subscription(),
        queries.plans(),
        queries.credits(),
        queries.usageLimits(),
        queries.paymentMethods(),
      ]}
      lists={(queries) => [queries.invoices({ pageSize: 5 })]}
    >
      <Overview />
    </Prefetched>
  )
}
