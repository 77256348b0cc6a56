import type { Metadata } from 'next'
import type { ReactNode } from 'react'
import { Prefetched } from '@/server/prefetched'
import { Overview } from '../../plan-links'

export const metadata: Metadata = { title: 'Billing' }

export default function BillingPage(): ReactNode {
  return (
    <Prefetched
      of={['account', 'subscription', 'plans', 'credits', 'usageLimits', 'paymentMethods']}
      lists={['latestInvoices']}
    >
      <Overview />
    </Prefetched>
  )
}
