'use client'

import { BillingOverview, UsageCard } from 'billfold/react'
import { useRouter } from 'next/navigation'
import type { ReactNode } from 'react'

/** The billing page, whose way to another plan is the page of plans. */
export function Overview(): ReactNode {
  const toPlans = useToPlans()
  return <BillingOverview onChangePlan={toPlans} />
}

/** The limits, with a way to larger ones. */
export function Limits(): ReactNode {
  const toPlans = useToPlans()
  return <UsageCard onUpgrade={toPlans} />
}

function useToPlans(): () => void {
  const router = useRouter()
  return () => router.push('/settings/plans')
}
