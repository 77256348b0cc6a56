import { CheckoutResult } from 'billfold/react'
import type { Metadata } from 'next'
import type { ReactNode } from 'react'
import { Prefetched } from '@/server/prefetched'

export const metadata: Metadata = { title: 'Payment' }

interface SuccessPageProps {
  readonly searchParams: Promise<{ readonly checkout?: string | string[] }>
}

/** Stripe leads back here. How it stands is asked there: the address alone proves nothing. */
export default async function SuccessPage({ searchParams }: SuccessPageProps): Promise<ReactNode> {
  const { checkout } = await searchParams
  return (
    <Prefetched of={(queries) => [queries.plans()]}>
      <CheckoutResult backUrl="/playground" {...(typeof checkout === 'string' ? { checkoutId: checkout } : {})} />
    </Prefetched>
  )
}
